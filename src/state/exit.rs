//! How a run of the bridge ended.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// How a run of the bridge ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastExit {
    /// When.
    pub at: Timestamp,
    /// In words: `exited with code 1`, `was killed by signal 9`.
    pub text: String,
    /// Why: says whether another run follows.
    pub class: ExitClass,
}

/// Why a run of the bridge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExitClass {
    /// By itself, with code 0.
    Clean,
    /// By itself, with another code or by a signal.
    Crash,
    /// By itself, after it told that the phone had ended the link.
    LoggedOut,
    /// By itself, with the code that says that its settings can't work.
    BadConfiguration,
    /// It said nothing at all for too long after its start, and was ended.
    Silent,
    /// It left a `ping`, or what was written to it, alone for too long, and was ended.
    Unresponsive,
    /// It left WhatsApp's server without an answer for too long, and was ended.
    Unproven,
    /// It used more memory than it may, and was ended.
    Memory,
    /// The operator asked for a new start, or for another bridge.
    Operator,
    /// It speaks another protocol, and was ended.
    Refused,
    /// This process ended.
    Stopped,
}

impl ExitClass {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Clean,
        Self::Crash,
        Self::LoggedOut,
        Self::BadConfiguration,
        Self::Silent,
        Self::Unresponsive,
        Self::Unproven,
        Self::Memory,
        Self::Operator,
        Self::Refused,
        Self::Stopped,
    ];

    /// The word for it in figures, as in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Crash => "crash",
            Self::LoggedOut => "logged_out",
            Self::BadConfiguration => "bad_configuration",
            Self::Silent => "silent",
            Self::Unresponsive => "unresponsive",
            Self::Unproven => "unproven",
            Self::Memory => "memory",
            Self::Operator => "operator",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }

    /// The words for it on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "ended",
            Self::Crash => "crashed",
            Self::LoggedOut => "logged out",
            Self::BadConfiguration => "bad settings",
            Self::Silent => "silent",
            Self::Unresponsive => "no answer",
            Self::Unproven => "unproven",
            Self::Memory => "memory",
            Self::Operator => "asked for",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }

    /// Something went wrong that the operator should see.
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Clean
            | Self::Crash
            | Self::LoggedOut
            | Self::BadConfiguration
            | Self::Silent
            | Self::Unresponsive => true,
            // The first was announced, the others were wanted.
            Self::Memory | Self::Unproven | Self::Operator | Self::Refused | Self::Stopped => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_in_figures_are_those_of_json_and_all_are_there() {
        let words = ExitClass::ALL.map(|class| serde_json::to_value(class).unwrap());
        assert_eq!(words, ExitClass::ALL.map(|class| serde_json::Value::from(class.label())));
        assert!(ExitClass::ALL.is_sorted_by(|a, b| a < b) && ExitClass::ALL.last() == Some(&ExitClass::Stopped));
    }
}
