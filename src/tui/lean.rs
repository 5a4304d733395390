//! Writes what changed to the terminal in few bytes, since bytes are what a slow line feels.
//!
//! ratatui's backend goes to each run of changed cells by its coordinates, and names each colour in its longest form: while
//! messages stream in, four of five bytes were such. This one goes on in a row by the distance, and tells only what
//! changes of colours and attributes, in one sequence. The 16 named colours are named as even the oldest terminals know
//! them.

use std::io::{self, Write};

use crossterm::cursor::{MoveRight, MoveTo};
use crossterm::queue;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// The backend; all but cells is written by ratatui's own.
#[derive(Debug)]
pub struct Lean<W: Write> {
    inner: CrosstermBackend<W>,
    /// The numbers of the sequence that is being made.
    codes: String,
}

/// How a cell looks besides its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    line: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, line: Color::Reset, modifier: Modifier::empty() };

    const fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, line: cell.underline_color, modifier: cell.modifier }
    }
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

impl<W: Write> Lean<W> {
    /// Writes to this.
    pub const fn new(writer: W) -> Self {
        Self { inner: CrosstermBackend::new(writer), codes: String::new() }
    }

    /// Goes on in the row, over so many columns.
    fn right(&mut self, columns: u16) -> io::Result<()> {
        match columns {
            1 => self.inner.write_all(b"\x1b[C"),
            _ => queue!(self.inner, MoveRight(columns)),
        }
    }

    /// Changes the looks of what is written next.
    fn change(&mut self, from: Look, to: Look) -> io::Result<()> {
        if to == Look::PLAIN {
            return self.inner.write_all(b"\x1b[m");
        }
        let taken_back = !to.modifier.contains(from.modifier);
        if taken_back {
            self.code(format_args!("0"));
        }
        let from = if taken_back { Look::PLAIN } else { from };
        for (attribute, code) in ATTRIBUTES {
            if (to.modifier - from.modifier).contains(attribute) {
                self.code(format_args!("{code}"));
            }
        }
        if from.fg != to.fg {
            self.color(to.fg, 30);
        }
        if from.bg != to.bg {
            self.color(to.bg, 40);
        }
        if from.line != to.line {
            self.color(to.line, 50);
        }
        let written = write!(self.inner, "\x1b[{}m", self.codes);
        self.codes.clear();
        written
    }

    fn code(&mut self, code: std::fmt::Arguments<'_>) {
        use std::fmt::Write;
        // Writing to a string does not fail.
        let _ = write!(self.codes, "{}{code}", if self.codes.is_empty() { "" } else { ";" });
    }

    /// The number of a colour, of which those of the foreground begin at 30, of the background at 40, of underlines at 50.
    fn color(&mut self, color: Color, base: u8) {
        let named = |n: u8| match base {
            50 => (None, n),
            _ if n < 8 => (Some(base + n), n),
            _ => (Some(base + 52 + n), n),
        };
        let (short, n) = match color {
            Color::Reset => return self.code(format_args!("{}", base + 9)),
            Color::Rgb(r, g, b) => return self.code(format_args!("{};2;{r};{g};{b}", base + 8)),
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
            Some(code) => self.code(format_args!("{code}")),
            None => self.code(format_args!("{};5;{n}", base + 8)),
        }
    }
}

impl<W: Write> Write for Lean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.inner)
    }
}

