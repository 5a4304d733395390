//! The passkey step of linking: what the server and the phone do for an account that demands it.
//!
//! The server has a WebAuthn challenge answered, and the phone and the client agree on a key of their own, by which the
//! client gives the secret that its identity is signed with. Every value is checked: what is wrong is refused.

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use rand::RngExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::crypto::{aes_256_gcm_decrypt, hmac_sha256, x25519_agreement};
use wacore_libsignal::protocol::KeyPair;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

use crate::nodes::{SERVER, child, child_bytes, error, leaf, result};
use crate::noise::{public, rng};
use crate::world::{Linking, Out, World};

const ORIGIN: &str = "https://web.whatsapp.com";
const RELYING_PARTY: &str = "whatsapp.com";
const ALPHABET: &[u8; 32] = b"123456789ABCDEFGHJKLMNPQRSTVWXYZ";
/// The owner was there, and was recognised.
const PRESENT_AND_VERIFIED: u8 = 0b101;

/// The owner's passkey: an authenticator and what the server knows of it.
pub(crate) struct Passkey {
    id: Vec<u8>,
    pair: KeyPair,
}

/// The step of one connection.
pub(crate) struct Ceremony {
    challenge: Vec<u8>,
    /// The secret that the phone has of the client: from the QR, or agreed on by the code.
    known_secret: Vec<u8>,
    platform: i32,
    reference: String,
    prologue: Option<Prologue>,
    key: Option<[u8; 32]>,
    code: Option<String>,
    /// What was checked, in order.
    checked: Vec<&'static str>,
}

/// What the client committed to, and the phone's answer.
struct Prologue {
    identity: Vec<u8>,
    public: [u8; 32],
    commitment: Vec<u8>,
    pair: KeyPair,
    nonce: [u8; 32],
}

impl Passkey {
    pub(crate) fn generate() -> Self {
        Self { id: random::<16>().to_vec(), pair: KeyPair::generate(&mut rng()) }
    }

    /// Answers a challenge as a browser does on this origin. It signs with a key of Signal's kind.
    pub(crate) fn answer(&self, options: &Value, origin: &str) -> anyhow::Result<Value> {
        let data =
            json!({"type": "webauthn.get", "challenge": options["challenge"], "origin": origin, "crossOrigin": false});
        let data = data.to_string().into_bytes();
        let party = options["rpId"].as_str().context("no rpId")?;
        let authenticator = [&sha256(party.as_bytes())[..], &[PRESENT_AND_VERIFIED], &[0, 0, 0, 1]].concat();
        let signed = [&authenticator[..], &sha256(&data)].concat();
        let signature = self.pair.private_key.calculate_signature(&signed, &mut rng())?;
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        Ok(json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(&authenticator),
                "signature": URL_SAFE_NO_PAD.encode(&signature[..]),
                "userHandle": null,
            },
        }))
    }

    fn check(&self, id: &[u8], assertion: &[u8], challenge: &[u8]) -> anyhow::Result<()> {
        let assertion: Value = serde_json::from_slice(assertion)?;
        let bytes = |value: &Value| anyhow::Ok(URL_SAFE_NO_PAD.decode(value.as_str().context("a field is missing")?)?);
        ensure!(id == self.id && bytes(&assertion["rawId"])? == self.id, "another credential");
        ensure!(assertion["type"] == "public-key" && assertion["id"] == assertion["rawId"], "not a credential");
        let response = &assertion["response"];
        let data = bytes(&response["clientDataJSON"])?;
        let said: Value = serde_json::from_slice(&data)?;
        ensure!(said["type"] == "webauthn.get" && said["origin"] == ORIGIN, "not an answer from {ORIGIN}");
        ensure!(bytes(&said["challenge"])? == challenge, "the answer to another challenge");
        let authenticator = bytes(&response["authenticatorData"])?;
        ensure!(authenticator.len() >= 37 && authenticator[..32] == sha256(RELYING_PARTY.as_bytes()), "another party");
        ensure!(authenticator[32] & PRESENT_AND_VERIFIED == PRESENT_AND_VERIFIED, "the owner was not recognised");
        let signed = [&authenticator[..], &sha256(&data)].concat();
        ensure!(self.pair.public_key.verify_signature(&signed, &bytes(&response["signature"])?), "a wrong signature");
        Ok(())
    }
}

impl Ceremony {
    pub(crate) fn code(&self) -> Option<String> {
        self.code.clone()
    }

    pub(crate) fn checked(&self) -> Vec<&'static str> {
        self.checked.clone()
    }

    /// WebAuthn's options, as WhatsApp gives them.
    fn options(&self) -> Vec<u8> {
        json!({
            "challenge": URL_SAFE_NO_PAD.encode(&self.challenge),
            "timeout": 600_000,
            "rpId": RELYING_PARTY,
            "allowCredentials": [],
            "userVerification": "required",
            "extensions": {"uvm": true},
        })
        .to_string()
        .into_bytes()
    }
}

