//! Which events of the journal somebody wants: one who follows a stream, or a webhook.

use serde::{Deserialize, Serialize};

use super::{ChatId, JournalKind, Phone, PhoneError};

/// The most values that one filter may have: each event is compared with all of them.
pub const FILTER_VALUES: usize = 100;

/// Which events are wanted. Without any value: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFilter {
    /// Types, or families such as `message.*`; none: of all.
    pub types: Vec<Box<str>>,
    /// Only what belongs to one of these chats; none: to any, or to none.
    pub chats: Vec<ChatId>,
}

/// A value that is not one of a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no such type.
    #[error("there are {known}, and families such as message.*")]
    NoSuchType {
        /// Those that there are.
        known: String,
    },
    /// It is neither a number nor an id.
    #[error("{0}; or give a chat's id such as 1203630@g.us")]
    NotAChat(PhoneError),
    /// There are too many.
    #[error("there are more than {FILTER_VALUES} types and chats; leave one of the two out to get all of it")]
    TooMany,
}

impl EventFilter {
    /// Adds a type or a family. Besides the journal's there may be others, `live`.
    ///
    /// # Errors
    /// It is none of these, or there are too many.
    pub fn add_type(&mut self, value: &str, live: &[&'static str]) -> Result<(), FilterError> {
        let known = || JournalKind::ALL.into_iter().map(JournalKind::as_str).chain(live.iter().copied());
        let fits = |known: &str| match value.strip_suffix(".*") {
            Some(family) => known.split_once('.').is_some_and(|(of, _)| of == family),
            None => known == value,
        };
        if !known().any(fits) {
            return Err(FilterError::NoSuchType { known: known().collect::<Vec<_>>().join(", ") });
        }
        self.room()?;
        self.types.push(value.into());
        Ok(())
    }

    /// Adds a chat by its id, or a person's by the number.
    ///
    /// # Errors
    /// It is neither, or there are too many.
    pub fn add_chat(&mut self, value: &str) -> Result<(), FilterError> {
        let chat = if value.contains('@') {
            ChatId::from(value)
        } else {
            // In a query a plus sign is a space, when it is not written as %2B.
            let phone = value.parse::<Phone>().or_else(|error| format!("+{value}").parse().map_err(|_| error));
            ChatId::of_phone(&phone.map_err(FilterError::NotAChat)?)
        };
        self.room()?;
        self.chats.push(chat);
        Ok(())
    }

    fn room(&self) -> Result<(), FilterError> {
        if self.types.len() + self.chats.len() < FILTER_VALUES { Ok(()) } else { Err(FilterError::TooMany) }
    }

    /// Whether an event of this type, in this chat if in any, is wanted.
    pub fn wants(&self, kind: &str, chat: Option<&ChatId>) -> bool {
        let of_type = |wanted: &str| match wanted.strip_suffix('*') {
            Some(family) => kind.starts_with(family),
            None => kind == wanted,
        };
        (self.types.is_empty() || self.types.iter().any(|wanted| of_type(wanted)))
            && (self.chats.is_empty() || chat.is_some_and(|chat| self.chats.contains(chat)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(types: &[&str], chats: &[&str]) -> Result<EventFilter, FilterError> {
        let mut filter = EventFilter::default();
        types.iter().try_for_each(|kind| filter.add_type(kind, &["link.qr", "link.pairing_code"]))?;
        chats.iter().try_for_each(|chat| filter.add_chat(chat))?;
        Ok(filter)
    }

    #[test]
    fn types_and_chats_are_lists_and_both_must_fit() {
        let one = ChatId::from("15551112222@s.whatsapp.net");
        let all = EventFilter::default();
        assert!(all.wants("message.status", Some(&one)) && all.wants("connection.changed", None));
        let types = filter(&["message.received", "connection.*", "link.qr"], &[]).unwrap();
        for (kind, fits) in [
            ("message.received", true),
            ("message.status", false),
            ("connection.changed", true),
            ("link.qr", true),
            ("link.pairing_code", false),
        ] {
            assert_eq!(types.wants(kind, None), fits, "{kind}");
        }
        for chats in [&["+15551112222"][..], &["15551112222"], &["1@g.us", "15551112222@s.whatsapp.net"]] {
            let only = filter(&[], chats).unwrap();
            assert!(only.wants("message.status", Some(&one)), "{chats:?}");
            assert!(!only.wants("message.status", Some(&"2@g.us".into())) && !only.wants("connection.changed", None));
        }
        let both = filter(&["message.*"], &["1@g.us"]).unwrap();
        assert!(both.wants("message.edited", Some(&"1@g.us".into())) && !both.wants("link.qr", Some(&"1@g.us".into())));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for kind in ["message.recieved", "mess*", "*", "", "gap", "link.passkey"] {
            assert!(matches!(filter(&[kind], &[]), Err(FilterError::NoSuchType { .. })), "{kind}");
        }
        for chat in ["ana", ""] {
            assert!(matches!(filter(&[], &[chat]), Err(FilterError::NotAChat(_))), "{chat}");
        }
        assert!(filter(&["message.*"; FILTER_VALUES], &[]).is_ok());
        assert_eq!(filter(&["message.*"; FILTER_VALUES], &["1@g.us"]), Err(FilterError::TooMany));
    }

    #[test]
    fn it_is_the_same_after_a_restart() {
        let filter = filter(&["message.*"], &["1@g.us"]).unwrap();
        let text = serde_json::to_string(&filter).unwrap();
        assert_eq!(serde_json::from_str::<EventFilter>(&text).unwrap(), filter, "{text}");
    }
}
