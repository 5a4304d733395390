//! The clipboard of whoever sits at the terminal, be it behind ssh: the terminal itself is asked to fill it (OSC 52).

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;

use super::within::Within;

/// The longest text in bytes: as base64 it has 100,000, and some terminals take no more.
pub const MAX_BYTES: usize = 74_994;

/// What is said once the terminal was asked: it answers nothing.
pub const fn said(within: Within) -> &'static str {
    match within {
        Within::Nothing | Within::Screen => "copied, if the terminal lets programs copy (OSC 52)",
        Within::Tmux => "copied, if tmux lets it (set -g set-clipboard on) and the terminal does (OSC 52)",
    }
}

/// What asks the terminal to put a text into its clipboard.
///
/// tmux takes the plain sequence with `set-clipboard on`, and hands the wrapped one through with `allow-passthrough on`;
/// whichever it doesn't take it drops. Both may be given: the same text is copied twice. Screen would print what is too
/// long for it.
pub fn sequence(text: &str, within: Within) -> String {
    let mut plain = String::new();
    // Writing into a string can't fail.
    let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut plain);
    match within {
        Within::Nothing => plain,
        Within::Tmux => format!("{plain}{}", within.through(&plain)),
        Within::Screen => within.through(&plain.replace("\x1b\\", "\x07")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_to_the_terminal_as_base64_and_through_tmux_in_both_ways() {
        let plain = "\x1b]52;c;SG9sYcKh\x1b\\";
        assert_eq!(sequence("Hola¡", Within::Nothing), plain);
        let tmux = format!("{plain}\x1bPtmux;\x1b\x1b]52;c;SG9sYcKh\x1b\x1b\\\x1b\\");
        assert_eq!(sequence("Hola¡", Within::Tmux), tmux);
        assert_eq!(sequence("Hola¡", Within::Screen), "\x1bP\x1b]52;c;SG9sYcKh\x07\x1b\\");
    }

    #[test]
    fn nothing_in_a_text_can_end_the_sequence() {
        let hostile = sequence("\x1b\\\x07\x1b]0;PWNED\x07", Within::Nothing);
        assert!(hostile[5..hostile.len() - 2].chars().all(|c| !c.is_control()), "{hostile:?}");
    }
}
