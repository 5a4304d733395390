//! The QR as a camera sees it: read from the cells of the screen.

use vt100::Color;

use super::{Terminal, script};
use crate::support::Place;

/// Reads the QR on the screen from its cells, as a camera would from their pixels: 6 by 12 for each.
pub(super) fn decode(screen: &vt100::Screen, (columns, rows): (u16, u16)) -> Option<String> {
    let dark = |color: Color| color == Color::Idx(16);
    let pixel = |x: usize, y: usize| {
        let (column, row) = (u16::try_from(x / 6).ok()?, u16::try_from(y / 12).ok()?);
        let cell = screen.cell(row, column)?;
        if !matches!((cell.fgcolor(), cell.bgcolor()), (Color::Idx(16 | 231), Color::Idx(16 | 231))) {
            return None;
        }
        let (x, y) = (x % 6, y % 12);
        let ink = match cell.contents().chars().next().unwrap_or(' ') {
            ' ' => false,
            '█' => true,
            '▄' => y >= 6,
            '▌' => x < 3,
            '▐' => x >= 3,
            c => sextant(c)? & 1 << (y / 4 * 2 + x / 3) != 0,
        };
        Some(dark(if ink { cell.fgcolor() } else { cell.bgcolor() }))
    };
    let (width, height) = (usize::from(columns) * 6, usize::from(rows) * 12);
    let luma = |x, y| if pixel(x, y).unwrap_or(false) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
}

/// The six parts of a sextant, by its place in Unicode: the first is U+1FB00, and the two halves are left out.
fn sextant(c: char) -> Option<u32> {
    let n = u32::from(c).checked_sub(0x1fb00).filter(|n| *n < 60)? + 1;
    Some(n + u32::from(n >= 21) + u32::from(n + u32::from(n >= 21) >= 42))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_on_the_screen_says_exactly_what_the_bridge_gave() {
    let place = Place::new().await;
    // As long as WhatsApp's: 257 characters.
    let qr = format!("https://wa.me/settings/linked_devices#2@{},1", "Ab3+/x9=".repeat(27).get(..215).unwrap());
    let line = format!(r#"printf '{{"type":"qr","qr":"{qr}"}}\n'; cat >/dev/null"#);
    let bridge = script(&place, &format!("#!/bin/sh\n{line}\n"));
    for size in [(80, 24), (80, 23), (120, 40), (200, 60)] {
        let mut terminal = Terminal::console(&place, size, Some(&bridge));
        assert_eq!(terminal.qr().await, qr, "{size:?}");
        if size.0 > 100 {
            // The other drawings, and the whole screen.
            terminal.types("v");
            terminal.shows("drawing: sextants").await;
            assert_eq!(terminal.qr().await, qr, "{size:?}");
        }
        terminal.types("Z");
        assert_eq!(terminal.qr().await, qr, "{size:?}");
        terminal.quits();
        assert!(terminal.ended().await.0.success());
    }
}
