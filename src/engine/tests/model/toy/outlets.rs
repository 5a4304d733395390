//! The rules for what comes out: answers, commands to the bridge, and what consoles see.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::bridge::Fact;
use super::super::process::QUEUE;
use super::{Ask, Checked, Toy, fail};
use crate::state::{Answer, DeliveryState, Message, MessageId, Refusal};

impl Toy {
    /// A request to send is answered. `waiting`: how many messages waited when it was made, if that is known.
    pub(in super::super) fn answered(&mut self, ask: &Ask, waiting: Option<usize>, answer: &Answer) -> Checked {
        let became = self.became.get(&ask.slot()).and_then(|id| self.by_id.get(id)).copied();
        let good = match (answer, became.map(|at| &mut self.ours[at])) {
            (Answer::Accepted { id, delivery }, Some(ours)) => {
                let first = !std::mem::replace(&mut ours.accepted, true);
                let room = waiting.is_none_or(|waiting| waiting < QUEUE);
                first && room && ours.id == *id && ours.ask == *ask && delivery.state == DeliveryState::Queued
            }
            (Answer::AcceptedBefore { id }, Some(ours)) => {
                self.met.push("the same again");
                ask.key.is_some() && ours.id == *id && ours.ask == *ask
            }
            (Answer::Refused(Refusal::KeyReused), Some(ours)) => {
                self.met.push("the key of another");
                ask.key.is_some() && ours.ask != *ask
            }
            // Where it is not known what waited, the key may have become another's message since.
            (Answer::Refused(Refusal::QueueFull { .. }), became) => {
                self.met.push("queue full");
                waiting.is_none_or(|waiting| waiting >= QUEUE && became.is_none())
            }
            (Answer::Refused(Refusal::BadExpiry { .. }), became) => {
                ask.expires_in == Some(0) && (waiting.is_none() || became.is_none())
            }
            _ => false,
        };
        prop_assert!(good, "{ask:?} became {became:?}, is answered {answer:?}, and {waiting:?} waited");
        Ok(())
    }

    /// A request to take a message back is answered. `state`: how far it had come when that was asked, if that is known.
    pub(in super::super) fn cancel_answered(
        &mut self,
        id: &MessageId,
        state: Option<DeliveryState>,
        answer: &Answer,
    ) -> Checked {
        let now = self.state(id);
        let good = match answer {
            Answer::Done => now >= Some(DeliveryState::Cancelled) && state.is_none_or(|s| s == DeliveryState::Queued),
            Answer::Refused(Refusal::TooLateToCancel { state: told }) => {
                self.met.push("too late to cancel");
                *told != DeliveryState::Queued && now.is_some() && state.is_none_or(|state| state == *told)
            }
            Answer::Refused(Refusal::NoSuchMessage) => now.is_none(),
            _ => false,
        };
        prop_assert!(good, "taking back {id}, which was {state:?} and is {now:?}, is answered {answer:?}");
        Ok(())
    }

    /// The bridge is given a message: the next one that is on disk as handed out, as it is there. Returns which.
    pub(in super::super) fn given(&mut self, to: &str, text: &str, message_id: Option<&str>) -> Checked<MessageId> {
        let Some(id) = self.dispatched.pop_front() else {
            return fail(format!("{text:?} is given, and not on disk as handed out"));
        };
        let ask = &self.ours[self.by_id[&id]].ask;
        let named = message_id == self.extended.then_some(id.as_str());
        let same = named && *ask.text == *text && ask.chat.address() == to;
        prop_assert!(same, "{id} was to be given, and {text:?} is, as {message_id:?} to {to}");
        Ok(id)
    }

    /// What is acknowledged to the bridge is on disk.
    pub(in super::super) fn acknowledged(&self, fact: &Fact) -> Checked {
        prop_assert!(self.holds(fact), "{fact:?} is acknowledged and not on disk");
        Ok(())
    }

    fn holds(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Proof(id, state) => self.state(id).is_none_or(|now| now >= *state),
            Fact::Message(chat, body) => self.incoming.get(&(chat.id.clone(), body.clone())) == Some(&1),
            Fact::Refusal(_) | Fact::Nothing => true,
        }
    }

    /// What consoles see is on disk, and no message is there twice.
    pub(in super::super) fn seen<'a>(&self, feed: impl Iterator<Item = &'a Message>) -> Checked {
        let mut seen = HashSet::new();
        for message in feed {
            prop_assert!(seen.insert((&message.chat.id, &message.id)), "{} is shown twice", message.id);
            let on_disk = match &message.delivery {
                Some(shown) => self.by_id.get(&message.id).is_some_and(|at| self.ours[*at].had.contains(&shown.state)),
                None => self.incoming.get(&(message.chat.id.clone(), message.body.to_string())) == Some(&1),
            };
            prop_assert!(on_disk, "{message:?} is shown and not on disk");
        }
        Ok(())
    }

    /// Everything that happened is on disk, and everyone was told.
    pub(in super::super) fn quiet(&mut self) -> Checked {
        let told = std::mem::take(&mut self.told);
        if let Some(lost) = told.iter().find(|fact| !self.holds(fact)) {
            return fail(format!("{lost:?} was told and is not on disk"));
        }
        if let Some((id, state)) = self.expected.take() {
            prop_assert_eq!(self.state(&id), Some(state), "{}", id);
        }
        prop_assert!(self.dispatched.is_empty(), "{:?} are on disk as handed out, and were not given", self.dispatched);
        Ok(())
    }
}
