//! What groups are called.

use compact_str::CompactString;
use serde::Deserialize;

/// The subjects of groups, those that are new or have changed at least (capability `groups`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Groups {
    /// Some of the account's groups.
    pub groups: Vec<Group>,
}

/// A group and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// WhatsApp's stable id for it.
    pub id: CompactString,
    /// What its members call it.
    pub subject: CompactString,
}
