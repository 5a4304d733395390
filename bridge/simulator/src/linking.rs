//! Linking: what the server offers, and what the phone does when its owner scans a QR or types a code.

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use rand::RngExt;
use sha2::Sha256;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::crypto::{aes_256_gcm_decrypt, hmac_sha256, x25519_agreement};
use wacore_libsignal::protocol::{KeyPair, PublicKey};
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

use crate::nodes::{SERVER, attr, child, child_bytes, leaf, result, stream_error};
use crate::noise::{public, rng};
use crate::passkey;
use crate::world::{CodeExchange, Device, Linking, Out, World};

const REFS: usize = 6;
const ROUNDS: u32 = 131_072;

/// Refs as WhatsApp makes them: `2@` and 80 characters of base64.
pub(crate) fn refs() -> Vec<String> {
    let one = |_| {
        let mut random = [0_u8; 60];
        rng().fill(&mut random);
        format!("2@{}", STANDARD.encode(random))
    };
    (0..REFS).map(one).collect()
}

/// The offer to link, right after the handshake.
pub(crate) fn pair_device(refs: &[String]) -> Node {
    let refs = refs.iter().map(|r| leaf("ref", r.as_bytes()));
    NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("type", "set")
        .attr("id", "pair-device")
        .attr("xmlns", "md")
        .children([NodeBuilder::new("pair-device").children(refs).build()])
        .build()
}

/// The owner scans a QR: finds whom it belongs to and signs the device.
pub(crate) async fn scan(world: &mut World, qr: &str) -> anyhow::Result<()> {
    let data = qr.rsplit_once('#').map_or(qr, |(_, data)| data);
    let fields: Vec<_> = data.split(',').collect();
    let [reference, noise_key, identity, secret, ..] = fields[..] else {
        bail!("not a linking code: {} fields", fields.len())
    };
    let linking = world.linking.as_ref().context("nobody waits to be linked")?;
    ensure!(linking.refs.iter().any(|r| r == reference), "the ref is not of this connection");
    ensure!(STANDARD.decode(noise_key)? == linking.noise_key, "the noise key is another's");
    ensure!(STANDARD.decode(identity)? == linking.bundle.identity, "the identity is another's");
    let secret = STANDARD.decode(secret)?;
    agreed(world, &secret).await
}

/// The phone has the client's secret: it signs the device, or has the passkey step done first.
async fn agreed(world: &mut World, secret: &[u8]) -> anyhow::Result<()> {
    if world.account.demands_passkey {
        return passkey::demand(world, secret).await;
    }
    pair_success(world, secret).await
}

/// Signs the device's identity and tells the client.
pub(crate) async fn pair_success(world: &mut World, adv_secret: &[u8]) -> anyhow::Result<()> {
    let linking = world.linking.as_mut().context("nobody waits to be linked")?;
    let details = wa::ADVDeviceIdentity {
        raw_id: Some(rng().random()),
        timestamp: Some(1_700_000_000),
        key_index: Some(1),
        account_type: Some(wa::ADVEncryptionType::E2EE),
        device_type: Some(wa::ADVEncryptionType::E2EE),
    }
    .encode_to_vec();
    let phone = world.account.party.identity();
    let signed = [&[6, 0], &details[..], &linking.bundle.identity].concat();
    let identity = wa::ADVSignedDeviceIdentity {
        details: Some(details.clone()),
        account_signature_key: Some(world.account.party.identity_public()),
        account_signature: Some(phone.private_key().calculate_signature(&signed, &mut rng())?.to_vec()),
        device_signature: None,
    }
    .encode_to_vec();
    let sealed = wa::ADVSignedDeviceIdentityHMAC {
        hmac: Some(hmac_sha256(adv_secret, &identity).to_vec()),
        details: Some(identity),
        account_type: None,
    };
    linking.details = Some(details);
    let device = NodeBuilder::new("device")
        .attr("jid", format!("{}:{}@{SERVER}", world.account.pn, world.next_device))
        .attr("lid", format!("{}:{}@lid", world.account.lid, world.next_device))
        .build();
    let success = NodeBuilder::new("pair-success").children([
        leaf("device-identity", sealed.encode_to_vec()),
        device,
        NodeBuilder::new("platform").attr("name", "android").build(),
    ]);
    let iq = NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("type", "set")
        .attr("id", "pair-success")
        .attr("xmlns", "md")
        .attr("t", "1700000000")
        .children([success.build()])
        .build();
    let _ = linking.out.send(Out::Node(Box::new(iq)));
    Ok(())
}

