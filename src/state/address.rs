//! Whom a text is for, as people and programs write it.

use std::str::FromStr;

use super::{Chat, ChatId, Phone, PhoneError};
use crate::protocol::ChatKind;

/// The most digits and dashes of an id.
const MAX_USER: usize = 40;

/// Why a text names nobody to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no number, or the id of a chat with one that is none.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// It has an `@`, and is no chat's id.
    #[error("give a number such as +584244370180, or an id such as 1203630@g.us")]
    NotAChat,
}

/// A telephone number with its plus sign, or the id of a person (`…@s.whatsapp.net`, `…@lid`) or a group (`…@g.us`).
impl FromStr for Chat {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Some((user, server)) = text.split_once('@') else {
            return Ok(Self::with_person(text.parse()?));
        };
        if user.is_empty() || user.len() > MAX_USER || !user.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(AddressError::NotAChat);
        }
        let id = ChatId::from(text);
        match server {
            "s.whatsapp.net" => Ok(Self::with_person(format!("+{user}").parse::<Phone>()?)),
            "lid" => Ok(Self { id, kind: ChatKind::Person, phone: None, lid: Some(text.into()) }),
            "g.us" => Ok(Self::group(id)),
            _ => Err(AddressError::NotAChat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_are_addresses() {
        for (text, id, kind, address) in [
            ("+15551112222", "15551112222@s.whatsapp.net", ChatKind::Person, "+15551112222"),
            ("15551112222@s.whatsapp.net", "15551112222@s.whatsapp.net", ChatKind::Person, "+15551112222"),
            ("90000000000001@lid", "90000000000001@lid", ChatKind::Person, "90000000000001@lid"),
            ("120363041234567890@g.us", "120363041234567890@g.us", ChatKind::Group, "120363041234567890@g.us"),
            (
                "15551112222-1400000000@g.us",
                "15551112222-1400000000@g.us",
                ChatKind::Group,
                "15551112222-1400000000@g.us",
            ),
        ] {
            let chat: Chat = text.parse().unwrap();
            assert_eq!((chat.id.as_str(), chat.kind, chat.address()), (id, kind, address), "{text}");
            // What it is shown as is an address again.
            assert_eq!(chat.address().parse::<Chat>(), Ok(chat.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for text in
            ["@", "@g.us", "1@", "1@g.us ", "ana@g.us", "1@broadcast", "status@broadcast", "1@lid@lid", "+1@g.us"]
        {
            assert_eq!(text.parse::<Chat>(), Err(AddressError::NotAChat), "{text}");
        }
        assert_eq!(format!("{}@lid", "1".repeat(41)).parse::<Chat>(), Err(AddressError::NotAChat));
        for (text, why) in [
            ("", PhoneError::NoPlus),
            ("1203630", PhoneError::NoPlus),
            ("123@s.whatsapp.net", PhoneError::TooShort(3)),
            ("0584244370@s.whatsapp.net", PhoneError::LeadingZero),
        ] {
            assert_eq!(text.parse::<Chat>(), Err(AddressError::Phone(why)), "{text}");
        }
    }
}
