//! Messages that were accepted and are not settled: what waits, what is in flight, what is held back.
//!
//! * Each chat has at most one message in flight, and messages of a chat go in the order in which they were accepted.
//! * A message leaves the outbox exactly when its outcome is known.
//! * What every message goes through (push, launch, settle in its turn) costs the logarithm of the number of messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::{Chat, ChatId, Delivery, MessageId};
use crate::clock::Timestamp;

/// A message that is not settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Its id.
    pub id: MessageId,
    /// Where it goes.
    pub chat: Chat,
    /// What it says.
    pub text: Arc<str>,
    /// How far it has come.
    pub delivery: Delivery,
    /// Its chat is one that WhatsApp lets go on when it lets no new ones begin.
    pub warm: bool,
}

/// The place of a message in the order of acceptance.
type Order = u64;

#[derive(Clone, Debug, Default)]
struct Lane {
    waiting: VecDeque<Order>,
    in_flight: bool,
    held: bool,
    /// Nobody ever wrote to us in it.
    cold: bool,
}

/// The unsettled messages.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    rows: BTreeMap<Order, Pending>,
    by_id: HashMap<MessageId, Order>,
    lanes: HashMap<ChatId, Lane>,
    /// The first message of each chat that may go now.
    ready: BTreeSet<Order>,
    /// The same, of chats in which nobody ever wrote to us.
    ready_cold: BTreeSet<Order>,
    /// How many messages wait to go to such chats.
    cold: usize,
    in_flight: BTreeSet<Order>,
    /// What waits and may not wait for ever, by the time of its end.
    expiring: BTreeSet<(Timestamp, Order)>,
    next_order: Order,
    text_bytes: usize,
}

impl Outbox {
    /// How many bytes the texts of the unsettled messages have.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// How many messages are not settled.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// There is no unsettled message.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many messages are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The message that was accepted first.
    pub fn oldest(&self) -> Option<&Pending> {
        self.rows.first_key_value().map(|(_, row)| row)
    }

    /// Adds a message behind all others.
    pub fn push(&mut self, pending: Pending) {
        let order = self.next_order;
        self.next_order += 1;
        self.text_bytes += pending.text.len();
        let lane = self.lanes.entry(pending.chat.id.clone());
        let lane = lane.or_insert_with(|| Lane { cold: !pending.warm, ..Lane::default() });
        lane.waiting.push_back(order);
        let (first, cold) = (lane.waiting.len() == 1 && !lane.held, lane.cold);
        self.cold += usize::from(cold);
        if first {
            self.set_ready(order, cold);
        }
        self.expiring.extend(pending.delivery.expires_at.map(|at| (at, order)));
        self.by_id.insert(pending.id.clone(), order);
        self.rows.insert(order, pending);
    }

    /// The message with this id.
    pub fn get(&self, id: &MessageId) -> Option<&Pending> {
        self.rows.get(self.by_id.get(id)?)
    }

    /// The id of the oldest message in flight to this address: what an answer without an id is about.
    pub fn in_flight_to(&self, address: &str) -> Option<MessageId> {
        self.in_flight
            .iter()
            .filter_map(|o| self.rows.get(o))
            .find(|p| p.chat.address() == address)
            .map(|p| p.id.clone())
    }

    /// The message that may go next; with `warm_only` of those to chats in which somebody wrote to us.
    pub fn next_ready(&self, warm_only: bool) -> Option<&Pending> {
        let cold = self.ready_cold.first().filter(|_| !warm_only);
        self.rows.get(self.ready.first().into_iter().chain(cold).min()?)
    }

    /// How many messages wait to go to chats in which nobody ever wrote to us.
    pub fn cold(&self) -> usize {
        self.cold
    }

    /// Somebody wrote to us in this chat, or WhatsApp takes it for one in which nobody did.
    pub fn set_cold(&mut self, chat: &ChatId, cold: bool) {
        let Some(lane) = self.lanes.get_mut(chat).filter(|lane| lane.cold != cold) else { return };
        lane.cold = cold;
        let count = lane.waiting.len() - usize::from(lane.in_flight);
        let first = lane.waiting.front().copied();
        self.cold = if cold { self.cold + count } else { self.cold.saturating_sub(count) };
        if let Some(order) = first
            && self.unset_ready(order)
        {
            self.set_ready(order, cold);
        }
    }

    fn set_ready(&mut self, order: Order, cold: bool) {
        if cold {
            self.ready_cold.insert(order)
        } else {
            self.ready.insert(order)
        };
    }

    /// Returns whether it was ready.
    fn unset_ready(&mut self, order: Order) -> bool {
        self.ready.remove(&order) || self.ready_cold.remove(&order)
    }

