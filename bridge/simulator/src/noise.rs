//! The Noise handshake as the server plays it, and the boxes that follow.

use anyhow::{Context, ensure};
use rand::rngs::SysRng;
use rand::{SeedableRng, rngs::StdRng};
use wacore_libsignal::protocol::KeyPair;
use wacore_noise::{NoiseCipher, NoiseHandshake};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp::{self as wa, cert_chain::NoiseCertificate, cert_chain::noise_certificate};

const PATTERN: &str = "Noise_XX_25519_AESGCM_SHA256\0\0\0\0";

/// A source of randomness for keys.
pub(crate) fn rng() -> StdRng {
    StdRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| StdRng::seed_from_u64(0))
}

/// The 32 bytes of a public key.
pub(crate) fn public(pair: &KeyPair) -> Vec<u8> {
    pair.public_key.public_key_bytes().to_vec()
}

/// The server's keys: a root that clients are told to trust, and the static key that it vouches for.
pub(crate) struct ServerKeys {
    pub(crate) root: KeyPair,
    static_key: KeyPair,
    chain: Vec<u8>,
}

impl ServerKeys {
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let (root, intermediate, static_key) =
            (KeyPair::generate(&mut rng()), KeyPair::generate(&mut rng()), KeyPair::generate(&mut rng()));
        let certificate = |serial, issuer, key: &KeyPair, signer: &KeyPair| -> anyhow::Result<NoiseCertificate> {
            let details = noise_certificate::Details {
                serial: Some(serial),
                issuer_serial: Some(issuer),
                key: Some(public(key)),
                not_before: Some(1_600_000_000),
                not_after: Some(4_000_000_000),
            }
            .encode_to_vec();
            let signature = signer.calculate_signature(&details, &mut rng())?.to_vec();
            Ok(NoiseCertificate { details: Some(details), signature: Some(signature) })
        };
        let chain = wa::CertChain {
            intermediate: MessageField::some(certificate(1, 0, &intermediate, &root)?),
            leaf: MessageField::some(certificate(2, 1, &static_key, &intermediate)?),
        };
        Ok(Self { root, static_key, chain: chain.encode_to_vec() })
    }
}

/// What a client says of itself in the handshake.
pub(crate) struct Client {
    /// Its static key.
    pub(crate) noise_key: Vec<u8>,
    /// Registration or login.
    pub(crate) payload: wa::ClientPayload,
}

/// The handshake after the first answer, waiting for the client's last message.
pub(crate) struct Handshake {
    noise: NoiseHandshake,
    ephemeral: KeyPair,
}

impl Handshake {
    /// Answers the client's hello. `header` are the four bytes before all frames.
    pub(crate) fn answer(keys: &ServerKeys, header: &[u8], hello: &[u8]) -> anyhow::Result<(Self, Vec<u8>)> {
        let message = waproto::codec::handshake_message_decode(hello)?;
        let hello = message.client_hello.into_option().context("no client hello")?;
        let theirs = hello.ephemeral.context("no ephemeral key")?;
        ensure!(theirs.len() == 32, "an ephemeral key of {} bytes", theirs.len());
        let mut noise = NoiseHandshake::new(PATTERN, header)?;
        noise.authenticate(&theirs);
        let ephemeral = KeyPair::generate(&mut rng());
        noise.authenticate(&public(&ephemeral));
        noise.mix_shared_secret(ephemeral.private_key.serialize(), &theirs)?;
        let static_box = noise.encrypt(&public(&keys.static_key))?;
        noise.mix_shared_secret(keys.static_key.private_key.serialize(), &theirs)?;
        let payload = noise.encrypt(&keys.chain)?;
        let answer = wa::HandshakeMessage {
            server_hello: MessageField::some(wa::handshake_message::ServerHello {
                ephemeral: Some(public(&ephemeral)),
                r#static: Some(static_box),
                payload: Some(payload),
                ..Default::default()
            }),
            ..Default::default()
        };
        Ok((Self { noise, ephemeral }, waproto::codec::handshake_message_to_vec(&answer)))
    }

    /// Takes the client's last message.
    pub(crate) fn finish(mut self, finish: &[u8]) -> anyhow::Result<(Client, Boxes)> {
        let message = waproto::codec::handshake_message_decode(finish)?;
        let finish = message.client_finish.into_option().context("no client finish")?;
        let noise_key = self.noise.decrypt(&finish.r#static.context("no static key")?)?;
        self.noise.mix_shared_secret(self.ephemeral.private_key.serialize(), &noise_key)?;
        let payload = self.noise.decrypt(&finish.payload.context("no payload")?)?;
        let payload = wa::ClientPayload::decode_from_slice(&payload)?;
        // The library names the keys as the client sees them.
        let (read, write) = self.noise.finish()?;
        Ok((Client { noise_key, payload }, Boxes { read, write }))
    }
}

/// The two directions after the handshake.
pub(crate) struct Boxes {
    /// Opens what the client writes.
    pub(crate) read: NoiseCipher,
    /// Closes what the server writes.
    pub(crate) write: NoiseCipher,
}