/// The client signed as well: it is a device now, and must log in.
pub(crate) async fn signed(world: &mut World, answer: &Node) -> anyhow::Result<()> {
    let linking = world.linking.take().context("nobody waits to be linked")?;
    let sign = child(answer, "pair-device-sign").context("no signature")?;
    let identity = wa::ADVSignedDeviceIdentity::decode_from_slice(&child_bytes(sign, "device-identity"))?;
    let details = linking.details.context("the phone signed nothing")?;
    let signed = [&[6, 1], &details[..], &linking.bundle.identity, &world.account.party.identity_public()].concat();
    let key = PublicKey::from_djb_public_key_bytes(&linking.bundle.identity)?;
    let signature = identity.device_signature.context("no device signature")?;
    ensure!(key.verify_signature(&signed, &signature), "the device's signature is wrong");
    world.passkey_step = linking.passkey;
    world.device = Some(Device {
        number: world.next_device,
        noise_key: linking.noise_key,
        bundle: linking.bundle,
        prekeys: Default::default(),
    });
    world.next_device += 1;
    // Whoever had a session with an earlier device starts anew.
    world.contacts.values_mut().for_each(|person| person.party.forget_session());
    world.waiting.clear();
    let _ = linking.out.send(Out::Node(Box::new(stream_error(Some(515), None))));
    let _ = linking.out.send(Out::Close);
    Ok(())
}

/// The client asks to be linked by a code.
pub(crate) fn companion_hello(linking: &mut Linking, iq: &Node, registration: &Node) -> Node {
    linking.wrapped = Some(child_bytes(registration, "link_code_pairing_wrapped_companion_ephemeral_pub"));
    let reference = leaf("link_code_pairing_ref", linking.refs.first().cloned().unwrap_or_default().into_bytes());
    let inside = NodeBuilder::new("link_code_companion_reg").attr("stage", "companion_hello").children([reference]);
    result(iq, [inside.build()])
}

fn code_key(code: &str, salt: &[u8]) -> [u8; 32] {
    pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(code.as_bytes(), salt, ROUNDS)
}

/// AES-256-CTR with a 128-bit big-endian counter that starts at `iv`.
fn ctr(key: &[u8; 32], iv: &[u8], data: &mut [u8]) -> anyhow::Result<()> {
    let start = u32::from_be_bytes(iv[12..16].try_into()?);
    let blocks = u32::try_from(data.len().div_ceil(16))?;
    // The library's counter has 32 bits: it must not run over.
    ensure!(start.checked_add(blocks).is_some(), "an unlucky iv");
    let mut cipher = wacore_libsignal::crypto::Aes256Ctr32::from_key(key, &iv[..12], start)?;
    cipher.process(data);
    Ok(())
}

