//! One message, looked at closely.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use serde::Serialize;

use super::super::chats::Row;
use super::super::detail::Detail;
use super::super::keymap::Action;
use super::super::model::Model;
use super::super::people;
use super::super::sanitize;
use super::super::theme::Theme;
use super::feed::place;
use super::said::REACTION;
use super::{framed, put};
use crate::clock::Timestamp;
use crate::protocol::ChatKind;
use crate::state::{About, Delivery, Direction, Message, Times};

/// The columns of the words that say what follows.
const LABEL: usize = 10;

/// The most lines of each thing that came in about it.
const ABOUT_LINES: usize = 3;

/// More lines than any message has.
const ALL: usize = 100_000;

/// A line, how it looks, and how many of its columns only say what follows.
struct Line {
    text: String,
    style: Style,
    label: u16,
}

pub(super) fn pane(detail: &Detail, model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let title = match detail.message.direction {
        Direction::In => {
            format!("Message from {}", people::writer(&detail.message, model))
        }
        Direction::Out | Direction::OutElsewhere => {
            let chat = &detail.message.chat;
            let subject = model.snapshot.groups.of(&chat.id);
            format!("Message to {}", subject.unwrap_or_else(|| model.ui.chats.called(chat)))
        }
    };
    let inner = framed(&title, true, theme, area, buffer);
    detail.size.set((inner.width, inner.height));
    let seen = detail.skipped + usize::from(inner.height);
    // One more than is seen says whether there is more.
    let lines = lines(detail, model, theme, inner.width, seen + 1);
    if lines.len() > seen {
        let more = format!(" ↓ more ({}) ", model.ui.look.keys.key(Action::PageDown));
        put(buffer, area, (2, area.height.saturating_sub(1)), &more, area.width.saturating_sub(4), theme.border(true));
    }
    for (y, line) in (0..inner.height).zip(lines.into_iter().skip(detail.skipped)) {
        put(buffer, inner, (1, y), &line.text, inner.width.saturating_sub(2), line.style);
        let label = Rect { x: inner.x + 1, y: inner.y + y, width: line.label, height: 1 };
        buffer.set_style(label.intersection(inner), theme.dim());
    }
}

/// How many lines can be scrolled past.
pub(in super::super) fn beyond(detail: &Detail, model: &Model) -> usize {
    let (width, height) = detail.size.get();
    lines(detail, model, Theme::new(false), width, ALL).len().saturating_sub(usize::from(height))
}

/// As it is kept.
pub(in super::super) fn json(detail: &Detail) -> String {
    #[derive(Serialize)]
    struct Kept<'a> {
        message: &'a Message,
        about_it: &'a [Message],
    }
    let kept = Kept { message: &detail.message, about_it: &detail.about };
    serde_json::to_string_pretty(&kept).unwrap_or_default()
}

/// Its first `rows` lines.
fn lines(detail: &Detail, model: &Model, theme: Theme, width: u16, rows: usize) -> Vec<Line> {
    let columns = usize::from(width.saturating_sub(2));
    let day = detail.message.at.calendar_date(&model.ui.zone);
    let mut page = Page { model, theme, columns, rows, day, lines: Vec::new() };
    if let Some(fault) = &detail.fault {
        page.text(&format!("✗ {fault}"), theme.bad(), 2);
    }
    if detail.json {
        page.text(&json(detail), Style::new(), ALL);
        return page.lines;
    }
    page.head(&detail.message);
    if let Some(delivery) = &detail.message.delivery {
        page.course(delivery, detail.message.chat.kind == ChatKind::Group);
    }
    page.about(&detail.about);
    page.gap();
    match &*detail.message.body {
        "" => page.text("no text", theme.dim(), 1),
        body => page.text(body, Style::new(), ALL),
    }
    if !detail.whole && detail.fault.is_none() {
        page.text("… looking up the rest", theme.dim(), 1);
    }
    page.lines
}

/// Lines below one another.
struct Page<'a> {
    model: &'a Model,
    theme: Theme,
    columns: usize,
    rows: usize,
    /// The day of the message, which is not said again of what happened on it.
    day: String,
    lines: Vec<Line>,
}

