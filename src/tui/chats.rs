//! The chats: with whom there are messages, the one with the newest first.
//!
//! * The list is looked up when it is first needed, and kept up to date from what the engine tells: no chat is looked up
//!   twice. At most [`HELD`] are held; older ones are found through the messages.
//! * A name is the last one that the person gave himself, as far as it came through this gateway, or the group's subject.
//! * *Unread* is what came in a chat since somebody last opened it here, looked closely at a message of it or wrote in
//!   it, counted from the start of this console. WhatsApp's own count, on the phone, knows nothing of it.

mod row;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::feed::sieve::{Meant, folded};
use crate::protocol::ChatKind;
use crate::state::{
    Change, Chat, ChatId, DeliveryState, Direction, Found, ListedChat, LookUp, Message, MessageId, Place, RequestId,
    Subjects,
};
pub use row::{Row, full_title};

/// How many chats are held at most.
pub const HELD: usize = 500;

/// How many are looked up at once.
const PAGE: usize = 100;

/// The list.
#[derive(Debug, Default)]
pub struct Chats {
    rows: VecDeque<Row>,
    /// It is shown.
    pub open: bool,
    /// Keys go to it, and not to the messages that stand beside it.
    pub keys: bool,
    /// Which row is chosen.
    pub selected: usize,
    /// Somebody needs the list.
    wanted: bool,
    asked: Option<RequestId>,
    /// What became of our messages while a look-up was under way: what it finds may be older.
    meanwhile: HashMap<MessageId, DeliveryState>,
    /// Not all of that is known.
    missed: bool,
    /// Where the next page begins; none: nothing was looked up yet.
    next: Option<Place>,
    complete: bool,
    /// Why it could not be looked up.
    pub fault: Option<String>,
}

impl Chats {
    /// The chats, the one with the newest message first.
    pub fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// The chosen chat.
    pub fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    /// The chat with this address.
    pub fn with_address(&self, address: &str) -> Option<&Chat> {
        let mut chats = self.rows.iter().map(|row| &row.chat);
        chats.find(|chat| {
            chat.address() == address || chat.id.as_str() == address || chat.lid.as_deref() == Some(address)
        })
    }

    /// A chat that was named by its address, as it is in the list: there it may have another id.
    pub fn as_known(&self, chat: Chat) -> Chat {
        self.with_address(chat.address()).cloned().unwrap_or(chat)
    }

    /// Those that are meant by a text, which is given as it was written and [`folded`].
    pub fn meant(&self, text: &str, part: &str, subjects: &Subjects) -> Meant {
        let is_called = |name: &str| folded(name).contains(part);
        let rows =
            self.rows.iter().filter(|row| row.name.as_deref().is_some_and(is_called) || is_called(row.chat.address()));
        let groups = subjects.all().filter(|(_, subject)| is_called(subject)).map(|(id, _)| id.clone());
        // In groups a person may write under the id that hides his number.
        let people = rows.flat_map(|row| [Some(row.chat.id.clone()), row.chat.lid.as_deref().map(ChatId::from)]);
        Meant {
            at: self.with_address(text).map(|chat| chat.id.clone()),
            called: people.flatten().chain(groups).collect(),
        }
    }

    /// This chat, when it is in the list.
    pub fn row(&self, chat: &ChatId) -> Option<&Row> {
        self.rows.iter().find(|row| row.chat.id == *chat)
    }

    /// What one would call this chat: a name or a subject where one is known, else the address.
    pub fn called<'a>(&'a self, chat: &'a Chat) -> &'a str {
        self.row(&chat.id).map_or_else(|| chat.address(), Row::title)
    }

    /// Somebody wrote to us in this chat, as far as is known here.
    pub fn wrote(&self, chat: &ChatId) -> bool {
        self.row(chat).is_some_and(|row| row.wrote)
    }

    /// Keys go to the list: it is shown, and nobody has gone to the messages beside it.
    pub fn has_keys(&self) -> bool {
        self.open && self.keys
    }

    /// Opens the list or closes it. Whoever is beside it gets back to it.
    pub fn toggle(&mut self) {
        if self.open && !std::mem::replace(&mut self.keys, true) {
            return;
        }
        (self.open, self.keys) = (!self.open, true);
        self.selected = 0;
        if self.open {
            self.want();
        }
    }

    /// The list is needed now.
    pub fn want(&mut self) {
        self.wanted = true;
        self.fault = None;
    }

    /// Moves the choice so many rows up or, when negative, down.
    pub fn scroll(&mut self, up: i64) {
        let last = self.rows.len().saturating_sub(1);
        let up_by = usize::try_from(up.unsigned_abs()).unwrap_or(usize::MAX);
        self.selected =
            if up > 0 { self.selected.saturating_sub(up_by) } else { self.selected.saturating_add(up_by).min(last) };
    }

