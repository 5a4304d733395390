//! The commands that ask a running gateway, for scripts and for a quick look: the HTTP API from the command line.
//!
//! * The result alone goes to stdout; what else there is to say goes to stderr. How it ended is the exit code: see
//!   [`Failure::code`].
//! * With `--json` the result is one JSON document as the API has it, or one a line where there is no end.
//! * Text from strangers is made safe for the terminal before it is printed.
//! * A command that is cut off by `| head` ends without a word.
//!
//! Nothing here is used by a gateway that runs, and a runtime is made only when there is something to ask.

mod address;
mod dates;
mod failure;
mod http;
mod lines;
mod messages;
mod out;
mod pair;
mod qr;
mod send;
mod sse;
mod status;
mod tail;

pub use address::{Address, Place};
pub use failure::Failure;
pub use http::{Answer, Client, NoAnswer, Request};
pub use lines::{Lines, Opened};
pub use out::{Out, Style};

use crate::cli::{Action, Target};
use crate::clock::Clock;
use crate::config::Config;

/// Does what a command asks a running gateway for. Blocks. What a command for something else asks is not done.
pub fn run(action: &Action, config: &Config, clock: Clock) -> Result<(), Failure> {
    let (Action::Status(target)
    | Action::Send(crate::cli::Send { target, .. })
    | Action::Tail(crate::cli::Tail { target, .. })
    | Action::Qr(crate::cli::Qr { target, .. })
    | Action::Pair(crate::cli::Pair { target, .. })
    | Action::Messages(crate::cli::Messages { target, .. })) = action
    else {
        return Ok(());
    };
    blocking(perform(action, target, config, clock))
}

/// Text from elsewhere, in one line of so many columns, safe for a terminal.
pub fn plain(text: &str, columns: usize) -> String {
    crate::tui::sanitize::line(text, columns)
}

/// Runs it on a runtime of one thread.
///
/// # Errors
/// What it gives, or that there is no runtime.
pub fn blocking<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::other(format!("can't start the runtime: {error}")))?;
    let result = runtime.block_on(work);
    // Somebody may still read a line from stdin: he is not waited for.
    runtime.shutdown_background();
    result
}

async fn perform(action: &Action, target: &Target, config: &Config, clock: Clock) -> Result<(), Failure> {
    let client = Client::new(Place::of(target, config)?);
    let mut out = Out::stdout(target.json);
    match action {
        Action::Status(_) => status::run(&client, &mut out, clock).await,
        Action::Send(send) => send::run(&client, &mut out, send, clock).await,
        Action::Tail(tail) => tail::run(&client, &mut out, tail).await,
        Action::Qr(qr) => qr::run(&client, &mut out, qr, clock).await,
        Action::Pair(pair) => pair::run(&client, &mut out, pair, clock).await,
        Action::Messages(messages) => messages::run(&client, &mut out, messages).await,
        Action::Doctor { .. }
        | Action::Attach(_)
        | Action::Config { .. }
        | Action::Token { .. }
        | Action::Backup { .. }
        | Action::Restore { .. } => Ok(()),
    }
}
