//! What the terminal is within: tmux and GNU screen draw what is meant for them, and hand on to the terminal only what is
//! wrapped.

/// The most bytes in one piece that screen hands on: it holds no more, of one version 256, and prints the rest.
const PIECE: usize = 200;

/// What the terminal is within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Within {
    /// Nothing: what is sent gets to the terminal.
    #[default]
    Nothing,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Within {
    /// What these variables say: that of tmux is set, that of screen is, and the terminal's name. Each leaves the variable
    /// of the one around it alone, so that both may be set: only tmux may call itself so.
    pub fn told_by(tmux: bool, screen: bool, term: &str) -> Self {
        match (tmux, screen) {
            (true, true) if term.starts_with("tmux") => Self::Tmux,
            (_, true) => Self::Screen,
            (true, false) => Self::Tmux,
            (false, false) => Self::Nothing,
        }
    }

    /// A sequence for the terminal itself, wrapped so that it gets there. It must not end with `ESC \`, which would end
    /// the wrapping.
    pub fn through(self, sequence: &str) -> String {
        match self {
            Self::Nothing => sequence.to_owned(),
            Self::Tmux => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")),
            Self::Screen => {
                let mut pieces = vec![String::new()];
                for c in sequence.chars() {
                    if pieces.last().is_some_and(|piece| piece.len() + c.len_utf8() > PIECE) {
                        pieces.push(String::new());
                    }
                    if let Some(piece) = pieces.last_mut() {
                        piece.push(c);
                    }
                }
                pieces.iter().map(|piece| format!("\x1bP{piece}\x1b\\")).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_is_told_apart_where_that_can_be() {
        assert_eq!(Within::told_by(false, false, "xterm-256color"), Within::Nothing);
        assert_eq!(Within::told_by(true, false, "screen-256color"), Within::Tmux);
        assert_eq!(Within::told_by(false, true, "screen.xterm-256color"), Within::Screen);
        assert_eq!(Within::told_by(true, true, "tmux-256color"), Within::Tmux);
        assert_eq!(Within::told_by(true, true, "screen"), Within::Screen, "what is too long would be printed there");
    }

    #[test]
    fn screen_gets_no_more_at_once_than_it_holds() {
        let long = format!("\x1b]52;c;{}\x07", "QUJD".repeat(10_000));
        let wrapped = Within::Screen.through(&long);
        let pieces: Vec<_> =
            wrapped.split_terminator("\x1b\\").map(|piece| piece.strip_prefix("\x1bP").unwrap()).collect();
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(pieces.concat(), long);
        assert_eq!(Within::Nothing.through(&long), long);
        assert_eq!(Within::Tmux.through("\x1b]9;x\x07"), "\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\");
    }
}
