//! Reading the QR of a screen.

use vt100::{Color, Screen};

/// A QR has so many rows at least with so many half blocks each.
const ROWS: usize = 24;
const BLOCKS: usize = 10;

/// Pixels of a cell: a module is as wide as a cell, and half as high.
const WIDTH: usize = 4;
const HEIGHT: usize = 8;

/// Whether there is what looks like a QR of half blocks: quick enough to be asked at each change.
pub(super) fn is_drawn(screen: &Screen) -> bool {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).filter(|row| row.matches('▄').count() >= BLOCKS).count() >= ROWS
}

/// What it says, as a camera would read it.
pub(super) fn read(screen: &Screen) -> Option<String> {
    let (rows, columns) = screen.size();
    let dark = |x: usize, y: usize| {
        let cell = screen.cell(u16::try_from(y / HEIGHT).ok()?, u16::try_from(x / WIDTH).ok()?)?;
        let ink = match cell.contents() {
            "" | " " => false,
            "▄" => y % HEIGHT >= HEIGHT / 2,
            _ => return None,
        };
        match if ink { cell.fgcolor() } else { cell.bgcolor() } {
            Color::Idx(16) => Some(true),
            Color::Idx(231) => Some(false),
            _ => None,
        }
    };
    let (width, height) = (usize::from(columns.get()) * WIDTH, usize::from(rows.get()) * HEIGHT);
    let luma = |x, y| if dark(x, y) == Some(true) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    fn screen(text: &str) -> vt100::Parser {
        let mut parser = vt100::Parser::new(NonZeroU16::new(40).unwrap(), NonZeroU16::new(120).unwrap(), 0);
        parser.process(text.as_bytes());
        parser
    }

    #[test]
    fn a_qr_is_many_half_blocks() {
        let line = format!("{}\r\n", "▄".repeat(60));
        assert!(!is_drawn(screen(&line).screen()));
        assert!(is_drawn(screen(&line.repeat(31)).screen()));
    }

    #[test]
    fn blocks_alone_say_nothing() {
        assert_eq!(read(screen(&format!("{}\r\n", "▄".repeat(60)).repeat(31)).screen()), None);
    }
}
