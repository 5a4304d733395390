//! Somebody to write with, for tests.

use std::sync::Arc;

use waproto::whatsapp as wa;

use crate::messages::Addressing;
use crate::sender_keys::SenderKeys;
use crate::world::{Receipts, Received, Shared, World};
use crate::{contents, messages};

/// Somebody to write with.
#[derive(Clone)]
pub struct Contact {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pn: String,
}

impl Contact {
    /// The contact's number, E.164.
    pub fn number(&self) -> String {
        format!("+{}", self.pn)
    }

    /// Writes a text to the account. Returns its id; the client gets it when it is there.
    ///
    /// # Errors
    /// When no device is linked.
    pub async fn send_text(&self, text: &str) -> anyhow::Result<String> {
        self.send(contents::text(text), Addressing::Number).await
    }

    /// Writes anything to the account.
    ///
    /// # Errors
    /// When no device is linked.
    pub async fn send(&self, message: wa::Message, addressing: Addressing) -> anyhow::Result<String> {
        let id = messages::new_id();
        let mut world = self.shared.lock().await;
        messages::from_contact(&mut world, &self.pn, &id, &message, addressing).await?;
        drop(world);
        self.shared.changed();
        Ok(id)
    }

    /// What this contact's phone shows, in the order in which it came.
    pub async fn received(&self) -> Vec<Received> {
        self.shared.lock().await.contacts.get(&self.pn).map(|p| p.received.clone()).unwrap_or_default()
    }

    /// Waits until this contact's phone shows so many messages.
    pub async fn wait_received(&self, count: usize) -> Vec<Received> {
        let enough =
            |world: &mut World| world.contacts.get(&self.pn).map(|p| &p.received).filter(|r| r.len() >= count).cloned();
        self.shared.wait(enough).await
    }

    /// What this contact does with messages that reach it; from the start: delivered.
    pub async fn set_receipts(&self, receipts: Receipts) {
        if let Some(person) = self.shared.lock().await.contacts.get_mut(&self.pn) {
            person.receipts = receipts;
        }
    }

    /// Loses all sessions, as a phone that was restored: it can't read the client's next message and asks for it again.
    pub async fn forget_session(&self) {
        if let Some(person) = self.shared.lock().await.contacts.get_mut(&self.pn) {
            person.party.forget_session();
            person.sender_keys = SenderKeys::default();
        }
    }

    /// Loses the session and asks for a message of the client again.
    pub async fn ask_again(&self, id: &str) {
        let mut world = self.shared.lock().await;
        if let Some(person) = world.contacts.get_mut(&self.pn) {
            person.party.forget_session();
        }
        messages::ask_again(&mut world, &self.pn, "", id);
        drop(world);
        self.shared.changed();
    }

    /// Waits until a message came to this contact so often.
    pub async fn wait_copies(&self, id: &str, copies: usize) {
        let enough = |world: &mut World| {
            let received = &world.contacts.get(&self.pn)?.received;
            received.iter().any(|r| r.id == id && r.copies >= copies).then_some(())
        };
        self.shared.wait(enough).await;
    }

    /// Says that a message was read.
    pub async fn read(&self, id: &str) {
        messages::receipt(&mut *self.shared.lock().await, &self.pn, "", id, Some("read"));
        self.shared.changed();
    }
}