    /// The first time at which a waiting message expires, and its id.
    pub fn next_expiry(&self) -> Option<(Timestamp, &MessageId)> {
        let (at, order) = self.expiring.first()?;
        self.rows.get(order).map(|row| (*at, &row.id))
    }

    /// Marks the message as in flight, with its new delivery.
    pub fn launch(&mut self, id: &MessageId, delivery: Delivery) {
        let Some(&order) = self.by_id.get(id) else { return };
        let Some(row) = self.rows.get_mut(&order) else { return };
        if let Some(at) = row.delivery.expires_at {
            self.expiring.remove(&(at, order));
        }
        row.delivery = delivery;
        if let Some(lane) = self.lanes.get_mut(&row.chat.id) {
            lane.in_flight = true;
            self.cold -= usize::from(lane.cold);
        }
        self.unset_ready(order);
        self.in_flight.insert(order);
    }

    /// Takes a settled message out. The next one of its chat may then go.
    pub fn settle(&mut self, id: &MessageId) -> Option<Pending> {
        let order = self.by_id.remove(id)?;
        let row = self.rows.remove(&order)?;
        self.text_bytes = self.text_bytes.saturating_sub(row.text.len());
        if let Some(at) = row.delivery.expires_at {
            self.expiring.remove(&(at, order));
        }
        self.unset_ready(order);
        let was_in_flight = self.in_flight.remove(&order);
        if let Some(lane) = self.lanes.get_mut(&row.chat.id) {
            if lane.waiting.front() == Some(&order) {
                lane.waiting.pop_front();
            } else {
                lane.waiting.retain(|&o| o != order);
            }
            if was_in_flight {
                lane.in_flight = false;
            }
            let cold = lane.cold;
            self.cold -= usize::from(cold && !was_in_flight);
            match lane.waiting.front() {
                None => {
                    self.lanes.remove(&row.chat.id);
                }
                Some(&first) if !lane.in_flight && !lane.held => self.set_ready(first, cold),
                Some(_) => {}
            }
        }
        Some(row)
    }

    /// Puts a message in flight back at the front of its chat. With `hold` the chat waits for [`Outbox::release`].
    pub fn requeue(&mut self, id: &MessageId, delivery: Delivery, hold: bool) {
        let Some(&order) = self.by_id.get(id) else { return };
        let Some(row) = self.rows.get_mut(&order) else { return };
        row.delivery = delivery;
        if !self.in_flight.remove(&order) {
            return;
        }
        self.expiring.extend(row.delivery.expires_at.map(|at| (at, order)));
        let Some(lane) = self.lanes.get_mut(&row.chat.id) else { return };
        lane.in_flight = false;
        lane.held = hold;
        let cold = lane.cold;
        self.cold += usize::from(cold);
        if !hold {
            self.set_ready(order, cold);
        }
    }

    /// Lets the chats go on that were held.
    pub fn release(&mut self) {
        for lane in self.lanes.values_mut().filter(|l| l.held) {
            lane.held = false;
            if let (Some(&first), false) = (lane.waiting.front(), lane.in_flight) {
                if lane.cold {
                    self.ready_cold.insert(first)
                } else {
                    self.ready.insert(first)
                };
            }
        }
    }

