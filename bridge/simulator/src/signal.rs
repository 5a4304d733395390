//! A person's end of end-to-end encryption: an identity, keys for others, and one session with the client.

use std::collections::HashMap;

use anyhow::{Context, bail};
use async_trait::async_trait;
use rand::RngExt;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::{
    CiphertextMessage, DeviceId, Direction, GenericSignedPreKey, IdentityChange, IdentityKey, IdentityKeyPair,
    IdentityKeyStore, KeyPair, PreKeyBundle, PreKeyId, PreKeyRecord, PreKeySignalMessage, PreKeyStore, ProtocolAddress,
    PublicKey, SessionRecord, SessionStore, SignalMessage, SignalProtocolError, SignedPreKeyId, SignedPreKeyRecord,
    SignedPreKeyStore, Timestamp, UsePQRatchet, message_decrypt, message_encrypt, process_prekey_bundle,
};
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

use crate::noise::{public, rng};

type Result<T> = std::result::Result<T, SignalProtocolError>;

/// The one session that there is: with the client. Its address is only a name in this store.
fn client() -> ProtocolAddress {
    ProtocolAddress::new("client", DeviceId::from(1))
}

fn registration() -> u32 {
    rng().random_range(1..16_380)
}

/// A person's keys and session.
pub(crate) struct Party {
    identity: Identity,
    session: Session,
    signed: Signed,
    prekeys: PreKeys,
    next_prekey: u32,
    registration: u32,
}

struct Identity {
    pair: IdentityKeyPair,
    registration: u32,
    known: Option<IdentityKey>,
}

#[derive(Default)]
struct Session(Option<SessionRecord>);

struct Signed {
    record: SignedPreKeyRecord,
    pair: KeyPair,
    signature: Vec<u8>,
}

#[derive(Default)]
struct PreKeys(HashMap<PreKeyId, PreKeyRecord>);

/// The client's keys as it uploaded them: what a contact needs to write first.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    pub(crate) registration: u32,
    pub(crate) identity: Vec<u8>,
    pub(crate) signed: (u32, Vec<u8>, Vec<u8>),
    pub(crate) one_time: Option<(u32, Vec<u8>)>,
}

const SIGNED_ID: u32 = 1;

impl Party {
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let pair = IdentityKeyPair::generate(&mut rng());
        let registration = registration();
        let key = KeyPair::generate(&mut rng());
        let signature = pair.private_key().calculate_signature(&key.public_key.serialize(), &mut rng())?.to_vec();
        let record =
            SignedPreKeyRecord::new(SignedPreKeyId::from(SIGNED_ID), Timestamp::from_epoch_millis(1), &key, &signature);
        Ok(Self {
            identity: Identity { pair, registration, known: None },
            session: Session::default(),
            signed: Signed { record, pair: key, signature },
            prekeys: PreKeys::default(),
            next_prekey: 1,
            registration,
        })
    }

    /// The identity's key pair.
    pub(crate) fn identity(&self) -> &IdentityKeyPair {
        &self.identity.pair
    }

    /// The 32 bytes of the identity's public key.
    pub(crate) fn identity_public(&self) -> Vec<u8> {
        self.identity.pair.public_key().public_key_bytes().to_vec()
    }

    /// The node by which the client can write first; it takes a fresh one-time key.
    pub(crate) fn bundle_node(&mut self, jid: &str) -> Node {
        let key = KeyPair::generate(&mut rng());
        let id = self.next_prekey;
        self.next_prekey += 1;
        self.prekeys.0.insert(PreKeyId::from(id), PreKeyRecord::new(PreKeyId::from(id), &key));
        let node = |tag, bytes: Vec<u8>| NodeBuilder::new(tag).bytes(bytes).build();
        let number = |n: u32| n.to_be_bytes()[1..].to_vec();
        let signed = [
            node("id", number(SIGNED_ID)),
            node("value", public(&self.signed.pair)),
            node("signature", self.signed.signature.clone()),
        ];
        let one_time = [node("id", number(id)), node("value", public(&key))];
        NodeBuilder::new("user")
            .attr("jid", jid)
            .children([
                node("registration", self.registration.to_be_bytes().to_vec()),
                node("type", vec![5]),
                node("identity", self.identity_public()),
                NodeBuilder::new("skey").children(signed).build(),
                NodeBuilder::new("key").children(one_time).build(),
            ])
            .build()
    }

    /// There is a session with the client.
    pub(crate) fn has_session(&self) -> bool {
        self.session.0.is_some()
    }

    /// Forgets the session, as a phone that was set up anew: the next message starts a new one.
    pub(crate) fn forget_session(&mut self) {
        self.session.0 = None;
        self.registration = registration();
        self.identity.registration = self.registration;
    }

    /// The number of this installation.
    pub(crate) fn registration(&self) -> u32 {
        self.registration
    }

    /// Starts a session with the client's keys.
    pub(crate) async fn start_session(&mut self, bundle: &Bundle) -> anyhow::Result<()> {
        let key = |bytes: &[u8]| PublicKey::from_djb_public_key_bytes(bytes);
        let one_time = match &bundle.one_time {
            Some((id, value)) => Some((PreKeyId::from(*id), key(value)?)),
            None => None,
        };
        let bundle = PreKeyBundle::new(
            bundle.registration,
            DeviceId::from(1),
            one_time,
            SignedPreKeyId::from(bundle.signed.0),
            key(&bundle.signed.1)?,
            bundle.signed.2.clone(),
            IdentityKey::new(key(&bundle.identity)?),
        )?;
        process_prekey_bundle(&client(), &mut self.session, &mut self.identity, &bundle, &mut rng(), UsePQRatchet::No)
            .await?;
        Ok(())
    }

    /// Encrypts for the client. Returns the type (`pkmsg` or `msg`) and the bytes.
    pub(crate) async fn encrypt(&mut self, message: &wa::Message) -> anyhow::Result<(&'static str, Vec<u8>)> {
        let sealed = message_encrypt(&padded(message), &client(), &mut self.session, &mut self.identity).await?;
        Ok(match sealed {
            CiphertextMessage::PreKeySignalMessage(m) => ("pkmsg", m.serialized().to_vec()),
            CiphertextMessage::SignalMessage(m) => ("msg", m.serialized().to_vec()),
            CiphertextMessage::SenderKeyMessage(_) | CiphertextMessage::PlaintextContent(_) => {
                bail!("an unexpected kind of ciphertext")
            }
        })
    }

    /// Decrypts what the client wrote.
    pub(crate) async fn decrypt(&mut self, kind: &str, bytes: &[u8]) -> anyhow::Result<wa::Message> {
        let sealed = match kind {
            "pkmsg" => CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(bytes)?),
            "msg" => CiphertextMessage::SignalMessage(SignalMessage::try_from(bytes)?),
            other => bail!("an unexpected kind of ciphertext: {other}"),
        };
        let opened = message_decrypt(
            &sealed,
            &client(),
            &mut self.session,
            &mut self.identity,
            &mut self.prekeys,
            &self.signed,
            &mut rng(),
            UsePQRatchet::No,
        )
        .await?;
        if let Some(id) = opened.consumed_prekey_id {
            self.prekeys.0.remove(&id);
        }
        unpadded(&opened.plaintext)
    }
}

