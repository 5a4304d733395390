//! `pilothouse messages`: what is kept, listed or searched.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::http::encoded;
use super::out::{Style, text};
use super::{Client, Failure, Out, dates, out};
use crate::cli::{Messages, Way};

/// The most messages of one page.
const PAGE: usize = 200;

/// The columns of who wrote it.
const WHO: usize = 20;

/// Prints the messages that fit, as many as are wanted.
///
/// # Errors
/// What keeps them from being listed.
pub(super) async fn run(client: &Client, out: &mut Out, wanted: &Messages) -> Result<(), Failure> {
    let (mut listed, mut cursor, mut left, mut complete) = (Vec::new(), None, wanted.limit, true);
    let zone = TimeZone::system();
    while left > 0 {
        let mut page = client.get(path(wanted, left.min(PAGE), cursor.as_deref())).await?;
        complete &= page["complete"] != false;
        let messages = page["messages"].as_array_mut().map(std::mem::take).unwrap_or_default();
        left = if messages.is_empty() { 0 } else { left.saturating_sub(messages.len()) };
        for message in messages {
            if out.json {
                listed.push(message);
            } else {
                line(out, &message, &zone)?;
            }
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if out.json {
        return out.document(&json!({ "messages": listed, "next_cursor": cursor, "complete": complete }));
    }
    if !complete {
        out::say("some messages are not sorted in yet, and may be missing; ask again");
    }
    Ok(())
}

fn path(wanted: &Messages, limit: usize, cursor: Option<&str>) -> String {
    let direction = wanted.direction.map(|way| match way {
        Way::In => "in",
        Way::Out => "out",
        Way::OutElsewhere => "out_elsewhere",
    });
    let values = [
        ("q", wanted.search.as_deref()),
        ("chat", wanted.chat.as_deref()),
        ("direction", direction),
        ("state", wanted.state.as_deref()),
        ("kind", wanted.kind.as_deref()),
        ("from", wanted.from.as_deref()),
        ("to", wanted.to.as_deref()),
        ("order", wanted.oldest_first.then_some("asc")),
        ("cursor", cursor),
    ];
    let given = values.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value?))));
    format!("/messages?limit={limit}{}", given.collect::<String>())
}

fn line(out: &mut Out, message: &Value, zone: &TimeZone) -> Result<(), Failure> {
    let at = dates::time(message, "/at").map(|at| dates::local(at, zone)).unwrap_or_default();
    let (mark, style) = mark(message);
    let who = crate::tui::sanitize::line(&who(message), WHO);
    // Some characters take two columns, or none.
    let room = WHO.saturating_sub(unicode_width::UnicodeWidthStr::width(who.as_str()));
    let kind = text(message, "/kind", 20);
    let kind = if kind == "text" || kind.is_empty() { String::new() } else { format!("[{kind}] ") };
    let told = format!("{kind}{}", text(message, "/text", 4_000));
    let told = out.rest_of_line(&told, at.len() + WHO + 8);
    let mark = style.map(|style| out.styled(style, mark)).unwrap_or(mark.to_owned());
    let at = out.styled(Style::Dim, &at);
    out.line(&format!("{at}  {mark}  {who}{:room$}  {told}", ""))
}

fn who(message: &Value) -> String {
    let get = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match get("/direction") {
        "in" if !get("/name").is_empty() => get("/name").to_owned(),
        "in" => get("/from").to_owned(),
        _ => [get("/chat/phone"), get("/chat/id")].into_iter().find(|to| !to.is_empty()).unwrap_or_default().to_owned(),
    }
}

/// Which way it went, and how far it has come: two columns, the console's marks.
fn mark(message: &Value) -> (&'static str, Option<Style>) {
    let get = |name: &str| message[name].as_str().unwrap_or_default();
    match (get("direction"), get("state")) {
        ("in", _) => ("← ", None),
        ("out_elsewhere", _) => ("⇄ ", Some(Style::Dim)),
        (_, "queued") => ("… ", Some(Style::Yellow)),
        (_, "dispatched") => ("› ", Some(Style::Yellow)),
        (_, "sent") => ("✓ ", None),
        (_, "delivered") => ("✓✓", None),
        (_, "read") => ("◉ ", Some(Style::Green)),
        (_, "failed") => ("✗ ", Some(Style::Red)),
        (_, "expired") => ("⊖ ", Some(Style::Red)),
        (_, "cancelled") => ("⊘ ", Some(Style::Dim)),
        _ => ("→ ", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_goes_into_the_query() {
        let wanted = Messages {
            search: Some("good & morn".to_owned()),
            direction: Some(Way::OutElsewhere),
            from: Some("2026-09-21T00:00:00+02:00".to_owned()),
            oldest_first: true,
            ..Messages::default()
        };
        assert_eq!(
            path(&wanted, 9, Some("a1")),
            "/messages?limit=9&q=good%20%26%20morn&direction=out_elsewhere&from=2026-09-21T00%3A00%3A00%2B02%3A00&order=asc&cursor=a1"
        );
        assert_eq!(path(&Messages::default(), 200, None), "/messages?limit=200");
    }
}
