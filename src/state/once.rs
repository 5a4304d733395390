//! Requests that are one and the same however often they come: draft-ietf-httpapi-idempotency-key-header.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Chat, MessageId};

/// The longest key, in characters.
pub const MAX_KEY_CHARS: usize = 255;

/// A caller's name for one request: all requests with it are that one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(CompactString);

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is nothing in it.
    #[error("the key is empty; give something unique, such as a UUID")]
    Empty,
    /// It is too long.
    #[error("the key has {0} characters, and the longest has {MAX_KEY_CHARS}")]
    TooLong(usize),
    /// A character can't be in it.
    #[error("a key has only printable ASCII characters")]
    Unprintable,
    /// It starts with a quotation mark and is no string in the sense of RFC 9651.
    #[error("a key in quotation marks ends with one, and has a backslash before those inside")]
    Quoting,
}

impl IdempotencyKey {
    /// The key without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a header's value: a string as RFC 9651 has it, which is what the draft wants, or the bare text, which
    /// is what most callers write.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_header(value: &str) -> Result<Self, KeyError> {
        let Some(rest) = value.strip_prefix('"') else { return Self::new(value) };
        let inside = rest.strip_suffix('"').ok_or(KeyError::Quoting)?;
        let mut key = String::with_capacity(inside.len());
        let mut chars = inside.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\')).ok_or(KeyError::Quoting)?),
                '"' => return Err(KeyError::Quoting),
                other => key.push(other),
            }
        }
        Self::new(&key)
    }

    fn new(text: &str) -> Result<Self, KeyError> {
        let length = text.chars().count();
        match length {
            0 => Err(KeyError::Empty),
            _ if !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => Err(KeyError::Unprintable),
            1..=MAX_KEY_CHARS => Ok(Self(text.into())),
            _ => Err(KeyError::TooLong(length)),
        }
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::new(&text)
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0.into()
    }
}

/// What a request asks for, in 128 bits: the same in every version of this program (FNV-1a). It tells a caller's
/// mistake, not an attack: whoever makes two texts with one fingerprint deceives himself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// Of a text to a chat, and how long it may wait.
    pub fn of(chat: &Chat, text: &str, expires_in: Option<u32>) -> Self {
        let expires_in = expires_in.map(|s| s.to_string()).unwrap_or_default();
        let mut hash = Self::OFFSET;
        for part in [chat.id.as_str(), text, &expires_in] {
            // The length in front keeps what ends one part from being taken for the start of the next.
            let length = (part.len() as u64).to_be_bytes();
            for byte in length.iter().chain(part.as_bytes()) {
                hash = (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
            }
        }
        Self(hash)
    }
}

/// The request that a key was used for first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// What it asked for.
    pub fingerprint: Fingerprint,
    /// The message that it became.
    pub id: MessageId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_with_and_without_quotation_marks() {
        for (value, key) in [
            ("8e03978e", "8e03978e"),
            ("\"8e03978e\"", "8e03978e"),
            ("a b", "a b"),
            ("\"a \\\"b\\\" \\\\c\"", "a \"b\" \\c"),
        ] {
            assert_eq!(IdempotencyKey::of_header(value).unwrap().as_str(), key);
        }
        assert_eq!(IdempotencyKey::of_header(&"k".repeat(255)).unwrap().as_str().len(), 255);
    }

    #[test]
    fn what_is_no_key_is_named() {
        let long = "k".repeat(256);
        for (value, why) in [
            ("", KeyError::Empty),
            ("\"\"", KeyError::Empty),
            (&long, KeyError::TooLong(256)),
            ("a\tb", KeyError::Unprintable),
            ("a\u{7f}", KeyError::Unprintable),
            ("ñ", KeyError::Unprintable),
            ("\"a", KeyError::Quoting),
            ("\"", KeyError::Quoting),
            ("\"a\"b\"", KeyError::Quoting),
            ("\"a\\\"", KeyError::Quoting),
            ("\"a\\b\"", KeyError::Quoting),
        ] {
            assert_eq!(IdempotencyKey::of_header(value), Err(why), "{value:?}");
        }
    }

    #[test]
    fn fingerprints_differ_where_requests_do_and_never_change() {
        let chat = |phone: &str| Chat::with_person(phone.parse().unwrap());
        let one = Fingerprint::of(&chat("+15551112222"), "Hola", None);
        assert_eq!(one, Fingerprint::of(&chat("+15551112222"), "Hola", None));
        // Those that are on disk are compared with those of this version.
        assert_eq!(format!("{:032x}", one.0), "d50011459bcd591e371d8e3c25e49aac");
        for other in [
            Fingerprint::of(&chat("+15551112223"), "Hola", None),
            Fingerprint::of(&chat("+15551112222"), "Hola ", None),
            Fingerprint::of(&chat("+15551112222"), "Hola", Some(1)),
            Fingerprint::of(&chat("+15551112222"), "Hola1", None),
        ] {
            assert_ne!(one, other);
        }
    }
}
