import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';

import { proto } from 'baileys';

import { Offers } from '../lib/offers.mjs';
import { Passkey } from '../lib/passkey.mjs';
import { confirmationCode, handoffKey, handoffProof, pairingKey, pairingRequest, primaryOf, prologue } from '../lib/passkey-crypto.mjs';
import { assertionOf, faultOf, optionsOf, patienceOf, snippetFor } from '../lib/webauthn.mjs';
import { golden } from './helpers.mjs';

// The simulator's tests compute the same from the same file.
const vector = JSON.parse(fs.readFileSync(new URL('passkey-vector.json', import.meta.url)));
const of = (name) => Buffer.from(vector[name], 'hex');
const base64url = (text) => Buffer.from(text).toString('base64url');

const OPTIONS = golden.find(({ type }) => type === 'passkey').options;

/** An answer as browsers give it. */
function answerTo({ challenge }, changed = {}) {
  const data = JSON.stringify({ type: 'webauthn.get', challenge, origin: 'https://web.whatsapp.com', ...changed });
  const response = { clientDataJSON: base64url(data), authenticatorData: base64url('data'), signature: base64url('sig') };
  return { id: 'Y3JlZA', rawId: 'Y3JlZA', type: 'public-key', clientExtensionResults: {}, response };
}

test('what is derived, committed to and shown is what the phone computes', () => {
  const pair = { private: of('companionPrivate'), public: of('companionPublic') };
  const own = prologue({ deviceType: 1, ref: vector.ref, pair, nonce: of('companionNonce') });
  assert.deepEqual(Buffer.from(own.payload), of('payload'));
  assert.deepEqual(handoffProof(handoffKey(of('advSecret')), own.payload), of('proof'));
  const bytes = proto.PrimaryEphemeralIdentity.encode({ publicKey: of('primaryPublic'), nonce: of('primaryNonce') }).finish();
  const primary = primaryOf(bytes);
  assert.deepEqual(pairingKey(own, primary), of('key'));
  assert.equal(confirmationCode(own, primary), vector.code);
  for (const bad of [undefined, Buffer.from('no'), bytes.subarray(0, 40), Buffer.alloc(0)]) assert.equal(primaryOf(bad), null);
});

test('the pairing request can be opened with the key, and only with it', () => {
  const creds = { noiseKey: { public: of('companionPublic') }, signedIdentityKey: { public: of('primaryPublic') } };
  const { encryptedPayload, iv } = proto.EncryptedPairingRequest.decode(pairingRequest(of('key'), creds, of('advSecret')));
  const open = (key) => {
    const decipher = crypto.createDecipheriv('aes-256-gcm', key, iv).setAuthTag(encryptedPayload.subarray(-16));
    return Buffer.concat([decipher.update(encryptedPayload.subarray(0, -16)), decipher.final()]);
  };
  const { companionPublicKey, companionIdentityKey, advSecret } = proto.PairingRequest.decode(open(of('key')));
  assert.deepEqual([companionPublicKey, companionIdentityKey, advSecret].map(Buffer.from), [of('companionPublic'), of('primaryPublic'), of('advSecret')]);
  assert.throws(() => open(of('proof')));
});

test('options are read, and what is none is not', () => {
  assert.deepEqual(optionsOf(Buffer.from(JSON.stringify(OPTIONS))), OPTIONS);
  for (const bad of ['', '{', 'null', '[]', '{"challenge":7}', '{"challenge":"a b"}']) assert.equal(optionsOf(Buffer.from(bad)), null, bad);
  assert.equal(optionsOf(undefined), null);
  assert.deepEqual([{ timeout: 600_000 }, { timeout: 1 }, { timeout: 1e9 }, {}].map(patienceOf), [600_000, 60_000, 600_000, 300_000]);
});

