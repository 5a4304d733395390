//! Writes what changed to the terminal in few bytes, since bytes are what a slow line feels.
//!
//! * It knows what the terminal shows, and writes only what differs from it.
//! * Rows that moved are moved by the terminal, when that takes far fewer bytes than to write them anew: what stands beside
//!   them moves along, and is put back.
//! * What is written next is what is reached in few bytes: see `pieces`.
//! * A picture goes to the terminal in one piece, and a picture that is the same takes none.

mod pen;
mod pieces;
mod shift;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use pen::{Look, Pen};
use pieces::Pieces;
use shift::Shift;

/// From so many bytes on it is worth a look whether rows moved.
const WORTH_A_LOOK: usize = 100;

/// From so many bytes on it could be seen on a slow line how what moved along is put back.
const SEEN: usize = 300;

/// Has the terminal show nothing of a picture before all of it has come. Those that don't know it ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// What is drawn besides cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Where the cursor is. None: it is not shown.
    pub cursor: Option<Position>,
    /// Where rows may have moved up or down together.
    pub moving: Option<Rect>,
}

/// A terminal, of which is known what it shows.
#[derive(Debug)]
pub struct Painter<W: Write> {
    out: W,
    shown: Buffer,
    next: Buffer,
    /// What is shown once rows have moved.
    moved: Buffer,
    cursor: Option<Position>,
    /// Nothing is known of what the terminal shows.
    unknown: bool,
    pieces: Pieces,
    others: Pieces,
    bytes: Vec<u8>,
}

impl<W: Write> Painter<W> {
    /// Writes to this, of which nothing is known.
    pub fn new(out: W) -> Self {
        Self {
            out,
            shown: Buffer::default(),
            next: Buffer::default(),
            moved: Buffer::default(),
            cursor: None,
            unknown: true,
            pieces: Pieces::default(),
            others: Pieces::default(),
            bytes: Vec::new(),
        }
    }

    /// The terminal may show anything: all is written with the next picture.
    pub const fn forget(&mut self) {
        self.unknown = true;
    }

    /// What it writes to, for sequences that draw nothing.
    pub const fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Draws into an empty buffer of the terminal's size and has the terminal show it. Returns how many bytes that took.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn paint(&mut self, area: Rect, draw: impl FnOnce(&mut Buffer) -> Drawn) -> io::Result<usize> {
        if self.next.area != area {
            self.next.resize(area);
            self.unknown = true;
        }
        self.next.reset();
        let drawn = draw(&mut self.next);
        let unknown = std::mem::replace(&mut self.unknown, false);
        if unknown {
            self.shown.resize(area);
            self.shown.reset();
        }
        self.pieces.plan(&self.shown, &self.next);
        if !unknown && self.pieces.is_empty() && drawn.cursor == self.cursor {
            return Ok(0);
        }
        let mut together = false;
        let mut pen = Pen::new(std::mem::take(&mut self.bytes), area.width);
        if unknown {
            pen.say(format_args!("\x1b[r\x1b[m\x1b[2J"));
        } else if self.pieces.cost() >= WORTH_A_LOOK
            && let Some(shift) = drawn.moving.and_then(|area| Shift::find(&self.shown, &self.next, area))
        {
            self.moved.area = self.shown.area;
            self.moved.content.clone_from(&self.shown.content);
            shift.apply(&mut self.moved);
            self.others.plan(&self.moved, &self.next);
            if self.others.cost() + Shift::COST < self.pieces.cost() / 3 * 2 {
                std::mem::swap(&mut self.pieces, &mut self.others);
                together = self.pieces.cost() > SEEN;
                pen.say(format_args!("{}", if together { BEGIN } else { "" }));
                shift.write(&mut pen);
            }
        }
        self.pieces.write(&self.next, &mut pen);
        pen.change(Look::PLAIN);
        match drawn.cursor {
            Some(Position { x, y }) => {
                pen.go(x, y);
                pen.say(format_args!("\x1b[?25h"));
            }
            None => pen.say(format_args!("\x1b[?25l")),
        }
        if together {
            pen.say(format_args!("{END}"));
        }
        self.cursor = drawn.cursor;
        std::mem::swap(&mut self.shown, &mut self.next);
        let written = self.out.write_all(&pen.bytes).and_then(|()| self.out.flush());
        let count = pen.bytes.len();
        pen.bytes.clear();
        self.bytes = pen.bytes;
        written.map(|()| count)
    }
}
