//! What contacts can write, for [`Contact::send`](crate::Contact::send).

use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;

use crate::OWNER;
use crate::nodes::SERVER;

/// A text.
pub fn text(text: &str) -> wa::Message {
    wa::Message { conversation: Some(text.to_owned()), ..Default::default() }
}

/// A picture with a caption. Nothing can be downloaded.
pub fn image(caption: &str) -> wa::Message {
    let image = wa::message::ImageMessage {
        caption: Some(caption.to_owned()),
        mimetype: Some("image/jpeg".to_owned()),
        ..Default::default()
    };
    wa::Message { image_message: MessageField::some(image), ..Default::default() }
}

/// Another text for an earlier message of the same contact.
pub fn edit(id: &str, text: &str) -> wa::Message {
    let edited = MessageField::some(self::text(text));
    let inside = protocol(id, Type::MESSAGE_EDIT, edited);
    let wrapped = wa::message::FutureProofMessage { message: MessageField::some(inside) };
    wa::Message { edited_message: MessageField::some(wrapped), ..Default::default() }
}

/// An earlier message of the same contact is deleted for everyone.
pub fn revoke(id: &str) -> wa::Message {
    protocol(id, Type::REVOKE, MessageField::none())
}

/// Who wrote the message that somebody reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The contact himself.
    Contact,
    /// The account.
    Account,
}

/// An emoji for an earlier message; an empty one takes it back.
pub fn reaction(id: &str, author: Author, emoji: &str) -> wa::Message {
    let reaction = wa::message::ReactionMessage {
        key: MessageField::some(key(id, author)),
        text: Some(emoji.to_owned()),
        ..Default::default()
    };
    wa::Message { reaction_message: MessageField::some(reaction), ..Default::default() }
}

fn protocol(id: &str, kind: Type, edited_message: MessageField<wa::Message>) -> wa::Message {
    let key = MessageField::some(key(id, Author::Contact));
    let inside = wa::message::ProtocolMessage { key, r#type: Some(kind), edited_message, ..Default::default() };
    wa::Message { protocol_message: MessageField::some(inside), ..Default::default() }
}

/// A message of the chat with the account, as the contact sees it.
fn key(id: &str, author: Author) -> wa::MessageKey {
    wa::MessageKey {
        remote_jid: Some(format!("{}@{SERVER}", OWNER.trim_start_matches('+'))),
        from_me: Some(author == Author::Contact),
        id: Some(id.to_owned()),
        ..Default::default()
    }
}