test('an answer that can be seen to be wrong is told in words', () => {
  assert.equal(faultOf(answerTo(OPTIONS), OPTIONS), undefined);
  const wrong = [
    [null, /JSON object/], ['{}', /JSON object/], [[], /JSON object/], [{}, /credential/],
    [answerTo({ challenge: 'b3RoZXI' }), /another challenge/],
    [answerTo(OPTIONS, { origin: 'https://evil.example' }), /web\.whatsapp\.com/],
    [answerTo(OPTIONS, { type: 'webauthn.create' }), /challenge/],
    [{ ...answerTo(OPTIONS), response: { ...answerTo(OPTIONS).response, clientDataJSON: 'e30x' } }, /damaged/],
    [{ ...answerTo(OPTIONS), response: { ...answerTo(OPTIONS).response, signature: '' } }, /signature/],
  ];
  for (const [answer, words] of wrong) assert.match(faultOf(answer, OPTIONS), words);
  assert.match(faultOf(answerTo(OPTIONS), { ...OPTIONS, allowCredentials: [{ id: 'b3RoZXI' }] }), /isn't this account's/);
  assert.equal(faultOf(answerTo(OPTIONS), { ...OPTIONS, allowCredentials: [{ id: 'Y3JlZA==' }] }), undefined);
});

test('WhatsApp gets the credential id as bytes, and the answer without what browsers add', () => {
  const { credentialId, assertion } = assertionOf(answerTo(OPTIONS));
  assert.equal(credentialId.toString(), 'cred');
  const { id, rawId, type, response } = answerTo(OPTIONS);
  assert.deepEqual(JSON.parse(assertion), { id, rawId, type, response: { ...response, userHandle: null } });
});

test('the snippet asks the browser when its button is clicked, and shows the answer', async () => {
  const snippet = snippetFor({ ...OPTIONS, extensions: { note: '\'"`${x}\n</script>' } });
  const button = { style: {}, remove() {} };
  const shown = [];
  const told = { asked: null };
  vm.runInNewContext(snippet, {
    document: { createElement: () => button, body: { append: (made) => shown.push(made) } },
    PublicKeyCredential: { parseRequestOptionsFromJSON: (options) => options },
    navigator: { credentials: { get: async ({ publicKey }) => ((told.asked = publicKey), { toJSON: () => answerTo(publicKey) }) } },
    console: { log() {} },
    prompt: (words, answer) => (told.answer = answer),
    alert: assert.fail,
  });
  assert.deepEqual(shown, [button]);
  assert.equal(told.asked, null);
  await button.onclick();
  assert.equal(told.asked.extensions.note, '\'"`${x}\n</script>');
  assert.equal(faultOf(JSON.parse(told.answer), OPTIONS), undefined);
  assert.ok(!snippet.includes('\n'));
});

/** A passkey step with a server that answers as told. */
function step(answers = {}) {
  const told = [];
  const sent = [];
  const failed = [];
  const socket = {
    sendNode: async (node) => sent.push(node),
    query: async ({ content: [inside] }) => {
      sent.push(inside);
      const answer = answers[inside.tag];
      if (answer instanceof Error) throw answer;
      return { tag: 'iq', attrs: {}, content: answer ?? [] };
    },
  };
  const creds = {
    advSecretKey: of('advSecret').toString('base64'),
    noiseKey: { public: of('companionPublic') },
    signedIdentityKey: { public: of('companionPublic') },
  };
  const passkey = new Passkey({ emit: (event) => told.push(event), socket, creds, deviceType: 1, failed: (reason) => failed.push(reason) });
  return { passkey, told, sent, failed, creds };
}

const demand = (text = JSON.stringify(OPTIONS)) => ({
  attrs: { id: '7', from: 's.whatsapp.net', type: 'passkey_prologue_request' },
  content: [{ tag: 'passkey_request_options', content: Buffer.from(text) }],
});
const REF = [{ tag: 'ref', content: Buffer.from(vector.ref) }];
const continuation = () => {
  const content = proto.PrimaryEphemeralIdentity.encode({ publicKey: of('primaryPublic'), nonce: of('primaryNonce') }).finish();
  return { attrs: { id: '8', from: 's.whatsapp.net', type: 'crsc_continuation' }, content: [{ tag: 'primary_ephemeral_identity', content }] };
};
/** Until everything that is under way is done: nothing here waits for anything outside. */
const done = () => new Promise((resolve) => setImmediate(resolve));

