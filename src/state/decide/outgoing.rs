//! Messages on their way out: handed to the bridge, tried again, given up.

use std::sync::Arc;
use std::time::Duration;

use super::super::{Change, Delivery, DeliveryState, Effect, Failure, MessageId, PacingView, TimerId};
use super::Turn;
use crate::clock::Timestamp;
use crate::protocol::Command;

/// How many messages may be in flight at once, over all chats.
pub const WINDOW: usize = 32;

/// How long the bridge may take to answer a `send`. The default bridge itself waits 20 s for WhatsApp's server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a message is handed to the bridge before it is given up.
const MAX_ATTEMPTS: u32 = 10;

fn maybe_sent() -> Failure {
    let text = "the bridge ended before it answered; the message may have been sent, and this bridge can't send again \
                without doubling it";
    Failure { code: None, text: text.into(), retryable: true }
}

impl Turn<'_> {
    /// Settles a message of the outbox with a failure.
    pub(super) fn fail(&mut self, id: MessageId, failure: Failure) {
        self.settle(id, |delivery, now| delivery.failed(now, failure));
    }

    /// Takes out what has waited too long, and has itself woken for the next.
    pub(super) fn expire(&mut self) {
        while let Some((at, id)) = self.state.outbox.next_expiry() {
            if at > self.now.wall {
                if self.state.expiry != Some(at) {
                    self.state.expiry = Some(at);
                    self.effect(Effect::SetTimer { timer: TimerId::Expiry { at }, after: at.since(self.now.wall) });
                }
                return;
            }
            let id = id.clone();
            self.settle(id, Delivery::expired);
        }
    }

    /// Settles a message of the outbox that will not be sent.
    pub(super) fn settle(&mut self, id: MessageId, end: impl FnOnce(Delivery, Timestamp) -> Delivery) {
        if let Some(row) = self.state.outbox.settle(&id) {
            let from = row.delivery.state;
            let delivery = end(row.delivery, self.now.wall);
            self.progressed(id, from, delivery);
            self.queue_changed();
        }
    }

    /// Puts a message in flight back into the queue, or gives it up after too many attempts.
    pub(super) fn retry_later(&mut self, id: MessageId, hold: bool) {
        let Some(row) = self.state.outbox.get(&id) else { return };
        let from = row.delivery.state;
        if row.delivery.attempts >= MAX_ATTEMPTS {
            let text = format!("no answer from WhatsApp after {MAX_ATTEMPTS} attempts; it may or may not have arrived");
            return self.fail(id, Failure { code: None, text: text.into(), retryable: true });
        }
        let attempts = row.delivery.attempts;
        let delivery = row.delivery.clone().requeued();
        self.state.outbox.requeue(&id, delivery.clone(), hold);
        self.progressed(id, from, delivery);
        if hold {
            let incarnation = self.state.snapshot.bridge.incarnation;
            let after = Duration::from_secs(1 << attempts.min(6));
            self.effect(Effect::SetTimer { timer: TimerId::Retry { incarnation }, after });
        }
    }

    /// The bridge ended with this message in flight. It is sent again when its id makes one message of both: also by
    /// another bridge, which may know ids that this one did not.
    pub(super) fn uncertain(&mut self, id: MessageId) {
        if self.state.capabilities.ids {
            self.retry_later(id, false);
        } else {
            self.fail(id, maybe_sent());
        }
    }

    /// The bridge should have answered this attempt by now.
    pub(super) fn unanswered(&mut self, id: MessageId, attempt: u32) {
        let waits = self
            .state
            .outbox
            .get(&id)
            .is_some_and(|row| row.delivery.state == DeliveryState::Dispatched && row.delivery.attempts == attempt);
        if !waits {
        } else if self.state.capabilities.ids {
            self.retry_later(id, false);
        } else {
            let text = format!(
                "the bridge did not answer within {} s; the message may or may not have been sent",
                ANSWER_TIMEOUT.as_secs()
            );
            self.fail(id, Failure { code: None, text: text.into(), retryable: true });
        }
    }

    /// Hands messages to the bridge as far as the window allows.
    pub(super) fn pump(&mut self) {
        while self.state.can_send() && self.state.outbox.in_flight() < WINDOW {
            let Some(next) = self.state.next_ready() else { break };
            if self.state.bucket.next_at() > self.now.mono {
                break;
            }
            let (id, from) = (next.id.clone(), next.delivery.state);
            if next.delivery.attempts > 0 && !self.state.capabilities.ids {
                self.fail(id, maybe_sent());
                continue;
            }
            let message_id = self.state.capabilities.ids.then(|| id.to_string());
            let (to, text) = (next.chat.address().to_owned(), Arc::clone(&next.text));
            let delivery = next.delivery.clone().dispatched(self.now.wall);
            let incarnation = self.state.snapshot.bridge.incarnation;
            let timer = TimerId::Unanswered { incarnation, id: id.clone(), attempt: delivery.attempts };
            self.state.bucket.take(self.now.mono);
            self.state.outbox.launch(&id, delivery.clone());
            self.progressed(id, from, delivery);
            self.dispatch(Command::Send { to, text, message_id });
            self.effect(Effect::SetTimer { timer, after: ANSWER_TIMEOUT });
        }
    }

    /// Shows the wait for the pace, and has itself woken at its end.
    pub(super) fn pacing(&mut self) {
        let at = self.state.bucket.next_at();
        let could_go =
            self.state.can_send() && self.state.outbox.in_flight() < WINDOW && self.state.next_ready().is_some();
        let view = if could_go && at > self.now.mono {
            let after = at.since(self.now.mono);
            let same = self.state.paced.filter(|(mono, _)| *mono == at);
            let (_, next_send_at) = same.unwrap_or_else(|| {
                self.effect(Effect::SetTimer { timer: TimerId::Paced { at }, after });
                (at, self.now.wall.plus(after))
            });
            self.state.paced = Some((at, next_send_at));
            Some(PacingView { next_send_at, waiting: self.state.waiting() })
        } else {
            None
        };
        if self.state.snapshot.pacing != view {
            self.change(Change::Pacing(view));
        }
    }
}
