//! Lines below one another that may be more than there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::look::Scroll;
use super::super::sanitize;
use super::super::theme::Theme;
use super::{framed, put};

/// The columns of the labels.
pub(super) const LABEL: u16 = 11;

/// Lines of pieces with their styles.
pub(super) struct Page {
    theme: Theme,
    columns: u16,
    lines: Vec<Vec<(String, Style)>>,
}

impl Page {
    /// An empty page of so many columns.
    pub(super) fn new(theme: Theme, columns: u16) -> Self {
        Self { theme, columns, lines: Vec::new() }
    }

    /// Pieces after one another.
    pub(super) fn line(&mut self, pieces: impl IntoIterator<Item = (String, Style)>) {
        self.lines.push(pieces.into_iter().collect());
    }

    /// What it is called, and what it is, in at most two lines.
    pub(super) fn field(&mut self, label: &str, value: &str, style: Style) {
        let mut label = format!("{:1$}", sanitize::line(label, usize::from(LABEL) - 1), usize::from(LABEL));
        for text in sanitize::wrap(value, usize::from(self.columns.saturating_sub(LABEL)), 2) {
            let blank = " ".repeat(usize::from(LABEL));
            self.line([(std::mem::replace(&mut label, blank), self.theme.dim()), (text, style)]);
        }
    }

    /// A text in at most so many lines, moved in by so many columns.
    pub(super) fn text(&mut self, indent: u16, text: &str, rows: usize, style: Style) {
        for line in sanitize::wrap(text, usize::from(self.columns.saturating_sub(indent)), rows) {
            self.line([(" ".repeat(usize::from(indent)), style), (line, style)]);
        }
    }

    /// How many lines there are.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The lines of another page below these.
    pub(super) fn above(mut self, mut other: Self) -> Self {
        self.lines.append(&mut other.lines);
        self
    }

    /// The lines of another page beside these, which get so many columns and have a cell for each of their characters.
    pub(super) fn beside(mut self, columns: u16, other: Self) -> Self {
        let rows = self.lines.len().max(other.lines.len());
        self.lines.resize(rows, Vec::new());
        for (line, mut more) in self.lines.iter_mut().zip(other.lines) {
            let used: usize = line.iter().map(|(text, _)| text.chars().count()).sum();
            line.push((" ".repeat(usize::from(columns).saturating_sub(used)), Style::new()));
            line.append(&mut more);
        }
        self
    }

    pub(super) fn blank(&mut self) {
        self.lines.push(Vec::new());
    }

    /// Draws what of it is in view, below a title.
    pub(super) fn draw(self, title: &str, focused: bool, scroll: &Scroll, area: Rect, buffer: &mut Buffer) {
        let inner = framed(title, focused, self.theme, area, buffer);
        let first = scroll.first(self.lines.len(), inner.height);
        for (y, pieces) in (0..inner.height).zip(self.lines.iter().skip(first)) {
            let mut x = 0;
            for (text, style) in pieces {
                x += put(buffer, inner, (x, y), text, inner.width, *style);
            }
        }
        let below = self.lines.len().saturating_sub(first + usize::from(inner.height));
        if below > 0 && area.height > 1 {
            let text = format!(" ↓ {below} more ");
            put(buffer, area, (2, area.height - 1), &text, area.width.saturating_sub(4), self.theme.border(focused));
        }
    }
}
