//! The keys: one table from which dispatch, help, footer and `keybindings.md` all come.

mod action;
mod custom;

use std::fmt::Write as _;

pub use action::Action;
pub use custom::{KeyError, Keymap};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Anywhere but in the input box.
    Browse,
    /// In the input box.
    Compose,
    /// While panes are resized.
    Resize,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Browse, Self::Compose, Self::Resize];

    /// What stands before the names of its actions in the settings.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Browse => "",
            Self::Compose => "input.",
            Self::Resize => "resize.",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Browse => "Everywhere but in the input box",
            Self::Compose => "In the input box",
            Self::Resize => "While panes are resized",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The keys, each by its name.
    pub keys: &'static [&'static str],
    /// Where it works.
    pub context: Context,
    /// What it does.
    pub action: Action,
    /// What the help says.
    pub help: &'static str,
    /// What the footer says, when there is room.
    pub footer: Option<&'static str>,
}

impl Binding {
    /// What the settings call it.
    pub fn name(&self) -> String {
        format!("{}{}", self.context.prefix(), self.action.name())
    }
}

const fn bind(
    keys: &'static [&'static str],
    context: Context,
    action: Action,
    help: &'static str,
    footer: Option<&'static str>,
) -> Binding {
    Binding { keys, context, action, help, footer }
}

use Action as A;
use Context::{Browse, Compose, Resize};

