//! Looks. By default the sixteen named colours only, so that the user's theme holds; without colours nothing is lost, since
//! no meaning hangs on a colour alone.

use ratatui::style::{Color, Modifier, Style};

/// A choice of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// The terminal's own sixteen.
    #[default]
    Terminal,
    /// Bright, and nothing dim, for poor screens and poor eyes.
    Contrast,
    /// Of the 256 colours, quiet ones that go with dark and light.
    Soft,
}

impl Palette {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Terminal, Self::Contrast, Self::Soft];

    /// What the settings call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Contrast => "contrast",
            Self::Soft => "soft",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|palette| palette.name() == name)
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Terminal => Self::Contrast,
            Self::Contrast => Self::Soft,
            Self::Soft => Self::Terminal,
        }
    }

    const fn color(self, of: Role) -> Color {
        match (self, of) {
            (Self::Terminal, Role::Good) => Color::Green,
            (Self::Terminal, Role::Busy) => Color::Yellow,
            (Self::Terminal, Role::Bad) => Color::Red,
            (Self::Terminal, Role::Accent) => Color::Cyan,
            (Self::Terminal, Role::Dim) => Color::DarkGray,
            (Self::Contrast, Role::Good) => Color::LightGreen,
            (Self::Contrast, Role::Busy) => Color::LightYellow,
            (Self::Contrast, Role::Bad) => Color::LightRed,
            (Self::Contrast, Role::Accent) => Color::LightCyan,
            (Self::Contrast, Role::Dim) => Color::Reset,
            (Self::Soft, Role::Good) => Color::Indexed(71),
            (Self::Soft, Role::Busy) => Color::Indexed(136),
            (Self::Soft, Role::Bad) => Color::Indexed(167),
            (Self::Soft, Role::Accent) => Color::Indexed(67),
            (Self::Soft, Role::Dim) => Color::Indexed(244),
        }
    }
}

/// What a colour is for.
#[derive(Clone, Copy, Debug)]
enum Role {
    Good,
    Busy,
    Bad,
    Accent,
    Dim,
}

/// The styles in use.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    colors: bool,
    palette: Palette,
    ascii: bool,
}

impl Theme {
    /// With or without colours (`NO_COLOR`).
    pub const fn new(colors: bool) -> Self {
        Self { colors, palette: Palette::Terminal, ascii: false }
    }

    /// With these colours, when with any.
    #[must_use]
    pub const fn with(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// With frames, marks and graphs of ASCII.
    #[must_use]
    pub const fn ascii(self, ascii: bool) -> Self {
        Self { ascii, ..self }
    }

    /// Frames, marks and graphs are of ASCII.
    pub const fn is_ascii(self) -> bool {
        self.ascii
    }

    fn color(self, of: Role) -> Style {
        if self.colors { Style::new().fg(self.palette.color(of)) } else { Style::new() }
    }

    /// What is less important.
    pub fn dim(self) -> Style {
        if self.colors { self.color(Role::Dim) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// Titles.
    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// All is well.
    pub fn good(self) -> Style {
        self.color(Role::Good)
    }

    /// Something is on its way.
    pub fn busy(self) -> Style {
        self.color(Role::Busy)
    }

    /// Something is wrong.
    pub fn bad(self) -> Style {
        self.color(Role::Bad).add_modifier(Modifier::BOLD)
    }

    /// Who wrote a message that came in.
    pub fn incoming(self) -> Style {
        self.color(Role::Accent)
    }

    /// Whom a message of ours is for.
    pub fn outgoing(self) -> Style {
        self.color(Role::Good)
    }

    /// Keys that can be pressed.
    pub fn key(self) -> Style {
        self.color(Role::Accent).add_modifier(Modifier::BOLD)
    }

    /// The border of the pane that has the focus, or of another. Without colours the focused one is bold.
    pub fn border(self, focused: bool) -> Style {
        match focused {
            true => self.color(Role::Accent).add_modifier(Modifier::BOLD),
            false => self.dim(),
        }
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
