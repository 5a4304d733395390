//! Signatures by the Standard Webhooks scheme, version 1: HMAC-SHA256 over id, time and body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;

/// What a key in text begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a key has by the scheme.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The key that a receiver and this program share. It must not get into logs.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

/// Why a text is no key. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It begins otherwise, or what follows is not base64.
    #[error("a signing key is whsec_ and base64; leave it out to have one made")]
    NotAKey,
    /// It is too short or too long.
    #[error("the signing key has {0} bytes, and must have 24 to 64; leave it out to have one made")]
    Length(usize),
}

impl SigningKey {
    /// A key from randomness that nobody can guess.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// The key for a text such as `whsec_MfKQ…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(KeyError::NotAKey)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::NotAKey)?;
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(KeyError::Length(bytes.len())) }
    }

    /// The text that the receiver is given. A secret.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The signature of one message; none only if the hash took no key of this length, and it takes any.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// The value of `webhook-signature` for a message with this `webhook-id`, `webhook-timestamp` (in whole seconds) and
/// body. While a key is being replaced there are two, and a receiver that knows either is content.
pub fn signature_header(keys: &[SigningKey], id: &str, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.as_millis().div_euclid(1_000);
    let signatures: Vec<_> = keys.iter().filter_map(|key| key.sign(id, seconds, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_schemes_own_example() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_millis(1_614_265_330_999);
        let body = br#"{"test": 2432232314}"#;
        let one = signature_header(std::slice::from_ref(&key), "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        assert_eq!(one, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let new = SigningKey::from_random([7; 32]);
        let both = signature_header(&[new, key], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        let (first, second) = both.split_once(' ').unwrap();
        assert!(first.starts_with("v1,") && first != one && second == one, "{both}");
    }

    #[test]
    fn a_key_is_written_and_read_back_and_never_shown() {
        let key = SigningKey::from_random([200; 32]);
        assert_eq!(SigningKey::parse(&key.reveal()), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "SigningKey");
        for text in ["", "whsec", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???"] {
            assert_eq!(SigningKey::parse(text), Err(KeyError::NotAKey), "{text}");
        }
        assert_eq!(SigningKey::parse("whsec_c2hvcnQ="), Err(KeyError::Length(5)));
    }
}
