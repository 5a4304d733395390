//! The line mode: one line for each thing that happens, and commands as lines, for screen readers and logs.
//!
//! * Nothing but text and line feeds is written: no escape sequence, no colour, and nothing that was written changes.
//! * It folds the same [`Link`] as the console, and says the same words.
//! * The end of stdin is not the end: a gateway whose commands were piped in goes on.

pub(super) mod teller;

use std::io::{BufRead, IsTerminal, Read, Write};

use tokio::sync::{mpsc, watch};

use super::run::Options;
use crate::clock::Clock;
use crate::link::{Link, Update};
use crate::state::{Answer, Refusal};
use teller::{Step, Teller};

/// How many lines may wait to be read.
const LINES: usize = 16;

/// The longest command, in bytes. What is longer is read on in pieces of that length, and is none.
const LONGEST: u64 = 256 << 10;

/// Tells and listens until it is told to end, or told to by a command.
///
/// # Errors
/// What the system says when stdout takes nothing any more.
pub(super) async fn run(
    mut link: Link,
    clock: Clock,
    options: &Options,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let Some(Update::Snapshot(snapshot)) = link.updates.recv().await else { return Ok(()) };
    // What links an account is for the one who sits there, and for no file.
    let secrets = std::io::stdout().is_terminal();
    let mut teller = Teller::new(*snapshot, options, secrets, clock.now());
    let mut commands = commands()?;
    let mut open = true;
    loop {
        let mut out = std::io::stdout().lock();
        for line in teller.lines() {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        drop(out);
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            command = commands.recv(), if open => match command {
                None => open = false,
                Some(line) => match teller.asked(&line, clock.now()) {
                    Step::Nothing => {}
                    Step::Quit => return Ok(()),
                    Step::Ask(ask) => {
                        let id = ask.id;
                        if link.requests.try_send(ask).is_err() {
                            let answer = Answer::Refused(Refusal::Unavailable);
                            teller.take(Update::Answer { id, answer }, clock.now());
                        }
                    }
                },
            },
            update = link.updates.recv() => match update {
                None => return Ok(()),
                Some(update) => teller.take(update, clock.now()),
            },
        }
    }
}

/// The lines of stdin. The thread waits in the system for the next one, so nothing ends it but the end of the process.
fn commands() -> std::io::Result<mpsc::Receiver<String>> {
    let (lines_tx, lines_rx) = mpsc::channel(LINES);
    std::thread::Builder::new().name("commands".to_owned()).spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut bytes = Vec::new();
        while input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            if lines_tx.blocking_send(String::from_utf8_lossy(&bytes).into_owned()).is_err() {
                return;
            }
            bytes.clear();
        }
    })?;
    Ok(lines_rx)
}