/// The owner types a code on the phone.
pub(crate) async fn enter_code(world: &mut World, code: &str) -> anyhow::Result<()> {
    let identity = world.account.party.identity_public();
    let linking = world.linking.as_mut().context("nobody waits to be linked")?;
    let wrapped = linking.wrapped.clone().context("nobody asked to be linked by a code")?;
    ensure!(wrapped.len() == 80, "a wrapped key of {} bytes", wrapped.len());
    let mut theirs = wrapped[48..].to_vec();
    ctr(&code_key(code, &wrapped[..32]), &wrapped[32..48], &mut theirs)?;
    let ours = KeyPair::generate(&mut rng());
    let (mut salt, mut iv) = ([0_u8; 32], [0_u8; 16]);
    rng().fill(&mut salt);
    rng().fill(&mut iv[..12]);
    let mut sealed = public(&ours);
    ctr(&code_key(code, &salt), &iv, &mut sealed)?;
    let their_key: [u8; 32] = theirs.try_into().map_err(|_| anyhow::anyhow!("not a key"))?;
    let shared = x25519_agreement(ours.private_key.serialize(), &their_key).unwrap_or([0; 32]);
    linking.code = Some(CodeExchange { shared, verdict: None });
    let hello = NodeBuilder::new("link_code_companion_reg").attr("stage", "primary_hello").children([
        leaf("link_code_pairing_wrapped_primary_ephemeral_pub", [&salt[..], &iv, &sealed].concat()),
        leaf("primary_identity_pub", identity),
        leaf("link_code_pairing_ref", linking.refs.first().cloned().unwrap_or_default().into_bytes()),
    ]);
    let notification = NodeBuilder::new("notification")
        .attr("from", SERVER)
        .attr("type", "link_code_companion_reg")
        .attr("id", "code-1")
        .attr("t", "1700000000")
        .children([hello.build()])
        .build();
    let _ = linking.out.send(Out::Node(Box::new(notification)));
    Ok(())
}

/// The client's last message of linking by code: it shows whether the code was right.
pub(crate) async fn companion_finish(world: &mut World, registration: &Node) -> anyhow::Result<()> {
    let phone = world.account.party.identity().clone();
    let identity = world.account.party.identity_public();
    let linking = world.linking.as_mut().context("nobody waits to be linked")?;
    let companion = linking.bundle.identity.clone();
    let exchange = linking.code.as_mut().context("no code was entered")?;
    let sealed = child_bytes(registration, "link_code_pairing_wrapped_key_bundle");
    ensure!(sealed.len() > 44 + 16, "a bundle of {} bytes", sealed.len());
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&sealed[..32]), &exchange.shared)
        .expand(b"link_code_pairing_key_bundle_encryption_key", &mut key)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut opened = Vec::new();
    let nonce: [u8; 12] = sealed[32..44].try_into()?;
    if aes_256_gcm_decrypt(&key, &nonce, b"", &sealed[44..], &mut opened).is_err() {
        exchange.verdict = Some(false);
        return Ok(());
    }
    ensure!(opened.len() == 96 && opened[..32] == companion && opened[32..64] == identity, "a wrong bundle");
    exchange.verdict = Some(true);
    let companion_key: [u8; 32] = companion.try_into().map_err(|_| anyhow::anyhow!("not a key"))?;
    let static_shared =
        x25519_agreement(phone.private_key().serialize(), &companion_key).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let material = [&exchange.shared[..], &static_shared, &opened[64..]].concat();
    let mut secret = [0; 32];
    Hkdf::<Sha256>::new(None, &material).expand(b"adv_secret", &mut secret).map_err(|e| anyhow::anyhow!("{e}"))?;
    agreed(world, &secret).await
}

/// Whether an iq is about linking by code, and its stage.
pub(crate) fn code_stage(iq: &Node) -> Option<(String, &Node)> {
    child(iq, "link_code_companion_reg").map(|node| (attr(node, "stage"), node))
}

/// The keys that a client gives when it wants to be linked.
pub(crate) fn registration_bundle(payload: &wa::ClientPayload) -> Option<crate::signal::Bundle> {
    let data = payload.device_pairing_data.clone().into_option()?;
    Some(crate::signal::Bundle {
        registration: crate::nodes::number(&data.e_regid?),
        identity: data.e_ident?,
        signed: (crate::nodes::number(&data.e_skey_id?), data.e_skey_val?, data.e_skey_sig?),
        one_time: None,
    })
}

/// The kind of device that a client says it is.
pub(crate) fn platform(payload: &wa::ClientPayload) -> Option<i32> {
    let data = payload.device_pairing_data.clone().into_option()?;
    let props = wa::DeviceProps::decode_from_slice(&data.device_props?).ok()?;
    props.platform_type.map(|kind| kind as i32)
}
