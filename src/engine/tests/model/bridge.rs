//! A toy bridge, and WhatsApp behind it. Its log is on a disk that never fails: what is not acknowledged is told again in
//! each run, as the protocol has it.

use std::collections::BTreeMap;

use crate::protocol::{self, ChatKind, Event, Receipt, ReceiptStatus, Sent};
use crate::state::{Chat, DeliveryState, Incarnation, MessageId};

use super::operation::Verdict;

/// An event, and what follows from it however often it is told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) event: Event,
    pub(super) fact: Fact,
}

/// What an event says about the world.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    /// A message of ours got there.
    Proof(MessageId, DeliveryState),
    /// An attempt to send it was refused for good.
    Refusal(MessageId),
    /// This message is there: its chat, and a body that no other one in it has.
    Message(Chat, String),
    /// Nothing that would have to be kept.
    Nothing,
}

/// A message that the bridge was given and has not answered.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) id: MessageId,
    pub(super) to: String,
}

#[derive(Debug)]
pub(super) struct Bridge {
    extended: bool,
    /// The run that runs.
    pub(super) run: Option<Incarnation>,
    runs: u64,
    /// It was told to connect in this run.
    pub(super) connects: bool,
    /// What is not acknowledged.
    log: BTreeMap<u64, Told>,
    /// Everything that was ever told with a number.
    history: Vec<(u64, Told)>,
    last: u64,
    /// The highest number that was told in this run.
    pub(super) told_in_run: u64,
    /// The last number that was acknowledged in this run.
    pub(super) acknowledged_in_run: u64,
    pub(super) given: Vec<Given>,
}

impl Bridge {
    pub(super) fn new(extended: bool) -> Self {
        Self {
            extended,
            run: None,
            runs: 0,
            connects: false,
            log: BTreeMap::new(),
            history: vec![],
            last: 0,
            told_in_run: 0,
            acknowledged_in_run: 0,
            given: vec![],
        }
    }

    /// Starts it, when it does not run.
    pub(super) fn start(&mut self) -> Option<Incarnation> {
        if self.run.is_some() {
            return None;
        }
        self.runs += 1;
        self.run = Some(Incarnation(self.runs));
        (self.connects, self.told_in_run, self.acknowledged_in_run) = (false, 0, 0);
        self.run
    }

    /// Ends the run. Returns which it was.
    pub(super) fn die(&mut self) -> Option<Incarnation> {
        self.given.clear();
        self.connects = false;
        self.run.take()
    }

    /// The host has gone, and counts the runs anew when it comes back.
    pub(super) fn die_with_host(&mut self) {
        self.die();
        self.runs = 0;
    }

    /// It is told to connect. Returns what it tells again, in order.
    pub(super) fn connect(&mut self) -> Vec<Told> {
        if std::mem::replace(&mut self.connects, true) {
            return vec![];
        }
        self.told_in_run = self.log.keys().copied().max().unwrap_or_default();
        self.log.values().cloned().collect()
    }

    /// Tells an event: first it is in the log, with a number, if the bridge has one.
    pub(super) fn tell(&mut self, mut event: Event, fact: Fact) -> Told {
        if !self.extended {
            return Told { event, fact };
        }
        self.last += 1;
        let seq = Some(self.last);
        match &mut event {
            Event::Message(message) => message.seq = seq,
            Event::Sent(sent) => sent.seq = seq,
            Event::Receipt(receipt) => receipt.seq = seq,
            other => panic!("{other:?} has no number"),
        }
        let told = Told { event, fact };
        self.log.insert(self.last, told.clone());
        self.history.push((self.last, told.clone()));
        self.told_in_run = self.last;
        told
    }

    /// Tells the nth last event again, in a run in which it may be told.
    pub(super) fn again(&mut self, nth: usize) -> Option<Told> {
        let (seq, told) = self.history.iter().rev().nth(nth)?;
        self.told_in_run = self.told_in_run.max(*seq);
        Some(told.clone())
    }

    /// The host acknowledges. Returns what it says to have on disk, which is forgotten.
    pub(super) fn acknowledged(&mut self, seq: u64) -> Vec<Told> {
        self.acknowledged_in_run = seq;
        let kept = self.log.split_off(&(seq + 1));
        std::mem::replace(&mut self.log, kept).into_values().collect()
    }

    /// The answer to a `send`. A bridge of the base level names the recipient only.
    pub(super) fn answer(&mut self, given: &Given, with: Verdict, until_ms: i64) -> Told {
        let fact = match with {
            Verdict::Ok => Fact::Proof(given.id.clone(), DeliveryState::Sent),
            Verdict::Retryable if self.extended => Fact::Nothing,
            Verdict::TimeLock if self.extended => Fact::Nothing,
            Verdict::Retryable | Verdict::TimeLock | Verdict::Refused => Fact::Refusal(given.id.clone()),
        };
        let sent = Sent {
            to: given.to.as_str().into(),
            ok: with == Verdict::Ok,
            message_id: self.extended.then(|| given.id.as_str().into()),
            code: match with {
                Verdict::TimeLock => Some(463),
                Verdict::Refused => Some(479),
                Verdict::Ok | Verdict::Retryable => None,
            },
            error: None,
            retryable: with == Verdict::Retryable,
            retry_at_ms: (with == Verdict::TimeLock).then_some(until_ms),
            seq: None,
        };
        self.tell(Event::Sent(sent), fact)
    }

    pub(super) fn receipt(&mut self, id: &MessageId, status: ReceiptStatus) -> Told {
        let state = match status {
            ReceiptStatus::Delivered => DeliveryState::Delivered,
            ReceiptStatus::Read | ReceiptStatus::Played => DeliveryState::Read,
        };
        let receipt = Receipt { message_id: id.as_str().into(), status, timestamp_ms: None, seq: None };
        self.tell(Event::Receipt(receipt), Fact::Proof(id.clone(), state))
    }

    /// A message comes in. A bridge of the base level gives neither chat nor id: each time it is another one.
    pub(super) fn message(&mut self, chat: &Chat, id: &str, own: bool, fact: Fact) -> Told {
        let message = protocol::Message {
            from: chat.address().into(),
            body: id.to_owned(),
            message_id: self.extended.then(|| id.into()),
            kind: None,
            target: None,
            from_me: own && self.extended,
            timestamp_ms: None,
            name: None,
            chat: self.extended.then(|| protocol::Chat {
                kind: ChatKind::Person,
                id: chat.id.as_str().into(),
                phone: chat.phone.as_ref().map(|phone| phone.as_str().into()),
                lid: None,
            }),
            seq: None,
        };
        self.tell(Event::Message(Box::new(message)), fact)
    }
}
