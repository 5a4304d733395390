//! The messages, the newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Margin, Position, Rect};
use ratatui::style::Style;

use super::super::feed::sieve::Sieve;
use super::super::groups;
use super::super::keymap::Action;
use super::super::model::{Focus, Model};
use super::super::people;
use super::super::sanitize;
use super::super::theme::Theme;
use super::said::said;
use super::{framed, marks, put};
use crate::protocol::ChatKind;
use crate::state::{Delivery, Direction, Message};

/// Columns: time, who, mark.
const TIME: u16 = 9;
const SECONDS: u16 = 3;
const MARK: u16 = 3;

/// Below so many columns who wrote has a line of his own, above what he wrote.
const STACKED: u16 = 50;

/// From so many columns on there is room beside the messages for the chats, or for one message.
const BESIDE: u16 = 100;

/// From so many rows on there is room below the messages for one message.
const BELOW: u16 = 24;

pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 || area.width < 20 {
        return;
    }
    let Parts { chats, messages, one } = parts(model, area);
    super::chats::pane(model, theme, chats, buffer);
    if let Some(detail) = &model.ui.detail
        && !one.is_empty()
    {
        super::detail::pane(detail, model, theme, one, buffer);
    }
    if messages.is_empty() {
        return;
    }
    let focused = model.ui.focus == Focus::Feed && !model.ui.chats.has_keys();
    let inner = framed(&title(model, messages.width), focused, theme, messages, buffer);
    model.ui.feed.size.set((inner.width, inner.height));
    model.ui.look.moving.set(inner);
    if model.rows().is_empty() {
        put(buffer, inner, (1, 0), &nothing(model), inner.width, theme.dim());
        return;
    }
    for (y, line) in (0..inner.height).zip(visible(model, theme, inner)) {
        draw(&line, theme, Rect { y: inner.y + y, height: 1, ..inner }, buffer);
    }
}

/// What shares the pane's room. Areas that are empty are not drawn.
struct Parts {
    chats: Rect,
    messages: Rect,
    /// The message that is looked at closely.
    one: Rect,
}

fn parts(model: &Model, area: Rect) -> Parts {
    let none = Rect { width: 0, height: 0, ..area };
    let (chats, messages) = match model.ui.chats.open {
        false => (none, area),
        true if area.width >= BESIDE => {
            let parts = Layout::horizontal([Constraint::Length(super::chats::COLUMNS), Constraint::Fill(1)]);
            let [chats, messages] = parts.areas(area);
            (chats, messages)
        }
        true => return Parts { chats: area, messages: none, one: none },
    };
    let (messages, one) = match &model.ui.detail {
        None => (messages, none),
        Some(_) if messages.width >= BESIDE => {
            let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Length(messages.width * 2 / 5)]);
            let [messages, one] = halves.areas(messages);
            (messages, one)
        }
        Some(_) if messages.height >= BELOW => {
            let halves = Layout::vertical([Constraint::Fill(1), Constraint::Length(messages.height / 2)]);
            let [messages, one] = halves.areas(messages);
            (messages, one)
        }
        Some(_) => (none, messages),
    };
    Parts { chats, messages, one }
}

/// What is drawn somewhere in the pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Spot {
    /// The message with this index.
    Message(usize),
    /// The chat with this index.
    Chat(usize),
    /// The message that is looked at closely.
    One,
}

/// What is drawn at a place of the pane. None: a frame, or nothing.
pub(in super::super) fn spot(model: &Model, area: Rect, at: Position) -> Option<Spot> {
    let Parts { chats, messages, one } = parts(model, area);
    if one.contains(at) {
        return Some(Spot::One);
    }
    if chats.contains(at) {
        return super::chats::row_at(model, inside(chats), at).map(Spot::Chat);
    }
    let inner = inside(messages);
    let row = usize::from(at.y.checked_sub(inner.y)?);
    let lines = if inner.contains(at) { visible(model, Theme::new(false), inner) } else { Vec::new() };
    lines.get(row).map(|line| Spot::Message(line.index))
}

/// The area within a frame.
fn inside(area: Rect) -> Rect {
    area.inner(Margin { horizontal: 1, vertical: 1 })
}

/// What is said of a state that there is not.
const UNKNOWN_STATE: &str = "no such state: queued dispatched sent delivered read failed expired cancelled";

