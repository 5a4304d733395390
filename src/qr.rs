//! A QR code as modules, as characters of a terminal, and as pictures.
//!
//! Version by length, error correction L: the fewest modules, since a terminal has few.

mod ansi;
mod png;
mod svg;

use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone that is drawn around a code, in modules.
///
/// ISO/IEC 18004 asks for 4; with 2 phones still read a code from a screen, and it saves 4 columns and 2 rows.
pub const QUIET: usize = 2;

/// The quiet zone of a picture, in modules: what ISO/IEC 18004 asks for, since there is room.
pub const PICTURE_QUIET: usize = 4;

/// The side of a module in a picture, in pixels.
const PICTURE_SCALE: usize = 8;

/// The modules of a QR code with its quiet zone: a square of dark and light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    size: usize,
    dark: Vec<bool>,
}

/// The text is too long for a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct TooLong;

impl Modules {
    /// The code for a text, with the quiet zone of a terminal.
    ///
    /// # Errors
    /// [`TooLong`] for more than 2,953 bytes.
    pub fn encode(text: &str) -> Result<Self, TooLong> {
        Self::encode_within(text, QUIET)
    }

    /// The code for a text, with a quiet zone of so many modules.
    ///
    /// # Errors
    /// [`TooLong`] for more than 2,953 bytes.
    pub fn encode_within(text: &str, quiet: usize) -> Result<Self, TooLong> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).map_err(|_| TooLong)?;
        let (inner, colors) = (code.width(), code.to_colors());
        let size = inner + 2 * quiet;
        let mut dark = vec![false; size * size];
        for (at, color) in colors.iter().enumerate() {
            dark[(at / inner + quiet) * size + at % inner + quiet] = *color == Color::Dark;
        }
        Ok(Self { size, dark })
    }

    /// The length of a side in modules, quiet zone included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether this module is dark; outside of the code all is light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.size && y < self.size && self.dark.get(y * self.size + x).copied().unwrap_or(false)
    }
}

/// How modules become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Two modules a character: scans from every terminal that was tried.
    Half,
    /// Two by three: needs a font, or a terminal, that has Unicode 13's sextants.
    Sextant,
    /// Two by four: needs Unicode 16's octants.
    Octant,
    /// A module in two characters, which are spaces: needs no font at all, and much room.
    Space,
}

impl Drawing {
    /// All drawings: the most robust first, and last the one for terminals that have nothing but ASCII.
    pub const ALL: [Self; 4] = [Self::Half, Self::Sextant, Self::Octant, Self::Space];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Half => "half blocks",
            Self::Sextant => "sextants",
            Self::Octant => "octants",
            Self::Space => "spaces",
        }
    }

    /// How many modules a character holds, or what is the least that is drawn: across, down.
    pub const fn cell(self) -> (usize, usize) {
        match self {
            Self::Space => (1, 1),
            Self::Half => (1, 2),
            Self::Sextant => (2, 3),
            Self::Octant => (2, 4),
        }
    }

    /// The columns that the least that is drawn takes: a character is about twice as high as it is wide.
    pub const fn width(self) -> usize {
        match self {
            Self::Space => 2,
            Self::Half | Self::Sextant | Self::Octant => 1,
        }
    }

    /// The columns and rows that a code of this size needs.
    pub fn needs(self, modules: &Modules) -> (usize, usize) {
        let (across, down) = self.cell();
        (modules.size.div_ceil(across) * self.width(), modules.size.div_ceil(down))
    }

    /// The most robust drawing that fits.
    pub fn fitting(modules: &Modules, columns: usize, rows: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|drawing| {
            let (c, r) = drawing.needs(modules);
            c <= columns && r <= rows
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a decoder that knows nothing of this program reads in a picture. None: not exactly one code.
    pub(super) fn read(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> Option<String> {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
        let codes = image.detect_grids();
        let [code] = codes.as_slice() else { return None };
        code.decode().ok().map(|(_, text)| text)
    }

    /// Texts of many lengths: shorter than what Baileys gives, as long, and longer.
    pub(super) fn texts() -> impl Iterator<Item = String> {
        [1, 20, 120, 300, 500]
            .into_iter()
            .map(|n| "2@Ab3+/,=".repeat(n).chars().take(n).collect())
            .chain([linking_text()])
    }

    /// As long as what Baileys gives.
    fn linking_text() -> String {
        format!("https://wa.me/settings/linked_devices#2@{},1", "Ab3+/".repeat(44).get(..215).unwrap())
    }

    #[test]
    fn a_linking_code_needs_the_measured_room() {
        let text = linking_text();
        assert_eq!(text.len(), 257);
        let modules = Modules::encode(&text).unwrap();
        assert_eq!(modules.size(), 61);
        assert_eq!(Drawing::ALL.map(|d| d.needs(&modules)), [(61, 31), (31, 21), (31, 16), (122, 61)]);
        assert_eq!(Drawing::fitting(&modules, 61, 31), Some(Drawing::Half));
        assert_eq!(Drawing::fitting(&modules, 80, 24), Some(Drawing::Sextant));
        assert_eq!(Drawing::fitting(&modules, 40, 16), Some(Drawing::Octant));
        assert_eq!(Drawing::fitting(&modules, 30, 60), None);
    }

    #[test]
    fn the_quiet_zone_is_light() {
        let modules = Modules::encode("x").unwrap();
        let n = modules.size();
        assert!((0..n).all(|i| !modules.is_dark(i, 0) && !modules.is_dark(1, i) && !modules.is_dark(n - 1, i)));
        assert!(modules.is_dark(QUIET, QUIET));
        assert!(!modules.is_dark(n, n));
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        assert_eq!(Modules::encode(&"x".repeat(3_000)), Err(TooLong));
    }
}