/// Instead of signing the device's identity: demands the passkey first.
pub(crate) async fn demand(world: &mut World, known_secret: &[u8]) -> anyhow::Result<()> {
    let unreadable = world.faults.unreadable_passkey;
    let linking = world.linking.as_mut().context("nobody waits to be linked")?;
    let ceremony = Ceremony {
        challenge: random::<32>().to_vec(),
        known_secret: known_secret.to_vec(),
        platform: linking.platform,
        reference: crate::linking::refs().swap_remove(0),
        prologue: None,
        key: None,
        code: None,
        checked: Vec::new(),
    };
    let options = if unreadable { b"{".to_vec() } else { ceremony.options() };
    linking.passkey = Some(ceremony);
    notify(linking, "passkey_prologue_request", leaf("passkey_request_options", options)).await;
    Ok(())
}

async fn notify(linking: &Linking, kind: &'static str, inside: Node) {
    let notification = NodeBuilder::new("notification")
        .attr("from", SERVER)
        .attr("type", kind)
        .attr("id", kind)
        .attr("t", "1700000000")
        .children([inside])
        .build();
    let _ = linking.out.send(Out::Node(Box::new(notification)));
}

/// Answers what a client asks or gives in this step. None: the iq is about something else.
pub(crate) async fn answer(world: &mut World, iq: &Node) -> Option<Node> {
    let ceremony = world.linking.as_mut()?.passkey.as_mut()?;
    if child(iq, "passkey_request_options").is_some() {
        // A challenge is answered once: whoever asks gets a new one.
        ceremony.challenge = random::<32>().to_vec();
        return Some(result(iq, [leaf("passkey_request_options", ceremony.options())]));
    }
    if child(iq, "ref").is_some() {
        return Some(result(iq, [leaf("ref", ceremony.reference.as_bytes())]));
    }
    let done = if let Some(prologue) = child(iq, "passkey_prologue") {
        self::prologue(world, prologue).await
    } else if child(iq, "companion_nonce").is_some() {
        nonce(ceremony, &child_bytes(iq, "companion_nonce"))
    } else if child(iq, "encrypted_pairing_request").is_some() {
        pairing(world, &child_bytes(iq, "encrypted_pairing_request")).await
    } else {
        return None;
    };
    Some(match done {
        Ok(()) => result(iq, []),
        Err(reason) => {
            tracing::warn!(%reason, "the passkey step");
            error(iq, 400, "bad-request")
        }
    })
}