impl Page<'_> {
    /// Text in at most `rows` lines, and no more than are drawn.
    fn text(&mut self, text: &str, style: Style, rows: usize) {
        let room = self.rows.saturating_sub(self.lines.len()).min(rows);
        let lines = sanitize::wrap(text, self.columns, room);
        self.lines.extend(lines.into_iter().map(|text| Line { text, style, label: 0 }));
    }

    fn gap(&mut self) {
        self.lines.push(Line { text: String::new(), style: Style::new(), label: 0 });
    }

    fn field(&mut self, label: &str, value: &str) {
        let at = self.lines.len();
        self.text(&format!("{label:<LABEL$}{value}"), Style::new(), 2);
        if let Some(line) = self.lines.get_mut(at) {
            line.label = u16::try_from(label.len()).unwrap_or(0);
        }
    }

    fn time(&self, at: Timestamp) -> String {
        let zone = &self.model.ui.zone;
        match at.calendar_date(zone) {
            day if day == self.day => at.clock_time(zone),
            day => format!("{day} {}", at.clock_time(zone)),
        }
    }

    fn head(&mut self, message: &Message) {
        let chat = message.chat.address();
        if message.direction == Direction::In {
            let (name, address) = people::writer_and_address(message, self.model);
            let name = name.map(|name| format!("  {name}")).unwrap_or_default();
            self.field("from", &format!("{address}{name}"));
        }
        match place(message.chat.kind) {
            Some(place) => {
                let subject = self.model.snapshot.groups.of(&message.chat.id);
                let subject = subject.map(|subject| format!("{subject}  ")).unwrap_or_default();
                self.field("in", &format!("{subject}{place} {chat}"));
            }
            None if message.direction == Direction::In => {}
            None => {
                let name = self.model.ui.chats.row(&message.chat.id).and_then(Row::own_name);
                self.field("to", &format!("{chat}{}", name.map(|name| format!("  {name}")).unwrap_or_default()));
            }
        }
        self.field("at", &format!("{} {}", self.day, message.at.clock_time(&self.model.ui.zone)));
        self.field("kind", &message.kind);
        self.field("id", message.id.as_str());
        if let Some(target) = &message.target {
            let whose = if target.from_me { "ours" } else { "theirs" };
            self.field("about", &format!("{} ({whose})", target.id));
        }
        if message.direction == Direction::OutElsewhere {
            self.field("written", "on another device of the account's owner");
        }
    }

    /// How far it has come: each point with its time, and how long it took to get there.
    fn course(&mut self, delivery: &Delivery, of_a_group: bool) {
        self.gap();
        let Times { queued_at, dispatched_at, sent_at, delivered_at, read_at, failed_at, expired_at, cancelled_at } =
            delivery.times;
        let points = [
            (queued_at, "queued"),
            (dispatched_at, "handed to the bridge"),
            (sent_at, "taken by WhatsApp"),
            (delivered_at, if of_a_group { "reached a member's phone" } else { "reached the phone" }),
            (read_at, if of_a_group { "read by a member" } else { "read" }),
            (failed_at, "failed"),
            (expired_at, "not sent in time"),
            (cancelled_at, "taken back"),
        ];
        let mut before = None;
        for (at, what) in points.into_iter().filter_map(|(at, what)| Some((at?, what))) {
            let took = before.map(|before| took(at, before)).unwrap_or_default();
            self.text(&format!("{}  {what}{took}", self.time(at)), Style::new(), 2);
            before = Some(at);
        }
        if delivery.attempts > 1 {
            self.text(&format!("handed to the bridge {} times", delivery.attempts), self.theme.busy(), 1);
        }
        if let Some(at) = delivery.expires_at.filter(|_| delivery.state.is_pending()) {
            self.text(&format!("{}  not sent after this", self.time(at)), self.theme.dim(), 1);
        }
        if let Some(failure) = &delivery.failure {
            let code = failure.code.map(|code| format!(" ({code})")).unwrap_or_default();
            self.text(&format!("✗ {}{code}", failure.text), self.theme.bad(), 4);
            let again = self.model.ui.look.keys.key(Action::Resend);
            let advice = if failure.retryable {
                format!("{again} sends it again, which may help")
            } else {
                "it will hardly help to send it again".to_owned()
            };
            self.text(&advice, self.theme.dim(), 1);
        }
    }

    /// What came in about it.
    fn about(&mut self, about: &[Message]) {
        if about.is_empty() {
            return;
        }
        self.gap();
        for message in about {
            let what = match message.about() {
                Some(About::Edit) => format!("edited: {}", message.body),
                Some(About::Revoke) => "deleted for everyone".to_owned(),
                Some(About::Reaction) if message.body.is_empty() => "reaction taken back".to_owned(),
                Some(About::Reaction) => sanitize::line(&message.body, REACTION),
                None => message.kind.to_string(),
            };
            let who = match message.direction {
                Direction::In => people::writer(message, self.model),
                Direction::Out | Direction::OutElsewhere => "us".to_owned(),
            };
            let line = format!("{}  {}  {what}", self.time(message.at), sanitize::line(&who, 24));
            self.text(&line, Style::new(), ABOUT_LINES);
        }
    }
}

/// How long it took from one point to the next.
fn took(at: Timestamp, before: Timestamp) -> String {
    match at.since(before).as_millis() {
        0 => String::new(),
        ms @ 1..10_000 => format!("  +{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        ms @ 10_000..600_000 => format!("  +{} s", ms / 1_000),
        ms => format!("  +{} min", ms / 60_000),
    }
}
