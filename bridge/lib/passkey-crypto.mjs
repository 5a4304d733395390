// The arithmetic of the passkey step of linking: what is derived, committed to, sealed and shown.

import crypto from 'node:crypto';

import { bytesToCrockford, Curve, proto } from 'baileys';

const KEY_BYTES = 32;
const CODE_BYTES = 5;

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
const hkdf = (material, salt, info) => Buffer.from(crypto.hkdfSync('sha256', material, salt, info, KEY_BYTES));

/** The key that shows that whoever answers is whom the phone has scanned, or agreed with on a code. */
export const handoffKey = (advSecret) => hkdf(advSecret, Buffer.alloc(0), 'shortcake-passkey-handoff-v1');

export const handoffProof = (key, payload) => crypto.createHmac('sha256', key).update(payload).digest();

/** A key pair and a nonce for one answer, and what says so to the phone: it commits to the nonce, which is told later. */
export function prologue({ deviceType, ref, pair = Curve.generateKeyPair(), nonce = crypto.randomBytes(KEY_BYTES) }) {
  const identity = proto.CompanionEphemeralIdentity.encode({ publicKey: pair.public, deviceType, ref }).finish();
  const payload = proto.ProloguePayload.encode({
    companionEphemeralIdentity: identity,
    commitment: { hash: sha256(identity, nonce) },
  }).finish();
  return { deviceType, ref, pair, nonce, payload };
}

/** The phone's part, or null when it is none. */
export function primaryOf(bytes) {
  try {
    const { publicKey, nonce } = proto.PrimaryEphemeralIdentity.decode(bytes);
    return publicKey?.length === KEY_BYTES && nonce?.length === KEY_BYTES ? { publicKey, nonce } : null;
  } catch {
    return null;
  }
}

/** The key that both sides have now. */
export function pairingKey({ deviceType, ref, pair }, primary) {
  const salt = `Companion Pairing ${deviceType} with ref ${ref}`;
  return hkdf(Curve.sharedKey(pair.private, primary.publicKey), salt, 'Pairing Information Encryption Key');
}

/** The code that both sides show: the same only when nobody stands between them. */
export function confirmationCode({ nonce }, primary) {
  const digest = sha256(nonce, primary.publicKey);
  const code = bytesToCrockford(Buffer.from(primary.nonce.subarray(0, CODE_BYTES).map((byte, at) => byte ^ digest[at])));
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** What makes the link: the client's keys and its secret, for the phone alone. */
export function pairingRequest(key, { noiseKey, signedIdentityKey }, advSecret) {
  const request = proto.PairingRequest.encode({
    companionPublicKey: noiseKey.public,
    companionIdentityKey: signedIdentityKey.public,
    advSecret,
  }).finish();
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
  const encryptedPayload = Buffer.concat([cipher.update(request), cipher.final(), cipher.getAuthTag()]);
  return proto.EncryptedPairingRequest.encode({ encryptedPayload, iv }).finish();
}
