//! Events about messages: what came in, and how far ours have come.

use std::time::Duration;

use compact_str::CompactString;

use super::super::{
    Change, Chat, ChatId, Delivery, DeliveryState, Direction, Failure, Incarnation, Known, Message, MessageId, Pairing,
    Phone, Target, Write,
};
use super::restriction::REACHOUT_TIMELOCK;
use super::{Turn, plausible};
use crate::clock::Timestamp;
use crate::protocol::{self, ChatKind, Event, Pong, Receipt, ReceiptStatus, Sent};

impl Turn<'_> {
    pub(super) fn event(&mut self, incarnation: Incarnation, event: Event, known: Known) {
        // Facts about messages hold whichever run told them; all else is about the present run.
        let present = incarnation == self.state.snapshot.bridge.incarnation;
        let first = present && self.heard();
        let now = self.now.wall;
        let about_a_message = matches!(event, Event::Message(_) | Event::Sent(_) | Event::Receipt(_));
        if !present && !about_a_message {
            return;
        }
        if present && about_a_message && !matches!(&event, Event::Sent(sent) if !sent.ok) {
            self.proven();
        }
        match event {
            Event::Message(message) => self.incoming(*message, &known),
            Event::Sent(sent) => self.sent(sent, known),
            Event::Receipt(receipt) => self.receipt(&receipt, known),
            Event::Hello(hello) => {
                if first {
                    self.hello(incarnation, hello);
                } else {
                    self.count(|c| c.protocol_errors += 1);
                    self.error("bridge: a hello that is not the first line is ignored".to_owned());
                }
            }
            Event::Ready(account) => self.opened(account),
            Event::Connection(connection) => self.connection_event(*connection),
            Event::Qr(qr) => {
                self.pairing(qr.expires_in_ms, |expires_at| Pairing::Qr { qr: qr.qr.into(), shown_at: now, expires_at })
            }
            Event::PairingCode(code) => self.pairing(code.expires_in_ms, |expires_at| Pairing::Code {
                code: code.code.into(),
                shown_at: now,
                expires_at,
            }),
            Event::Pong(Pong { rss_bytes, last_answer_age_ms, last_frame_age_ms, .. }) => {
                if let Some(age) = last_answer_age_ms.or(last_frame_age_ms) {
                    self.proven_before(Duration::from_millis(age));
                }
                self.bridge_memory(rss_bytes);
            }
            Event::Error(text) => {
                self.passkey_not_taken(&text);
                self.error(format!("bridge: {text}"));
            }
            Event::Restriction(restriction) => self.restriction(restriction),
            Event::Groups(told) => {
                if let Some(subjects) = self.state.snapshot.groups.with(told.groups) {
                    self.write(Write::Groups(subjects.since(&self.state.snapshot.groups)));
                    self.change(Change::Groups(subjects));
                }
            }
            Event::Passkey(demand) => self.passkey_demanded(demand),
            Event::PasskeyCode(told) => self.passkey_code(told),
            Event::Unknown(_) => self.count(|c| c.unknown_events += 1),
        }
    }

    fn incoming(&mut self, told: protocol::Message, known: &Known) {
        if *known != Known::No {
            return self.count(|c| c.duplicates += 1);
        }
        let now = self.now.wall;
        let id = id_of(&told).unwrap_or_else(|| {
            self.state.unnamed += 1;
            MessageId::from(format!("base-{}-{}", now.as_millis(), self.state.unnamed))
        });
        let chat = told.chat.map_or_else(|| chat_of_base_level(&told.from), chat_of);
        self.came_in(told.timestamp_ms.filter(|ms| *ms > 0).map(Timestamp::from_millis));
        if !told.from_me {
            self.state.outbox.set_cold(&chat.id, false);
        }
        self.message_added(Message {
            id,
            direction: if told.from_me { Direction::OutElsewhere } else { Direction::In },
            chat,
            from: told.from,
            name: told.name.filter(|n| !n.is_empty()),
            kind: told.kind.unwrap_or(CompactString::const_new("text")),
            target: told.target.map(|t| Box::new(Target { id: t.message_id.into(), from_me: t.from_me })),
            body: told.body.into(),
            at: plausible(told.timestamp_ms, now),
            delivery: None,
        });
    }

    fn sent(&mut self, sent: Sent, known: Known) {
        let id = match sent.message_id {
            Some(id) => MessageId::from(id),
            None => match self.state.outbox.in_flight_to(&sent.to) {
                Some(id) => id,
                None => return self.stray("an answer to a send that was not given"),
            },
        };
        if sent.ok {
            self.reached(id, DeliveryState::Sent, self.now.wall, known);
        } else if self.state.outbox.get(&id).is_none_or(|row| row.delivery.state != DeliveryState::Dispatched) {
            // Settled by a receipt, or asked for again: this refusal is about an attempt that does not count any more.
        } else if sent.code == Some(REACHOUT_TIMELOCK) && self.state.capabilities.ids {
            self.hold(id, sent.retry_at_ms, sent.error);
        } else if sent.retryable && self.state.capabilities.ids {
            self.retry_later(id, true);
        } else {
            let text = sent.error.unwrap_or_else(|| "the bridge gave no reason".to_owned());
            self.fail(id, Failure { code: sent.code, text: text.into(), retryable: sent.retryable });
        }
    }

    fn receipt(&mut self, receipt: &Receipt, known: Known) {
        let state = match receipt.status {
            ReceiptStatus::Delivered => DeliveryState::Delivered,
            ReceiptStatus::Read | ReceiptStatus::Played => DeliveryState::Read,
        };
        let at = plausible(receipt.timestamp_ms, self.now.wall);
        self.reached(MessageId::from(receipt.message_id.clone()), state, at, known);
    }

    /// A message of ours got to a point, by an answer or by a receipt.
    fn reached(&mut self, id: MessageId, state: DeliveryState, at: crate::clock::Timestamp, known: Known) {
        let old: Delivery = match (self.state.outbox.get(&id), known) {
            (Some(row), _) => row.delivery.clone(),
            (None, Known::Ours(delivery)) => *delivery,
            // Sent from another device, or by an earlier installation.
            (None, Known::No | Known::Seen) => return,
        };
        let Some(delivery) = old.reached(state, at) else { return };
        self.state.outbox.settle(&id);
        self.progressed(id, old.state, delivery);
        self.queue_changed();
    }

    fn stray(&mut self, what: &str) {
        self.count(|c| c.protocol_errors += 1);
        self.error(format!("bridge: {what}"));
    }
}

/// The id under which a message is kept; none: the bridge gave none.
///
/// In a channel, an edit or a revocation comes under the very id of what it changes. It gets one of its own, the same
/// each time it is told.
pub(super) fn id_of(told: &protocol::Message) -> Option<MessageId> {
    let id = told.message_id.as_deref()?;
    if told.target.as_ref().is_none_or(|target| target.message_id != id) {
        return Some(MessageId::from(id));
    }
    let (kind, at) = (told.kind.as_deref().unwrap_or_default(), told.timestamp_ms.unwrap_or_default());
    Some(MessageId::from(format!("{id}/{kind}/{at}")))
}

fn chat_of(told: protocol::Chat) -> Chat {
    Chat { id: ChatId::from(told.id), kind: told.kind, phone: told.phone.and_then(|p| p.parse().ok()), lid: told.lid }
}

/// The chat of a message from a bridge that names only the writer.
pub(super) fn chat_of_base_level(from: &str) -> Chat {
    match from.parse::<Phone>() {
        Ok(phone) => Chat::with_person(phone),
        Err(_) => Chat { id: ChatId::from(from), kind: ChatKind::Other, phone: None, lid: None },
    }
}
