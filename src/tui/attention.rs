//! What is told beside the drawing: the terminal's title, and a bell or a notification when things turn.

use super::model::Model;
use super::panes::status::{Standing, headline, standing};
use super::sanitize;
use super::theme::Theme;
use super::within::Within;

/// How the operator is told that things turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// Not at all.
    #[default]
    Off,
    /// The bell.
    Bell,
    /// A notification as of iTerm2, kitty, WezTerm and Windows Terminal.
    Osc9,
    /// A notification as of urxvt, foot, Ghostty and VTE.
    Osc777,
}

impl Notify {
    /// The one that the settings call so.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "off" => Self::Off,
            "bell" => Self::Bell,
            "osc9" => Self::Osc9,
            "osc777" => Self::Osc777,
            _ => return None,
        })
    }
}

/// The longest title or notification, in columns.
const COLUMNS: usize = 80;

/// What was told last.
#[derive(Debug, Default)]
pub struct Attention {
    title: String,
    standing: Option<Standing>,
}

impl Attention {
    /// The terminal was somebody else's meanwhile, and has the title that it had before.
    pub fn forget_title(&mut self) {
        self.title.clear();
    }

    /// What is to be sent to the terminal now, since the model has changed. Empty: nothing has to be told.
    pub fn news(&mut self, model: &Model, title: bool, notify: Notify, within: Within) -> String {
        let (mark, word, _) = headline(model, Theme::new(false));
        let mut sequence = String::new();
        let mut now = format!("{mark} {word}");
        if let Some(phone) = model.snapshot.account.as_ref().and_then(|account| account.phone.as_deref()) {
            now += &format!(" {phone}");
        }
        let line = sanitize::line(&format!("{now} · Pilothouse"), COLUMNS);
        // Screen takes a title byte by byte.
        let line = if within == Within::Screen { in_ascii(&line) } else { line };
        if title && line != self.title {
            sequence += &format!("\x1b]2;{line}\x07");
            self.title = line;
        }
        let standing = standing(model);
        // On the way is neither well nor ill: what counts is where it leads.
        if standing != Standing::OnTheWay && self.standing != Some(standing) {
            if self.standing.is_some() {
                sequence += &notification(&sanitize::line(&now, COLUMNS), notify, within);
            }
            self.standing = Some(standing);
        }
        sequence
    }
}

/// Semicolons separate the parts of a sequence, and so are none of the text.
fn notification(text: &str, notify: Notify, within: Within) -> String {
    let text = text.replace(';', ",");
    let plain = match notify {
        Notify::Off => return String::new(),
        Notify::Bell => return "\x07".to_owned(),
        Notify::Osc9 => format!("\x1b]9;Pilothouse: {text}\x07"),
        Notify::Osc777 => format!("\x1b]777;notify;Pilothouse;{text}\x07"),
    };
    within.through(&plain)
}

/// The text without the mark, and with nothing that is not ASCII.
fn in_ascii(text: &str) -> String {
    let text: String = text.chars().map(|c| if c == '·' { '-' } else { c }).filter(char::is_ascii).collect();
    text.trim().to_owned()
}
