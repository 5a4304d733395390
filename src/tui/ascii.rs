//! Frames, marks and graphs in ASCII, for terminals and fonts that have nothing else, and for screen readers.
//!
//! What others wrote stays as it is; what this program draws has one character for each of its own.

use ratatui::buffer::Buffer;

use super::theme::Theme;

/// A character of ours, and what stands for it.
const SIGNS: &[(char, char)] = &[
    ('╭', '+'),
    ('╮', '+'),
    ('╰', '+'),
    ('╯', '+'),
    ('─', '-'),
    ('│', '|'),
    ('▁', '_'),
    ('▂', '.'),
    ('▃', ':'),
    ('▄', '-'),
    ('▅', '='),
    ('▆', '+'),
    ('▇', '*'),
    ('█', '#'),
    ('▀', '"'),
    ('●', '@'),
    ('◐', '%'),
    ('◌', 'o'),
    ('○', 'O'),
    ('✗', 'X'),
    ('✓', 'v'),
    ('◉', '*'),
    ('⊖', 'E'),
    ('⊘', '0'),
    ('⇄', '='),
    ('→', '>'),
    ('›', '>'),
    ('↓', 'v'),
    ('…', '~'),
    ('–', '-'),
    ('—', '-'),
    ('·', ','),
    ('×', 'x'),
    ('µ', 'u'),
    ('≤', '<'),
    ('⏎', '/'),
];

/// Replaces what is ours, but nothing of a QR: that was drawn with what was chosen for it.
pub fn replace(buffer: &mut Buffer) {
    let of_a_qr = |color| color == Theme::qr(true) || color == Theme::qr(false);
    for cell in buffer.content.iter_mut().filter(|cell| !(of_a_qr(cell.fg) && of_a_qr(cell.bg))) {
        let mut chars = cell.symbol().chars();
        let (Some(symbol), None) = (chars.next(), chars.next()) else { continue };
        if let Some((_, ascii)) = SIGNS.iter().find(|(sign, _)| *sign == symbol) {
            cell.set_char(*ascii);
        }
    }
}