test('a demand is told at once, acknowledged, and a new secret is made', (t) => {
  const { passkey, told, sent, creds } = step();
  t.after(() => passkey.end());
  passkey.requested(demand());
  assert.deepEqual(told, [golden.find(({ type }) => type === 'passkey')]);
  assert.deepEqual(sent, [{ tag: 'ack', attrs: { id: '7', to: 's.whatsapp.net', class: 'notification', type: 'passkey_prologue_request' } }]);
  assert.notEqual(creds.advSecretKey, of('advSecret').toString('base64'));
  assert.equal(Buffer.from(creds.advSecretKey, 'base64').length, 32);
});

test('with the proof the code is only shown; later the owner has to compare it', async (t) => {
  for (const lateBy of [0, 5 * 60_000]) {
    const { passkey, told, sent, creds, failed } = step({ ref: REF });
    t.after(() => passkey.end());
    passkey.requested(demand());
    const now = performance.now() + lateBy;
    t.mock.method(performance, 'now', () => now);
    passkey.respond(answerTo(OPTIONS));
    passkey.continued(continuation());
    await done();
    t.mock.restoreAll();
    const given = sent.find(({ tag }) => tag === 'passkey_prologue').content.map(({ tag }) => tag);
    assert.equal(given.includes('pairing_handoff_proof'), !lateBy);
    const { code, confirm } = told.find(({ type }) => type === 'passkey_code');
    assert.match(code, /^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$/);
    assert.equal(confirm, Boolean(lateBy));
    assert.equal(sent.some(({ tag }) => tag === 'encrypted_pairing_request'), !lateBy);
    if (lateBy) passkey.confirm(true);
    await done();
    assert.ok(sent.some(({ tag }) => tag === 'encrypted_pairing_request'));
    assert.deepEqual(failed, []);
    assert.ok(!told.some((event) => JSON.stringify(event).includes(creds.advSecretKey)));
  }
});

test('codes that differ end the attempt, and nothing is given', async (t) => {
  const { passkey, told, sent, failed } = step({ ref: REF });
  passkey.requested(demand());
  const now = performance.now() + 5 * 60_000;
  t.mock.method(performance, 'now', () => now);
  passkey.respond(answerTo(OPTIONS));
  passkey.continued(continuation());
  passkey.confirm(false);
  await done();
  assert.match(told.at(-1).error, /codes differ.*Link anew/);
  assert.equal(failed.length, 1);
  assert.ok(!sent.some(({ tag }) => tag === 'encrypted_pairing_request'));
});

test('what the server refuses is told in words, and what nobody answers ends', async (t) => {
  const refused = Object.assign(new Error('bad'), { data: 400 });
  const { passkey, told, failed } = step({ ref: REF, passkey_prologue: refused });
  passkey.requested(demand());
  passkey.respond(answerTo(OPTIONS));
  await done();
  assert.match(told.at(-1).error, /refused: WhatsApp finds it malformed/);
  passkey.continued({ attrs: {}, content: [] });
  await done();
  assert.deepEqual(failed, []);
  passkey.end();

  t.mock.timers.enable({ apis: ['setTimeout'] });
  const late = step();
  late.passkey.requested(demand());
  t.mock.timers.tick(600_000);
  assert.match(late.told.at(-1).error, /not answered in time/);
  assert.equal(late.failed.length, 1);
});

test('QRs follow one another until none is left, or it is stopped', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told = [];
  const offers = new Offers((qr, ms) => told.push([qr, ms]), () => told.push('over'));
  const refs = ['2@a', '2@b', '2@c'].map((ref) => ({ tag: 'ref', content: Buffer.from(ref) }));
  offers.offered({ content: [{ tag: 'pair-device', content: refs }] });
  assert.equal(offers.start('x#2@a,key'), 100_000);
  t.mock.timers.tick(60_000);
  t.mock.timers.tick(20_000);
  assert.deepEqual(told, [['x#2@a,key', 60_000], ['x#2@b,key', 20_000], ['x#2@c,key', 20_000]]);
  t.mock.timers.tick(20_000);
  assert.equal(told.at(-1), 'over');
  offers.start('x#2@a,key');
  offers.stop();
  t.mock.timers.tick(600_000);
  assert.deepEqual(told.slice(4), [['x#2@a,key', 60_000]]);
});
