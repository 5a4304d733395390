//! Rows that moved up or down together, which a terminal can move by itself.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use super::pen::Pen;
use super::pieces::cells;

/// Rows that move, all columns of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    top: u16,
    /// The row behind the last.
    bottom: u16,
    by: u16,
    up: bool,
}

impl Shift {
    /// What moved within an area, by what is the same in more rows than with any other move.
    pub(super) fn find(before: &Buffer, next: &Buffer, area: Rect) -> Option<Self> {
        let area = area.intersection(next.area);
        let rows = |buffer| (area.top()..area.bottom()).map(|y| hash(buffer, area, y)).collect::<Vec<_>>();
        let (old, new) = (rows(before), rows(next));
        let is_one = |(old, new): (&Option<u64>, &Option<u64>)| new.is_some() && old == new;
        let same = |old: &[Option<u64>], new: &[Option<u64>]| old.iter().zip(new).filter(|pair| is_one(*pair)).count();
        let still = same(&old, &new);
        let mut best = (still, None);
        for by in 1..=area.height / 2 {
            let at = usize::from(by);
            let (Some(old_end), Some(new_end)) = (old.get(at..), new.get(at..)) else { break };
            for (up, count) in [(true, same(old_end, &new)), (false, same(&old, new_end))] {
                if count > best.0 {
                    best = (count, Some(Self { top: area.top(), bottom: area.bottom(), by, up }));
                }
            }
        }
        best.1
    }

    /// Moves the rows of a picture, as a terminal moves its own.
    pub(super) fn apply(self, buffer: &mut Buffer) {
        let width = usize::from(buffer.area.width);
        let cells = |rows: u16| usize::from(rows) * width;
        let top = self.top.saturating_sub(buffer.area.y);
        let bottom = self.bottom.saturating_sub(buffer.area.y);
        let Some(part) = buffer.content.get_mut(cells(top)..cells(bottom)) else { return };
        let moved = cells(self.by).min(part.len());
        let new = if self.up {
            part.rotate_left(moved);
            part.len() - moved..part.len()
        } else {
            part.rotate_right(moved);
            0..moved
        };
        part.get_mut(new).into_iter().flatten().for_each(Cell::reset);
    }

    /// Has the terminal move its rows. The pen has to write plainly: what comes in is of its background.
    ///
    /// By deleting or inserting rows within margins, since not every terminal can scroll as such.
    pub(super) fn write(self, pen: &mut Pen) {
        let (row, letter) = (self.top + 1, if self.up { 'M' } else { 'L' });
        pen.say(format_args!("\x1b[{row};{}r\x1b[{row}H\x1b[{}{letter}\x1b[r", self.bottom, self.by));
    }

    /// About how many bytes that takes.
    pub(super) const COST: usize = 20;
}

/// A number for what a row shows; none when it shows nothing.
fn hash(buffer: &Buffer, area: Rect, y: u16) -> Option<u64> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut empty = true;
    let skipped = usize::from(area.x.saturating_sub(buffer.area.x));
    for cell in cells(buffer, y).iter().skip(skipped).take(area.width.into()) {
        let symbol = cell.symbol();
        empty &= symbol == " ";
        symbol.bytes().for_each(&mut take);
        cell.modifier.bits().to_le_bytes().into_iter().for_each(&mut take);
    }
    (!empty).then_some(hash)
}