/// Why no message is shown.
fn nothing(model: &Model) -> String {
    let feed = &model.ui.feed;
    let [up, leave] = [Action::Up, Action::Leave].map(|action| model.ui.look.keys.key(action));
    match (feed.filter(), feed.looked().1) {
        (None, _) => "no messages yet".to_owned(),
        (Some(sieve), _) if sieve.has_unknown_state() => UNKNOWN_STATE.to_owned(),
        (Some(_), _) if feed.is_looking() => "looking …".to_owned(),
        (Some(_), true) => format!("nothing found yet; {up} looks on"),
        (Some(_), false) => format!("nothing like this is kept; {leave} shows all messages"),
    }
}

/// Where one is, and what there is to know of it. Of a little room the day has none.
fn title(model: &Model, columns: u16) -> String {
    let feed = &model.ui.feed;
    let [up, newest, leave] = [Action::Up, Action::Bottom, Action::Leave].map(|action| model.ui.look.keys.key(action));
    let mut title = "Messages".to_owned();
    if let Some(sieve) = feed.filter() {
        title += &match sieve.only_chat().and_then(|chat| model.ui.chats.row(chat)) {
            Some(row) => format!(" with {}", row.full_title()),
            None => format!(" like {}", sieve.text()),
        };
    }
    if let Some(chosen) = model.chosen().filter(|_| columns >= STACKED) {
        title += &format!(" of {}", chosen.at.calendar_date(&model.ui.zone));
    }
    if feed.is_looking() {
        title += ", looking …";
    }
    let (looked, stopped) = feed.looked();
    if feed.filter().is_some_and(Sieve::is_finer) {
        title += &format!(", looked at {looked}");
    }
    if feed.filter().is_some() && stopped {
        title += &format!(", {up} looks on");
    }
    if feed.is_incomplete() {
        title += ", not all is sorted in yet";
    }
    if let Some(error) = feed.failure() {
        title += &format!(", more could not be looked up: {error}");
    } else if feed.begins() && feed.chosen() == Some(0) {
        title += ", the oldest kept";
    }
    match feed.unseen() {
        0 if feed.is_frozen() => title + &format!(", not following ({newest})"),
        0 if feed.filter().is_some() => title + &format!(" ({leave} shows all)"),
        0 => title,
        n => title + &format!(", {n} new below ({newest})"),
    }
}

/// How many lines the message at this index takes, as it was drawn last.
pub(in super::super) fn height(model: &Model, index: usize) -> usize {
    let (width, height) = model.ui.feed.size.get();
    model
        .rows()
        .get(index)
        .map_or(0, |m| lines(m, model, index, Theme::new(false), Rect::new(0, 0, width, height)).len())
}

/// One line of the pane.
struct Line {
    time: String,
    who: String,
    who_style: Style,
    mark: &'static str,
    mark_style: Style,
    text: String,
    text_style: Style,
    /// Of which message.
    index: usize,
    selected: bool,
}

/// The columns of the time, and of who wrote it. A narrow pane has no room for seconds.
const fn columns(area: Rect) -> (u16, u16) {
    match area.width {
        110.. => (TIME, 30),
        90..110 => (TIME, 26),
        70..90 => (TIME, 20),
        STACKED..70 => (TIME, 14),
        _ => (TIME - SECONDS, area.width.saturating_sub(TIME - SECONDS + MARK)),
    }
}

/// The lines that fill the area: ending with the newest message, or around the chosen one.
fn visible(model: &Model, theme: Theme, area: Rect) -> Vec<Line> {
    let room = usize::from(area.height);
    let rows = model.rows();
    let feed = &model.ui.feed;
    let center = feed.chosen().unwrap_or(rows.len().saturating_sub(1 + feed.behind()));
    let end = if feed.is_frozen() { rows.len() } else { center + 1 };
    let at = |index: usize| rows.get(index).map(|message| lines(message, model, index, theme, area));
    let mut above = Vec::new();
    for mut lines in (0..=center).rev().map_while(at) {
        lines.reverse();
        above.append(&mut lines);
        if above.len() >= room {
            break;
        }
    }
    let mut below = Vec::new();
    for mut lines in (center + 1..end).map_while(at) {
        below.append(&mut lines);
        if below.len() >= room {
            break;
        }
    }
    // The chosen message stands in the middle, except near the ends.
    let below_rows = (room / 2).max(room.saturating_sub(above.len())).min(below.len());
    above.truncate(room - below_rows);
    above.reverse();
    below.truncate(below_rows);
    above.append(&mut below);
    above
}