impl<W: Write> Backend for Lean<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut look = Look::PLAIN;
        // The last cell, and whether the cursor is right behind it for sure: terminals have their own minds about how
        // wide some characters are.
        let mut last: Option<(u16, u16, bool)> = None;
        for (x, y, cell) in content {
            match last {
                Some((before, row, _)) if row == y && before + 1 == x => {}
                Some((before, row, true)) if row == y && before < x => {
                    self.right(x - before - 1)?;
                }
                Some(_) | None => queue!(self.inner, MoveTo(x, y))?,
            }
            let next = Look::of(cell);
            if next != look {
                self.change(look, next)?;
                look = next;
            }
            self.inner.write_all(cell.symbol().as_bytes())?;
            last = Some((x, y, cell.symbol().is_ascii()));
        }
        if look != Look::PLAIN {
            self.change(look, Look::PLAIN)?;
        }
        Ok(())
    }

    fn append_lines(&mut self, n: u16) -> io::Result<()> {
        self.inner.append_lines(n)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    /// Never fails: a terminal that is gone shows with the next cells. When ratatui ends it would tell stderr of this,
    /// which has gone with the terminal, and panic.
    fn show_cursor(&mut self) -> io::Result<()> {
        let _ = self.inner.show_cursor();
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const AREA: Rect = Rect { x: 0, y: 0, width: 30, height: 4 };

    fn draw(mut backend: impl Backend, frames: &[Buffer]) {
        let mut before = &Buffer::empty(AREA);
        for frame in frames {
            assert!(backend.draw(before.diff_iter(frame)).is_ok());
            before = frame;
        }
    }

    /// What this backend and ratatui's own write for these frames, one after the other.
    fn both(frames: &[Buffer]) -> [Vec<u8>; 2] {
        let (mut lean, mut own) = (Vec::new(), Vec::new());
        draw(Lean::new(&mut lean), frames);
        draw(CrosstermBackend::new(&mut own), frames);
        [lean, own]
    }

    fn screen(bytes: &[u8]) -> Vec<Option<vt100::Cell>> {
        let of = |n| NonZeroU16::new(n).unwrap();
        let mut parser = vt100::Parser::new(of(AREA.height), of(AREA.width), 0);
        parser.process(bytes);
        let cells = (0..AREA.height).flat_map(|y| (0..AREA.width).map(move |x| (y, x)));
        cells.map(|(y, x)| parser.screen().cell(y, x).cloned()).collect()
    }

    fn color() -> impl Strategy<Value = Color> {
        let named = [Color::Reset, Color::Cyan, Color::White, Color::DarkGray, Color::Black];
        prop_oneof![
            proptest::sample::select(named.to_vec()),
            any::<u8>().prop_map(Color::Indexed),
            Just(Color::Rgb(1, 2, 3))
        ]
    }

    fn style() -> impl Strategy<Value = Style> {
        let modifiers = [Modifier::BOLD, Modifier::REVERSED, Modifier::UNDERLINED, Modifier::ITALIC];
        (color(), color(), proptest::sample::subsequence(modifiers.to_vec(), 0..3))
            .prop_map(|(fg, bg, modifiers)| modifiers.into_iter().fold(Style::new().fg(fg).bg(bg), Style::add_modifier))
    }

    fn frame() -> impl Strategy<Value = Buffer> {
        let piece = (0..AREA.width, 0..AREA.height, "[a-c ]{1,6}|[─▄]{1,3}|好|👍", style());
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| {
            let mut buffer = Buffer::empty(AREA);
            for (x, y, text, style) in pieces {
                buffer.set_stringn(x, y, text, usize::from(AREA.width - x), style);
            }
            buffer
        })
    }

    proptest! {
        #[test]
        fn the_screen_is_as_ratatui_draws_it(frames in proptest::collection::vec(frame(), 1..4)) {
            let [lean, own] = both(&frames);
            prop_assert!(screen(&lean) == screen(&own), "{:?} is not {:?}", String::from_utf8_lossy(&lean), String::from_utf8_lossy(&own));
            prop_assert!(lean.len() <= own.len());
        }
    }

    #[test]
    fn a_row_of_the_feed_costs_little_more_than_its_text() {
        let row = |n: u32| {
            let mut buffer = Buffer::empty(AREA);
            buffer.set_string(0, 1, format!("Ana {n}"), Style::new().fg(Color::Cyan));
            buffer.set_string(10, 1, format!("message {n}"), Style::new());
            buffer
        };
        let [lean, _] = both(&[row(7), row(8)]);
        let text = String::from_utf8(lean).unwrap();
        let second = text.rsplit_once('7').unwrap().1;
        assert_eq!(second, "\x1b[2;5H\x1b[36m8\x1b[13C\x1b[m8");
    }

    #[test]
    fn what_is_taken_back_is_reset_and_the_rest_is_told_again() {
        let mut bytes = Vec::new();
        let mut backend = Lean::new(&mut bytes);
        let bold = Look { fg: Color::Red, modifier: Modifier::BOLD, ..Look::PLAIN };
        backend.change(Look::PLAIN, bold).unwrap();
        backend.change(bold, Look { modifier: Modifier::empty(), ..bold }).unwrap();
        backend.change(bold, Look { fg: Color::Indexed(231), bg: Color::LightBlue, ..bold }).unwrap();
        let line = Look { line: Color::Red, ..Look::PLAIN };
        backend.change(Look::PLAIN, line).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), "\x1b[1;31m\x1b[0;31m\x1b[38;5;231;104m\x1b[58;5;1m");
    }
}