async fn prologue(world: &mut World, given: &Node) -> anyhow::Result<()> {
    let linking = world.linking.as_mut().context("nobody waits to be linked")?;
    let ceremony = linking.passkey.as_mut().context("no passkey was asked for")?;
    let assertion = child_bytes(given, "webauthn_assertion");
    world.account.passkey.check(&child_bytes(given, "credential_id"), &assertion, &ceremony.challenge)?;
    ceremony.checked.push("assertion");
    let payload = child_bytes(given, "prologue_payload");
    let prologue = wa::ProloguePayload::decode_from_slice(&payload)?;
    let identity = prologue.companion_ephemeral_identity.context("no identity")?;
    let commitment = prologue.commitment.into_option().and_then(|c| c.hash).context("no commitment")?;
    ensure!(commitment.len() == 32, "a commitment of {} bytes", commitment.len());
    let said = wa::CompanionEphemeralIdentity::decode_from_slice(&identity)?;
    ensure!(said.r#ref.as_deref() == Some(&ceremony.reference), "another ref");
    ensure!(said.device_type.map(|kind| kind as i32) == Some(ceremony.platform), "another type of device");
    let public_key = said.public_key.context("no key")?.try_into().map_err(|_| anyhow::anyhow!("not a key"))?;
    ceremony.checked.push("identity");
    if let Some(proof) = child(given, "pairing_handoff_proof").map(crate::nodes::bytes) {
        let key: [u8; 32] = expand(None, &ceremony.known_secret, b"shortcake-passkey-handoff-v1")?;
        ensure!(hmac_sha256(&key, &payload) == proof[..], "a wrong proof");
        ceremony.checked.push("proof");
    }
    let (pair, nonce) = (KeyPair::generate(&mut rng()), random());
    let answer = wa::PrimaryEphemeralIdentity { public_key: Some(public(&pair)), nonce: Some(nonce.to_vec()) };
    ceremony.prologue = Some(Prologue { identity, public: public_key, commitment, pair, nonce });
    notify(linking, "crsc_continuation", leaf("primary_ephemeral_identity", answer.encode_to_vec())).await;
    Ok(())
}

fn nonce(ceremony: &mut Ceremony, nonce: &[u8]) -> anyhow::Result<()> {
    let prologue = ceremony.prologue.as_ref().context("no prologue")?;
    ensure!(sha256(&[&prologue.identity, nonce].concat()) == prologue.commitment[..], "not what was committed to");
    ceremony.checked.push("nonce");
    let shared = x25519_agreement(prologue.pair.private_key.serialize(), &prologue.public)
        .map_err(|reason| anyhow::anyhow!("{reason:?}"))?;
    ceremony.key = Some(pairing_key(&shared, ceremony.platform, &ceremony.reference)?);
    ceremony.code = Some(confirmation_code(nonce, &public(&prologue.pair), &prologue.nonce));
    Ok(())
}

async fn pairing(world: &mut World, request: &[u8]) -> anyhow::Result<()> {
    let linking = world.linking.as_mut().context("nobody waits to be linked")?;
    let ceremony = linking.passkey.as_mut().context("no passkey was asked for")?;
    let key = ceremony.key.context("no key was agreed on")?;
    let sealed = wa::EncryptedPairingRequest::decode_from_slice(request)?;
    let iv: [u8; 12] = sealed.iv.context("no iv")?[..].try_into()?;
    let mut opened = Vec::new();
    let payload = sealed.encrypted_payload.context("no payload")?;
    if aes_256_gcm_decrypt(&key, &iv, b"", &payload, &mut opened).is_err() {
        bail!("the request can't be opened");
    }
    let request = wa::PairingRequest::decode_from_slice(&opened)?;
    ensure!(request.companion_public_key.as_ref() == Some(&linking.noise_key), "another noise key");
    ensure!(request.companion_identity_key.as_ref() == Some(&linking.bundle.identity), "another identity");
    let secret = request.adv_secret.context("no secret")?;
    ensure!(secret.len() == 32 && secret != ceremony.known_secret, "not a new secret");
    ceremony.checked.push("request");
    crate::linking::pair_success(world, &secret).await
}

/// The key for the client's pairing request.
fn pairing_key(shared: &[u8], platform: i32, reference: &str) -> anyhow::Result<[u8; 32]> {
    let salt = format!("Companion Pairing {platform} with ref {reference}");
    expand(Some(salt.as_bytes()), shared, b"Pairing Information Encryption Key")
}

/// The code that both sides show.
fn confirmation_code(companion_nonce: &[u8], primary: &[u8], primary_nonce: &[u8]) -> String {
    let digest = sha256(&[companion_nonce, primary].concat());
    let bits = digest.iter().zip(primary_nonce).take(5).fold(0_u64, |bits, (a, b)| bits << 8 | u64::from(a ^ b));
    let letter = |n: usize| char::from(ALPHABET[(bits >> (35 - 5 * n) & 31) as usize]);
    let half = |range: std::ops::Range<usize>| range.map(letter).collect::<String>();
    format!("{}-{}", half(0..4), half(4..8))
}

fn expand(salt: Option<&[u8]>, material: &[u8], info: &[u8]) -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(salt, material).expand(info, &mut key).map_err(|reason| anyhow::anyhow!("{reason}"))?;
    Ok(key)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rng().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    fn bytes(hex: &Value) -> Vec<u8> {
        let hex = hex.as_str().unwrap();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// The bridge's tests compute the same from the same file.
    #[test]
    fn keys_and_codes_are_those_of_the_bridge() {
        let vector: Value = serde_json::from_str(include_str!("../../test/passkey-vector.json")).unwrap();
        let of = |name: &str| bytes(&vector[name]);
        let handoff = expand(None, &of("advSecret"), b"shortcake-passkey-handoff-v1").unwrap();
        assert_eq!(hmac_sha256(&handoff, &of("payload"))[..], of("proof"));
        let companion: [u8; 32] = of("companionPrivate").try_into().unwrap();
        let primary: [u8; 32] = of("primaryPublic").try_into().unwrap();
        let shared = x25519_agreement(&companion, &primary).unwrap();
        let key = pairing_key(&shared, 1, vector["ref"].as_str().unwrap()).unwrap();
        assert_eq!(key[..], of("key"));
        assert_eq!(
            confirmation_code(&of("companionNonce"), &primary, &of("primaryNonce")),
            vector["code"].as_str().unwrap()
        );
        assert_eq!(sha256(&[of("identity"), of("companionNonce")].concat())[..], of("commitment"));
        let said = wa::CompanionEphemeralIdentity::decode_from_slice(&of("identity")).unwrap();
        assert_eq!(said.public_key.unwrap(), of("companionPublic"));
        assert_eq!(
            (said.device_type.map(|kind| kind as i32), said.r#ref.as_deref()),
            (Some(1), vector["ref"].as_str())
        );
        let payload = wa::ProloguePayload::decode_from_slice(&of("payload")).unwrap();
        assert_eq!(payload.companion_ephemeral_identity.unwrap(), of("identity"));
        assert_eq!(payload.commitment.into_option().unwrap().hash.unwrap(), of("commitment"));
    }
}