    /// The ids of all messages in flight, oldest first.
    pub fn all_in_flight(&self) -> Vec<MessageId> {
        self.in_flight.iter().filter_map(|o| self.rows.get(o)).map(|p| p.id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(rows: &[(&str, &str)]) -> Outbox {
        let mut outbox = Outbox::default();
        for (id, phone) in rows {
            outbox.push(Pending {
                id: MessageId::from(*id),
                chat: Chat::with_person(phone.parse().unwrap()),
                text: "x".into(),
                delivery: Delivery::queued(Timestamp::default()),
                warm: true,
            });
        }
        outbox
    }

    fn launch_all(outbox: &mut Outbox) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(next) = outbox.next_ready(false).cloned() {
            outbox.launch(&next.id, next.delivery.clone().dispatched(Timestamp::default()));
            out.push(next.id.to_string());
        }
        out
    }

    const ANA: &str = "+15551111111";
    const BEN: &str = "+15552222222";

    #[test]
    fn one_message_a_chat_is_in_flight_and_order_is_kept() {
        let mut o = outbox(&[("a1", ANA), ("a2", ANA), ("b1", BEN), ("a3", ANA)]);
        assert_eq!(launch_all(&mut o), ["a1", "b1"]);
        o.settle(&"a1".into());
        assert_eq!(launch_all(&mut o), ["a2"]);
        o.settle(&"b1".into());
        assert_eq!(launch_all(&mut o), Vec::<String>::new());
        o.settle(&"a2".into());
        assert_eq!(launch_all(&mut o), ["a3"]);
        o.settle(&"a3".into());
        assert!(o.is_empty() && o.lanes.is_empty() && o.by_id.is_empty() && o.ready.is_empty());
    }

    #[test]
    fn a_requeued_message_goes_before_the_later_ones_of_its_chat() {
        let mut o = outbox(&[("a1", ANA), ("a2", ANA)]);
        launch_all(&mut o);
        o.requeue(&"a1".into(), Delivery::queued(Timestamp::default()), false);
        assert_eq!(launch_all(&mut o), ["a1"]);
    }

    #[test]
    fn a_held_chat_waits_for_its_release_and_the_others_go_on() {
        let mut o = outbox(&[("a1", ANA), ("b1", BEN)]);
        launch_all(&mut o);
        o.requeue(&"a1".into(), Delivery::queued(Timestamp::default()), true);
        o.settle(&"b1".into());
        o.push(Pending { id: "a2".into(), ..o.get(&"a1".into()).unwrap().clone() });
        assert_eq!(launch_all(&mut o), Vec::<String>::new());
        o.release();
        assert_eq!(launch_all(&mut o), ["a1"]);
    }

    #[test]
    fn what_expires_is_found_while_it_waits_and_not_while_it_is_in_flight() {
        let mut o = outbox(&[("a1", ANA)]);
        let at = Timestamp::from_millis;
        let waiting = |ms| Delivery::queued(at(0)).expiring(Some(at(ms)));
        let row = |id: &str, phone: &str, ms| Pending {
            id: id.into(),
            chat: Chat::with_person(phone.parse().unwrap()),
            text: "x".into(),
            delivery: waiting(ms),
            warm: true,
        };
        o.push(row("b1", BEN, 9));
        o.push(row("b2", BEN, 5));
        assert_eq!(o.next_expiry(), Some((at(5), &"b2".into())));
        o.settle(&"b2".into());
        assert_eq!(o.next_expiry(), Some((at(9), &"b1".into())));
        o.launch(&"b1".into(), waiting(9).dispatched(at(1)));
        assert_eq!(o.next_expiry(), None);
        o.requeue(&"b1".into(), waiting(9).dispatched(at(1)).requeued(), false);
        assert_eq!(o.next_expiry(), Some((at(9), &"b1".into())));
        o.settle(&"b1".into());
        assert_eq!((o.next_expiry(), o.len()), (None, 1));
    }

    #[test]
    fn only_chats_in_which_somebody_wrote_go_on_when_only_those_may() {
        let mut o = outbox(&[("a1", ANA), ("a2", ANA)]);
        for id in ["b1", "b2"] {
            let chat = Chat::with_person(BEN.parse().unwrap());
            o.push(Pending { id: id.into(), chat, warm: false, ..o.get(&"a1".into()).unwrap().clone() });
        }
        assert_eq!(o.cold(), 2);
        o.settle(&"a1".into());
        assert_eq!(o.next_ready(true).unwrap().id.as_str(), "a2");
        o.launch(&"a2".into(), Delivery::queued(Timestamp::default()));
        assert_eq!(o.next_ready(true), None);
        assert_eq!(o.next_ready(false).unwrap().id.as_str(), "b1");
        let ben = Chat::with_person(BEN.parse().unwrap()).id;
        o.set_cold(&ben, false);
        assert_eq!((o.next_ready(true).unwrap().id.as_str(), o.cold()), ("b1", 0));
        o.launch(&"b1".into(), Delivery::queued(Timestamp::default()));
        o.set_cold(&ben, true);
        assert_eq!((o.next_ready(false), o.cold()), (None, 1), "the other is in flight");
        o.requeue(&"b1".into(), Delivery::queued(Timestamp::default()), false);
        assert_eq!((o.next_ready(true), o.next_ready(false).map(|p| p.id.as_str())), (None, Some("b1")));
        assert_eq!(o.cold(), 2);
        o.settle(&"b1".into());
        o.settle(&"b2".into());
        o.settle(&"a2".into());
        assert!(o.is_empty() && o.lanes.is_empty() && o.cold() == 0 && o.ready_cold.is_empty());
    }

    #[test]
    fn settling_what_waits_behind_another_does_not_let_it_overtake() {
        let mut o = outbox(&[("a1", ANA), ("a2", ANA), ("a3", ANA)]);
        launch_all(&mut o);
        o.settle(&"a2".into());
        assert_eq!(launch_all(&mut o), Vec::<String>::new());
        o.settle(&"a1".into());
        assert_eq!(launch_all(&mut o), ["a3"]);
    }
}
