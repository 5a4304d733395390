//! What is printed.

use std::io::{self, IsTerminal, Stdout, Write};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;
use serde_json::Value;

use super::Failure;
use crate::tui::sanitize;

/// The columns of a line that no terminal cuts: more than any text that is listed.
const ENDLESS: usize = 100_000;

/// Stdout: the result and nothing else.
#[derive(Debug)]
pub struct Out {
    stdout: Stdout,
    /// The columns and rows of the terminal; none: it is not one.
    terminal: Option<(usize, usize)>,
    colors: bool,
    /// JSON is wanted.
    pub json: bool,
}

impl Out {
    /// Stdout as it is.
    pub fn stdout(json: bool) -> Self {
        let stdout = io::stdout();
        let size = tcgetwinsize(&stdout).ok().filter(|size| size.ws_col > 0);
        let terminal = size.filter(|_| stdout.is_terminal()).map(|s| (s.ws_col.into(), s.ws_row.into()));
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { stdout, terminal, colors: terminal.is_some() && !no_color && !dumb, json }
    }

    /// The columns and rows of the terminal; none: stdout is something else.
    pub fn terminal(&self) -> Option<(usize, usize)> {
        self.terminal
    }

    /// Prints a line and has it read at once.
    ///
    /// # Errors
    /// [`Failure::Closed`] when nobody reads any more.
    pub fn line(&mut self, line: &str) -> Result<(), Failure> {
        let error = match writeln!(self.stdout, "{line}").and_then(|()| self.stdout.flush()) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Err(Failure::Closed);
        }
        Err(Failure::other(format!("can't write to stdout: {error}")))
    }

    /// Prints a document.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn document(&mut self, document: &Value) -> Result<(), Failure> {
        self.line(&document.to_string())
    }

    /// Text from outside, in one line that ends where the terminal does, with so many columns taken already.
    pub fn rest_of_line(&self, text: &str, taken: usize) -> String {
        sanitize::line(text, self.terminal.map_or(ENDLESS, |(columns, _)| columns.saturating_sub(taken).max(8)))
    }

    /// Text from outside, in one line.
    pub fn safe(&self, text: &str) -> String {
        sanitize::line(text, ENDLESS)
    }

    /// The text in this style when there are colours.
    pub fn styled(&self, style: Style, text: &str) -> String {
        if self.colors { format!("\x1b[{}m{text}\x1b[0m", style as u8) } else { text.to_owned() }
    }
}

/// A style, by its number in SGR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// What matters.
    Bold = 1,
    /// What matters less.
    Dim = 2,
    /// Bad.
    Red = 31,
    /// Good.
    Green = 32,
    /// On its way.
    Yellow = 33,
}

/// Says something on stderr.
pub(super) fn say(words: &str) {
    let _ = writeln!(io::stderr(), "pilothouse: {words}");
}

/// Waits until nobody reads stdout any more. For ever when that can't be told, as with a file.
pub(super) async fn closed() {
    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;
    // Only looked at: nothing is written through it, so that it need not be set not to block.
    let watched = io::stdout().as_fd().try_clone_to_owned().and_then(|fd| Sender::from_file_unchecked(fd.into()));
    match watched {
        Ok(pipe) => {
            let _ = pipe.ready(Interest::ERROR).await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// The text of a field of a document, made safe; empty when there is none.
pub(super) fn text(document: &Value, pointer: &str, columns: usize) -> String {
    document.pointer(pointer).and_then(Value::as_str).map(|text| sanitize::line(text, columns)).unwrap_or_default()
}
