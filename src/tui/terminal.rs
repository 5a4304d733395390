//! Taking the terminal, and giving it back as it was, on every path.

use std::io::{Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that is ours until this is dropped.
pub struct Screen {
    /// For drawing.
    pub terminal: Terminal<CrosstermBackend<std::io::BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal: raw mode, the alternate screen, bracketed paste.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn take() -> std::io::Result<Self> {
        // Colours are chosen by the theme, which honours NO_COLOR; a QR needs its two whatever is set.
        crossterm::style::force_color_output(true);
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            hook(info);
        }));
        let mut out = std::io::BufWriter::with_capacity(32 << 10, stdout());
        execute!(out, EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(out))? })
    }

    /// Takes the terminal again that was given back with [`restore`], to be drawn anew.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn enter(&mut self) -> std::io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        execute!(self.terminal.backend_mut(), EnterAlternateScreen, EnableBracketedPaste)?;
        // Not by the library's `clear`, which asks the terminal where its cursor is and reads keys until it answers.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives the terminal a sequence that draws nothing.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn send(&mut self, sequence: &str) -> std::io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        Write::flush(out)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back. Does nothing when it is not ours; can be called from anywhere, more than once.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = stdout();
        let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
        let _ = out.flush();
    }
}
