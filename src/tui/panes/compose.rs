//! The input box.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::super::chats::full_title;
use super::super::keymap::Action;
use super::super::model::{Focus, Model};
use super::super::sanitize;
use super::super::theme::Theme;
use super::super::update::{Line, passkey, read_line};
use super::{framed, marks, put};
use crate::protocol::ChatKind;
use crate::state::{Chat, ConnectionState, QUEUE_CAPACITY, StoreState};

/// The most lines of a text that are shown at once.
const LINES: usize = 6;

/// The most columns of a name where there is little room.
const NAME: usize = 20;

/// How much of a text that was not sent is shown, so that there is room for why.
const FAILED: usize = 20;

/// The longest text that WhatsApp takes, in characters.
const TEXT_CHARS: usize = 65_536;

/// How many rows the box would like in so many columns, its frame included: as many as the text has lines, up to some,
/// while it is being written.
pub(in super::super) fn rows(model: &Model, columns: u16) -> u16 {
    if model.ui.focus != Focus::Compose {
        return 3;
    }
    let columns = usize::from(columns.saturating_sub(2)).max(1);
    let value = model.ui.input.value();
    // It is looked at no further than it can be shown.
    let start: String = value.chars().take(columns * LINES).collect();
    let lines = start.split('\n').map(|line| line.width() / columns + 1).sum::<usize>();
    u16::try_from(lines.clamp(1, LINES)).unwrap_or(1) + 2
}

/// How many rows it takes where there is no room for a frame: to whom, and why it would wait, is said while it is written.
pub(in super::super) fn bare_rows(model: &Model) -> u16 {
    if model.ui.focus == Focus::Compose { 2 } else { 1 }
}

/// Draws the box: framed with three rows and more, bare lines with fewer. Returns where the cursor is while it has the
/// focus.
pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let focused = model.ui.focus == Focus::Compose;
    let mut tiny = false;
    let inner = if area.height >= 3 {
        let inner = framed(&title(model, area.width.saturating_sub(4)), focused, theme, area, buffer);
        own(model, theme, Rect { y: inner.bottom(), height: 1, ..inner }, buffer);
        inner
    } else {
        if area.height == 2 {
            put(buffer, area, (0, 0), &title(model, area.width), area.width, theme.title());
        }
        let line = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
        put(buffer, line, (0, 0), "> ", 2, theme.border(focused));
        tiny = true;
        Rect { x: line.x + 2, width: line.width.saturating_sub(2), ..line }
    };
    let value = model.ui.input.value();
    if value.is_empty() && tiny && model.ui.own.is_some() {
        // Without a frame there is no other place for it.
        own(model, theme, Rect { x: inner.x.saturating_sub(2), width: inner.width.saturating_add(2), ..inner }, buffer);
    } else if value.is_empty() {
        let hint = match (focused, &model.ui.recipient) {
            _ if passkey::awaited(model) => "paste the browser's answer here".to_owned(),
            (false, _) => format!("press {} to write", model.ui.look.keys.key(Action::Compose)),
            (true, Some(_)) => String::new(),
            (true, None) => "@ for a chat, or +584244370180 Hola".to_owned(),
        };
        put(buffer, inner, (0, 0), &hint, inner.width, theme.dim());
    }
    let cursor = match inner.height {
        0 | 1 => shown(value, model.ui.input.cursor(), inner, buffer),
        _ => shown_in_lines(value, model.ui.input.cursor(), inner, buffer),
    };
    focused.then_some(cursor)
}

/// What became of the message that was written here last, in the lower frame: nothing that comes in scrolls it away.
fn own(model: &Model, theme: Theme, line: Rect, buffer: &mut Buffer) {
    let Some(own) = &model.ui.own else { return };
    let ((mark, style), word) = match own.delivery.as_deref() {
        Some(delivery) => (marks::mark(delivery.state, theme), marks::word(delivery.state)),
        None => (("·", theme.busy()), "given"),
    };
    let name = model.ui.chats.called(&own.chat);
    let to = format!(" to {}: ", sanitize::line(name, 20));
    let room = line.width.saturating_sub(2);
    let state = format!(" {mark} {word}");
    let mut x = 1 + put(buffer, line, (1, 0), &state, room, style);
    x += put(buffer, line, (x, 0), &to, room.saturating_sub(x), theme.dim());
    let failure = own.delivery.as_deref().and_then(|delivery| delivery.failure.as_ref());
    let why = failure.map(|failure| format!(" — {}", failure.text)).unwrap_or_default();
    let text = format!("{}{why}", sanitize::line(&own.text, if why.is_empty() { usize::from(room) } else { FAILED }));
    let text = sanitize::line(&text, usize::from(room.saturating_sub(x)));
    x += put(buffer, line, (x, 0), &text, room.saturating_sub(x), theme.dim());
    put(buffer, line, (x, 0), " ", 1, Style::new());
}

