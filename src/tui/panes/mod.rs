//! What is drawn, one file a pane. A pane draws inside its area and returns nothing but where the cursor is.

pub(super) mod banner;
mod chats;
pub(super) mod compose;
pub(super) mod connection;
pub(super) mod detail;
pub(super) mod feed;
pub(super) mod footer;
mod letters;
pub(super) mod log;
mod marks;
pub(super) mod metrics;
pub(super) mod overlay;
mod page;
pub(super) mod pairing;
mod passkey;
pub(super) mod recipient;
pub(super) mod said;
pub(super) mod status;
mod times;
pub(super) mod webhooks;
pub(super) mod welcome;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

use super::keymap::{Action, Keymap};
use super::sanitize;
use super::theme::Theme;
use crate::state::BridgeView;

/// A border with a title; returns the area inside.
fn framed(title: &str, focused: bool, theme: Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let title = sanitize::line(title, usize::from(area.width.saturating_sub(4)));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border(focused))
        .title(Line::styled(format!(" {title} "), theme.title()));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Writes text from anywhere at a place, at most `columns` wide and never beyond the area. Returns the columns used.
fn put(buffer: &mut Buffer, area: Rect, at: (u16, u16), text: &str, columns: u16, style: Style) -> u16 {
    let (x, y) = (area.x.saturating_add(at.0), area.y.saturating_add(at.1));
    if x >= area.right() || y >= area.bottom() {
        return 0;
    }
    let columns = columns.min(area.right() - x);
    // Most of what is drawn: each letter is a cell.
    if text.len() <= usize::from(columns) && sanitize::is_plain(text) {
        let cells = (x..).zip(text.chars());
        return cells.fold(0, |used, (x, letter)| {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_char(letter).set_style(style);
            }
            used + 1
        });
    }
    let text = sanitize::line(text, usize::from(columns));
    let (end, _) = buffer.set_stringn(x, y, text, usize::from(columns), style);
    end.saturating_sub(x)
}

/// Writes pieces after one another in one line.
fn row(buffer: &mut Buffer, area: Rect, y: u16, pieces: &[(&str, Style)]) {
    let mut x = 0;
    for (text, style) in pieces {
        x += put(buffer, area, (x, y), text, area.width, *style);
    }
}

/// A number of bytes for people.
fn bytes(n: Option<u64>) -> String {
    match n {
        None => "–".to_owned(),
        Some(n) if n < 10 << 20 => format!("{}.{} MB", n >> 20, ((n % (1 << 20)) * 10) >> 20),
        Some(n) => format!("{} MB", n >> 20),
    }
}

/// The memory of the bridge; that of one that runs and was not looked at yet is on the way.
fn bridge_memory(bridge: &BridgeView) -> String {
    if bridge.pid.is_some() && bridge.rss_bytes.is_none() { "…".to_owned() } else { bytes(bridge.rss_bytes) }
}

/// A count in at most four characters.
fn count(n: u64) -> String {
    const STEPS: [(u64, char); 3] = [(1_000_000_000, 'G'), (1_000_000, 'M'), (1_000, 'k')];
    match STEPS.iter().find(|(step, _)| n >= *step) {
        None => n.to_string(),
        Some((step, letter)) if n < 10 * step => format!("{}.{}{letter}", n / step, n % step * 10 / step),
        Some((step, letter)) => format!("{}{letter}", n / step),
    }
}

/// A number of microseconds for people.
fn micros(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} µs"),
        1_000..10_000 => format!("{}.{} ms", n / 1_000, n % 1_000 / 100),
        _ => format!("{} ms", n / 1_000),
    }
}

/// How to say a word to the palette, such as `:webhooks`.
fn by_word(word: &str, keys: &Keymap) -> String {
    match keys.key(Action::Palette) {
        ":" => format!(":{word}"),
        key => format!("{key} {word}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_drawn_as_any_other() {
        let style = Style::new().add_modifier(ratatui::style::Modifier::BOLD);
        let area = Rect::new(1, 0, 9, 2);
        for text in ["", "a", "ab cd", "exactly 9", "longer than that", "ñandú"] {
            let (mut found, mut expected) =
                (Buffer::empty(Rect::new(0, 0, 10, 2)), Buffer::empty(Rect::new(0, 0, 10, 2)));
            let used = put(&mut found, area, (0, 1), text, 20, style);
            let (end, _) = expected.set_stringn(1, 1, sanitize::line(text, 9), 9, style);
            assert_eq!((found, used), (expected, end - 1), "{text}");
        }
    }

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(bytes(Some(7_654_321)), "7.2 MB");
        assert_eq!(bytes(Some(100 << 20)), "100 MB");
        assert_eq!(bytes(None), "–");
        assert_eq!([count(999), count(2_048), count(10_240), count(5_000_000)], ["999", "2.0k", "10k", "5.0M"]);
        assert_eq!([micros(87), micros(1_250), micros(31_000)], ["87 µs", "1.2 ms", "31 ms"]);
    }
}
