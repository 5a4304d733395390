//! A console on a gateway of another process: one that runs already, or one that is started on its own.
//!
//! `--keep` starts the gateway in a session of its own instead of letting one process go on without its terminal: so no
//! end of a terminal can reach it, whoever leaves the console gets the shell back, and there is one way only in which a
//! console and a gateway get separated.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Signals, TERMINAL_PATIENCE, console_ended, console_options, is_terminal};
use crate::attach::{self, Attached, Remote, RemoteNews};
use crate::cli::{self, Target};
use crate::client::{Failure, Place, blocking};
use crate::clock::Clock;
use crate::config::Config;
use crate::link::Update;
use crate::store::{FolderLock, StoreError};
use crate::telemetry::Ring;
use crate::tui::{Console, Keymap};

/// How often it is looked whether a gateway that was started answers, and for how long.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);

/// How many consoles of one gateway have a folder here.
const SEATS: usize = 16;

/// Shows the console of a gateway that runs, until it is left. Blocks.
///
/// # Errors
/// Why it can't be shown, and what to do.
pub fn attach(config: &Config, args: &cli::Attach, clock: Clock) -> Result<(), Failure> {
    if !is_terminal() && !config.plain {
        let words = "attach needs a terminal, or --plain; `pilothouse status` and `pilothouse tail` do without one";
        return Err(Failure::Usage(words.to_owned()));
    }
    let url = args.gateway.as_deref().map(url).transpose()?;
    let target = Target { url, token_file: args.token_file.clone(), json: false };
    blocking(async {
        let found = attach::find(Place::of(&target, config)?).await?;
        let address = found.0.address().to_string();
        show(config, found, clock).await?;
        say(&format!("left the console of the gateway at {address}"));
        Ok(())
    })
}

/// Starts the gateway of these settings on its own, unless it runs, and shows its console, until it is left. Blocks.
///
/// # Errors
/// Why it can't be started or shown, and what to do.
pub(super) fn keep(config: &Config, clock: Clock) -> Result<(), Failure> {
    blocking(async {
        let started = match holder(config)? {
            Some(_) => None,
            None => Some(Started::new()?),
        };
        let found = match started {
            None => attach::find(Place::of(&Target::default(), config)?).await?,
            Some(started) => started.answers(config).await?,
        };
        show(config, found, clock).await?;
        match holder(config)? {
            Some(pid) => say(&format!(
                "the gateway goes on (process {pid}); `pilothouse attach` shows its console, `kill {pid}` stops it"
            )),
            None => say(&format!("the gateway does not run any more; its log is in {}", logs(config).display())),
        }
        Ok(())
    })
}

/// The process that has the data folder.
fn holder(config: &Config) -> Result<Option<String>, Failure> {
    FolderLock::holder(&config.data_dir).map_err(|error| Failure::Other(error.to_string()))
}

fn logs(config: &Config) -> PathBuf {
    config.data_dir.join("logs")
}

/// A gateway that was started on its own.
struct Started {
    child: Child,
    /// What it says when it can't start.
    words: File,
}

