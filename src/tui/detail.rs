//! One message, looked at closely: all that is kept of it, and what came in about it.

use std::cell::Cell;
use std::sync::Arc;

use super::feed::window::Row;
use crate::state::{Change, Delivery, Found, LookUp, Message, RequestId};

/// The most of what came in about a message that is held.
const ABOUT: usize = 50;

/// The message that is looked at closely.
#[derive(Debug)]
pub struct Detail {
    /// The message, as far as it is here.
    pub message: Arc<Message>,
    /// All of its text is here.
    pub whole: bool,
    /// What came in about it, oldest first.
    pub about: Vec<Message>,
    /// What is missing, and why.
    pub fault: Option<String>,
    /// As it is kept, not as it is read.
    pub json: bool,
    /// How many lines are scrolled past.
    pub skipped: usize,
    /// The columns and rows in which it was drawn last.
    pub size: Cell<(u16, u16)>,
    /// What is done when all of it is here.
    pub then: Option<Then>,
    /// How far it has come, as the engine told since this began.
    told: Option<Box<Delivery>>,
    /// The look-up of the rest; none: it is still to be asked for.
    asked: Option<RequestId>,
    /// The rest has come.
    settled: bool,
}

/// What is done with a message when all of it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Its text is copied.
    Copy,
    /// It is asked whether it is to be sent again.
    Resend,
}

impl Detail {
    /// A message of the feed, of which the rest is still to be looked up.
    pub fn of(row: Row, then: Option<Then>) -> Self {
        Self {
            whole: !row.truncated,
            message: row.message,
            about: Vec::new(),
            fault: None,
            json: false,
            skipped: 0,
            size: Cell::default(),
            then,
            told: None,
            asked: None,
            settled: false,
        }
    }

    /// Turns to another message. What it looks like stays.
    pub fn turn_to(&mut self, row: &Row) {
        if self.message.id != row.message.id || self.message.chat.id != row.message.chat.id {
            *self = Self { json: self.json, size: self.size.clone(), ..Self::of(row.clone(), None) };
        }
    }

    /// What is to be looked up, under the number `id`.
    pub fn look_up(&mut self, id: RequestId) -> Option<LookUp> {
        if self.settled || self.asked.is_some() {
            return None;
        }
        self.asked = Some(id);
        Some(LookUp::Message { chat: self.message.chat.id.clone(), id: self.message.id.clone(), about: ABOUT })
    }

    /// Takes an answer in that is its own. Returns what is to be done now.
    pub fn found(&mut self, id: RequestId, found: Found) -> Option<Then> {
        if self.asked != Some(id) {
            return None;
        }
        self.asked = None;
        self.settled = true;
        match found {
            Found::Message { message: Some(message), about } => {
                // What was told meanwhile is newer than what was read.
                let delivery = self.told.take().or(message.delivery);
                self.message = Arc::new(Message { delivery, ..*message });
                self.whole = true;
                let came = std::mem::replace(&mut self.about, about);
                for new in came {
                    if !self.about.iter().any(|known| known.id == new.id) {
                        self.about.push(new);
                    }
                }
            }
            Found::Message { message: None, .. } => self.fault = Some("it is not kept any more".to_owned()),
            Found::Failed(error) => self.fault = Some(error.to_string()),
            Found::Messages(_) | Found::Chats(_) => {}
        }
        self.then.take().filter(|_| self.whole)
    }

    /// Takes a change in that the engine told.
    pub fn apply(&mut self, change: &Change) {
        if let Change::MessageProgressed { id, delivery, .. } = change
            && self.message.id == *id
            && self.message.delivery.is_some()
        {
            Arc::make_mut(&mut self.message).delivery = Some(delivery.clone());
            self.told = Some(delivery.clone());
        }
        if let Change::MessageAdded(message) = change
            && message.chat.id == self.message.chat.id
            && message.is_about(&self.message.id)
        {
            if self.about.len() >= ABOUT {
                self.about.remove(0);
            }
            self.about.push((**message).clone());
        }
    }
}
