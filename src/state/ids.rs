//! Names of things. Each is its own type, so that one cannot be passed for another.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(test, schemars(with = "String"))] CompactString);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<CompactString> for $name {
            fn from(text: CompactString) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The next one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

text_id! {
    /// One linked WhatsApp number, by the operator's name for it.
    AccountId
}
text_id! {
    /// One conversation, as WhatsApp addresses it (`15551112222@s.whatsapp.net`).
    ChatId
}
text_id! {
    /// One message. Unique within a chat; ours are unique altogether.
    MessageId
}
number_id! {
    /// The number of a change in the feed of this process.
    Seq
}
number_id! {
    /// The number of a batch of writes handed to the store by this process.
    WriteSeq
}
number_id! {
    /// One run of the bridge.
    Incarnation
}
number_id! {
    /// One request to the engine, until it is answered.
    RequestId
}

impl AccountId {
    /// The account that paths without an account mean.
    pub fn main() -> Self {
        Self::from("main")
    }
}

impl MessageId {
    /// A message id in the form of WhatsApp's own clients (`3EB0` and 18 hexadecimal digits), from 72 random bits.
    pub fn from_random(bits: [u8; 9]) -> Self {
        let mut text = String::with_capacity(22);
        text.push_str("3EB0");
        for byte in bits {
            use fmt::Write as _;
            let _ = write!(text, "{byte:02X}");
        }
        Self::from(text)
    }
}

impl ChatId {
    /// The chat with the person who has this telephone number.
    pub fn of_phone(phone: &super::Phone) -> Self {
        Self::from(format!("{}@s.whatsapp.net", phone.digits()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_have_whatsapps_own_form() {
        let id = MessageId::from_random([0x0f, 1, 2, 3, 4, 5, 6, 7, 0xff]);
        assert_eq!(id.as_str(), "3EB00F01020304050607FF");
        assert_eq!(id.as_str().len(), 22);
    }
}