    /// This chat has been looked at.
    pub fn looked_at(&mut self, chat: &ChatId) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.chat.id == *chat) {
            row.unread = 0;
        }
    }

    /// Takes in what the engine told last, at the start and when changes were missed.
    pub fn told(&mut self, messages: &VecDeque<Arc<Message>>, subjects: &Subjects) {
        // What may have got further meanwhile is known only of those that are told.
        for (_, state) in self.rows.iter_mut().filter_map(|row| row.delivery.as_mut()) {
            state.take_if(|state| may_get_further(*state));
        }
        self.missed = true;
        for message in messages {
            self.take(message, false);
        }
        self.name_groups(subjects);
    }

    /// Has the groups called as they are known to be.
    fn name_groups(&mut self, subjects: &Subjects) {
        for row in &mut self.rows {
            row.name_group(subjects);
        }
    }

    /// Takes a change in while this chat is looked at.
    pub fn apply(&mut self, change: &Change, looked_at: Option<&ChatId>, subjects: &Subjects) {
        if let Change::Groups(_) = change {
            self.name_groups(subjects);
        }
        if let Change::MessageProgressed { id, delivery, .. } = change {
            let last = self.rows.iter_mut().filter_map(|row| row.delivery.as_mut()).find(|(last, _)| last == id);
            if let Some((_, state)) = last {
                *state = Some(delivery.state);
            }
            if self.asked.is_some() {
                self.missed |= self.meanwhile.len() >= HELD;
                if !self.missed {
                    self.meanwhile.insert(id.clone(), delivery.state);
                }
            }
        }
        if let Change::MessageAdded(message) = change {
            self.take(message, message.is_received() && looked_at != Some(&message.chat.id));
            if let Some(newest) = self.rows.front_mut() {
                newest.name_group(subjects);
            }
            if message.direction != Direction::In {
                self.looked_at(&message.chat.id);
            }
        }
    }

    fn take(&mut self, message: &Message, unread: bool) {
        let at = self.rows.iter().position(|row| row.chat.id == message.chat.id);
        // Whoever is written to may have told his name before what is told here begins.
        let is_named = at.and_then(|at| self.rows.get(at)).is_some_and(|row| row.name.is_some());
        self.wanted |= message.direction != Direction::In && message.chat.kind == ChatKind::Person && !is_named;
        let chosen = self.chosen().map(|row| row.chat.id.clone());
        let old = at.and_then(|at| self.rows.remove(at));
        let mut row = Row::of(message);
        if let Some(old) = old {
            row.name = row.name.or(old.name);
            row.unread = old.unread;
            row.wrote |= old.wrote;
        }
        row.unread = row.unread.saturating_add(u32::from(unread));
        self.rows.push_front(row);
        self.rows.truncate(HELD);
        // The choice stays with its chat.
        if let Some(chosen) = chosen {
            self.selected = self.rows.iter().position(|row| row.chat.id == chosen).unwrap_or(0);
        }
    }

    /// What is to be looked up, under the number `id`.
    pub fn look_up(&mut self, id: RequestId) -> Option<LookUp> {
        let enough = self.complete || self.rows.len() >= HELD || self.fault.is_some();
        let near_the_end = self.next.is_none() || self.selected + PAGE / 2 > self.rows.len();
        if !self.wanted || self.asked.is_some() || enough || !near_the_end {
            return None;
        }
        self.asked = Some(id);
        self.meanwhile.clear();
        self.missed = false;
        Some(LookUp::Chats { after: self.next, limit: PAGE })
    }

    /// Takes an answer in that is its own. Returns whether it was.
    pub fn found(&mut self, id: RequestId, found: &Found, subjects: &Subjects) -> bool {
        if self.asked != Some(id) {
            return false;
        }
        self.asked = None;
        match found {
            Found::Chats(page) => {
                self.next = page.next;
                self.complete = page.next.is_none();
                for listed in &page.items {
                    self.add(listed);
                }
                self.name_groups(subjects);
            }
            Found::Failed(error) => self.fault = Some(error.to_string()),
            Found::Messages(_) | Found::Message { .. } => {}
        }
        true
    }

    /// Adds a chat that was looked up. What was told is newer.
    fn add(&mut self, listed: &ListedChat) {
        let room = self.rows.len() < HELD;
        match self.rows.iter_mut().find(|row| row.chat.id == listed.chat.id) {
            Some(row) => {
                row.wrote |= listed.name.is_some();
                row.name = row.name.take().or_else(|| listed.name.clone());
            }
            None if room => {
                let mut row = Row::of(&listed.last.message);
                row.wrote |= listed.name.is_some();
                row.name.clone_from(&listed.name);
                // It was found before the newest of what was told.
                if let Some((id, state)) = &mut row.delivery {
                    state.take_if(|state| self.missed && may_get_further(*state));
                    *state = self.meanwhile.get(id).copied().or(*state);
                }
                self.rows.push_back(row);
            }
            None => {}
        }
    }
}

/// What is known of a message in this state can be over soon.
const fn may_get_further(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Queued | DeliveryState::Dispatched | DeliveryState::Sent | DeliveryState::Delivered)
}
