//! `pilothouse tail`: what happens, as it happens, each event once.

use std::collections::HashMap;
use std::time::Duration;

use http_body_util::BodyExt;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::http::{checked, encoded};
use super::out::{Style, text};
use super::sse::Parser;
use super::{Client, Failure, Out, Request, dates, out};
use crate::cli::Tail;

/// How long a stream may be silent: the gateway gives a sign of life each 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// The pause before a new connection: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Follows until nobody reads, or until it can't be followed.
///
/// # Errors
/// [`Failure::Closed`] at the end of `| head`; what keeps it from following. Once it has followed, a gateway that goes
/// away is waited for.
pub(super) async fn run(client: &Client, out: &mut Out, tail: &Tail) -> Result<(), Failure> {
    tokio::select! {
        ended = follow(client, out, tail) => ended,
        () = out::closed() => Err(Failure::Closed),
    }
}

async fn follow(client: &Client, out: &mut Out, tail: &Tail) -> Result<(), Failure> {
    let mut place = Following {
        at: tail.after.map(|after| after.to_string()),
        links: HashMap::new(),
        zone: TimeZone::system(),
        followed: false,
        pause: PAUSE.0,
    };
    loop {
        let why = match place.stream(client, out, tail).await {
            Err(failure) if !place.followed || !passes(&failure) => return Err(failure),
            Err(failure) => failure.words().unwrap_or_default(),
            Ok(()) => "the gateway ended the stream".to_owned(),
        };
        // The first pause says it, those after it say nothing new.
        if place.pause == PAUSE.0 {
            out::say(&format!("{why}; connecting again until it works"));
        }
        tokio::time::sleep(place.pause).await;
        place.pause = (place.pause * 2).min(PAUSE.1);
    }
}

/// It may be over soon.
const fn passes(failure: &Failure) -> bool {
    match failure {
        Failure::NotReachable(_) | Failure::NotNow(_) | Failure::Other(_) => true,
        Failure::Closed
        | Failure::Usage(_)
        | Failure::NotAdmitted(_)
        | Failure::NotSent(_)
        | Failure::Unknown(_)
        | Failure::Told(_) => false,
    }
}

/// How far it has come.
struct Following {
    /// The id that the stream is at.
    at: Option<String>,
    /// What was told of linking last: it has no id, and is told again to whoever comes back.
    links: HashMap<String, Value>,
    zone: TimeZone,
    /// It has worked once.
    followed: bool,
    pause: Duration,
}

impl Following {
    /// Follows one stream to its end.
    async fn stream(&mut self, client: &Client, out: &mut Out, tail: &Tail) -> Result<(), Failure> {
        let mut request = Request::get(path(tail)).header("accept", "text/event-stream");
        if let Some(at) = &self.at {
            request = request.header("last-event-id", at.clone());
        }
        let mut body = checked(client.open(&request).await?).await?;
        (self.followed, self.pause) = (true, PAUSE.0);
        let mut parser = Parser::default();
        loop {
            let frame = tokio::time::timeout(SILENCE, body.frame()).await;
            let frame = frame.map_err(|_| Failure::other("the stream was silent for too long"))?;
            let Some(frame) = frame else { return Ok(()) };
            let frame = frame.map_err(|error| Failure::other(format!("the stream broke: {error}")))?;
            let Ok(piece) = frame.into_data() else { continue };
            parser.push(&piece).map_err(|_| Failure::other("an event is longer than any can be"))?;
            while let Some(event) = parser.next() {
                if let Some(data) = &event.data {
                    self.tell(out, data)?;
                }
                // After it was printed: what was not is asked for again.
                self.at = event.id.or_else(|| self.at.take());
            }
        }
    }

