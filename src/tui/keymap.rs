//! The keys: one table from which dispatch, help, footer and `keybindings.md` all come.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The other pane.
    FocusOther,
    /// To the input box.
    Compose,
    /// Out of the input box, or of what lies over the screen; else back to the newest message.
    Leave,
    /// One message down.
    Down,
    /// One message up.
    Up,
    /// To the oldest message.
    Top,
    /// To the newest message, following it.
    Bottom,
    /// A screenful down.
    PageDown,
    /// A screenful up.
    PageUp,
    /// Show only what a filter lets through.
    Filter,
    /// To the next older message that the filter lets through, among all.
    SearchOlder,
    /// To the next newer one.
    SearchNewer,
    /// Look at the chosen message closely, or no longer.
    Detail,
    /// The message as it is kept.
    Json,
    /// Copy the text of the chosen message.
    Copy,
    /// Send the chosen message again, which was not sent.
    Resend,
    /// Show or hide the chats.
    Chats,
    /// Answer the chosen message's chat.
    Answer,
    /// Take back the chosen message, which waits.
    Cancel,
    /// Show or hide the keys.
    Help,
    /// Ask for a pairing code.
    PairingCode,
    /// Another way of drawing the QR.
    CycleDrawing,
    /// The QR over the whole screen.
    WholeScreen,
    /// Copy the passkey's snippet, or compare its code.
    Passkey,
    /// Stop the bridge and start it again.
    Restart,
    /// Take the link back from another program.
    TakeOver,
    /// Leave.
    Quit,
    /// Send what is in the box.
    Send,
    /// A line feed.
    NewLine,
    /// Write in one's own editor.
    Editor,
    /// Choose whom to write to.
    Recipient,
    /// The line before in the history.
    HistoryBack,
    /// The next line in the history.
    HistoryForward,
}

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Anywhere but in the input box.
    Browse,
    /// In the input box.
    Compose,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
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
use Context::{Browse, Compose};

/// All keys.
pub const KEYS: &[Binding] = &[
    bind(&["i"], Browse, A::Compose, "write a message", Some("write")),
    bind(&["Enter"], Browse, A::Detail, "look at the chosen message closely", Some("look")),
    bind(&["a"], Browse, A::Answer, "answer the chosen message", Some("answer")),
    bind(&["y"], Browse, A::Copy, "copy the text of the chosen message", None),
    bind(&["J"], Browse, A::Json, "the message as it is kept, in JSON", Some("JSON")),
    bind(&["R"], Browse, A::Resend, "send the chosen message again, which failed", Some("send again")),
    bind(&["x"], Browse, A::Cancel, "don't send the chosen message, which waits", Some("don't send")),
    bind(&["j", "Down"], Browse, A::Down, "next message", None),
    bind(&["k", "Up"], Browse, A::Up, "previous message", Some("scroll")),
    bind(&["g", "Home"], Browse, A::Top, "oldest message", None),
    bind(&["G", "End"], Browse, A::Bottom, "newest message, and follow", None),
    bind(&["PgDn"], Browse, A::PageDown, "a screenful down", None),
    bind(&["PgUp"], Browse, A::PageUp, "a screenful up", None),
    bind(&["/"], Browse, A::Filter, "filter by words, from: to: chat: state: !not", Some("filter")),
    bind(&["n"], Browse, A::SearchOlder, "next older message like the filter, among all", None),
    bind(&["N"], Browse, A::SearchNewer, "next newer message like the filter", None),
    bind(&["C"], Browse, A::Chats, "the chats, the newest first", Some("chats")),
    bind(&["p"], Browse, A::PairingCode, "link by a pairing code instead of a QR", Some("pairing code")),
    bind(&["v"], Browse, A::CycleDrawing, "draw the QR in another way", Some("draw")),
    bind(&["Z"], Browse, A::WholeScreen, "show the QR over the whole screen", Some("whole screen")),
    bind(&["c"], Browse, A::Passkey, "passkey: copy the snippet, compare the code", Some("passkey")),
    bind(&["r"], Browse, A::Restart, "restart the bridge, also to link again", Some("restart bridge")),
    bind(&["t"], Browse, A::TakeOver, "take the link back from another program", Some("take over")),
    bind(&["Tab", "Shift-Tab"], Browse, A::FocusOther, "the other pane", None),
    bind(&["Esc"], Browse, A::Leave, "back to the newest message", None),
    bind(&["?", "F1"], Browse, A::Help, "show or hide the keys", Some("help")),
    bind(&["q"], Browse, A::Quit, "quit; asks when messages wait to be sent", Some("quit")),
    bind(&["Enter"], Compose, A::Send, "send", Some("send")),
    bind(&["Alt-Enter"], Compose, A::NewLine, "a new line", Some("new line")),
    bind(&["Ctrl-e"], Compose, A::Editor, "write in your own editor ($EDITOR)", Some("editor")),
    bind(&["Ctrl-t"], Compose, A::Recipient, "choose whom to write to (also @)", Some("to whom")),
    bind(&["Up"], Compose, A::HistoryBack, "a line up; in an empty box, what was sent before", None),
    bind(&["Down"], Compose, A::HistoryForward, "a line down; what was sent after", None),
    bind(&["Tab", "Shift-Tab"], Compose, A::FocusOther, "the other pane", None),
    bind(&["Esc"], Compose, A::Leave, "leave the input box", Some("leave")),
    bind(&["F1"], Compose, A::Help, "show or hide the keys", Some("help")),
];