fn lines(message: &Message, model: &Model, index: usize, theme: Theme, area: Rect) -> Vec<Line> {
    let before = columns(area);
    let stacked = area.width < STACKED;
    let indent = if stacked { before.0 } else { before.0 + before.1 + MARK };
    let width = area.width.saturating_sub(indent + 1).max(8);
    let (mark, mark_style) = mark(message, theme);
    let (who, who_style) = who(message, model, theme, usize::from(before.1.saturating_sub(1)));
    let selected = model.ui.feed.chosen() == Some(index);
    let mut time = Some(message.at.clock_time(&model.ui.zone));
    let mut lines: Vec<_> = day(message, model, index, theme).into_iter().collect();
    let head = stacked.then(|| (String::new(), Style::new()));
    let said = said(message, model, index, theme, usize::from(width));
    lines.extend(head.into_iter().chain(said).map(|(text, text_style)| {
        let first = time.is_some();
        Line {
            time: time.take().unwrap_or_default(),
            who: if first { who.clone() } else { String::new() },
            who_style,
            mark: if first { mark } else { "" },
            mark_style,
            text,
            text_style,
            index,
            selected,
        }
    }));
    lines
}

/// The line between the messages of two days.
fn day(message: &Message, model: &Model, index: usize, theme: Theme) -> Option<Line> {
    let before = model.rows().get(index.checked_sub(1)?)?;
    let [day, day_before] = [message.at, before.at].map(|at| at.calendar_date(&model.ui.zone));
    (day != day_before).then(|| Line {
        time: String::new(),
        who: String::new(),
        who_style: Style::new(),
        mark: "",
        mark_style: Style::new(),
        text: format!("── {day} ──"),
        text_style: theme.dim(),
        index,
        selected: false,
    })
}

fn draw(line: &Line, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let (time, who) = columns(area);
    let clock = line.time.get(..usize::from(time - 1)).unwrap_or(&line.time);
    put(buffer, area, (0, 0), clock, time, theme.dim());
    let used = put(buffer, area, (time, 0), &line.who, who.saturating_sub(1), line.who_style);
    let (mark, text) = if area.width < STACKED { (time + used + 1, time) } else { (time + who, time + who + MARK) };
    put(buffer, area, (mark, 0), line.mark, MARK, line.mark_style);
    put(buffer, area, (text, 0), &line.text, area.width, line.text_style);
    if line.selected {
        buffer.set_style(area, theme.selected());
    }
}

/// Who wrote it, or whom it is for. What is not a person is named as such.
fn who(message: &Message, model: &Model, theme: Theme, columns: usize) -> (String, Style) {
    let subjects = &model.snapshot.groups;
    let group = message.chat.kind == ChatKind::Group;
    let place = place(message.chat.kind);
    match message.direction {
        Direction::In => {
            let name = people::writer(message, model);
            let called = match place {
                Some(_) if group => groups::writer(subjects, &message.chat, &name, columns),
                Some(place) => format!("{place} {name}"),
                None => sanitize::shortened(name, columns).into_owned(),
            };
            (called, theme.incoming())
        }
        Direction::Out | Direction::OutElsewhere if group => {
            let known = subjects.of(&message.chat.id).is_some();
            let called = groups::called(subjects, &message.chat);
            (format!("→ {}{called}", if known { "" } else { "group " }), theme.outgoing())
        }
        Direction::Out | Direction::OutElsewhere => {
            let place = place.map(|place| format!("{place} ")).unwrap_or_default();
            let room = columns.saturating_sub("→ ".chars().count() + place.len());
            (format!("→ {place}{}", sanitize::shortened(model.ui.chats.called(&message.chat), room)), theme.outgoing())
        }
    }
}

/// What a chat is, when it is not a person's.
pub(super) const fn place(kind: ChatKind) -> Option<&'static str> {
    match kind {
        ChatKind::Person | ChatKind::Other => None,
        ChatKind::Group => Some("group"),
        ChatKind::Status => Some("status"),
        ChatKind::Broadcast => Some("list"),
        ChatKind::Newsletter => Some("channel"),
    }
}

/// How far a message of ours has come.
fn mark(message: &Message, theme: Theme) -> (&'static str, Style) {
    match (message.direction, message.delivery.as_deref().map(|d: &Delivery| d.state)) {
        (Direction::OutElsewhere, _) => ("⇄", theme.dim()),
        (Direction::In, _) | (Direction::Out, None) => ("", Style::new()),
        (Direction::Out, Some(state)) => marks::mark(state, theme),
    }
}
