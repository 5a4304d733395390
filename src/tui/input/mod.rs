//! Keys, pastes, the mouse and the size of the terminal, from a thread of its own.
//!
//! * The thread sleeps in one `poll`: at rest it costs nothing.
//! * It reads only what is there, never waits in a read, and so can be told to leave the terminal to others.
//! * A terminal that went away ends it. The reader of `crossterm` would go on reading its end for ever, at the cost of a
//!   whole core.

mod parser;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCONT, SIGWINCH};
use signal_hook::low_level::pipe;
use tokio::sync::mpsc;

pub use parser::Parser;

/// How much is read at once, in bytes.
const CHUNK: usize = 1_024;

/// How long the rest of a sequence may take that has begun with nothing but Escape: longer, and it was the key.
const ESCAPE: Duration = Duration::from_millis(30);

/// How long the rest of any other sequence may take.
const SEQUENCE: Duration = Duration::from_millis(500);

/// What comes from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key, a paste, the mouse, another size.
    Event(Event),
    /// This process was stopped and goes on.
    Continued,
}

/// The reading thread. It ends when this is dropped, or when the terminal goes away.
#[derive(Debug)]
pub struct Keys {
    inputs: mpsc::Receiver<Input>,
    shared: Arc<Mutex<State>>,
    wake: UnixStream,
}

#[derive(Debug, Default)]
struct State {
    paused: bool,
    ended: bool,
}

impl Keys {
    /// Starts to read what is typed, of which so much may wait.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(waiting: usize) -> std::io::Result<Self> {
        let (inputs_tx, inputs) = mpsc::channel(waiting);
        let (wake, woken) = pair()?;
        let (sized, resized) = pair()?;
        let (cont, continued) = pair()?;
        let signals = [pipe::register(SIGWINCH, sized)?, pipe::register(SIGCONT, cont)?];
        let shared = Arc::new(Mutex::new(State::default()));
        let reader = Reader { inputs: inputs_tx, shared: Arc::clone(&shared), woken, resized, continued };
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            if let Err(error) = reader.run() {
                tracing::info!(%error, "no more keys can be read");
            }
            for signal in signals {
                signal_hook::low_level::unregister(signal);
            }
        })?;
        Ok(Self { inputs, shared, wake })
    }

    /// The next input. None: the terminal went away.
    pub async fn next(&mut self) -> Option<Input> {
        self.inputs.recv().await
    }

    /// What has come already.
    pub fn try_next(&mut self) -> Option<Input> {
        self.inputs.try_recv().ok()
    }

    /// From now on nothing is read, until it is told otherwise.
    pub fn pause(&mut self, paused: bool) {
        self.set(|state| state.paused = paused);
    }

    fn set(&mut self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.shared));
        // Full means that it wakes anyway.
        let _ = self.wake.write(&[0]);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.set(|state| state.ended = true);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pair() -> std::io::Result<(UnixStream, UnixStream)> {
    let (one, other) = UnixStream::pair()?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((one, other))
}

struct Reader {
    inputs: mpsc::Sender<Input>,
    shared: Arc<Mutex<State>>,
    woken: UnixStream,
    resized: UnixStream,
    continued: UnixStream,
}

impl Reader {
    /// Reads until the terminal goes away, or nobody wants it any more.
    fn run(mut self) -> std::io::Result<()> {
        let mut parser = Parser::default();
        let mut chunk = [0; CHUNK];
        loop {
            let paused = lock(&self.shared).paused;
            let timeout = parser.waits_for_more().map(|alone| if alone { ESCAPE } else { SEQUENCE });
            let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
            let mut ready = [
                PollFd::new(&self.woken, PollFlags::IN),
                PollFd::new(&self.resized, PollFlags::IN),
                PollFd::new(&self.continued, PollFlags::IN),
                PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN),
            ];
            let watched = if paused { 3 } else { 4 };
            let n = match poll(&mut ready[..watched], timeout.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            let [woken, resized, continued, typed] = ready.map(|fd| fd.revents());
            let mut inputs = Vec::new();
            if n == 0 {
                inputs.extend(parser.time_is_up().map(Input::Event));
            }
            if !woken.is_empty() {
                drain(&mut self.woken);
                if lock(&self.shared).ended {
                    return Ok(());
                }
            }
            if !resized.is_empty() {
                drain(&mut self.resized);
                let (columns, rows) = crossterm::terminal::size()?;
                inputs.push(Input::Event(Event::Resize(columns, rows)));
            }
            if !continued.is_empty() {
                drain(&mut self.continued);
                inputs.push(Input::Continued);
            }
            if typed.contains(PollFlags::IN) {
                let read = {
                    // Held while reading: who has paused it can be sure that nothing is read.
                    let state = lock(&self.shared);
                    if state.paused { None } else { Some(rustix::io::read(rustix::stdio::stdin(), &mut chunk)) }
                };
                match read {
                    None | Some(Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN)) => {}
                    Some(Ok(0)) => return Ok(()),
                    Some(n) => parser.take(&chunk[..n?], |event| inputs.push(Input::Event(event))),
                }
            } else if typed.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                return Ok(());
            }
            for input in inputs {
                if self.inputs.blocking_send(input).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

fn drain(stream: &mut UnixStream) {
    let mut bytes = [0; 64];
    while stream.read(&mut bytes).is_ok_and(|n| n == bytes.len()) {}
}
