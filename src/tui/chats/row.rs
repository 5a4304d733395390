//! A chat in the list of chats.

use compact_str::CompactString;

use super::super::{people, sanitize};
use crate::clock::Timestamp;
use crate::protocol::ChatKind;
use crate::state::{About, Chat, DeliveryState, Direction, Message, MessageId, Subjects};

/// The most columns of a last message that are held: a line of the list in 80 columns.
const LAST_CHARS: usize = 72;

/// The most columns of the name of who wrote the last message of a group.
const WRITER: usize = 20;

/// The most columns of a name and of an address, where both are written.
const NAME: usize = 30;
const ADDRESS: usize = 40;

/// A chat in the list.
#[derive(Clone, Debug)]
pub struct Row {
    /// The chat.
    pub chat: Chat,
    /// The name that the person in it gave himself, or the subject of the group.
    pub name: Option<CompactString>,
    /// The beginning of the last message, in one line.
    pub last: CompactString,
    /// Who wrote it.
    pub last_is_ours: bool,
    /// How far it has come, when it is one of ours; none: that is not known until it gets further.
    pub delivery: Option<(MessageId, Option<DeliveryState>)>,
    /// When.
    pub at: Timestamp,
    /// How many messages came since somebody looked.
    pub unread: u32,
    /// Somebody wrote to us there, as far as is known here.
    pub(super) wrote: bool,
}

impl Row {
    pub(super) fn of(message: &Message) -> Self {
        let ours = message.direction != Direction::In;
        let name = message.name.clone().filter(|_| !ours && message.chat.kind == ChatKind::Person);
        Self {
            chat: message.chat.clone(),
            name,
            last: last(message),
            last_is_ours: ours,
            delivery: message.delivery.as_ref().map(|delivery| (message.id.clone(), Some(delivery.state))),
            at: message.at,
            unread: 0,
            wrote: !ours,
        }
    }

    /// Has a group called as it is known to be.
    pub(super) fn name_group(&mut self, subjects: &Subjects) {
        if self.chat.kind == ChatKind::Group
            && let Some(subject) = subjects.of(&self.chat.id)
            && self.name.as_deref() != Some(subject)
        {
            self.name = Some(subject.into());
        }
    }

    /// The name, when it is more than the number once again: some people are called by that.
    pub fn own_name(&self) -> Option<&str> {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let is_number =
            |name: &str| !name.chars().any(char::is_alphabetic) && digits(name) == digits(self.chat.address());
        self.name.as_deref().filter(|name| !is_number(name))
    }

    /// What one would call it.
    pub fn title(&self) -> &str {
        self.own_name().unwrap_or_else(|| self.chat.address())
    }

    /// The same with the address, where that is another.
    pub fn full_title(&self) -> String {
        full_title(self.own_name(), &self.chat)
    }
}

/// A name, when there is one, and the address.
pub fn full_title(name: Option<&str>, chat: &Chat) -> String {
    let address = sanitize::line(chat.address(), ADDRESS);
    match name {
        Some(name) => format!("{} {address}", sanitize::line(name, NAME)),
        None => address,
    }
}

/// What a message says, as one line.
fn last(message: &Message) -> CompactString {
    let body: String = message.body.chars().take(LAST_CHARS * 2).collect();
    let text = match (message.about(), &*message.kind, body.is_empty()) {
        (Some(About::Edit), ..) => format!("edited: {body}"),
        (Some(About::Revoke), ..) => "deleted a message".to_owned(),
        (Some(About::Reaction), _, true) => "took back a reaction".to_owned(),
        (Some(About::Reaction), ..) => format!("{body} to a message"),
        (None, "text", _) => body,
        (None, kind, true) => format!("[{kind}]"),
        (None, kind, false) => format!("[{kind}] {body}"),
    };
    // In a chat of two it is clear who wrote.
    let writer = (message.direction == Direction::In && message.chat.kind == ChatKind::Group)
        .then(|| format!("{}: ", sanitize::line(&people::alone(message), WRITER)));
    sanitize::line(&format!("{}{text}", writer.unwrap_or_default()), LAST_CHARS).into()
}
