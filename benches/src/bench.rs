//! What the groups of rows are given.

use std::path::PathBuf;
use std::time::Duration;

use crate::figures::Record;
use crate::subject::find_or_build;

/// A run of the harness.
pub struct Bench {
    /// The program that is measured.
    pub program: PathBuf,
    /// Fewer and shorter runs.
    pub quick: bool,
    /// What was measured so far.
    pub record: Record,
}

impl Bench {
    /// How many runs there are of what is to have so many.
    pub fn runs(&self, full: usize) -> usize {
        if self.quick { full.min(2) } else { full }
    }

    /// How long what is to take so many seconds takes.
    pub fn seconds(&self, full: u64) -> Duration {
        Duration::from_millis(if self.quick { full * 1_000 / 6 } else { full * 1_000 })
    }

    /// How many there are of what is to be so many.
    pub fn count(&self, full: u64) -> u64 {
        if self.quick { full / 20 } else { full }
    }

    /// The WhatsApp server for tests.
    ///
    /// # Errors
    /// It can't be built.
    pub fn simulator(&self) -> anyhow::Result<PathBuf> {
        find_or_build("whatsapp-simulator")
    }
}
