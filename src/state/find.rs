//! Finding messages and chats among those that are kept: what can be asked for, and what is answered.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Chat, ChatId, DeliveryState, Direction, Message, MessageId};
use crate::clock::Timestamp;

/// The most characters of a text in a list of messages. A message that is asked for alone has all of them.
pub const LISTED_CHARS: usize = 1_000;

/// The most characters of a search.
pub const SEARCH_CHARS: usize = 200;
/// The most words of a search.
pub const SEARCH_WORDS: usize = 16;

/// Which messages; what is not given does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// In this chat.
    pub chat: Option<ChatId>,
    /// Of this direction.
    pub direction: Option<Direction>,
    /// Of ours, those that have come so far and no further.
    pub state: Option<DeliveryState>,
    /// Of this kind: `text`, `image`, …
    pub kind: Option<CompactString>,
    /// Of this time or later.
    pub from: Option<Timestamp>,
    /// Of a time before this.
    pub to: Option<Timestamp>,
    /// With all of these words in the text; the last one may be the beginning of a word, unless a space
    /// follows it. Nothing else in it is syntax.
    pub search: Option<CompactString>,
    /// Each word of the search may be the beginning of one.
    pub beginnings: bool,
}

/// A place in the order in which the gateway took its messages. Later ones are greater, and none changes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(pub i64);

/// From where to where a list goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// The last message that the gateway took comes first.
    #[default]
    NewestFirst,
    /// The first one that is kept comes first.
    OldestFirst,
}

/// A page of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    /// Which.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Only what comes behind this place in that order.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
}

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The message, with at most [`LISTED_CHARS`] characters of its text.
    pub message: Message,
    /// Its text has more.
    pub truncated: bool,
    /// Where it is in the order.
    pub place: Place,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// In the order that was asked for.
    pub items: Vec<T>,
    /// Where the next page begins; none: there is nothing behind this one.
    pub next: Option<Place>,
    /// Everything that is kept was looked at. Just after messages came in, and for a while after an update of the
    /// program, the newest may not be sorted in yet for searches and for the list of chats.
    pub complete: bool,
}

/// A chat in the list of chats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedChat {
    /// The chat.
    pub chat: Chat,
    /// The last name that the person in it gave himself.
    pub name: Option<CompactString>,
    /// Its last message.
    pub last: Listed,
}

/// What a console looks up. It answers from the disk, and so never in a hurry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LookUp {
    /// A page of messages.
    Messages {
        /// Which.
        find: Find,
        /// In place of [`Find::after`]: only what comes behind this message. When it is not kept any more, neither is
        /// what was before it.
        behind: Option<(ChatId, MessageId)>,
    },
    /// A page of chats, the one with the last message first.
    Chats {
        /// Only what comes behind this place.
        after: Option<Place>,
        /// At most so many.
        limit: usize,
    },
    /// One message with all of its text, and what came in about it.
    Message {
        /// Where.
        chat: ChatId,
        /// Which.
        id: MessageId,
        /// The newest so many of what came in about it.
        about: usize,
    },
}

impl LookUp {
    /// A page of messages behind a place.
    pub fn after(find: &Find, after: Option<Place>) -> Self {
        Self::Messages { find: Find { after, ..find.clone() }, behind: None }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// A page of messages.
    Messages(Page<Listed>),
    /// A page of chats.
    Chats(Page<ListedChat>),
    /// One message.
    Message {
        /// The message; none: it is not kept any more.
        message: Option<Box<Message>>,
        /// What came in about it, oldest first.
        about: Vec<Message>,
    },
    /// Nothing, and why.
    Failed(FindError),
}

/// Why nothing was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum FindError {
    /// There is nothing in a search that could be found.
    #[error("there is no letter and no digit in it; give a word, or the beginning of one")]
    NoWords,
    /// A search has too many words.
    #[error("there are {0} words in it, and at most {SEARCH_WORDS} can be searched for; leave some out")]
    TooManyWords(usize),
    /// It took too long, and was given up.
    #[error("this takes too long; ask for less, such as one chat or a shorter time")]
    TooSlow,
    /// The database can't be read.
    #[error("{0}")]
    Store(String),
}