/// The part of a line around the cursor. Returns where the cursor is.
pub(super) fn shown(value: &str, cursor: usize, area: Rect, buffer: &mut Buffer) -> Position {
    let width = usize::from(area.width);
    let at = byte(value, cursor);
    let before = &value[..at];
    // Start late enough that the cursor is inside. Looked for from the cursor: a pasted line may have millions of columns.
    let (mut start, mut columns) = (at, 0);
    for (n, grapheme) in before.grapheme_indices(true).rev() {
        if columns + sanitize::columns(grapheme) >= width {
            break;
        }
        columns += sanitize::columns(grapheme);
        start = n;
    }
    let offset = columns.min(width.saturating_sub(1));
    put(buffer, area, (0, 0), &value[start..], area.width, Style::new());
    Position { x: area.x + u16::try_from(offset).unwrap_or(0), y: area.y }
}

/// Where the character with this number begins.
fn byte(value: &str, cursor: usize) -> usize {
    value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at)
}

/// The lines around the cursor. Returns where the cursor is.
fn shown_in_lines(value: &str, cursor: usize, area: Rect, buffer: &mut Buffer) -> Position {
    let (columns, rows) = (usize::from(area.width).max(1), usize::from(area.height));
    let at = byte(value, cursor);
    // No more is looked at than can be shown, counted from the cursor back.
    let far = value[..at].char_indices().rev().nth(columns * rows).map_or(0, |(at, _)| at);
    let start = if far == 0 { 0 } else { value[far..at].find('\n').map_or(far, |feed| far + feed + 1) };
    let mut lines = Lines { columns, rows, done: Vec::new(), line: (start, start), width: 0, cursor: None };
    for (offset, grapheme) in value[start..].grapheme_indices(true) {
        if !lines.push(start + offset, grapheme, at) {
            break;
        }
    }
    let (row, column) = lines.finish(at);
    // The line of the cursor is the last, unless all before it have room.
    let first = (row + 1).saturating_sub(rows);
    for (y, (from, to)) in lines.done.iter().skip(first).take(rows).enumerate() {
        put(buffer, area, (0, u16::try_from(y).unwrap_or(0)), &value[*from..*to], area.width, Style::new());
    }
    let (x, y) = (column.min(columns - 1), row - first);
    Position { x: area.x + u16::try_from(x).unwrap_or(0), y: area.y + u16::try_from(y).unwrap_or(0) }
}

/// A text as lines, each from a byte to a byte.
struct Lines {
    columns: usize,
    rows: usize,
    done: Vec<(usize, usize)>,
    line: (usize, usize),
    width: usize,
    /// The row and the column of the cursor, once it was passed.
    cursor: Option<(usize, usize)>,
}

impl Lines {
    /// Takes in the grapheme that begins there. Returns false when no more can be shown.
    fn push(&mut self, begins: usize, grapheme: &str, cursor: usize) -> bool {
        let feed = matches!(grapheme, "\n" | "\r\n");
        let width = if feed { 0 } else { sanitize::columns(grapheme).min(self.columns) };
        if !feed && self.width + width > self.columns {
            self.end(begins);
        }
        if cursor <= begins && self.cursor.is_none() {
            self.cursor = Some((self.done.len(), self.width));
        }
        self.line.1 = begins + grapheme.len();
        self.width += width;
        if feed {
            self.line.1 = begins;
            self.end(begins + grapheme.len());
        }
        self.cursor.is_none_or(|(row, _)| self.done.len() < row + self.rows)
    }

