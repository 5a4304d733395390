//! A person's end of the encryption in groups: for each group a sender key of his own, and the client's.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use async_trait::async_trait;
use wacore_libsignal::protocol::{
    SenderKeyDistributionMessage, SenderKeyName, SenderKeyRecord, SenderKeyStore, SignalProtocolError,
    create_sender_key_distribution_message, group_decrypt, group_encrypt, process_sender_key_distribution_message,
};
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use crate::noise::rng;
use crate::signal::{padded, unpadded};

type Result<T> = std::result::Result<T, SignalProtocolError>;

/// A person's sender keys.
#[derive(Default)]
pub(crate) struct SenderKeys {
    records: Records,
    /// The groups for which the client has this person's key.
    given: HashSet<String>,
}

#[derive(Default)]
struct Records(HashMap<SenderKeyName, SenderKeyRecord>);

/// Senders are only names in this store.
fn own(group: &str) -> SenderKeyName {
    SenderKeyName::from_parts(group, "own")
}

fn client(group: &str) -> SenderKeyName {
    SenderKeyName::from_parts(group, "client")
}

impl SenderKeys {
    /// The message that gives the client this person's key for a group. None: it has been given.
    pub(crate) async fn first_distribution(&mut self, group: &str) -> anyhow::Result<Option<wa::Message>> {
        if !self.given.insert(group.to_owned()) {
            return Ok(None);
        }
        self.distribution(group, wa::Message::default()).await.map(Some)
    }

    /// The client is taken for one that has this person's key.
    pub(crate) fn withhold(&mut self, group: &str) {
        self.given.insert(group.to_owned());
    }

    /// This message, and with it this person's key for a group.
    pub(crate) async fn distribution(&mut self, group: &str, message: wa::Message) -> anyhow::Result<wa::Message> {
        let key = create_sender_key_distribution_message(&own(group), &mut self.records, &mut rng()).await?;
        let inside = wa::message::SenderKeyDistributionMessage {
            group_id: Some(group.to_owned()),
            axolotl_sender_key_distribution_message: Some(key.serialized().to_vec()),
        };
        Ok(wa::Message { sender_key_distribution_message: MessageField::some(inside), ..message })
    }

    /// Encrypts for everybody in the group.
    pub(crate) async fn encrypt(&mut self, group: &str, message: &wa::Message) -> anyhow::Result<Vec<u8>> {
        // Makes the key when there is none yet.
        create_sender_key_distribution_message(&own(group), &mut self.records, &mut rng()).await?;
        let sealed = group_encrypt(&mut self.records, &own(group), &padded(message), &mut rng()).await?;
        Ok(sealed.serialized().to_vec())
    }

    /// Takes the client's key for this group from a message.
    ///
    /// # Errors
    /// When there is none for this group in it.
    pub(crate) async fn take(&mut self, group: &str, message: &wa::Message) -> anyhow::Result<()> {
        let inside = message.sender_key_distribution_message.clone().into_option().context("there is no sender key")?;
        anyhow::ensure!(inside.group_id.as_deref() == Some(group), "a sender key for another group");
        let bytes = inside.axolotl_sender_key_distribution_message.context("an empty sender key")?;
        let key = SenderKeyDistributionMessage::try_from(&bytes[..])?;
        process_sender_key_distribution_message(&client(group), &key, &mut self.records).await?;
        Ok(())
    }

    /// Decrypts what the client wrote to everybody in the group.
    pub(crate) async fn decrypt(&mut self, group: &str, bytes: &[u8]) -> anyhow::Result<wa::Message> {
        unpadded(&group_decrypt(bytes, &mut self.records, &client(group)).await?)
    }
}

#[async_trait]
impl SenderKeyStore for Records {
    async fn store_sender_key(&mut self, name: &SenderKeyName, record: SenderKeyRecord) -> Result<()> {
        self.0.insert(name.clone(), record);
        Ok(())
    }

    async fn load_sender_key(&self, name: &SenderKeyName) -> Result<Option<SenderKeyRecord>> {
        Ok(self.0.get(name).cloned())
    }
}
