//! What a filter of the messages lets through.
//!
//! A filter is words with spaces between: each begins a word of the text, whatever its case and accents. What has no
//! letter and no digit, and what is in quotes, may be anywhere in it. `from:`, `to:`, `chat:`, `state:` and `kind:` look
//! elsewhere, and `!` before any of these turns it round.
//!
//! The store can find by most of this itself. What it can't is sieved here, message by message.

use std::fmt::Write as _;

use crate::protocol::ChatKind;
use crate::state::{ChatId, DeliveryState, Direction, Filter, Message};

/// The most characters of a text in which one looks: all of what a list has of it, and more than a person reads.
const LOOKED_INTO: usize = 4_096;

/// A filter, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sieve {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    not: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// Each begins a word: as they were written, and folded. The store folds by itself, and not quite as it is done here.
    Words(Vec<String>, Vec<String>),
    Inside(String),
    /// A part of the name or the address, and the chats whose names have it in them.
    From(String, Vec<ChatId>),
    /// A part of the address, and the chats whose names have it in them.
    To(String, Vec<ChatId>),
    Chat(String, Option<ChatId>),
    State(String),
    Kind(String),
}

impl Sieve {
    /// Reads a filter; none: it lets everything through. `chat` knows the chat with an address, `named` those whose names
    /// have this in them.
    pub fn parse(
        text: &str,
        chat: impl Fn(&str) -> Option<ChatId>,
        named: impl Fn(&str) -> Vec<ChatId>,
    ) -> Option<Self> {
        let terms: Vec<_> = parts(text).filter_map(|part| term(part, &chat, &named)).collect();
        (!terms.is_empty()).then(|| Self { text: text.trim().to_owned(), terms })
    }

    /// The filter as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The one chat whose messages alone are let through.
    pub fn chat(&self) -> Option<&ChatId> {
        let terms = self.terms.iter().filter(|term| !term.not);
        terms.filter_map(|term| if let What::Chat(_, id) = &term.what { id.as_ref() } else { None }).next()
    }

    /// The chat, when it is all that is filtered by.
    pub fn only_chat(&self) -> Option<&ChatId> {
        self.chat().filter(|_| self.terms.len() == 1)
    }

    /// What the store can find by. It lets through whatever this filter does, and perhaps more.
    pub fn narrowed(&self) -> Filter {
        let mut filter = Filter { beginnings: true, ..Filter::default() };
        let mut search = String::new();
        for term in self.terms.iter().filter(|term| !term.not) {
            match &term.what {
                What::Words(words, _) => {
                    for word in words {
                        let _ = write!(search, "{}{word}", if search.is_empty() { "" } else { " " });
                    }
                }
                What::Chat(_, id) => filter.chat = filter.chat.or_else(|| id.clone()),
                What::State(word) => filter.state = filter.state.or_else(|| state(word)),
                What::From(whom, _) if whom != ME => filter.direction = Some(Direction::In),
                What::Inside(_) | What::From(..) | What::To(..) | What::Kind(_) => {}
            }
        }
        filter.search = (!search.is_empty()).then(|| search.into());
        filter
    }

    /// Some of it is beyond what the store can find by.
    pub fn is_finer(&self) -> bool {
        self.terms.iter().any(|term| {
            term.not
                || match &term.what {
                    What::Words(..) => false,
                    What::Chat(_, id) => id.is_none(),
                    What::State(word) => state(word).is_none(),
                    What::Inside(_) | What::From(..) | What::To(..) | What::Kind(_) => true,
                }
        })
    }

    /// It asks for a state that there is not, so it lets nothing through.
    pub fn has_unknown_state(&self) -> bool {
        self.terms.iter().filter(|term| !term.not).any(|term| match &term.what {
            What::State(word) => !DeliveryState::ALL.iter().any(|state| state.as_str().starts_with(word.as_str())),
            What::Words(..) | What::Inside(_) | What::From(..) | What::To(..) | What::Chat(..) | What::Kind(_) => false,
        })
    }

    /// Whether a message that the store found by [`narrowed`](Self::narrowed) is let through.
    pub fn keeps(&self, message: &Message) -> bool {
        self.terms.iter().all(|term| {
            // The store has looked through all of the text, of which there may be only the beginning here.
            (matches!(term.what, What::Words(..)) && !term.not) || term.what.is_in(message) != term.not
        })
    }

