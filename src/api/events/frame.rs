//! Events as they go over the wire.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::engine::JournalRow;
use crate::state::{ChatId, GAP, Missing, gap_text, stream_text};

/// A row of the journal, ready to be sent. Streams share its text.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Its number in the journal.
    pub(super) seq: u64,
    /// Its type.
    pub(super) kind: Box<str>,
    /// The chat that it belongs to.
    pub(super) chat: Option<ChatId>,
    /// All of it, with the empty line at its end.
    pub(super) text: Bytes,
}

impl From<JournalRow> for Frame {
    fn from(row: JournalRow) -> Self {
        let JournalRow { seq, at, kind, version, chat, payload } = row;
        let text = stream_text(seq, &kind, version, at, &payload);
        Self { seq, kind: kind.into(), chat, text: text.into() }
    }
}

/// Says that the events after `after` up to `upto` can't be told. Who comes back with its id goes on behind the gap.
pub(super) fn gap(after: u64, upto: u64, why: Missing, at: Timestamp) -> String {
    format!("id: {upto}\nevent: {GAP}\ndata: {}\n\n", gap_text(after, upto, why, at))
}

/// An event that is in no journal: it has no number, and is not told again.
pub(super) fn live(kind: &str, at: Timestamp, data: &Value) -> String {
    let event = json!({ "id": null, "type": kind, "version": 1, "time": at, "data": data });
    format!("event: {kind}\ndata: {event}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_123);

    /// The fields of an event, as a client reads them.
    fn fields(text: &str) -> (Option<&str>, &str, Value) {
        let event = text.strip_suffix("\n\n").unwrap();
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        (field("id: "), field("event: ").unwrap(), serde_json::from_str(field("data: ").unwrap()).unwrap())
    }

    #[test]
    fn a_row_becomes_an_event_with_its_number_type_version_and_time() {
        let row = JournalRow {
            seq: 17,
            at: AT,
            kind: "message.received".to_owned(),
            version: 2,
            chat: None,
            payload: json!({"text": "a\nb\u{2028}\"}"}).to_string(),
        };
        let frame = Frame::from(row);
        let (id, kind, event) = fields(std::str::from_utf8(&frame.text).unwrap());
        assert_eq!((id, kind), (Some("17"), "message.received"));
        let want = json!({
            "id": 17, "type": "message.received", "version": 2, "time": "2026-09-21T14:13:20.123Z",
            "data": {"text": "a\nb\u{2028}\"}"},
        });
        assert_eq!(event, want);
    }

    #[test]
    fn a_gap_has_the_number_before_the_next_event_and_a_live_event_has_none() {
        let text = gap(3, 9, Missing::Retention, AT);
        let (id, kind, event) = fields(&text);
        assert_eq!(
            (id, kind, &event["data"]["after"], &event["data"]["upto"]),
            (Some("9"), "gap", &3.into(), &9.into())
        );
        let text = live("link.qr", AT, &json!({"expires_at": AT}));
        let (id, kind, event) = fields(&text);
        assert_eq!((id, kind, &event["id"]), (None, "link.qr", &Value::Null));
    }
}
