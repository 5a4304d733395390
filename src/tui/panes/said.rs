//! What a message says, as lines: its text, or what it does to an earlier one, with as much of that as there is room.

use ratatui::style::Style;

use super::super::model::Model;
use super::super::sanitize;
use super::super::theme::Theme;
use crate::state::{About, Message};

/// The most lines that one message takes.
const MAX_LINES: usize = 4;

/// The most columns of a reaction: one emoji has two, and a family is drawn as three.
pub(super) const REACTION: usize = 6;

/// The most characters of a text that are looked at: no more than a screen of it is ever copied.
const MAX_CHARS: usize = 4_096;

/// A line, and how it looks.
pub(in super::super) type Line = (String, Style);

/// The lines of the message that is shown at this index, each at most so many columns wide.
pub(in super::super) fn said(
    message: &Message,
    model: &Model,
    index: usize,
    theme: Theme,
    columns: usize,
) -> Vec<Line> {
    let earlier = earlier(message, model, index).map(text);
    match message.about() {
        None => own(message, theme, columns),
        Some(About::Edit) => {
            let rows = MAX_LINES - usize::from(earlier.is_some());
            let edited = sanitize::wrap(&format!("edited: {}", start(message)), columns, rows);
            let was = earlier.map(|text| (sanitize::line(&format!("was: {text}"), columns), theme.dim()));
            edited.into_iter().map(|line| (line, Style::new())).chain(was).collect()
        }
        Some(About::Revoke) => {
            let line = match earlier {
                Some(text) => format!("deleted a message: {text}"),
                None if is_about_ours(message) => "deleted a message of ours".to_owned(),
                None => "deleted a message".to_owned(),
            };
            vec![(sanitize::line(&line, columns), theme.dim())]
        }
        Some(About::Reaction) => {
            let what = if message.body.is_empty() { "took back a reaction".to_owned() } else { emoji(message) };
            let line = match earlier {
                Some(text) => format!("{what} to: {text}"),
                None if is_about_ours(message) => format!("{what} to a message of ours"),
                None => format!("{what} to an earlier message"),
            };
            vec![(sanitize::line(&line, columns), Style::new())]
        }
    }
}

/// What a message says of its own. One of ours that failed says why.
fn own(message: &Message, theme: Theme, columns: usize) -> Vec<Line> {
    let (mut text, mut style) = (text(message), Style::new());
    if let Some(failure) = message.delivery.as_ref().and_then(|d| d.failure.as_ref()) {
        let code = failure.code.map(|c| format!(" ({c})")).unwrap_or_default();
        text = format!("{} — {}{code}", sanitize::line(&text, columns), failure.text);
        style = theme.bad();
    }
    sanitize::wrap(&text, columns, MAX_LINES).into_iter().map(|line| (line, style)).collect()
}

/// The text of a message; what is not text is named.
pub(in super::super) fn text(message: &Message) -> String {
    let body = start(message);
    match (&*message.kind, body.is_empty()) {
        // An edit that is quoted stands for the message that it changed.
        ("text" | "edit", _) => body.to_owned(),
        (kind, true) => format!("[{kind}]"),
        (kind, false) => format!("[{kind}] {body}"),
    }
}

fn start(message: &Message) -> &str {
    let end = message.body.char_indices().nth(MAX_CHARS).map(|(end, _)| end);
    end.and_then(|end| message.body.get(..end)).unwrap_or(&message.body)
}

/// The emoji of a reaction, which is as much a text of a stranger as any.
fn emoji(message: &Message) -> String {
    let emoji = sanitize::line(message.body.trim(), REACTION);
    if emoji.is_empty() { "?".to_owned() } else { emoji }
}

fn is_about_ours(message: &Message) -> bool {
    message.target.as_ref().is_some_and(|target| target.from_me)
}

/// What a message is about, as it read before: the message itself, or its newest edit. None when neither is among those
/// that are shown.
fn earlier<'a>(message: &Message, model: &'a Model, index: usize) -> Option<&'a Message> {
    let target = message.target.as_ref()?;
    let rows = model.rows();
    let shows = |m: &&Message| {
        m.chat.id == message.chat.id
            && (m.id == target.id || (m.about() == Some(About::Edit) && m.is_about(&target.id)))
    };
    (0..index).rev().filter_map(|at| rows.get(at)).map(AsRef::as_ref).find(shows)
}
