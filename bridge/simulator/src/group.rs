//! A group, for tests.

use std::sync::Arc;

use waproto::whatsapp as wa;

use crate::groups::{self, Change};
use crate::world::Shared;
use crate::{Simulator, contents, group_messages, messages};

/// A group that the server knows.
#[derive(Clone)]
pub struct Group {
    shared: Arc<Shared>,
    id: String,
}

/// How a group addresses its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// By the ids that hide their numbers, as in all newer groups.
    ByLid,
    /// By their telephone numbers.
    ByNumber,
}

impl Simulator {
    /// Makes a group of the account and of contacts, by their numbers. A group with this id is replaced.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub async fn group(&self, id: &str, subject: &str, numbers: &[&str], members: Members) -> anyhow::Result<Group> {
        for number in numbers {
            self.contact(number, number).await?;
        }
        let group = groups::Group {
            subject: subject.to_owned(),
            members: numbers.iter().map(|number| number.trim_start_matches('+').to_owned()).collect(),
            joined: true,
            by_lid: members == Members::ByLid,
            queries: 0,
        };
        self.shared.lock().await.groups.insert(id.to_owned(), group);
        Ok(Group { shared: Arc::clone(&self.shared), id: id.to_owned() })
    }

    /// The group with this id.
    pub async fn known_group(&self, id: &str) -> Option<Group> {
        let known = self.shared.lock().await.groups.contains_key(id);
        known.then(|| Group { shared: Arc::clone(&self.shared), id: id.to_owned() })
    }
}

impl Group {
    /// Its id, as `1203630…@g.us`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A member writes a text. Returns its id; the client gets it when it is there.
    ///
    /// # Errors
    /// When he is not in the group, or no device is linked.
    pub async fn say(&self, number: &str, text: &str) -> anyhow::Result<String> {
        self.write(number, contents::text(text)).await
    }

    /// A member writes anything.
    ///
    /// # Errors
    /// When he is not in the group, or no device is linked.
    pub async fn write(&self, number: &str, message: wa::Message) -> anyhow::Result<String> {
        let id = messages::new_id();
        let pn = number.trim_start_matches('+');
        group_messages::from_member(&mut *self.shared.lock().await, &id, &self.id, pn, &message).await?;
        self.shared.changed();
        Ok(id)
    }

    /// The client never gets the key that this member writes with: it has to ask for his messages again.
    pub async fn withhold_key(&self, number: &str) {
        if let Some(person) = self.shared.lock().await.contacts.get_mut(number.trim_start_matches('+')) {
            person.sender_keys.withhold(&self.id);
        }
    }

    /// A contact is taken in.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub async fn add(&self, simulator: &Simulator, number: &str) -> anyhow::Result<()> {
        simulator.contact(number, number).await?;
        self.change(&Change::Added(number.trim_start_matches('+'))).await;
        Ok(())
    }

    /// A contact is put out.
    pub async fn remove(&self, number: &str) {
        self.change(&Change::Removed(number.trim_start_matches('+'))).await;
    }

    /// The account is put out.
    pub async fn put_out(&self) {
        self.change(&Change::PutOut).await;
    }

    /// It gets another subject.
    pub async fn rename(&self, subject: &str) {
        self.change(&Change::Subject(subject)).await;
    }

    /// How often the client asked who is in it.
    pub async fn queries(&self) -> u64 {
        self.shared.lock().await.groups.get(&self.id).map(|group| group.queries).unwrap_or_default()
    }

    async fn change(&self, change: &Change<'_>) {
        groups::change(&mut *self.shared.lock().await, &self.id, change);
        self.shared.changed();
    }
}
