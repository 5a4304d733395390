//! A text in the operator's own editor, while the gateway goes on.
//!
//! The editor gets the terminal, and a process group of its own: what stops or interrupts it there (Ctrl-Z, Ctrl-C) does
//! not stop the gateway. A shell with job control sees to that, and takes the terminal back.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::sync::{oneshot, watch};

use super::input::Keys;
use super::terminal::{Screen, restore};

/// More than this is no message.
const MAX_BYTES: u64 = 1 << 20;

/// Starts the editor; one that was only suspended goes on, since nobody else could wake it.
const SCRIPT: &str = "${VISUAL:-${EDITOR:-vi}} \"$1\"; code=$?; \
    while [ \"$code\" -gt 128 ] && fg >/dev/null 2>&1; do code=$?; done; exit \"$code\"";

/// How it ended.
pub(super) enum Edited {
    /// With this text.
    Text(String),
    /// Without one, and why.
    Not(String),
    /// The console is to end, whatever the editor does.
    Stopped,
}

/// Has a text edited. It is in a file of the folder meanwhile, which only the owner can read.
///
/// # Errors
/// What the terminal says when it is taken back.
pub(super) async fn edit(
    screen: &mut Screen,
    keys: &mut Keys,
    folder: &Path,
    text: &str,
    stop: &mut watch::Receiver<bool>,
) -> std::io::Result<Edited> {
    let file = match written(folder, text) {
        Ok(file) => file,
        Err(error) => return Ok(Edited::Not(format!("the text can't be put into a file for the editor: {error}"))),
    };
    keys.pause(true);
    restore();
    let ended = tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => None,
        ended = run(file.path().to_owned()) => Some(ended),
    };
    let Some(ended) = ended else {
        // What the editor writes yet is not taken away from it.
        let _ = file.keep();
        return Ok(Edited::Stopped);
    };
    screen.enter()?;
    keys.pause(false);
    Ok(match ended.and_then(|()| read(file.path()).map_err(|error| error.to_string())) {
        Ok(text) => Edited::Text(text),
        Err(why) => Edited::Not(format!("the text stays as it was: {why}")),
    })
}

fn written(folder: &Path, text: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("message-").suffix(".txt").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs the editor to its end, on a thread of its own.
async fn run(path: PathBuf) -> Result<(), String> {
    let (done_tx, done) = oneshot::channel();
    let work = move || {
        let status = Command::new("sh").args(["-m", "-c", SCRIPT, "editor"]).arg(path).status();
        let _ = done_tx.send(match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the editor ended with {status}; is EDITOR set to one?")),
            Err(error) => Err(format!("the editor can't be started: {error}")),
        });
    };
    match std::thread::Builder::new().name("editor".to_owned()).spawn(work) {
        Ok(_) => done.await.unwrap_or_else(|_| Err("the editor was lost".to_owned())),
        Err(error) => Err(error.to_string()),
    }
}