/// All keys.
pub const KEYS: &[Binding] = &[
    bind(&["p"], Browse, A::PairingCode, "link by a pairing code instead of a QR", Some("pairing code")),
    bind(&["i"], Browse, A::Compose, "write a message", Some("write")),
    bind(&["Enter"], Browse, A::Detail, "look at the chosen message closely", Some("look")),
    bind(&["a"], Browse, A::Answer, "answer the chosen message", Some("answer")),
    bind(&["y"], Browse, A::Copy, "copy the text of the chosen message", None),
    bind(&["J"], Browse, A::Json, "the message as it is kept, in JSON", Some("JSON")),
    bind(&["R"], Browse, A::Resend, "send the chosen message again, which failed", Some("send again")),
    bind(&["x"], Browse, A::Cancel, "don't send the chosen message, which waits", Some("don't send")),
    bind(&["j", "Down"], Browse, A::Down, "next message, or line", None),
    bind(&["k", "Up"], Browse, A::Up, "previous message, or line", Some("scroll")),
    bind(&["g", "Home"], Browse, A::Top, "oldest message, first line", None),
    bind(&["G", "End"], Browse, A::Bottom, "newest message, last line; follow", None),
    bind(&["PgDn", "Ctrl-d"], Browse, A::PageDown, "a screenful down", None),
    bind(&["PgUp", "Ctrl-u"], Browse, A::PageUp, "a screenful up", None),
    bind(&["/"], Browse, A::Filter, "filter by words, from: to: chat: state: !not", Some("filter")),
    bind(&["n"], Browse, A::SearchOlder, "next older message like the filter, among all", None),
    bind(&["N"], Browse, A::SearchNewer, "next newer message like the filter", None),
    bind(&["C"], Browse, A::Chats, "the chats, the newest first", Some("chats")),
    bind(&["v"], Browse, A::CycleDrawing, "draw the QR in another way", Some("draw")),
    bind(&["Z"], Browse, A::WholeScreen, "show the QR over the whole screen", Some("whole screen")),
    bind(&["c"], Browse, A::Passkey, "passkey: copy the snippet, compare the code", Some("passkey")),
    bind(&["["], Browse, A::ShorterRange, "graphs of a shorter time", Some("shorter")),
    bind(&["]"], Browse, A::LongerRange, "graphs of a longer time", Some("longer")),
    bind(&["L"], Browse, A::LogLevel, "log: only what is more important", Some("level")),
    bind(&["o"], Browse, A::LogTarget, "log: only from one origin, the next", Some("origin")),
    bind(&["r"], Browse, A::Restart, "restart the bridge, also to link again", Some("restart bridge")),
    bind(&["t"], Browse, A::TakeOver, "take the link back from another program", Some("take over")),
    bind(&["Tab"], Browse, A::FocusOther, "next pane", None),
    bind(&["Shift-Tab"], Browse, A::FocusBack, "previous pane", None),
    bind(&["1"], Browse, A::ShowFeed, "the messages", Some("messages")),
    bind(&["2"], Browse, A::ShowStatus, "the connection and what happened to it", Some("status")),
    bind(&["3"], Browse, A::ShowMetrics, "figures and graphs", Some("metrics")),
    bind(&["4"], Browse, A::ShowLog, "the log; from there, hide it", Some("log")),
    bind(&["z"], Browse, A::Zoom, "this pane alone, or all again", None),
    bind(&["Ctrl-w"], Browse, A::Resize, "resize panes with the arrows", None),
    bind(&["W"], Browse, A::ReadOnly, "read-only: nothing can be changed, on or off", None),
    bind(&["T"], Browse, A::Theme, "other colours", None),
    bind(&["M"], Browse, A::Mouse, "the mouse for this console, on or off", None),
    bind(&["Ctrl-z"], Browse, A::Suspend, "back to the shell; the gateway goes on; fg", None),
    bind(&["Ctrl-l"], Browse, A::Redraw, "draw everything anew", None),
    bind(&["Esc"], Browse, A::Leave, "back to all panes, to the newest message", Some("back")),
    bind(&[":"], Browse, A::Palette, "find an action by its name", Some("all actions")),
    bind(&["?", "F1"], Browse, A::Help, "the keys that work here and now", Some("help")),
    bind(&["q"], Browse, A::Quit, "quit; asks when the gateway ends with it", Some("quit")),
    bind(&["Enter"], Compose, A::Send, "send what is in the box", Some("send")),
    bind(&["Alt-Enter"], Compose, A::NewLine, "a new line", Some("new line")),
    bind(&["Ctrl-e"], Compose, A::Editor, "write in your own editor ($EDITOR)", Some("editor")),
    bind(&["Ctrl-t"], Compose, A::Recipient, "choose whom to write to (also @)", Some("to whom")),
    bind(&["Up"], Compose, A::HistoryBack, "a line up; in an empty box, what was sent before", None),
    bind(&["Down"], Compose, A::HistoryForward, "a line down; what was sent after", None),
    bind(&["Tab"], Compose, A::FocusOther, "next pane", None),
    bind(&["Shift-Tab"], Compose, A::FocusBack, "previous pane", None),
    bind(&["Ctrl-z"], Compose, A::Suspend, "back to the shell; the gateway goes on; fg", None),
    bind(&["Esc"], Compose, A::Leave, "leave the input box", Some("leave")),
    bind(&["F1"], Compose, A::Help, "the keys that work here", Some("help")),
    bind(&["Left", "h"], Resize, A::Narrower, "the panes beside: fewer columns", Some("narrower")),
    bind(&["Right", "l"], Resize, A::Wider, "the panes beside: more columns", Some("wider")),
    bind(&["Up", "k"], Resize, A::Shorter, "this pane: fewer rows", Some("fewer rows")),
    bind(&["Down", "j"], Resize, A::Taller, "this pane: more rows", Some("more rows")),
    bind(&["="], Resize, A::EvenOut, "the sizes of the start", Some("reset")),
    bind(&["Enter", "Esc", "Ctrl-w"], Resize, A::Resized, "done", Some("done")),
];

