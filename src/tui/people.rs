//! What people are called who wrote.
//!
//! In a group WhatsApp may tell of a writer only an id that hides the number (a LID). Then what he calls himself is all
//! that says who he is, and nobody's number stands behind it: as in WhatsApp's own apps a `~` is before it.

use super::groups::short;
use super::model::Model;
use crate::protocol::ChatKind;
use crate::state::{Chat, Direction, Message};

/// Who wrote a message, by what is known best: the name, with a `~` where there is no number behind it, the number, or
/// the end of the id.
pub fn writer(message: &Message, model: &Model) -> String {
    if !is_hidden(message) {
        // Where his name is not told with it, the chat of two has it.
        let of_two = message.name.is_none() && message.chat.kind == ChatKind::Person;
        return if of_two { model.ui.chats.called(&message.chat).to_owned() } else { alone(message) };
    }
    if let Some(row) = number(message, model).and_then(|chat| model.ui.chats.row(&chat.id)) {
        return row.title().to_owned();
    }
    let named = || model.snapshot.feed.iter().rev().find(|other| other.from == message.from && other.name.is_some());
    match &message.name {
        Some(_) => alone(message),
        None => named().map_or_else(|| alone(message), |other| alone(other)),
    }
}

/// The same, by what the message alone says.
pub fn alone(message: &Message) -> String {
    match &message.name {
        Some(name) if is_hidden(message) => format!("~{name}"),
        Some(name) => name.to_string(),
        None if is_hidden(message) => short(&message.from),
        None => message.from.to_string(),
    }
}

/// The name, and by what the writer can be told from all others.
pub fn writer_and_address(message: &Message, model: &Model) -> (Option<String>, String) {
    let (name, hidden) = (writer(message, model), is_hidden(message));
    let number = number(message, model).map(Chat::address).filter(|_| hidden);
    let address = number.map_or_else(|| message.from.to_string(), |number| format!("{number} {}", message.from));
    let is_address = number == Some(&name) || name == message.from || name == short(&message.from);
    ((!is_address).then_some(name), address)
}

/// It came in, and of its writer an id is told that hides the number.
fn is_hidden(message: &Message) -> bool {
    message.direction == Direction::In && message.from.ends_with("@lid")
}

/// The chat with the writer, when it says his number: it may be known by now.
fn number<'a>(message: &Message, model: &'a Model) -> Option<&'a Chat> {
    model.ui.chats.with_address(&message.from).filter(|chat| chat.phone.is_some())
}