    fn tell(&mut self, out: &mut Out, data: &str) -> Result<(), Failure> {
        let Ok(event) = serde_json::from_str::<Value>(data) else { return Ok(()) };
        if event["id"].is_null() {
            let kind = event["type"].as_str().unwrap_or_default().to_owned();
            if self.links.insert(kind, event["data"].clone()).as_ref() == Some(&event["data"]) {
                return Ok(());
            }
        }
        if out.json {
            return out.document(&event);
        }
        let (mark, what) = words(&event);
        let at = dates::time(&event, "/time").map(|at| at.clock_time(&self.zone)).unwrap_or_default();
        let line = format!("{} {mark} {}", out.styled(Style::Dim, &at), out.rest_of_line(&what, at.len() + 4));
        out.line(&line)
    }
}

fn path(tail: &Tail) -> String {
    let of = |name: &str, values: &[String]| {
        values.iter().map(|value| format!("{name}={}", encoded(value))).collect::<Vec<_>>()
    };
    let query = [of("type", &tail.types), of("chat", &tail.chat)].concat().join("&");
    if query.is_empty() { "/events".to_owned() } else { format!("/events?{query}") }
}

/// A mark, and the event in words.
fn words(event: &Value) -> (char, String) {
    let data = &event["data"];
    let get = |pointer: &str| text(data, pointer, 2_000);
    let from = || {
        let (name, from) = (get("/name"), get("/from"));
        if name.is_empty() { from } else { format!("{name} {from}") }
    };
    match event["type"].as_str().unwrap_or_default() {
        "message.received" => {
            let out = data["direction"] == "out_elsewhere";
            let kind =
                Some(get("/kind")).filter(|kind| kind != "text").map(|kind| format!("[{kind}] ")).unwrap_or_default();
            (if out { '⇄' } else { '←' }, format!("{}: {kind}{}", from(), get("/text")))
        }
        "message.edited" => ('✎', format!("{} edited {}: {}", from(), get("/target/id"), get("/text"))),
        "message.revoked" => ('✎', format!("{} deleted {}", from(), get("/target/id"))),
        "message.reaction" => ('✎', format!("{} reacted to {}: {}", from(), get("/target/id"), get("/text"))),
        "message.status" => {
            let more = if data["failure"].is_object() { get("/failure/text") } else { get("/text") };
            let more = if more.is_empty() { more } else { format!(": {more}") };
            ('→', format!("{} {} {}{more}", get("/to"), get("/state"), get("/id")))
        }
        "connection.changed" => {
            let reason = get("/reason/text");
            let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
            ('•', format!("WhatsApp: {}, was {}{reason}", get("/state"), get("/previous")))
        }
        "account.restricted" if data["active"] == false => ('•', "WhatsApp restricts the account no more".to_owned()),
        "account.restricted" => {
            ('•', format!("WhatsApp restricts the account until {}: {}", get("/until"), get("/text")))
        }
        "link.qr" => ('•', "there is a new QR: `pilothouse qr` draws it".to_owned()),
        "gap" => ('•', format!("events {} to {} can't be told ({})", data["after"], data["upto"], get("/reason"))),
        other => ('•', crate::tui::sanitize::line(other, 60)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_go_into_the_query() {
        let tail = Tail {
            types: vec!["message.*".to_owned()],
            chat: vec!["+58".to_owned(), "1@g.us".to_owned()],
            ..Tail::default()
        };
        assert_eq!(path(&tail), "/events?type=message.%2A&chat=%2B58&chat=1%40g.us");
        assert_eq!(path(&Tail::default()), "/events");
    }

    #[test]
    fn events_are_told_in_words_and_safely() {
        let said = |kind: &str, data: Value| words(&json!({ "type": kind, "data": data })).1;
        assert_eq!(
            said("message.received", json!({"from": "+1", "name": "A\u{1b}", "kind": "text", "text": "a\nb"})),
            "A␛ +1: a⏎b"
        );
        assert_eq!(said("message.received", json!({"from": "+1", "kind": "image", "text": ""})), "+1: [image] ");
        assert_eq!(said("message.status", json!({"to": "+1", "state": "sent", "id": "X"})), "+1 sent X");
        assert_eq!(
            said("gap", json!({"after": 1, "upto": 4, "reason": "retention"})),
            "events 1 to 4 can't be told (retention)"
        );
        assert_eq!(said("new.kind\u{7}", Value::Null), "new.kind␇");
    }
}