/// A message as it is encrypted: with one to sixteen bytes more, each of them their number.
pub(crate) fn padded(message: &wa::Message) -> Vec<u8> {
    let mut plain = message.encode_to_vec();
    let padding: u8 = rng().random_range(1..=16);
    plain.extend(std::iter::repeat_n(padding, usize::from(padding)));
    plain
}

/// The message in a plaintext.
pub(crate) fn unpadded(plain: &[u8]) -> anyhow::Result<wa::Message> {
    let padding = usize::from(*plain.last().context("an empty plaintext")?);
    let length = plain.len().checked_sub(padding).context("wrong padding")?;
    Ok(wa::Message::decode_from_slice(&plain[..length])?)
}

#[async_trait]
impl IdentityKeyStore for Identity {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        Ok(self.pair.clone())
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        Ok(self.registration)
    }

    async fn save_identity(&mut self, _: &ProtocolAddress, identity: &IdentityKey) -> Result<IdentityChange> {
        self.known = Some(*identity);
        Ok(IdentityChange::NewOrUnchanged)
    }

    async fn is_trusted_identity(&self, _: &ProtocolAddress, _: &IdentityKey, _: Direction) -> Result<bool> {
        Ok(true)
    }

    async fn get_identity(&self, _: &ProtocolAddress) -> Result<Option<IdentityKey>> {
        Ok(self.known)
    }
}

#[async_trait]
impl SessionStore for Session {
    async fn load_session(&self, _: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        Ok(self.0.clone())
    }

    async fn has_session(&self, _: &ProtocolAddress) -> Result<bool> {
        Ok(self.0.is_some())
    }

    async fn store_session(&mut self, _: &ProtocolAddress, record: SessionRecord) -> Result<()> {
        self.0 = Some(record);
        Ok(())
    }
}

#[async_trait]
impl PreKeyStore for PreKeys {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        self.0.get(&id).cloned().ok_or(SignalProtocolError::InvalidPreKeyId)
    }

    async fn save_pre_key(&mut self, id: PreKeyId, record: &PreKeyRecord) -> Result<()> {
        self.0.insert(id, record.clone());
        Ok(())
    }

    async fn remove_pre_key(&mut self, id: PreKeyId) -> Result<()> {
        self.0.remove(&id);
        Ok(())
    }
}

#[async_trait]
impl SignedPreKeyStore for Signed {
    async fn get_signed_pre_key(&self, _: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        Ok(self.record.clone())
    }

    async fn save_signed_pre_key(&mut self, _: SignedPreKeyId, record: &SignedPreKeyRecord) -> Result<()> {
        self.record = record.clone();
        Ok(())
    }
}
