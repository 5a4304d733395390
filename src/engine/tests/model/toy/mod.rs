//! The toy: what a gateway must look like from outside. A few maps, and rules that say what may follow what.
//!
//! It never looks into the engine. It knows what callers and the bridge did, and it follows the journal, the answers and
//! the commands: `journal` has the rules for what is written, `outlets` those for what comes out.

mod journal;
mod outlets;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use proptest::test_runner::TestCaseError;

use super::bridge::Fact;
use super::operation::Verdict;
use crate::clock::Timestamp;
use crate::state::{Chat, ChatId, Delivery, DeliveryState, MessageId};

/// A rule held; or which did not.
pub(super) type Checked<T = ()> = Result<T, TestCaseError>;

/// How often a message is given to the bridge at most.
const ATTEMPTS: u32 = 10;

/// A request to send, as a caller made it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) chat: Chat,
    pub(super) text: Arc<str>,
    pub(super) key: Option<u8>,
    pub(super) expires_in: Option<u32>,
}

/// What makes requests one and the same: the key, or the text, which no other request without a key has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Key(u8),
    Text(Arc<str>),
}

impl Ask {
    fn slot(&self) -> Slot {
        self.key.map_or_else(|| Slot::Text(Arc::clone(&self.text)), Slot::Key)
    }
}

/// A message of ours.
#[derive(Debug)]
struct Ours {
    id: MessageId,
    ask: Ask,
    delivery: Delivery,
    /// The states that it has had.
    had: Vec<DeliveryState>,
    /// The points that answers and receipts told of it.
    told: Vec<DeliveryState>,
    /// An attempt to send it was refused for good.
    refused: bool,
    /// Somebody wanted to take it back.
    cancelled: bool,
    /// A caller was told that it is accepted.
    accepted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Toy {
    extended: bool,
    asks: Vec<Ask>,
    /// The last of those without a key that became a message.
    taken: Option<usize>,
    /// In the order of acceptance.
    ours: Vec<Ours>,
    by_id: HashMap<MessageId, usize>,
    became: BTreeMap<Slot, MessageId>,
    /// How often each message that came in is on disk, by its chat and its body.
    incoming: BTreeMap<(ChatId, String), u32>,
    /// On disk as handed to the bridge, and not seen there yet.
    dispatched: VecDeque<MessageId>,
    /// Told by the bridge, and not known to be on disk.
    told: Vec<Fact>,
    /// What the last operation must have led to.
    expected: Option<(MessageId, DeliveryState)>,
    /// What was met, to see that sequences get there.
    pub(super) met: Vec<&'static str>,
}

impl Toy {
    pub(super) fn new(extended: bool) -> Self {
        Self { extended, ..Self::default() }
    }

    /// A caller asks for a message to be sent.
    pub(super) fn asked(&mut self, ask: &Ask) {
        self.asks.push(ask.clone());
    }

    /// A caller asks for a message not to be sent.
    pub(super) fn cancelled(&mut self, id: &MessageId) {
        if let Some(ours) = self.find(id) {
            ours.cancelled = true;
        }
    }

    /// The bridge tells something.
    pub(super) fn told(&mut self, fact: &Fact) {
        self.told.push(fact.clone());
        match fact {
            Fact::Proof(id, state) => {
                if let Some(ours) = self.find(id) {
                    ours.told.push(*state);
                }
            }
            Fact::Refusal(id) => {
                if let Some(ours) = self.find(id) {
                    ours.refused = true;
                }
            }
            Fact::Message(chat, body) => {
                self.incoming.entry((chat.id.clone(), body.clone())).or_default();
            }
            Fact::Nothing => {}
        }
    }

    /// An answer for a message comes while nothing else is going on: it is known what must follow.
    pub(super) fn expect(&mut self, id: &MessageId, with: Verdict, now: Timestamp) {
        let extended = self.extended;
        let Some(ours) = self.find(id) else { return };
        let before = ours.delivery.state;
        let after = match with {
            Verdict::Ok => before.max(DeliveryState::Sent),
            // About an attempt that does not count any more.
            _ if before != DeliveryState::Dispatched => before,
            Verdict::Retryable if extended && ours.delivery.attempts < ATTEMPTS => DeliveryState::Queued,
            Verdict::TimeLock if extended => DeliveryState::Queued,
            Verdict::Retryable | Verdict::TimeLock | Verdict::Refused => DeliveryState::Failed,
        };
        let late = after == DeliveryState::Queued && ours.delivery.expires_at.is_some_and(|at| at <= now);
        let expected = if late { DeliveryState::Expired } else { after };
        // What waited already may go out at any time, and that is nothing that the answer led to.
        let goes_its_way = before == DeliveryState::Queued && expected == DeliveryState::Queued;
        self.expected = (!goes_its_way).then(|| (id.clone(), expected));
    }

    /// Something else happens.
    pub(super) fn expect_nothing(&mut self) {
        self.expected = None;
    }

    /// The process has ended: what was not on disk is gone, and what was in flight is uncertain.
    pub(super) fn ended(&mut self) {
        self.told.clear();
        self.expected = None;
        self.dispatched.clear();
        for ours in self.ours.iter_mut().filter(|ours| ours.delivery.state == DeliveryState::Dispatched) {
            ours.delivery.state = DeliveryState::Queued;
        }
    }

    fn find(&mut self, id: &MessageId) -> Option<&mut Ours> {
        self.by_id.get(id).and_then(|at| self.ours.get_mut(*at))
    }

    /// How far a message of ours has come.
    pub(super) fn state(&self, id: &MessageId) -> Option<DeliveryState> {
        self.by_id.get(id).and_then(|at| self.ours.get(*at)).map(|ours| ours.delivery.state)
    }

    /// How many messages are not settled.
    pub(super) fn pending(&self) -> usize {
        self.ours.iter().filter(|ours| ours.delivery.state.is_pending()).count()
    }

    /// A message that waits although its time was over at this time.
    pub(super) fn overdue(&self, at: Timestamp) -> Option<&MessageId> {
        let waits = |ours: &&Ours| ours.delivery.state == DeliveryState::Queued;
        let over = |ours: &&Ours| ours.delivery.expires_at.is_some_and(|end| end <= at);
        self.ours.iter().filter(waits).find(over).map(|ours| &ours.id)
    }

    /// The nth last message, and its address.
    pub(super) fn last(&self, nth: usize) -> Option<(&MessageId, &str)> {
        self.ours.iter().rev().nth(nth).map(|ours| (&ours.id, ours.ask.chat.address()))
    }

    /// The requests with a key that became messages.
    pub(super) fn keyed(&self) -> Vec<Ask> {
        self.ours.iter().filter(|ours| ours.ask.key.is_some()).map(|ours| ours.ask.clone()).collect()
    }
}

fn fail<T>(why: String) -> Checked<T> {
    Err(TestCaseError::fail(why))
}
