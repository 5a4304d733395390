//! The domain: what is known, and what follows from what happens. Pure: no I/O, no clock, no tokio.
//!
//! Two functions hold the logic. [`decide`] looks at the [`State`] and an [`Input`] and says what changes, what must
//! be written and what must be done ([`Outcome`]). [`apply`] folds a [`Change`] into a [`Snapshot`].
//!
//! * A [`Snapshot`] is exactly the fold of its changes: consoles and the engine use the same `apply`.
//! * Everything in a [`Snapshot`] is bounded: the feed holds the last [`FEED_CAPACITY`] messages, the outbox at most
//!   [`QUEUE_CAPACITY`].
//! * Time comes in as [`Now`](crate::clock::Now), randomness as an argument.

mod about;
mod address;
mod apply;
mod decide;
mod event;
mod exit;
mod filter;
mod find;
mod groups;
mod ids;
mod input;
mod journal;
mod message;
mod once;
mod outbox;
mod pacing;
mod pairing;
mod passkey;
mod phone;
mod readiness;
mod request;
mod restriction;
mod sample;
mod snapshot;
mod tuning;
mod webhook;

pub use about::{About, Target};
pub use address::AddressError;
pub use apply::apply;
pub use decide::{BridgeLimits, Lookup, MAX_EXPIRES_IN, MAX_TEXT_CHARS, State, WINDOW, decide, lookup};
pub use event::{GAP, Missing, event_text, gap_text, stream_text};
pub use exit::{ExitClass, LastExit};
pub use filter::{EventFilter, FILTER_VALUES, FilterError};
pub use find::{
    Filter, Find, FindError, Found, LISTED_CHARS, Listed, ListedChat, LookUp, Order, Page, Place, SEARCH_CHARS,
    SEARCH_WORDS,
};
pub use groups::{GROUPS_CAPACITY, Subjects};
pub use ids::{AccountId, ChatId, Incarnation, MessageId, RequestId, Seq, WriteSeq};
pub use input::{Background, BridgeNotice, Change, Effect, Input, Known, Outcome, Sampled, TimerId, Write};
pub use journal::{ConnectionEvent, JournalKind, MessageEvent, RestrictionEvent, StatusEvent};
pub use message::{Chat, Delivery, DeliveryState, Direction, Failure, Message, Times};
pub use once::{Fingerprint, IdempotencyKey, KeyError, MAX_KEY_CHARS, Used};
pub use outbox::{Outbox, Pending};
pub use pacing::{Pace, PacingView};
pub use pairing::{Pairing, Secret};
pub use passkey::{PasskeyFault, passkey_fault, read_passkey};
pub use phone::{Phone, PhoneError};
pub use readiness::{Check, CheckState, readiness};
pub use request::{Answer, Linking, Refusal, Request, SendOptions};
pub use restriction::RestrictionView;
pub use sample::{ApiSample, HostSample, LagSample, StreamsSample, TIME_BOUNDS_MS, TimesOfMessages, TimesSample};
pub use snapshot::{
    BridgeState, BridgeView, ConnectionState, ConnectionView, Counters, FEED_CAPACITY, LastError, LatenessView,
    QUEUE_CAPACITY, Snapshot, StoreState, StoreView, TIMELINE_CAPACITY, Transition,
};
pub use tuning::{Kept, Tuning};
pub use webhook::{WebhookRecord, WebhookRequest, WebhookState, WebhookView};

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "tests pick out what they look for")]
mod tests;
