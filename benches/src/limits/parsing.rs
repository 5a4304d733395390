//! JSON alone: the same lines from a pipe, parsed and forgotten.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::roles::{Role, Script};

/// What the program takes of a message's line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    from: Cow<'a, str>,
    #[serde(default, borrow)]
    body: Cow<'a, str>,
    #[serde(default, borrow)]
    message_id: Cow<'a, str>,
    #[serde(default)]
    timestamp_ms: u64,
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    chat: Option<Chat<'a>>,
}

#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// How many lines of the bridge a second are parsed.
///
/// # Errors
/// The bridge does not tell them all.
pub fn parsing(messages: u64) -> anyhow::Result<f64> {
    let script = Script { linked: true, messages, ..Script::default() };
    let mut child = Role::Bridge(script).command()?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("it has a stdin")?;
    let mut lines = BufReader::with_capacity(64 << 10, child.stdout.take().context("it has a stdout")?);
    writeln!(stdin, r#"{{"cmd":"connect"}}"#)?;
    let (mut line, mut found, mut begin) = (Vec::new(), 0, None);
    while found < messages {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            bail!("the bridge ended after {found} messages");
        }
        if is_message(&line)? {
            found += 1;
            begin.get_or_insert_with(Instant::now);
        }
    }
    let length = begin.context("no message came")?.elapsed();
    drop(stdin);
    child.wait()?;
    Ok(messages as f64 / length.as_secs_f64())
}

fn is_message(line: &[u8]) -> anyhow::Result<bool> {
    let told: Told<'_> = serde_json::from_slice(line)?;
    let texts = [&told.from, &told.body, &told.message_id, &told.name];
    let whole = texts.iter().all(|text| !text.is_empty()) && told.timestamp_ms > 0;
    Ok(told.kind == "message" && whole && told.chat.is_some_and(|chat| !chat.id.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::{Line, Vocabulary};

    #[test]
    fn the_bridges_messages_are_whole_and_nothing_else_is_one() {
        let mut line = String::new();
        Line { n: 1, at: 1_790_000_000_000_000 }.push(&Vocabulary::new(), 8, &mut line);
        assert!(is_message(line.as_bytes()).unwrap());
        assert!(!is_message(br#"{"type":"ready","account":{"phone":"+1"}}"#).unwrap());
        assert!(is_message(b"{").is_err());
    }
}