/// The name by which the table calls a key; none for keys that have none here.
#[expect(clippy::wildcard_enum_match_arm, reason = "keys without a name here do nothing")]
fn name(key: &KeyEvent) -> Option<String> {
    if key.modifiers.intersects(KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META) {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let plain = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if control => c.to_ascii_lowercase().to_string(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(n) => format!("F{n}"),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        code => NAMES.iter().find(|(known, _)| *known == code)?.1.to_owned(),
    };
    let alt = if key.modifiers.contains(KeyModifiers::ALT) { "Alt-" } else { "" };
    Some(format!("{}{alt}{plain}", if control { "Ctrl-" } else { "" }))
}

/// Keys that are called by a name.
const NAMES: &[(KeyCode, &str)] = &[
    (KeyCode::Enter, "Enter"),
    (KeyCode::Esc, "Esc"),
    (KeyCode::Tab, "Tab"),
    (KeyCode::Backspace, "Backspace"),
    (KeyCode::Insert, "Ins"),
    (KeyCode::Delete, "Del"),
    (KeyCode::Up, "Up"),
    (KeyCode::Down, "Down"),
    (KeyCode::Left, "Left"),
    (KeyCode::Right, "Right"),
    (KeyCode::Home, "Home"),
    (KeyCode::End, "End"),
    (KeyCode::PageUp, "PgUp"),
    (KeyCode::PageDown, "PgDn"),
];

/// `keybindings.md`.
pub fn markdown() -> String {
    let mut out = String::from("# Keys\n\nMade from the table in `src/tui/keymap.rs`; a test compares.\n");
    for context in Context::ALL {
        let _ = write!(out, "\n## {}\n\n| Keys | What they do | Name |\n| --- | --- | --- |\n", context.title());
        for binding in KEYS.iter().filter(|b| b.context == context) {
            let keys = binding.keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "| {keys} | {} | `{}` |", binding.help, binding.name());
        }
    }
    out.push_str("\n## After `:`\n\nBeside the names above, with words behind them:\n\n| Words | What they do |\n| --- | --- |\n");
    for verb in super::verbs::VERBS {
        // A bar would end the column.
        let args = verb.args.replace('|', " or ");
        let _ = writeln!(out, "| `{}` | {} |", format!("{} {args}", verb.name).trim(), verb.help);
    }
    out.push_str(
        "\nA line that starts with a telephone number (`+584244370180 Hola`) is sent there, and that number stays the\n\
         recipient. `Ctrl-C` twice quits from anywhere. Editing keys in the box: arrows, `Home`, `End`, `Ctrl-A`, `Ctrl-W`,\n\
         `Ctrl-U`, `Ctrl-K`.\n\n\
         ## Other keys\n\n\
         `pilothouse.toml` may give actions other keys, by their names; an empty list takes them away:\n\n\
         ```toml\n[keys]\nquit = [\"Q\", \"F10\"]\nlog = \"l\"\ninput.send = [\"Enter\", \"Ctrl-s\"]\n```\n\n\
         A key is a character or one of `Space` `Enter` `Esc` `Tab` `Shift-Tab` `Backspace` `Ins` `Del` `Up` `Down` `Left`\n\
         `Right` `Home` `End` `PgUp` `PgDn` `F1` to `F12`, with `Ctrl-`, `Alt-` or both before it. A key that has two meanings\n\
         in one place, or a name that does not exist, is an error at the start.\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for (n, one) in KEYS.iter().enumerate() {
            for other in &KEYS[n + 1..] {
                let both = one.keys.iter().any(|key| other.keys.contains(key));
                assert!(!both || one.context != other.context, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_help_has_room_for_all_keys_of_an_action_and_for_what_it_does() {
        // While panes are resized there is none.
        for row in KEYS.iter().filter(|row| row.context != Context::Resize) {
            let keys = row.keys.join(" ").chars().count();
            assert!(keys <= 15 && row.help.chars().count() <= 49, "{row:?}");
        }
    }

    #[test]
    fn the_page_of_keys_is_up_to_date() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("keybindings.md");
        if std::env::var_os("PILOTHOUSE_BLESS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), markdown(), "PILOTHOUSE_BLESS=1 cargo test writes it anew");
    }
}
