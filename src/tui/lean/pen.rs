//! Where the terminal's cursor is and how it writes, and the shortest way from there to where something is to be written.
//!
//! Nothing is used that the Linux console, tmux or screen do not know.

use std::io::Write;

use ratatui::buffer::{Cell, CellWidth};
use ratatui::style::{Color, Modifier};

/// How a cell looks besides its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    fg: Color,
    bg: Color,
    line: Color,
    modifier: Modifier,
}

/// What can be seen of a cell in which nothing is written, besides its background.
const SEEN_ON_BLANKS: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK)
    .union(Modifier::CROSSED_OUT);

impl Look {
    pub(super) const PLAIN: Self =
        Self { fg: Color::Reset, bg: Color::Reset, line: Color::Reset, modifier: Modifier::empty() };

    pub(super) const fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, line: cell.underline_color, modifier: cell.modifier }
    }

    /// Whether a blank of this look is the same as one of another look.
    pub(super) fn blank_as(self, other: Self) -> bool {
        self == other || (self.bg == other.bg && !(self.modifier | other.modifier).intersects(SEEN_ON_BLANKS))
    }

    /// Whether what is erased in this look is as blanks of it, in every terminal.
    fn erases(self) -> bool {
        self.blank_as(Self::PLAIN)
    }
}

/// Whether nothing is written in a cell.
pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

/// What turns each attribute on. Only a reset turns all of them off in every terminal.
const ATTRIBUTES: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// From so many blanks on they are erased: that takes four bytes, and as many to go on behind them.
const ERASED: u16 = 9;

/// The same, when nothing follows in the row.
const ERASED_AT_END: u16 = 5;

/// The cursor, and what it has written.
#[derive(Clone, Debug)]
pub(super) struct Pen {
    /// What is to be written to the terminal.
    pub bytes: Vec<u8>,
    /// Where it is: column, row. None: terminals may have different minds about that.
    at: Option<(u16, u16)>,
    look: Look,
    columns: u16,
}

impl Pen {
    /// One that is anywhere, and writes plainly, in a terminal of so many columns.
    pub(super) const fn new(bytes: Vec<u8>, columns: u16) -> Self {
        Self { bytes, at: None, look: Look::PLAIN, columns }
    }

    pub(super) const fn look(&self) -> Look {
        self.look
    }

    /// Goes to a place.
    pub(super) fn go(&mut self, x: u16, y: u16) {
        way(self.at, (x, y), &mut self.bytes);
        self.at = Some((x, y));
    }

    /// Gives the terminal a sequence, after which the cursor may be anywhere.
    pub(super) fn say(&mut self, sequence: std::fmt::Arguments<'_>) {
        put(&mut self.bytes, sequence);
        self.at = None;
    }

