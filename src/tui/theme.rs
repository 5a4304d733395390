//! Looks. The sixteen named colours only, so that the user's theme holds; without colours nothing is lost, since no
//! meaning hangs on a colour alone.

use ratatui::style::{Color, Modifier, Style};

/// The styles in use.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    colors: bool,
}

impl Theme {
    /// With or without colours (`NO_COLOR`).
    pub const fn new(colors: bool) -> Self {
        Self { colors }
    }

    fn color(self, color: Color) -> Style {
        if self.colors { Style::new().fg(color) } else { Style::new() }
    }

    /// What is less important.
    pub fn dim(self) -> Style {
        if self.colors { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// Titles.
    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// All is well.
    pub fn good(self) -> Style {
        self.color(Color::Green)
    }

    /// Something is on its way.
    pub fn busy(self) -> Style {
        self.color(Color::Yellow)
    }

    /// Something is wrong.
    pub fn bad(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Who wrote a message that came in.
    pub fn incoming(self) -> Style {
        self.color(Color::Cyan)
    }

    /// Whom a message of ours is for.
    pub fn outgoing(self) -> Style {
        self.color(Color::Green)
    }

    /// Keys that can be pressed.
    pub fn key(self) -> Style {
        self.color(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// The border of the pane that has the focus, or of another.
    pub fn border(self, focused: bool) -> Style {
        if focused { self.color(Color::Cyan) } else { self.dim() }
    }

    /// The message that is chosen.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Dark and light of a QR: always both, never inverted, whatever the theme. Black and white of the 256 colours, which
    /// themes don't change.
    pub const fn qr(dark: bool) -> Color {
        if dark { Color::Indexed(16) } else { Color::Indexed(231) }
    }
}
