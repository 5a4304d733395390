//! A code for a terminal that prints what it is sent, as behind `curl`.
//!
//! Two modules a character, the lower half block or a space, with both colours always set: the drawing that scans from
//! every terminal that was tried, whatever its font and its theme.

use std::fmt::Write as _;

use super::Modules;

/// Black and white by their numbers in the fixed part of the 256 colours, which themes leave alone.
const DARK: u8 = 16;
const LIGHT: u8 = 231;

impl Modules {
    /// The code as lines of text with escape sequences for the colours. Each line ends with the terminal's own colours.
    pub fn to_ansi(&self) -> String {
        let color = |dark| if dark { DARK } else { LIGHT };
        let mut text = String::with_capacity(self.size() * self.size() * 4);
        for y in (0..self.size()).step_by(2) {
            let mut before = None;
            for x in 0..self.size() {
                let (upper, lower) = (self.is_dark(x, y), self.is_dark(x, y + 1));
                if before != Some((upper, lower)) {
                    let _ = write!(text, "\x1b[38;5;{};48;5;{}m", color(lower), color(upper));
                    before = Some((upper, lower));
                }
                text.push(if upper == lower { ' ' } else { '▄' });
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read, texts};
    use super::*;

    /// Half the height of a character, and its width, in the picture that is read.
    const SCALE: usize = 4;

    fn dark(color: vt100::Color) -> bool {
        let [dark, light] = [DARK, LIGHT].map(vt100::Color::Idx);
        assert!(color == dark || color == light, "a colour that a theme could change: {color:?}");
        color == dark
    }

    #[test]
    fn what_a_terminal_shows_holds_the_text() {
        for text in texts() {
            let modules = Modules::encode(&text).unwrap();
            let (columns, rows) = super::super::Drawing::Half.needs(&modules);
            let side = 200.try_into().unwrap();
            let mut terminal = vt100::Parser::new(side, side, 0);
            terminal.process(modules.to_ansi().replace('\n', "\r\n").as_bytes());
            let screen = terminal.screen();
            let luma = |x: usize, y: usize| {
                let (column, row) = (x / SCALE, y / SCALE / 2);
                let cell = screen.cell(row.try_into().unwrap(), column.try_into().unwrap()).unwrap();
                let lower_half = (y / SCALE) % 2 == 1 && cell.contents() == "▄";
                if dark(if lower_half { cell.fgcolor() } else { cell.bgcolor() }) { 0 } else { 255 }
            };
            assert_eq!(read(columns * SCALE, rows * SCALE * 2, luma), Some(text));
            let cell = screen.cell(0, columns.try_into().unwrap()).unwrap();
            assert_eq!(
                (cell.contents(), cell.bgcolor()),
                ("", vt100::Color::Default),
                "the rest of the line is as it was"
            );
        }
    }
}
