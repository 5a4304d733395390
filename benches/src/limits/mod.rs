//! The least that does the same work: what figures are compared with.

mod node;
mod parsing;
mod sqlite;

pub use node::{bridge_until_qr, empty_node};
pub use parsing::parsing;
pub use sqlite::{Commits, LARGE, query, sorted_in, sorting};

use crate::process::Usage;
use crate::roles::Role;

/// What an empty process on tokio uses, in the first moment and after so long.
///
/// # Errors
/// It can't be started.
pub fn empty_process(rest: std::time::Duration) -> anyhow::Result<(Usage, Usage)> {
    let mut child = Role::Empty.command()?.spawn()?;
    let look = || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let first = Usage::of(child.id())?;
        std::thread::sleep(rest);
        Ok((first, Usage::of(child.id())?))
    };
    let seen = look();
    let _ = child.kill();
    let _ = child.wait();
    seen
}
