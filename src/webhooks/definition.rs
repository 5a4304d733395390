//! What a webhook is: where it sends which events, and its keys.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::signature::{KeyError, SigningKey, signature_header};
use super::target::{Target, TargetError};
use crate::clock::Timestamp;
use crate::state::{EventFilter, FilterError, Secret};

/// The longest name.
const NAME_CHARS: usize = 40;

/// For how long a key that was replaced is signed with as well, so that receivers can follow.
const KEY_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// A webhook as somebody describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// What it is called.
    pub name: String,
    /// Where it sends.
    pub url: Option<Secret>,
    /// The key; none: one is made.
    pub secret: Option<Secret>,
    /// Types of events, or families; none: all.
    pub types: Vec<String>,
    /// Chats, by ids or numbers; none: all.
    pub chats: Vec<String>,
}

/// A webhook, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) name: Arc<str>,
    pub(super) target: Target,
    pub(super) filter: EventFilter,
    pub(super) keys: Keys,
}

/// What it signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    key: SigningKey,
    /// The one before, and until when it is used too.
    before: Option<(SigningKey, Timestamp)>,
}

/// What is wrong with a webhook's description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// The name.
    #[error("a name has 1 to 40 of the letters a to z, digits, - and _, and begins with a letter or digit")]
    Name,
    /// The address is not there.
    #[error("say where to send, as in https://example.org/hook")]
    NoTarget,
    /// The address.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The address is one that must not be reached.
    #[error(
        "this is an address of this computer or of a private network; the setting webhooks_allow_private allows it"
    )]
    Private,
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The settings file has no key.
    #[error("a webhook in the settings file needs its key: whsec_ and the output of `openssl rand -base64 32`")]
    NoKey,
    /// The settings file has two of this name.
    #[error("there are two of this name")]
    Twice,
    /// A type.
    #[error(transparent)]
    Type(FilterError),
    /// A chat.
    #[error(transparent)]
    Chat(FilterError),
}

impl DefinitionError {
    /// The name of what is wrong.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Name | Self::Twice => "name",
            Self::NoTarget | Self::Target(_) | Self::Private => "url",
            Self::Key(_) | Self::NoKey => "secret",
            Self::Type(_) => "types",
            Self::Chat(_) => "chats",
        }
    }
}

/// As it is on disk.
#[derive(Serialize, Deserialize)]
struct Stored {
    url: String,
    #[serde(flatten)]
    filter: EventFilter,
    secret: String,
    before: Option<(String, Timestamp)>,
}

impl Definition {
    /// Checks a description that has a name; the key is made by `new_key` when there is none.
    pub(super) fn of<E: From<DefinitionError>>(
        description: &Description,
        new_key: impl FnOnce() -> Result<SigningKey, E>,
    ) -> Result<Self, E> {
        let Description { name, url, secret, types, chats } = description;
        let url = url.as_ref().ok_or(DefinitionError::NoTarget)?;
        let target = Target::parse(url.reveal()).map_err(DefinitionError::Target)?;
        let (name, filter) = (checked_name(name)?, filter(types, chats)?);
        let key = match secret {
            Some(secret) => SigningKey::parse(secret.reveal()).map_err(DefinitionError::Key)?,
            None => new_key()?,
        };
        Ok(Self { name, target, filter, keys: Keys { key, before: None } })
    }

    /// Reads what [`Definition::stored`] wrote.
    pub(super) fn restore(name: &Arc<str>, text: &str) -> Result<Self, String> {
        let Stored { url, filter, secret, before } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let key = |text: &str| SigningKey::parse(text).map_err(|error| error.to_string());
        let before = before.map(|(text, until)| Ok::<_, String>((key(&text)?, until))).transpose()?;
        let target = Target::parse(&url).map_err(|error| error.to_string())?;
        Ok(Self { name: Arc::clone(name), target, filter, keys: Keys { key: key(&secret)?, before } })
    }

    /// As it is kept on disk.
    pub(super) fn stored(&self) -> Secret {
        let Keys { key, before } = &self.keys;
        let stored = Stored {
            url: self.target.reveal().to_owned(),
            filter: self.filter.clone(),
            secret: key.reveal(),
            before: before.as_ref().map(|(key, until)| (key.reveal(), *until)),
        };
        // It is made of texts, lists and numbers: that has no way to fail.
        serde_json::to_string(&stored).unwrap_or_default().into()
    }
}

