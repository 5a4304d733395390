//! Webhooks: events of the journal, sent to addresses that the operator names. What is here decides and does no I/O;
//! nothing sends with it yet.
//!
//! * Each webhook is a cursor on the journal ([`Progress`]): a receiver that was away gets everything, in order, at
//!   least once, after a restart too. The event's number, as `webhook-id`, is the same at each attempt.
//! * What fails is tried again with a growing delay for hours; then the webhook is parked, keeps its place, and waits
//!   for the operator.
//! * Each attempt is signed as Standard Webhooks has it ([`SigningKey`]).
//! * What a name resolves to is looked at before it is connected to ([`is_public`]): an address within the operator's
//!   own network is no receiver, unless he says so.

mod address;
mod progress;
mod signature;

pub use address::is_public;
pub use progress::{Parked, Progress, State};
pub use signature::{KeyError, SigningKey, signature_header};
