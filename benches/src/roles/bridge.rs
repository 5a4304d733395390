//! A bridge that tells messages, and answers what it is asked.
//!
//! It reads commands while it tells, as the bridge protocol demands, and is otherwise as quick as it can be.

use std::fs::File;
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lines::WORDS_A_TEXT;
use super::{Line, Vocabulary, stamp};

/// What it writes at once when it does not keep a pace.
const CHUNK: usize = 64 << 10;

/// What it does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Script {
    /// It is linked, and tells messages once it is asked to connect.
    pub linked: bool,
    /// The number of the first message, less one.
    pub after: u64,
    /// How many messages it tells.
    pub messages: u64,
    /// How many in a second; 0: as fast as they are taken.
    pub rate: u32,
    /// Their texts are short, so that each takes one row of a screen.
    pub short: bool,
}

/// Whole lines go to stdout, whoever writes them.
struct Out {
    file: Mutex<File>,
    /// Nobody wants to hear more.
    ended: AtomicBool,
}

impl Out {
    fn write(&self, lines: &[u8]) -> std::io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines)
    }

    fn tell(&self, event: &Value) -> std::io::Result<()> {
        self.write(format!("{event}\n").as_bytes())
    }
}

/// Serves until stdin closes.
pub(super) fn run(script: &Script) -> anyhow::Result<()> {
    let file = Mutex::new(std::io::stdout().as_fd().try_clone_to_owned()?.into());
    let out = Out { file, ended: AtomicBool::new(false) };
    let capabilities = ["ids", "receipts", "connection", "heartbeat", "ack"];
    let protocol = json!({"major": 1, "minor": 0});
    out.tell(&json!({"type": "hello", "protocol": protocol, "bridge": "bench", "capabilities": capabilities}))?;
    std::thread::scope(|scope| {
        let result = obey(script, &out, || {
            scope.spawn(|| tell(script, &out));
        });
        out.ended.store(true, Ordering::Relaxed);
        result
    })
}

/// Does what comes on stdin. `tell` begins to tell messages once there is a connection.
fn obey(script: &Script, out: &Out, tell: impl Fn()) -> anyhow::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        match command["cmd"].as_str() {
            Some("connect") if script.linked => {
                let account = json!({"phone": "+15550009999"});
                out.tell(&json!({"type": "connection", "state": "open", "account": account}))?;
                out.tell(&json!({"type": "ready", "account": account}))?;
                tell();
            }
            Some("send") => {
                let id = &command["messageId"];
                out.tell(&json!({"type": "sent", "to": command["to"], "ok": true, "messageId": id}))?;
            }
            Some("ping") => out.tell(&json!({"type": "pong", "id": command["id"], "lastFrameAgeMs": 1}))?,
            _ => {}
        }
    }
    Ok(())
}

fn tell(script: &Script, out: &Out) -> std::io::Result<()> {
    let (vocabulary, words) = (Vocabulary::new(), if script.short { 1 } else { WORDS_A_TEXT });
    let pace = Duration::from_secs(1).checked_div(script.rate).unwrap_or_default();
    let mut lines = String::with_capacity(2 * CHUNK);
    let mut due = Instant::now();
    for n in script.after + 1..=script.after + script.messages {
        if out.ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        Line { n, at: stamp() }.push(&vocabulary, words, &mut lines);
        if !pace.is_zero() {
            out.write(lines.as_bytes())?;
            lines.clear();
            due += pace;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        } else if lines.len() >= CHUNK {
            out.write(lines.as_bytes())?;
            lines.clear();
        }
    }
    out.write(lines.as_bytes())
}
