//! What is known of the message that an event is about: from the disk, and from what is on its way there.

use std::borrow::Borrow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::state::{
    Background, ChatId, Delivery, IdempotencyKey, Known, Lookup, Message, MessageId, Request, Used, Write, WriteSeq,
};
use crate::store::Reader;

/// Finds messages by their ids. What is not committed yet is kept here, so that a look-up never misses it.
#[derive(Debug)]
pub(super) struct KnownMessages {
    reader: Reader,
    incoming: HashSet<OnItsWay>,
    ours: HashMap<MessageId, (WriteSeq, Delivery)>,
    keys: HashMap<IdempotencyKey, Used>,
    /// What to forget once it is committed, in order.
    order: VecDeque<(WriteSeq, Kept)>,
    /// Whether a look-up failed since this was asked last, or may have seen too early a moment.
    failed: Cell<bool>,
}

/// What is kept until it is committed.
#[derive(Debug)]
enum Kept {
    Message(Arc<Message>),
    Ours(MessageId),
    Key(IdempotencyKey),
}

/// A message that is found by its chat and its id. There are hundreds in a flood, so it is not copied for that.
#[derive(Debug)]
struct OnItsWay(Arc<Message>);

/// What a message is found by.
trait Named {
    fn names(&self) -> (&ChatId, &MessageId);
}

impl Named for OnItsWay {
    fn names(&self) -> (&ChatId, &MessageId) {
        (&self.0.chat.id, &self.0.id)
    }
}

impl Named for (&ChatId, &MessageId) {
    fn names(&self) -> (&ChatId, &MessageId) {
        *self
    }
}

impl Hash for dyn Named + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
    }
}

impl PartialEq for dyn Named + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Eq for dyn Named + '_ {}

impl Hash for OnItsWay {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
    }
}

