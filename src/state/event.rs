//! Events as programs are told them: the same text in a stream and to a webhook.

use std::fmt::Write as _;

use serde_json::json;

use crate::clock::Timestamp;

/// The type of [`gap_text`].
pub const GAP: &str = "gap";

/// Why events can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// They were too old or too much, and are deleted.
    Retention,
    /// The journal ends before them: the database was put back to an earlier state.
    Reset,
}

/// The bytes of an event besides its payload and twice its type.
const ROOM: usize = 128;

/// A row of the journal as JSON in one line. `payload` is JSON already: it is not read to be written again.
pub fn event_text(seq: u64, kind: &str, version: u32, at: Timestamp, payload: &str) -> String {
    let mut text = String::with_capacity(ROOM + kind.len() + payload.len());
    push_event(&mut text, seq, kind, version, at, payload);
    text
}

/// A row of the journal as a stream of server-sent events has it, with the empty line at its end.
pub fn stream_text(seq: u64, kind: &str, version: u32, at: Timestamp, payload: &str) -> String {
    let mut text = String::with_capacity(ROOM + 2 * kind.len() + payload.len());
    let _ = write!(text, "id: {seq}\nevent: {kind}\ndata: ");
    push_event(&mut text, seq, kind, version, at, payload);
    text.push_str("\n\n");
    text
}

fn push_event(text: &mut String, seq: u64, kind: &str, version: u32, at: Timestamp, payload: &str) {
    let _ = write!(text, r#"{{"id":{seq},"type":"{kind}","version":{version},"time":"{at}","data":{payload}}}"#);
}

/// Says in one line that the events after `after` up to `upto` can't be told. Its number is `upto`: who has it goes on
/// behind the gap.
pub fn gap_text(after: u64, upto: u64, why: Missing, at: Timestamp) -> String {
    let reason = match why {
        Missing::Retention => "retention",
        Missing::Reset => "reset",
    };
    let data = json!({ "after": after, "upto": upto, "reason": reason });
    event_text(upto, GAP, 1, at, &data.to_string())
}