impl Started {
    fn new() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Other(format!("can't start the gateway: {error}"));
        let words = tempfile::tempfile().map_err(failed)?;
        let child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(std::env::args_os().skip(1))
            .arg("--detached")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words.try_clone().map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        Ok(Self { child, words })
    }

    /// Waits until it answers.
    async fn answers(mut self, config: &Config) -> Result<(Remote, Update, RemoteNews), Failure> {
        let pid = self.child.id();
        let mut last = None;
        let looking = async {
            let mut look = tokio::time::interval(LOOK);
            loop {
                look.tick().await;
                match (self.child.try_wait(), holder(config)?) {
                    (Ok(Some(_)), None) => return Err(Failure::Other(said(&mut self.words))),
                    // Somebody else has started one at the same time: it is as good.
                    (Ok(Some(_)), Some(_)) => {}
                    // Another one may be where this one is to be, until this one has its folder.
                    (_, holder) if holder != Some(pid.to_string()) => continue,
                    _ => {}
                }
                // Who answers before this one listens is another, and the reason why this one ends soon.
                match attach::find(Place::of(&Target::default(), config)?).await {
                    Ok(found) => return Ok(found),
                    Err(failure) => last = Some(failure),
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| {
            let why = last.map(|failure| format!(" ({failure})")).unwrap_or_default();
            Err(Failure::NotReachable(format!(
                "the gateway was started (process {pid}) and can't be attached to{why}; its log is in {}",
                logs(config).display()
            )))
        })?;
        // One that ends before this process does not stay behind as a zombie.
        let mut child = self.child;
        std::thread::Builder::new().name("gateway".to_owned()).spawn(move || child.wait()).map_err(Failure::other)?;
        Ok(found)
    }
}

/// What a gateway said that could not start.
fn said(words: &mut File) -> String {
    let mut text = String::new();
    let read = words.rewind().and_then(|()| words.take(4_096).read_to_string(&mut text));
    let text = text.trim().trim_start_matches("pilothouse: ");
    if read.is_err() || text.is_empty() { "the gateway ended at its start".to_owned() } else { text.to_owned() }
}

/// Shows a console until it is left, or until a signal ends it.
async fn show(config: &Config, found: (Remote, Update, RemoteNews), clock: Clock) -> Result<(), Failure> {
    let (remote, first, news) = found;
    let keys = Keymap::new(&config.keys).map_err(|error| Failure::Usage(error.to_string()))?;
    let address = remote.address().to_string();
    let seat = Seat::take(&config.data_dir, &address)?;
    let api = if address.starts_with("http:") { address.clone() } else { format!("http://{}", config.listen) };
    // Filled by what the gateway tells of its log.
    let log = Ring::new(clock);
    let mut options = console_options(config, keys, api, seat.folder.clone(), log);
    options.attached = Some(address);
    let mut signals = Signals::open().map_err(|error| Failure::Other(format!("{error:#}")))?;
    let Attached { link, open } = attach::link(remote, first, news, clock);
    let start = if config.plain { Console::plain } else { Console::start };
    let started = start(link, clock, options);
    let mut console = started.map_err(|error| Failure::Other(format!("can't use the terminal: {error}")))?;
    tokio::select! {
        _ = signals.next() => {}
        () = console_ended(Some(&mut console)) => {}
    }
    let open = *open.borrow();
    console.stop(TERMINAL_PATIENCE).await;
    if open {
        say("nobody knows whether the gateway has the last message; `pilothouse messages` shows it when it has");
    }
    Ok(())
}

/// A folder of its own for one of several consoles, in which it keeps drafts and sizes.
struct Seat {
    folder: PathBuf,
    _lock: FolderLock,
}

impl Seat {
    /// The first that nobody has, for this gateway.
    fn take(data_dir: &Path, address: &str) -> Result<Self, Failure> {
        let name: String = address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(200).collect();
        for number in 1..=SEATS {
            let folder = data_dir.join("consoles").join(&name).join(number.to_string());
            match FolderLock::take(&folder) {
                Ok(lock) => return Ok(Self { folder, _lock: lock }),
                Err(StoreError::Held { .. }) => {}
                Err(error) => return Err(Failure::Other(error.to_string())),
            }
        }
        Err(Failure::NotNow(format!("{SEATS} consoles of this user are attached to {address} already; leave one")))
    }
}

/// What `Place` takes: an address as it is, and a path as that of a socket.
fn url(gateway: &str) -> Result<String, Failure> {
    if gateway.contains("://") || gateway.starts_with("unix:") || !gateway.contains('/') {
        return Ok(gateway.to_owned());
    }
    let path = std::path::absolute(gateway).map_err(Failure::other)?;
    Ok(format!("unix:{}", path.display()))
}

/// Says something on stderr, when it is still there.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "pilothouse: {words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_a_socket() {
        assert_eq!(url("/run/x.sock").unwrap(), "unix:/run/x.sock");
        assert!(url("./x.sock").unwrap().ends_with("/x.sock"));
        for as_it_is in ["http://127.0.0.1:7007", "unix:/run/x.sock", "gateway.lan:7007", "https://gateway.lan"] {
            assert_eq!(url(as_it_is).unwrap(), as_it_is);
        }
    }

    #[test]
    fn consoles_of_one_gateway_have_folders_of_their_own_which_are_free_again_later() {
        let folder = tempfile::tempdir().unwrap();
        let take = || Seat::take(folder.path(), "unix:/run/pilothouse.sock").unwrap();
        let (one, two) = (take(), take());
        assert_ne!(one.folder, two.folder);
        let first = one.folder.clone();
        drop(one);
        assert_eq!(take().folder, first);
        assert!(first.starts_with(folder.path().join("consoles/unix--run-pilothouse-sock")));
        let other = Seat::take(folder.path(), "http://127.0.0.1:7007").unwrap();
        assert!(![first, two.folder].contains(&other.folder));
    }
}
