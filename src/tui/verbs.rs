//! Verbs: what a line of words does, in the palette and in the line mode.

use std::sync::Arc;

use super::recipients::as_people_write;
use super::theme::Palette;
use crate::state::{Chat, Phone};

/// One verb.
#[derive(Debug, PartialEq, Eq)]
pub struct Verb {
    /// The word or words that it begins with, in lower case.
    pub name: &'static str,
    /// What follows them; in brackets: what may be left out.
    pub args: &'static str,
    /// What it does.
    pub help: &'static str,
    /// It may change something in the gateway, so a console that is read-only refuses it.
    pub changes: bool,
    /// It is of use where nothing is drawn.
    pub plain: bool,
}

/// What is meant by a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Send this text there.
    Send(Chat, String),
    /// Link by a code for this number.
    Pair(Phone),
    /// Link by a QR, or link again.
    Link,
    /// End the link.
    LogOut {
        /// Also when WhatsApp can't be told.
        local: bool,
    },
    /// Show the messages that are like this; all, when it is empty.
    Filter(String),
    /// Show how the webhooks do.
    Webhooks,
    /// Have this webhook try at once.
    Resume(Arc<str>),
    /// Use these colours.
    Theme(Palette),
    /// Change nothing from here, or do again.
    ReadOnly(bool),
    /// Say how things stand.
    Status,
    /// Say what can be done.
    Help,
    /// Stop the bridge and start it again.
    Restart,
    /// Take the link back from another program.
    TakeOver,
    /// Leave.
    Quit,
}

const fn verb(name: &'static str, args: &'static str, help: &'static str, changes: bool, plain: bool) -> Verb {
    Verb { name, args, help, changes, plain }
}

/// All verbs.
pub const VERBS: &[Verb] = &[
    verb("send", "TO TEXT", "send a text to a number or a chat's id", true, true),
    verb("pair", "+NUMBER", "link by a code for this number", true, true),
    verb("link", "", "link by a QR, or link again", true, true),
    verb("log out", "[local]", "unlink; local: the phone isn't told", true, true),
    verb("messages", "WORDS", "only messages like this, as / does", false, false),
    verb("filter", "WORDS", "the same as messages WORDS", false, false),
    verb("webhooks", "", "how they do; Enter has one try at once", false, true),
    verb("resume", "WEBHOOK", "have a webhook try at once, parked or not", true, true),
    verb("theme", "NAME", "terminal, contrast or soft", false, false),
    verb("read only", "on|off", "change nothing from here, or do", false, true),
];

/// Those that only the line mode needs: the console has keys for them.
pub const PLAIN: &[Verb] = &[
    verb("status", "", "say how things stand", false, true),
    // By the names of the actions, which the advice of the console gives.
    verb("restart bridge", "", "stop the bridge and start it again, also to link again", true, true),
    verb("take over", "", "take the link back from another program", true, true),
    verb("help", "", "say what can be done", false, true),
    verb("quit", "", "end the gateway", false, true),
];

/// Finds the verb that a line begins with, and what follows it. Case does not matter, and `-` and `_` are spaces.
pub fn find(verbs: impl Iterator<Item = &'static Verb>, line: &str) -> Option<(&'static Verb, &str)> {
    let line = line.trim_start().trim_start_matches(':').trim_start();
    let fits = |verb: &&Verb| {
        let head = line.get(..verb.name.len())?.to_ascii_lowercase().replace(['-', '_'], " ");
        let rest = line.get(verb.name.len()..)?;
        (head == verb.name && (rest.is_empty() || rest.starts_with(char::is_whitespace))).then_some(rest.trim())
    };
    verbs.filter_map(|verb| Some((verb, fits(&verb)?))).next()
}