/// What a key does in a context. None: nothing, or it is text for the input box.
pub fn action(context: Context, key: &KeyEvent) -> Option<Action> {
    let name = name(key)?;
    KEYS.iter().find(|b| b.context == context && b.keys.contains(&name.as_str())).map(|b| b.action)
}

/// The name by which the table calls a key.
#[expect(clippy::wildcard_enum_match_arm, reason = "keys without a name here do nothing")]
fn name(key: &KeyEvent) -> Option<String> {
    if key.modifiers.contains(KeyModifiers::SUPER) {
        return None;
    }
    let of = |modifier, name| if key.modifiers.contains(modifier) { name } else { "" };
    let with = format!("{}{}", of(KeyModifiers::CONTROL, "Ctrl-"), of(KeyModifiers::ALT, "Alt-"));
    let fixed = match key.code {
        KeyCode::Char(c) => return Some(format!("{with}{c}")),
        KeyCode::F(n) => return Some(format!("{with}F{n}")),
        KeyCode::Enter => "Enter",
        KeyCode::Esc => "Esc",
        KeyCode::Tab => "Tab",
        KeyCode::BackTab => "Shift-Tab",
        KeyCode::Up => "Up",
        KeyCode::Down => "Down",
        KeyCode::Home => "Home",
        KeyCode::End => "End",
        KeyCode::PageUp => "PgUp",
        KeyCode::PageDown => "PgDn",
        _ => return None,
    };
    Some(format!("{with}{fixed}"))
}

/// `keybindings.md`.
pub fn markdown() -> String {
    let mut out = String::from("# Keys\n\nMade from the table in `src/tui/keymap.rs`; a test compares.\n");
    for (context, title) in [(Browse, "Everywhere but in the input box"), (Compose, "In the input box")] {
        let _ = write!(out, "\n## {title}\n\n| Keys | What they do |\n| --- | --- |\n");
        for binding in KEYS.iter().filter(|b| b.context == context) {
            let keys = binding.keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "| {keys} | {} |", binding.help);
        }
    }
    out.push_str(
        "\nA line that starts with a telephone number (`+584244370180 Hola`) is sent there, and that number stays the\n\
         recipient. `Ctrl-C` twice quits from anywhere. Editing keys in the box: arrows, `Home`, `End`, `Ctrl-A`, `Ctrl-W`,\n\
         `Ctrl-U`, `Ctrl-K`.\n",
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
    fn the_page_of_keys_is_up_to_date() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("keybindings.md");
        if std::env::var_os("PILOTHOUSE_BLESS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), markdown(), "PILOTHOUSE_BLESS=1 cargo test writes it anew");
    }
}
