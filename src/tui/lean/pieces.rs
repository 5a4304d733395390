//! What changed from one picture to the next, in pieces, and the order in which writing them takes few bytes.
//!
//! * A piece is of one row and of one look. What did not change between two changes is written again where that is shorter
//!   than to go over it.
//! * The order is from each piece to the one that is reached in the fewest bytes: down a column, where each row changed
//!   there, which takes no colour from one to the next.
//! * A row in which something is not ASCII is written from left to right: what is wider than one column may change its
//!   neighbours.

use ratatui::buffer::{Buffer, Cell, CellWidth};

use super::pen::{Look, Pen, cost_of_look, cost_of_way, is_blank};

/// So many cells that did not change are written again rather than gone over: going takes four bytes.
const REWRITTEN: u16 = 4;

/// How many pieces are looked at for the next one.
const LOOK_AHEAD: usize = 6;

/// A part of a row that is to be written.
#[derive(Clone, Copy, Debug)]
struct Piece {
    y: u16,
    from: u16,
    /// The column behind it.
    to: u16,
    look: Look,
    blank: bool,
    ascii: bool,
    /// It is to be written after those before it in its row.
    in_row: bool,
    /// Those that are not written yet, before and after this one: their indices.
    links: (Option<usize>, Option<usize>),
}

/// What is to be written, in order.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    all: Vec<Piece>,
    order: Vec<usize>,
    cost: usize,
}

impl Pieces {
    /// Takes in what is to be written, where `before` is shown, until `next` is.
    pub(super) fn plan(&mut self, before: &Buffer, next: &Buffer) {
        self.all.clear();
        for y in next.area.top()..next.area.bottom() {
            let begin = self.all.len();
            self.row(y, before, next);
            if let Some(row) = self.all.get_mut(begin..)
                && row.iter().any(|piece| !piece.ascii)
            {
                row.iter_mut().for_each(|piece| piece.in_row = true);
            }
        }
        self.sort(next.area.width);
    }

    /// Nothing is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// About how many bytes it takes.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Writes it.
    pub(super) fn write(&self, next: &Buffer, pen: &mut Pen) {
        for piece in self.order.iter().filter_map(|at| self.all.get(*at)) {
            let mut x = piece.from;
            let cells = std::iter::from_fn(|| {
                let cell = next.cell((x, piece.y)).filter(|_| x < piece.to)?;
                x = x.saturating_add(width(cell));
                Some(cell)
            });
            pen.write(piece.from, piece.y, piece.look_after(pen.look()), cells);
        }
    }

    /// Adds what changed in a row. What is written over a half of something wide makes anything of the other half.
    fn row(&mut self, y: u16, before: &Buffer, next: &Buffer) {
        let (mut behind, mut lost) = (0, 0);
        for (x, (cell, shown)) in (next.area.left()..).zip(cells(next, y).iter().zip(cells(before, y))) {
            if x < behind {
                continue;
            }
            behind = x.saturating_add(width(cell));
            if cell != shown || x < lost {
                self.add(x, y, cell, next);
                for x in x..behind {
                    lost = lost.max(before.cell((x, y)).map_or(0, |shown| x.saturating_add(width(shown))));
                }
            }
        }
    }

    fn add(&mut self, x: u16, y: u16, cell: &Cell, next: &Buffer) {
        let (look, blank, ascii) = (Look::of(cell), is_blank(cell), cell.symbol().is_ascii());
        let to = x.saturating_add(width(cell));
        if let Some(last) = self.all.last_mut().filter(|last| last.y == y)
            && let Some(look) = last.joined(look, blank)
            && (last.to == x || (last.ascii && x - last.to <= REWRITTEN))
            && (last.to..x).all(|x| next.cell((x, y)).is_some_and(|gap| can_be_written(gap, look)))
        {
            last.blank &= blank && (last.to..x).all(|x| next.cell((x, y)).is_some_and(is_blank));
            last.ascii &= ascii;
            (last.to, last.look) = (to, look);
            return;
        }
        self.all.push(Piece { y, from: x, to, look, blank, ascii, in_row: false, links: (None, None) });
    }