impl Keys {
    /// Signs with this one from now on, and for a day with the one before as well.
    pub(super) fn replace(&mut self, key: SigningKey, now: Timestamp) {
        let before = std::mem::replace(&mut self.key, key);
        self.before = Some((before, now.plus(KEY_OVERLAP)));
    }

    /// The present key.
    pub(super) fn present(&self) -> &SigningKey {
        &self.key
    }

    /// The header of a message.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let before = self.before.iter().filter(|(_, until)| at < *until).map(|(key, _)| key.clone());
        let keys: Vec<_> = std::iter::once(self.key.clone()).chain(before).collect();
        signature_header(&keys, id, at, body)
    }
}

/// A name that fits in a path, in a label of a metric and on the screen as it is.
pub(super) fn checked_name(name: &str) -> Result<Arc<str>, DefinitionError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits =
        name.chars().all(|c| plain(c) || matches!(c, '-' | '_')) && name.starts_with(plain) && name.len() <= NAME_CHARS;
    if fits { Ok(name.into()) } else { Err(DefinitionError::Name) }
}

/// The filter of these lists.
pub(super) fn filter(types: &[String], chats: &[String]) -> Result<EventFilter, DefinitionError> {
    let mut filter = EventFilter::default();
    types.iter().try_for_each(|kind| filter.add_type(kind, &[])).map_err(DefinitionError::Type)?;
    chats.iter().try_for_each(|chat| filter.add_chat(chat)).map_err(DefinitionError::Chat)?;
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn description(name: &str, url: &str) -> Description {
        Description { name: name.to_owned(), url: Some(url.to_owned().into()), ..Description::default() }
    }

    fn definition(description: &Description) -> Result<Definition, DefinitionError> {
        Definition::of(description, || Ok(SigningKey::from_random([7; 32])))
    }

    #[test]
    fn each_fault_names_its_field() {
        let good = description("crm", "https://example.org/hook");
        assert!(definition(&good).is_ok());
        let text = |text: &str| Some(text.to_owned().into());
        let list = |text: &str| vec![text.to_owned()];
        for (field, bad) in [
            ("name", description("", "https://example.org/")),
            ("name", description("CRM", "https://example.org/")),
            ("name", description("-x", "https://example.org/")),
            ("name", description("a b", "https://example.org/")),
            ("name", description(&"x".repeat(41), "https://example.org/")),
            ("url", description("crm", "example.org")),
            ("url", Description { url: None, ..good.clone() }),
            ("secret", Description { secret: text("whsec_c2hvcnQ="), ..good.clone() }),
            ("types", Description { types: list("link.qr"), ..good.clone() }),
            ("chats", Description { chats: list("ana"), ..good.clone() }),
        ] {
            assert_eq!(definition(&bad).unwrap_err().field(), field, "{bad:?}");
        }
    }

    #[test]
    fn it_is_the_same_after_a_restart_and_its_secrets_are_not_shown() {
        let given = Description {
            secret: Some(KEY.to_owned().into()),
            types: vec!["message.*".to_owned()],
            chats: vec!["+15551112222".to_owned()],
            ..description("crm", "https://example.org/hook?token=hidden")
        };
        let mut one = definition(&given).unwrap();
        one.keys.replace(SigningKey::from_random([9; 32]), NOW);
        let stored = one.stored();
        assert_eq!(Definition::restore(&one.name, stored.reveal()), Ok(one.clone()));
        let shown = format!("{given:?} {one:?} {stored:?}");
        assert!(!shown.contains("hidden") && !shown.contains("MfKQ"), "{shown}");
        for text in ["", "{}", r#"{"url":"x","secret":"x","types":[],"chats":[],"before":null}"#] {
            assert!(Definition::restore(&one.name, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_that_was_replaced_is_signed_with_for_a_day_more() {
        let mut keys = definition(&description("crm", "https://example.org/")).unwrap().keys;
        let before = keys.sign("1", NOW, b"x");
        keys.replace(SigningKey::from_random([9; 32]), NOW);
        let both = keys.sign("1", NOW, b"x");
        assert!(both.ends_with(&format!(" {before}")), "{both}");
        assert_eq!(keys.sign("1", NOW.plus(KEY_OVERLAP), b"x").split(' ').count(), 1);
    }
}