    fn end(&mut self, next: usize) {
        self.done.push(self.line);
        self.line = (next, next);
        self.width = 0;
    }

    /// Returns the row and the column of the cursor.
    fn finish(&mut self, cursor: usize) -> (usize, usize) {
        if self.width == self.columns && cursor >= self.line.1 && self.cursor.is_none() {
            self.end(self.line.1);
        }
        let end = (self.done.len(), self.width);
        self.done.push(self.line);
        self.cursor.unwrap_or(end)
    }
}

/// Whom the text is for, and what stands in the way. Where there is no room for both, a name stands without its address.
fn title(model: &Model, columns: u16) -> String {
    let full = said(model, whom);
    if full.width() <= usize::from(columns) { full } else { said(model, name) }
}

/// The name of a chat, or its address where it has none.
fn name(model: &Model, chat: &Chat) -> String {
    sanitize::line(model.ui.chats.called(chat), NAME)
}

fn said(model: &Model, whom: impl Fn(&Model, &Chat) -> String) -> String {
    if let Some(title) = passkey::title(model) {
        return title;
    }
    let value = model.ui.input.value();
    let (to, chat) = match read_line(value) {
        Line::To(chat, _) => {
            let chat = model.ui.chats.as_known(chat);
            (format!("To {}", whom(model, &chat)), Some(chat))
        }
        Line::Wrong(error) => return format!("✗ {error}"),
        Line::Text(_) => match &model.ui.recipient {
            Some(chat) => (format!("To {}", whom(model, chat)), Some(chat.clone())),
            None if value.is_empty() => ("Message: +number text".to_owned(), None),
            None => {
                let choose = model.ui.look.keys.key(Action::Recipient);
                return format!("✗ to whom? {choose}, or begin with +number");
            }
        },
    };
    match (fault(model, value), chat.and_then(|chat| wait(model, &chat))) {
        (Some(fault), _) => format!("{to}  ✗ {fault}"),
        (None, Some(wait)) => format!("{to}  … {wait}"),
        (None, None) => to,
    }
}

/// The name and the address of a chat, as far as they are known.
pub(super) fn whom(model: &Model, chat: &Chat) -> String {
    match model.ui.chats.row(&chat.id) {
        Some(row) => row.full_title(),
        None => full_title(model.snapshot.groups.of(&chat.id), chat),
    }
}

/// Why it would be refused.
fn fault(model: &Model, value: &str) -> Option<String> {
    if model.ui.look.read_only {
        return Some("read-only: it would not be sent".to_owned());
    }
    if model.ui.lost.is_some() {
        return Some("no connection to the gateway: it would not be sent".to_owned());
    }
    if model.snapshot.store.state == StoreState::Failing {
        return Some("the database can't be written: it would be refused".to_owned());
    }
    if model.snapshot.queue >= QUEUE_CAPACITY {
        return Some(format!("{QUEUE_CAPACITY} messages wait already: it would be refused"));
    }
    // Bytes first: they are there without counting.
    let chars = if value.len() > TEXT_CHARS { value.chars().count() } else { 0 };
    (chars > TEXT_CHARS).then(|| format!("{chars} characters; WhatsApp takes {TEXT_CHARS}"))
}

/// Why it would wait.
fn wait(model: &Model, chat: &Chat) -> Option<String> {
    let snapshot = &model.snapshot;
    match snapshot.connection.state {
        ConnectionState::Open | ConnectionState::Unverified => {}
        ConnectionState::Linking | ConnectionState::Passkey | ConnectionState::LoggedOut => {
            return Some("waits until an account is linked".to_owned());
        }
        ConnectionState::Down | ConnectionState::Connecting | ConnectionState::Closed => {
            return Some("waits until connected".to_owned());
        }
    }
    if let Some(restriction) = &snapshot.restriction
        && chat.kind == ChatKind::Person
        && !model.ui.chats.wrote(&chat.id)
    {
        let until = restriction.until.clock_time(&model.ui.zone);
        let date = restriction.until.calendar_date(&model.ui.zone);
        return Some(format!("new chats are held until {date} {until}"));
    }
    let pacing = snapshot.pacing?;
    Some(format!("paced, {} before it", pacing.waiting))
}
