//! Messages flow in both directions through the real program, the real bridge and a simulator of WhatsApp, while both
//! processes are killed and the connection is disturbed at random moments. Afterwards nothing may be lost or doubled.
//!
//! * Every message that the API accepted is at the contact once, every message that a contact wrote is in the database
//!   and in the journal once, and the order within each chat and direction is kept.
//! * A request whose answer was lost in a kill is made again with the same `Idempotency-Key`. Half of the kills of the
//!   host wait for a request, so that answers do get lost.
//! * What the bridge could not decrypt counts as lost, though it was told later.
//! * Which faults come, and when, follows from the seed; where they meet the processes does not.

mod check;
mod faults;
mod gateway;
mod report;
mod run;
mod traffic;

use std::path::PathBuf;
use std::time::Duration;

pub use check::Findings;
pub use faults::Fault;
pub use report::Report;
pub use run::run;

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program `pilothouse`.
    pub program: PathBuf,
    /// The script of the bridge, with its packages installed.
    pub bridge: PathBuf,
    /// Where data, session and log go. It is to be empty.
    pub folder: PathBuf,
    /// Decides which faults come and when.
    pub seed: u64,
    /// How long messages flow.
    pub length: Duration,
    /// Messages a second, in each direction.
    pub rate: f64,
    /// The mean time between two faults.
    pub pause: Duration,
}
