//! What can be set anew while the gateway runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BridgeLimits, Pace};

/// What the engine goes by, and can go by otherwise from one input to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// How fast messages are handed out.
    pub pace: Pace,
    /// What is asked of the bridge.
    pub limits: BridgeLimits,
    /// How many messages may be unsettled.
    pub queue_limit: usize,
    /// What is kept.
    pub kept: Kept,
}

/// How many messages, and how much of the journal, are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What is older goes; none: no age is too old.
    pub max_age: Option<Duration>,
    /// With more bytes than this, the oldest goes; none: no size is too large.
    pub max_bytes: Option<u64>,
}
