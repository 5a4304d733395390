//! The passkey step of linking: what to do in the browser, and the code that the phone shows as well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::sanitize;
use super::super::theme::Theme;
use super::letters::large;
use super::put;
use super::status::in_time;
use crate::clock::Now;
use crate::state::Pairing;

/// The columns and rows that the step would like, without a frame.
pub(super) const ROOM: (usize, usize) = (72, 18);

/// With fewer rows nothing is said that is not needed.
const ENOUGH_ROWS: u16 = 14;

/// How many lines of the snippet are shown: enough to know it again.
const SNIPPET_ROWS: usize = 2;

/// The columns by which what belongs to a step is moved in.
const INDENT: u16 = 3;

/// Draws the step, the more important the higher. `api` is where the HTTP API is.
pub(super) fn draw(pairing: &Pairing, api: &str, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let mut page = Page { theme, area, buffer, y: 0 };
    let left = in_time(pairing.expires_at(), now);
    match pairing {
        Pairing::Passkey { answered: true, .. } => {
            page.text("The passkey's answer was given to WhatsApp. Look at the phone.", theme.title());
            page.text(&format!("Waiting for a code; this step ends {left}."), theme.dim());
        }
        Pairing::Passkey { snippet, fault, .. } => page.demand(snippet.reveal(), fault.as_deref(), api, &left),
        Pairing::PasskeyCode { code, confirm, .. } => page.code(code.reveal(), *confirm, &left),
        Pairing::Qr { .. } | Pairing::Code { .. } => {}
    }
}

/// A code as it is easiest to compare in small letters.
pub(super) fn spaced(code: &str) -> String {
    let letters = code.chars().take(40).map(|c| if c == '-' { '–' } else { c });
    letters.flat_map(|c| [c, ' ']).collect()
}

/// Lines below one another.
struct Page<'a> {
    theme: Theme,
    area: Rect,
    buffer: &'a mut Buffer,
    y: u16,
}

impl Page<'_> {
    fn demand(&mut self, snippet: &str, fault: Option<&str>, api: &str, left: &str) {
        let roomy = self.area.height >= ENOUGH_ROWS;
        if roomy {
            self.text("WhatsApp wants this account's passkey before it links.", self.theme.title());
            self.text(&format!("Only its owner's browser can give it. Expires {left}."), self.theme.dim());
        } else {
            self.text(&format!("Passkey wanted, {left} at the latest"), self.theme.title());
        }
        if let Some(fault) = fault {
            self.wrapped(0, &format!("✗ {fault}"), if roomy { 3 } else { 2 }, self.theme.bad());
        }
        self.y += u16::from(roomy);
        self.step("1", "In the browser where the passkey works open https://web.whatsapp.com. Don't link there.");
        let paste = "Press F12, choose Console, paste this snippet there, and press Enter (Chrome may want you to type \
                     \"allow pasting\" first). Click the button that appears.";
        self.step("2", paste);
        self.wrapped(INDENT, snippet, SNIPPET_ROWS, self.theme.dim());
        let length = snippet.chars().count();
        let all = format!("c copies all {length} characters; they are also at {api}/pairing");
        let y = self.y;
        self.wrapped(INDENT, &all, 2, Style::new());
        put(self.buffer, self.area, (INDENT, y), "c", 1, self.theme.key());
        self.step("3", "Copy the answer that the browser shows, paste it here, and press Enter.");
    }

    fn code(&mut self, code: &str, confirm: bool, left: &str) {
        self.y = 1;
        for row in large(code, self.area.width.saturating_sub(2)).into_iter().flatten() {
            self.wrapped(2, &row, 1, self.theme.title());
        }
        self.wrapped(2, &spaced(code), 1, self.theme.title());
        self.wrapped(2, &format!("expires {left}"), 1, self.theme.dim());
        self.y += 1;
        if confirm {
            self.text("Does the phone show exactly this code? Press c to say so.", self.theme.title());
            self.text("If it shows another, somebody may stand between this computer and the phone.", Style::new());
        } else {
            self.text("The phone shows the same code; confirm there when it asks.", Style::new());
            self.text("Linking goes on by itself.", self.theme.dim());
        }
    }

    fn step(&mut self, number: &str, text: &str) {
        put(self.buffer, self.area, (0, self.y), number, INDENT, self.theme.key());
        self.wrapped(INDENT, text, 4, Style::new());
    }

    fn text(&mut self, text: &str, style: Style) {
        self.wrapped(0, text, 3, style);
    }

    fn wrapped(&mut self, x: u16, text: &str, rows: usize, style: Style) {
        for line in sanitize::wrap(text, usize::from(self.area.width.saturating_sub(x)), rows) {
            put(self.buffer, self.area, (x, self.y), &line, self.area.width, style);
            self.y = self.y.saturating_add(1);
        }
    }
}