    fn sort(&mut self, columns: u16) {
        let last = self.all.len().checked_sub(1);
        for (at, piece) in self.all.iter_mut().enumerate() {
            piece.links = (at.checked_sub(1), Some(at + 1).filter(|_| last.is_some_and(|last| at < last)));
        }
        self.order.clear();
        let text: usize = self.all.iter().map(|piece| usize::from(piece.to - piece.from)).sum();
        let (mut first, mut near, mut pen) = (last.map(|_| 0), None, (None, Look::PLAIN));
        let mut ways = 0;
        while let Some((at, cost)) = self.nearest(near, first, pen) {
            let Some(piece) = self.all.get(at).copied() else { break };
            self.order.push(at);
            ways += cost;
            pen = piece.pen_after(pen.1, columns);
            let (before, after) = piece.links;
            match before.and_then(|before| self.all.get_mut(before)) {
                Some(before) => before.links.1 = after,
                None => first = after,
            }
            if let Some(after) = after.and_then(|after| self.all.get_mut(after)) {
                after.links.0 = before;
            }
            near = after;
        }
        let in_rows = self.cost_in_rows(columns);
        if in_rows < ways {
            self.order.clear();
            self.order.extend(0..self.all.len());
        }
        self.cost = text + in_rows.min(ways);
    }

    /// What it takes between the pieces when they are written row by row.
    fn cost_in_rows(&self, columns: u16) -> usize {
        let mut pen = (None, Look::PLAIN);
        let costs = self.all.iter().map(|piece| {
            let cost = piece.cost_after(pen);
            pen = piece.pen_after(pen.1, columns);
            cost
        });
        costs.sum()
    }

    /// The piece that is reached in the fewest bytes of those that follow in the rows, or the first of all; and how many.
    fn nearest(
        &self,
        near: Option<usize>,
        first: Option<usize>,
        pen: (Option<(u16, u16)>, Look),
    ) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        let mut look = |at: usize| {
            let piece = self.all.get(at)?;
            let before = piece.links.0.and_then(|before| self.all.get(before));
            if !(piece.in_row && before.is_some_and(|before| before.y == piece.y)) {
                let cost = piece.cost_after(pen);
                if best.is_none_or(|(_, least)| cost < least) {
                    best = Some((at, cost));
                }
            }
            piece.links.1
        };
        let mut next = near;
        for _ in 0..LOOK_AHEAD {
            next = next.and_then(&mut look);
        }
        first.and_then(look);
        best
    }
}

impl Piece {
    /// The look that it has together with what follows, when that has this one. None: they can't be one piece.
    fn joined(&self, look: Look, blank: bool) -> Option<Look> {
        if self.look == look || (blank && look.blank_as(self.look)) {
            Some(self.look)
        } else {
            Some(look).filter(|look| self.blank && self.look.blank_as(*look))
        }
    }

    /// The look in which it is written by a pen that has this one.
    fn look_after(&self, pen: Look) -> Look {
        if self.blank && self.look.blank_as(pen) { pen } else { self.look }
    }

    fn cost_after(&self, (at, look): (Option<(u16, u16)>, Look)) -> usize {
        cost_of_way(at, (self.from, self.y)) + cost_of_look(look, self.look_after(look))
    }

    fn pen_after(&self, look: Look, columns: u16) -> (Option<(u16, u16)>, Look) {
        ((self.ascii && self.to < columns).then_some((self.to, self.y)), self.look_after(look))
    }
}

/// The cells of a row.
pub(super) fn cells(buffer: &Buffer, y: u16) -> &[Cell] {
    let width = usize::from(buffer.area.width);
    let begin = usize::from(y.saturating_sub(buffer.area.y)) * width;
    buffer.content.get(begin..begin + width).unwrap_or_default()
}

/// The columns that a cell takes.
fn width(cell: &Cell) -> u16 {
    if cell.symbol().len() == 1 { 1 } else { cell.cell_width().max(1) }
}

/// Whether what did not change can be written again in this look.
fn can_be_written(gap: &Cell, look: Look) -> bool {
    let its = Look::of(gap);
    gap.symbol().is_ascii() && (its == look || (is_blank(gap) && its.blank_as(look)))
}