    /// Whether any message is let through.
    pub fn lets_through(&self, message: &Message) -> bool {
        self.terms.iter().all(|term| term.what.is_in(message) != term.not)
    }
}

const ME: &str = "me";

impl What {
    fn is_in(&self, message: &Message) -> bool {
        let ours = message.direction != Direction::In;
        match self {
            Self::Words(_, words) => {
                let text = folded(&message.body);
                words.iter().all(|word| text.split(|c| !is_of_word(c)).any(|w| w.starts_with(word.as_str())))
            }
            Self::Inside(part) => folded(&message.body).contains(part.as_str()),
            Self::From(whom, _) if whom == ME => ours,
            Self::From(whom, named) => {
                // Where his name is not told with it, a message is shown with that of the chat of two.
                let in_his_chat = message.chat.kind == ChatKind::Person && named.contains(&message.chat.id);
                let is_named = match &message.name {
                    Some(name) => folded(name).contains(whom.as_str()),
                    None => in_his_chat,
                };
                !ours && (is_named || folded(&message.from).contains(whom.as_str()))
            }
            Self::To(whom, _) if whom == ME => !ours,
            Self::To(whom, named) => {
                let to = &message.chat;
                ours && (named.contains(&to.id) || folded(to.address()).contains(whom.as_str()))
            }
            Self::Chat(_, Some(id)) => message.chat.id == *id,
            Self::Chat(text, None) => {
                let name = message.name.as_deref().unwrap_or_default();
                [message.chat.id.as_str(), message.chat.address(), name]
                    .iter()
                    .any(|field| folded(field).contains(text.as_str()))
            }
            Self::State(word) => {
                message.delivery.as_ref().is_some_and(|delivery| delivery.state.as_str().starts_with(word.as_str()))
            }
            Self::Kind(word) => folded(&message.kind).starts_with(word.as_str()),
        }
    }
}

/// The states that are in other words on the screen, as they are called here.
fn state_word(word: &str) -> &str {
    match word {
        "wait" | "waits" | "waiting" => "queued",
        other => other,
    }
}

/// The only state that begins so.
fn state(word: &str) -> Option<DeliveryState> {
    let mut states = DeliveryState::ALL.into_iter().filter(|state| state.as_str().starts_with(word));
    states.next().filter(|_| states.next().is_none())
}

/// What stands between spaces; between quotes a space is one of the text.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    })
}

fn term(part: &str, chat: &impl Fn(&str) -> Option<ChatId>, named: &impl Fn(&str) -> Vec<ChatId>) -> Option<Term> {
    let (not, part) = part.strip_prefix('!').map_or((false, part), |rest| (true, rest));
    let what = match part.split_once(':') {
        // While it is being written nothing is kept out by it.
        Some(("from" | "to" | "chat" | "state" | "kind", "")) => return None,
        Some((side @ ("from" | "to"), rest)) => {
            let part = folded(rest);
            let named = named(&part);
            if side == "from" { What::From(part, named) } else { What::To(part, named) }
        }
        Some(("chat", rest)) => What::Chat(folded(rest), chat(rest)),
        Some(("state", rest)) => What::State(state_word(&folded(rest)).to_owned()),
        Some(("kind", rest)) => What::Kind(folded(rest)),
        Some(_) | None => text(part)?,
    };
    Some(Term { not, what })
}

fn text(part: &str) -> Option<What> {
    if let Some(inside) = part.strip_prefix('"') {
        let inside = folded(inside.trim_end_matches('"'));
        return (!inside.is_empty()).then_some(What::Inside(inside));
    }
    let folded = folded(part);
    let words = |text: &str| -> Vec<String> {
        text.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let found = words(&folded);
    match (found.is_empty(), folded.is_empty()) {
        (false, _) => Some(What::Words(words(part), found)),
        (true, false) => Some(What::Inside(folded)),
        (true, true) => None,
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Without case and accents, as the store's index of words has it.
pub fn folded(text: &str) -> String {
    let chars = text.chars().take(LOOKED_INTO).filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    chars.flat_map(|c| nucleo_matcher::chars::normalize(c).to_lowercase()).collect()
}
