//! The rules for what is on disk.

use proptest::prelude::*;

use super::super::process::QUEUE;
use super::{ATTEMPTS, Ask, Checked, Ours, Toy, fail};
use crate::clock::Timestamp;
use crate::state::{Chat, ChatId, Delivery, DeliveryState, Direction, Message, MessageId, WINDOW};

impl Toy {
    /// A message that came in is in the journal.
    pub(in super::super) fn journal_came(&mut self, id: &MessageId, chat: ChatId, body: String) -> Checked {
        let Some(rows) = self.incoming.get_mut(&(chat, body)) else {
            return fail(format!("{id} came in from nowhere"));
        };
        *rows += 1;
        prop_assert!(*rows == 1, "{id} is there twice");
        Ok(())
    }

    /// A message that was accepted is in the journal.
    pub(in super::super) fn journal_accepted(
        &mut self,
        id: MessageId,
        chat: &Chat,
        body: &str,
        delivery: Delivery,
    ) -> Checked {
        prop_assert_eq!(delivery.state, DeliveryState::Queued);
        let wait = |until: Timestamp| until.since(delivery.times.queued_at.unwrap_or_default()).as_secs();
        let expires_in = delivery.expires_at.map(wait);
        let same = |ask: &Ask| ask.chat == *chat && *ask.text == *body && ask.expires_in.map(u64::from) == expires_in;
        let Some(at) = self.asks.iter().position(same) else { return fail(format!("nobody asked for {body:?}")) };
        let ask = self.asks[at].clone();
        if ask.key.is_none() {
            prop_assert!(self.taken < Some(at), "{body:?} is taken after what was asked for later");
            self.taken = Some(at);
        }
        let before = self.became.insert(ask.slot(), id.clone());
        prop_assert!(before.is_none(), "{body:?} became {id}, and {before:?} before");
        self.by_id.insert(id.clone(), self.ours.len());
        self.ours.push(Ours {
            id,
            ask,
            delivery,
            had: vec![DeliveryState::Queued],
            told: vec![],
            refused: false,
            cancelled: false,
            accepted: false,
        });
        prop_assert!(self.pending() <= QUEUE, "{} messages wait", self.pending());
        Ok(())
    }

    /// A message of ours goes on in the journal: where it may, and for a reason.
    pub(in super::super) fn journal_step(&mut self, id: &MessageId, delivery: Delivery) -> Checked {
        use DeliveryState as S;
        let extended = self.extended;
        let Some(ours) = self.find(id) else { return fail(format!("{id} goes on and is not there")) };
        let (from, to) = (ours.delivery.state, delivery.state);
        let may = match to {
            S::Queued => from == S::Dispatched,
            S::Dispatched => from == S::Queued,
            S::Failed => {
                let given_up = delivery.attempts >= ATTEMPTS || !extended && delivery.attempts > 0;
                from == S::Dispatched && ours.refused || from.is_pending() && given_up
            }
            S::Expired => {
                from == S::Queued && delivery.expires_at.is_some_and(|at| delivery.times.expired_at >= Some(at))
            }
            S::Cancelled => from == S::Queued && ours.cancelled,
            S::Sent | S::Delivered | S::Read => from < to && ours.told.contains(&to),
        };
        let attempts = ours.delivery.attempts + u32::from(to == S::Dispatched);
        prop_assert!(may && delivery.attempts == attempts, "{id} goes from {:?} to {delivery:?}", ours.delivery);
        ours.delivery = delivery;
        ours.had.push(to);
        match to {
            S::Dispatched => self.dispatches(id)?,
            S::Expired => self.met.push("expired"),
            S::Failed => self.met.push("failed"),
            S::Cancelled => self.met.push("cancelled"),
            S::Read if from < S::Sent => self.met.push("read before sent"),
            S::Queued | S::Sent | S::Delivered | S::Read => {}
        }
        Ok(())
    }

    /// A message is handed out: in its turn, in time, and within the window.
    fn dispatches(&mut self, id: &MessageId) -> Checked {
        let this = &self.ours[self.by_id[id]];
        let earlier = self.ours.iter().take_while(|o| o.id != *id).filter(|o| o.ask.chat == this.ask.chat);
        if let Some(waits) = earlier.into_iter().find(|o| o.delivery.state.is_pending()) {
            return fail(format!("{id} overtakes {}", waits.id));
        }
        let Delivery { attempts, expires_at, times, .. } = &this.delivery;
        let in_time = *attempts > 1 || expires_at.is_none() || times.dispatched_at < *expires_at;
        prop_assert!(in_time, "{id} goes out at {:?}, and its time is over at {expires_at:?}", times.dispatched_at);
        if *attempts > 1 {
            prop_assert!(self.extended, "{id} goes out again, without an id");
            self.met.push("handed out again");
        }
        let in_flight = self.ours.iter().filter(|o| o.delivery.state == DeliveryState::Dispatched).count();
        prop_assert!(in_flight <= WINDOW, "{in_flight} are in flight");
        if in_flight == WINDOW {
            self.met.push("window full");
        }
        self.dispatched.push_back(id.clone());
        Ok(())
    }

    /// The messages on disk are those of the journal, in its order.
    pub(in super::super) fn compare(&self, disk: &[Message]) -> Checked {
        let ours: Vec<_> = disk.iter().filter(|message| message.direction == Direction::Out).collect();
        let same = ours.iter().zip(&self.ours).all(|(message, ours)| {
            let (state, known) = (message.delivery.as_ref().map(|d| d.state), ours.delivery.state);
            // A start takes back what was in flight in memory only.
            let back = known == DeliveryState::Queued && state == Some(DeliveryState::Dispatched);
            message.id == ours.id && message.body == ours.ask.text && (back || state == Some(known))
        });
        prop_assert!(same && ours.len() == self.ours.len(), "{ours:?} are on disk, and in the journal {:?}", self.ours);
        let theirs = self.incoming.values().filter(|rows| **rows > 0).count();
        prop_assert_eq!(disk.len() - ours.len(), theirs);
        Ok(())
    }
}
