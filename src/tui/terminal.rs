//! Taking the terminal, and giving it back as it was, on every path.

use std::fs::File;
use std::io::{Write, stdout};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::lean::{Drawn, Painter};

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The mouse is reported to us.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Keeps the title that the terminal has, and brings it back.
const KEEP_TITLE: &str = "\x1b[22;2t";
const RESTORE_TITLE: &str = "\x1b[23;2t";

/// Clicks and the wheel, in the form that has no limit of columns. Moves are not asked for: they would flood a slow line.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// A terminal that is ours until this is dropped.
pub struct Screen {
    painter: Painter<File>,
}

impl Screen {
    /// Takes the terminal: raw mode, the alternate screen, bracketed paste.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn take() -> std::io::Result<Self> {
        // Colours are chosen by the theme, which honours NO_COLOR; a QR needs its two whatever is set.
        crossterm::style::force_color_output(true);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            hook(info);
        }));
        // Not Rust's own stdout, which would give a picture to the terminal line by line.
        let out = stdout().as_fd().try_clone_to_owned()?;
        let mut screen = Self { painter: Painter::new(out.into()) };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal again, after [`restore`]. All is to be drawn anew.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn enter(&mut self) -> std::io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        execute!(self.painter.out(), Print(KEEP_TITLE), EnterAlternateScreen, EnableBracketedPaste)?;
        self.painter.forget();
        Ok(())
    }

    /// The terminal's size: columns, rows.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn size() -> std::io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    /// Makes the next drawing draw everything.
    pub const fn clear(&mut self) {
        self.painter.forget();
    }

    /// Draws everything, and gives the terminal what changed. Returns how many bytes that took.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Buffer) -> Drawn) -> std::io::Result<usize> {
        let (width, height) = Self::size()?;
        self.painter.paint(Rect { x: 0, y: 0, width, height }, draw)
    }

    /// Asks for the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn mouse(&mut self, on: bool) -> std::io::Result<()> {
        if MOUSE.swap(on, Ordering::SeqCst) != on {
            self.send(if on { MOUSE_ON } else { MOUSE_OFF })?;
        }
        Ok(())
    }

    /// Gives the terminal a sequence that draws nothing.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn send(&mut self, sequence: &str) -> std::io::Result<()> {
        let out = self.painter.out();
        out.write_all(sequence.as_bytes())?;
        out.flush()
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
        if MOUSE.swap(false, Ordering::SeqCst) {
            let _ = execute!(out, Print(MOUSE_OFF));
        }
        let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, Print(RESTORE_TITLE), cursor::Show);
        let _ = disable_raw_mode();
        let _ = out.flush();
    }
}