impl PartialEq for OnItsWay {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Eq for OnItsWay {}

impl<'a> Borrow<dyn Named + 'a> for OnItsWay {
    fn borrow(&self) -> &(dyn Named + 'a) {
        self
    }
}

impl KnownMessages {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            incoming: HashSet::new(),
            ours: HashMap::new(),
            keys: HashMap::new(),
            order: VecDeque::new(),
            failed: Cell::new(false),
        }
    }

    /// Begins look-ups that belong together. They see the database at one moment, which is later than all that was
    /// forgotten here.
    pub(super) fn begin(&self) {
        if let Err(error) = self.reader.hold() {
            // They may see a moment before what was forgotten here.
            self.failed.set(true);
            tracing::error!(%error, "looking up messages");
        }
    }

    /// For each of these whether the database surely has nothing of it.
    pub(super) fn absent(&self, wanted: &[Option<Lookup>]) -> Vec<bool> {
        self.reader.absent(wanted).unwrap_or_else(|error| {
            // Each is looked up by itself, which says so if it fails again.
            tracing::error!(%error, "looking up messages");
            vec![false; wanted.len()]
        })
    }

    /// Ends what [`Self::begin`] began.
    pub(super) fn end(&self) {
        if let Err(error) = self.reader.release() {
            self.failed.set(true);
            tracing::error!(%error, "looking up messages");
        }
    }

    /// With `absent`, as [`Self::absent`] told it, the database is not asked.
    ///
    /// # Errors
    /// What the database says of a message of ours. What is told of it can't be decided on, nor can it be let go: it would
    /// be acknowledged, and never told again.
    pub(super) fn find(&self, lookup: &Lookup, absent: bool) -> Result<Known, String> {
        match lookup {
            Lookup::Incoming(chat, id) | Lookup::FromUs(chat, id) => {
                if self.incoming.contains(&(chat, id) as &dyn Named) {
                    return Ok(Known::Seen);
                }
            }
            Lookup::Ours(id) => {
                if let Some((_, delivery)) = self.ours.get(id) {
                    return Ok(Known::Ours(Box::new(delivery.clone())));
                }
            }
        }
        if absent {
            return Ok(Known::No);
        }
        let seen = |seen| if seen { Known::Seen } else { Known::No };
        let found = match lookup {
            Lookup::Incoming(chat, id) => self.reader.has_message(chat, id).map(seen),
            Lookup::FromUs(chat, id) => {
                let ours = self.reader.sent_message(id).map(|found| found.is_some());
                ours.and_then(|ours| Ok(ours || self.reader.has_message(chat, id)?)).map(seen)
            }
            Lookup::Ours(id) => {
                let delivery = self.reader.delivery(id).or_else(|error| {
                    tracing::debug!(%error, "looking up a message of ours; it is tried once more");
                    // At the present moment, in case that the one which is held is why.
                    self.end();
                    self.reader.delivery(id)
                });
                let delivery = delivery.map_err(|error| format!("messages of ours can't be looked up: {error}"))?;
                Ok(delivery.map_or(Known::No, Known::Ours))
            }
        };
        Ok(found.unwrap_or_else(|error| {
            // Taken as new: whoever writes it looks once more whether it is there.
            self.failed.set(true);
            tracing::error!(%error, "looking up a message");
            Known::No
        }))
    }

    /// Whether a look-up failed since this was asked last.
    pub(super) fn failed(&self) -> bool {
        self.failed.take()
    }

    /// Looks up what a request is about.
    ///
    /// # Errors
    /// What the database says. Such a request can't be decided on: a message that was accepted before would be sent again.
    pub(super) fn about(&self, request: &Request) -> Result<Background, String> {
        match request {
            Request::Send { chat, options, .. } => {
                let used = options.key.as_ref().map(|key| self.used(key)).transpose()?.flatten();
                let warm = self.reader.knows_chat(&chat.id).map_err(|error| error.to_string())?;
                Ok(Background { used, state: None, warm })
            }
            Request::Cancel { id } => {
                let state = match self.ours.get(id) {
                    Some((_, delivery)) => Some(delivery.state),
                    None => self.reader.delivery(id).map_err(|error| error.to_string())?.map(|found| found.state),
                };
                Ok(Background { state, ..Background::default() })
            }
            Request::SetLinking(_)
            | Request::UseBridge(_)
            | Request::Tune(_)
            | Request::RestartBridge
            | Request::TakeOver
            | Request::AnswerPasskey(_)
            | Request::ConfirmPasskey { .. }
            | Request::RequestCode(_)
            | Request::LogOut { .. }
            | Request::Webhook(_)
            | Request::ResumeWebhook(_) => Ok(Background::default()),
        }
    }

    fn used(&self, key: &IdempotencyKey) -> Result<Option<Used>, String> {
        match self.keys.get(key) {
            Some(used) => Ok(Some(used.clone())),
            None => self.reader.used_key(key).map_err(|error| error.to_string()),
        }
    }

    /// These writes will be committed with this number.
    pub(super) fn note(&mut self, writes: &[Write], seq: WriteSeq) {
        for write in writes {
            let kept = match write {
                Write::Message(message) => {
                    self.incoming.insert(OnItsWay(Arc::clone(message)));
                    Kept::Message(Arc::clone(message))
                }
                Write::Key { key, fingerprint, id, .. } => {
                    self.keys.insert(key.clone(), Used { fingerprint: *fingerprint, id: id.clone() });
                    Kept::Key(key.clone())
                }
                Write::Delivery { id, delivery } => {
                    self.ours.insert(id.clone(), (seq, delivery.clone()));
                    Kept::Ours(id.clone())
                }
                Write::Journal { .. }
                | Write::Linking(_)
                | Write::Bridge(_)
                | Write::Restriction(_)
                | Write::Groups(_)
                | Write::Webhook(_)
                | Write::ForgetWebhook(_)
                | Write::Kept(_) => continue,
            };
            self.order.push_back((seq, kept));
        }
    }

    /// Everything up to this number is on disk.
    pub(super) fn committed(&mut self, upto: WriteSeq) {
        while self.order.front().is_some_and(|(seq, _)| *seq <= upto) {
            match self.order.pop_front() {
                Some((_, Kept::Message(message))) => {
                    self.incoming.remove(&OnItsWay(message));
                }
                Some((_, Kept::Key(key))) => {
                    self.keys.remove(&key);
                }
                Some((_, Kept::Ours(id))) if self.ours.get(&id).is_some_and(|(seq, _)| *seq <= upto) => {
                    self.ours.remove(&id);
                }
                // A later write about the same message is still on its way.
                Some((_, Kept::Ours(_))) | None => {}
            }
        }
        if self.order.is_empty() {
            // After a burst the room is given back.
            self.incoming.shrink_to(64);
            self.ours.shrink_to(64);
            self.keys.shrink_to(64);
            self.order.shrink_to(64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::harness::Harness;

    #[tokio::test]
    async fn a_look_up_that_failed_is_told_once() {
        let harness = Harness::connected().await;
        let known = KnownMessages::new(harness.reader());
        let wanted = Lookup::Incoming("a@g.us".into(), "1".into());
        assert_eq!((known.find(&wanted, false), known.failed()), (Ok(Known::No), false));
        let raw = rusqlite::Connection::open(harness.folder().join("pilothouse.db")).unwrap();
        raw.execute_batch("DROP TABLE key_buckets").unwrap();
        assert_eq!((known.find(&wanted, false), known.failed(), known.failed()), (Ok(Known::No), true, false));
        harness.end().await;
    }
}