    /// Writes cells of one row that are of one look, beginning at a place.
    pub(super) fn write<'a>(&mut self, x: u16, y: u16, look: Look, cells: impl Iterator<Item = &'a Cell>) {
        self.go(x, y);
        self.change(look);
        let (mut to, mut sure, mut blanks) = (x, true, 0);
        for cell in cells {
            let symbol = cell.symbol();
            if symbol == " " {
                blanks += 1;
                continue;
            }
            self.blanks(&mut to, y, blanks);
            blanks = 0;
            if symbol.contains('\u{fe0f}') {
                // As wide as two in some terminals, and in others not: the second is to be blank in those.
                self.bytes.extend_from_slice(b"  \x08\x08");
            }
            self.bytes.extend_from_slice(symbol.as_bytes());
            sure &= symbol.is_ascii();
            to = to.saturating_add(if symbol.is_ascii() { 1 } else { cell.cell_width().max(1) });
        }
        if blanks >= ERASED_AT_END && self.look.erases() {
            put(&mut self.bytes, format_args!("\x1b[{blanks}X"));
        } else {
            self.blanks(&mut to, y, blanks);
        }
        // Behind the last column a cursor waits in ways that differ.
        self.at = (sure && to < self.columns && self.at.is_some()).then_some((to, y));
    }

    fn blanks(&mut self, to: &mut u16, y: u16, blanks: u16) {
        let before = *to;
        *to = to.saturating_add(blanks);
        if blanks >= ERASED && self.look.erases() {
            put(&mut self.bytes, format_args!("\x1b[{blanks}X"));
            way(Some((before, y)), (*to, y), &mut self.bytes);
        } else {
            self.bytes.extend(std::iter::repeat_n(b' ', usize::from(blanks)));
        }
    }

    /// From now on it writes in this look.
    pub(super) fn change(&mut self, to: Look) {
        let from = std::mem::replace(&mut self.look, to);
        if from == to {
            return;
        }
        if to == Look::PLAIN {
            self.bytes.extend_from_slice(b"\x1b[m");
            return;
        }
        let mut codes = Codes { bytes: &mut self.bytes, any: false };
        let taken_back = !to.modifier.contains(from.modifier);
        if taken_back {
            codes.add(format_args!("0"));
        }
        let from = if taken_back { Look::PLAIN } else { from };
        for (attribute, code) in ATTRIBUTES {
            if (to.modifier - from.modifier).contains(attribute) {
                codes.add(format_args!("{code}"));
            }
        }
        for (from, to, base) in [(from.fg, to.fg, 30), (from.bg, to.bg, 40), (from.line, to.line, 50)] {
            if from != to {
                codes.color(to, base);
            }
        }
        self.bytes.push(b'm');
    }
}

/// About how many bytes a change of looks takes.
pub(super) fn cost_of_look(from: Look, to: Look) -> usize {
    match (from == to, to == Look::PLAIN) {
        (true, _) => 0,
        (false, true) => 3,
        (false, false) if from.modifier == to.modifier && from.bg == to.bg => 5,
        (false, false) => 8,
    }
}

/// How many bytes it takes to go somewhere.
pub(super) fn cost_of_way(from: Option<(u16, u16)>, to: (u16, u16)) -> usize {
    let absolute = if to.0 == 0 { 3 + digits(to.1 + 1) } else { 4 + digits(to.0 + 1) + digits(to.1 + 1) };
    let Some((x, y)) = from else { return absolute };
    match to.1.checked_sub(y) {
        Some(rows @ 0..=MOST_ROWS) => (usize::from(rows) + cost_in_row(x, to.0)).min(absolute),
        _ => absolute,
    }
}

/// So many rows the cursor goes down one by one.
const MOST_ROWS: u16 = 4;

fn cost_in_row(from: u16, to: u16) -> usize {
    match (from, to) {
        (from, to) if from == to => 0,
        (_, 0) => 1,
        (from, to) if from < to => {
            if to - from == 1 {
                3
            } else {
                3 + digits(to - from)
            }
        }
        (from, to) => usize::from(from - to).min(3 + digits(to + 1)),
    }
}

/// The shortest way, of those that every terminal knows.
fn way(from: Option<(u16, u16)>, to: (u16, u16), bytes: &mut Vec<u8>) {
    if from == Some(to) {
        return;
    }
    let (column, row) = (to.0 + 1, to.1 + 1);
    if let Some((x, y)) = from
        && let Some(rows @ 0..=MOST_ROWS) = to.1.checked_sub(y)
        && usize::from(rows) + cost_in_row(x, to.0) <= cost_of_way(None, to)
    {
        bytes.extend(std::iter::repeat_n(b'\n', usize::from(rows)));
        return match (x, to.0) {
            (from, to) if from == to => {}
            (_, 0) => bytes.push(b'\r'),
            (from, to) if from + 1 == to => bytes.extend_from_slice(b"\x1b[C"),
            (from, to) if from < to => put(bytes, format_args!("\x1b[{}C", to - from)),
            (from, to) if usize::from(from - to) <= 3 + digits(column) => {
                bytes.extend(std::iter::repeat_n(b'\x08', usize::from(from - to)));
            }
            _ => put(bytes, format_args!("\x1b[{column}G")),
        };
    }
    match to.0 {
        0 => put(bytes, format_args!("\x1b[{row}H")),
        _ => put(bytes, format_args!("\x1b[{row};{column}H")),
    }
}