/// What a verb with these words behind it means.
///
/// # Errors
/// What is wrong with the words, and what would be right.
pub fn meaning(verb: &Verb, words: &str) -> Result<Meaning, String> {
    Ok(match (verb.name, words) {
        ("send", _) => {
            let (to, text) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            let to = to.parse::<Chat>().map_err(|error| error.to_string())?;
            match text.trim_start() {
                "" => return Err("what is to be sent? as in: send +584244370180 Hola".to_owned()),
                text => Meaning::Send(to, text.to_owned()),
            }
        }
        ("pair", _) => Meaning::Pair(as_people_write(words).map_err(|error| error.to_string())?),
        ("link", "") => Meaning::Link,
        ("log out", "") => Meaning::LogOut { local: false },
        ("log out", "local") => Meaning::LogOut { local: true },
        // Without words, / is what is meant.
        ("filter", "") => return Err("it is filter WORDS; messages alone shows all again".to_owned()),
        ("webhooks", "") => Meaning::Webhooks,
        ("resume", name) if !name.is_empty() => Meaning::Resume(name.into()),
        ("messages" | "filter", _) => Meaning::Filter(as_filter(words)),
        ("theme", _) => Meaning::Theme(Palette::named(words).ok_or("the colours are terminal, contrast or soft")?),
        ("read only", "on") => Meaning::ReadOnly(true),
        ("read only", "off") => Meaning::ReadOnly(false),
        ("status", "") => Meaning::Status,
        ("help", "") => Meaning::Help,
        ("restart bridge", "") => Meaning::Restart,
        ("take over", "") => Meaning::TakeOver,
        ("quit", "") => Meaning::Quit,
        (name, _) if verb.args.is_empty() => return Err(format!("nothing follows {name}")),
        (name, _) => return Err(format!("it is {name} {}", verb.args)),
    })
}

/// The flags of `pilothouse messages` as the filter has them.
fn as_filter(words: &str) -> String {
    let flags = [("--search ", ""), ("--chat ", "chat:"), ("--state ", "state:"), ("--kind ", "kind:")];
    flags.iter().fold(words.to_owned(), |words, (flag, here)| words.replace(flag, here))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(line: &str) -> Option<Result<Meaning, String>> {
        find(VERBS.iter().chain(PLAIN), line).map(|(verb, words)| meaning(verb, words))
    }

    #[test]
    fn a_line_means_what_it_says() {
        let number: Phone = "+15551112222".parse().unwrap();
        let person = Chat::with_person(number.clone());
        for (line, means) in [
            ("send +15551112222  Hola, ¿qué tal?", Meaning::Send(person.clone(), "Hola, ¿qué tal?".to_owned())),
            (":Send +15551112222 a  b", Meaning::Send(person.clone(), "a  b".to_owned())),
            (
                "send 1203630@g.us who plays?",
                Meaning::Send(Chat::group("1203630@g.us".into()), "who plays?".to_owned()),
            ),
            ("pair +15551112222", Meaning::Pair(number)),
            ("log out", Meaning::LogOut { local: false }),
            ("log-out local", Meaning::LogOut { local: true }),
            ("messages --search good morn --state failed", Meaning::Filter("good morn state:failed".to_owned())),
            ("messages", Meaning::Filter(String::new())),
            ("filter state:failed", Meaning::Filter("state:failed".to_owned())),
            ("webhooks", Meaning::Webhooks),
            ("resume crm", Meaning::Resume("crm".into())),
            ("theme soft", Meaning::Theme(Palette::Soft)),
            ("read_only on", Meaning::ReadOnly(true)),
            ("status", Meaning::Status),
            ("quit", Meaning::Quit),
        ] {
            assert_eq!(meant(line), Some(Ok(means)), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_what_is_no_verb_is_none() {
        for (line, says) in [
            ("send", "+"),
            ("send +15551112222", "what is to be sent"),
            ("send 0424 Hola", "+"),
            ("send ana@g.us Hola", "1203630@g.us"),
            ("send 1203630@g.us", "what is to be sent"),
            ("pair", "+"),
            ("log out now", "log out [local]"),
            ("theme pink", "contrast"),
            ("filter", "WORDS"),
            ("resume", "WEBHOOK"),
            ("read only", "on|off"),
            ("link me", "nothing follows"),
        ] {
            let wrong = meant(line).unwrap().unwrap_err();
            assert!(wrong.contains(says), "{line}: {wrong}");
        }
        for line in ["", "sendx", "logout", "log\u{e9}out", "sénd", ":", "  "] {
            assert_eq!(meant(line), None, "{line}");
        }
    }

    #[test]
    fn every_verb_means_something() {
        for verb in VERBS.iter().chain(PLAIN) {
            let words = ["", "on", "soft", "+15551112222", "+15551112222 Hola"];
            assert!(words.iter().any(|words| meaning(verb, words).is_ok()), "{verb:?}");
            assert_eq!(find(VERBS.iter().chain(PLAIN), verb.name).map(|(found, _)| found), Some(verb));
        }
    }
}