const fn digits(n: u16) -> usize {
    match n {
        0..10 => 1,
        10..100 => 2,
        100..1_000 => 3,
        _ => 4,
    }
}

fn put(bytes: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector does not fail.
    let _ = bytes.write_fmt(text);
}

/// The numbers of one sequence.
struct Codes<'a> {
    bytes: &'a mut Vec<u8>,
    any: bool,
}

impl Codes<'_> {
    fn add(&mut self, code: std::fmt::Arguments<'_>) {
        self.bytes.extend_from_slice(if self.any { b";" } else { b"\x1b[" });
        self.any = true;
        put(self.bytes, code);
    }

    /// The number of a colour, of which those of the foreground begin at 30, of the background at 40, of underlines at 50.
    /// The 16 named colours are named as even the oldest terminals know them.
    fn color(&mut self, color: Color, base: u8) {
        let named = |n: u8| match base {
            50 => (None, n),
            _ if n < 8 => (Some(base + n), n),
            _ => (Some(base + 52 + n), n),
        };
        let (short, n) = match color {
            Color::Reset => return self.add(format_args!("{}", base + 9)),
            Color::Rgb(r, g, b) => return self.add(format_args!("{};2;{r};{g};{b}", base + 8)),
            Color::Indexed(n) => (None, n),
            Color::Black => named(0),
            Color::Red => named(1),
            Color::Green => named(2),
            Color::Yellow => named(3),
            Color::Blue => named(4),
            Color::Magenta => named(5),
            Color::Cyan => named(6),
            Color::Gray => named(7),
            Color::DarkGray => named(8),
            Color::LightRed => named(9),
            Color::LightGreen => named(10),
            Color::LightYellow => named(11),
            Color::LightBlue => named(12),
            Color::LightMagenta => named(13),
            Color::LightCyan => named(14),
            Color::White => named(15),
        };
        match short {
            Some(code) => self.add(format_args!("{code}")),
            None => self.add(format_args!("{};5;{n}", base + 8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_taken_back_is_reset_and_the_rest_is_told_again() {
        let mut pen = Pen::new(Vec::new(), 80);
        let bold = Look { fg: Color::Red, modifier: Modifier::BOLD, ..Look::PLAIN };
        pen.change(bold);
        pen.change(Look { modifier: Modifier::empty(), ..bold });
        pen.change(Look::PLAIN);
        pen.change(Look { fg: Color::Indexed(231), bg: Color::LightBlue, ..Look::PLAIN });
        pen.change(Look::PLAIN);
        pen.change(Look { line: Color::Red, ..Look::PLAIN });
        let text = String::from_utf8_lossy(&pen.bytes);
        assert_eq!(text, "\x1b[1;31m\x1b[0;31m\x1b[m\x1b[38;5;231;104m\x1b[m\x1b[58;5;1m");
    }

    proptest! {
        #[test]
        fn a_way_leads_where_it_should_and_costs_what_was_said(from in (0_u16..120, 0_u16..40), to in (0_u16..120, 0_u16..40)) {
            let of = |n| std::num::NonZeroU16::new(n).unwrap();
            for from in [Some(from), None] {
                let mut parser = vt100::Parser::new(of(40), of(120), 0);
                if let Some((x, y)) = from {
                    parser.process(format!("\x1b[{};{}H", y + 1, x + 1).as_bytes());
                }
                let mut bytes = Vec::new();
                way(from, to, &mut bytes);
                parser.process(&bytes);
                prop_assert_eq!(parser.screen().cursor_position(), (to.1, to.0));
                prop_assert_eq!(bytes.len(), if from == Some(to) { 0 } else { cost_of_way(from, to) });
                prop_assert!(bytes.len() <= 10);
            }
        }
    }
}
