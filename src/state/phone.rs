//! Telephone numbers by ITU-T E.164.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A telephone number as E.164 writes it: `+`, a digit from 1 to 9, 7 to 15 digits in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("pattern" = r"^\+[1-9][0-9]{6,14}$", "examples" = ["+584244370180"])))]
#[serde(try_from = "String", into = "String")]
pub struct Phone(CompactString);

/// Why a text is not a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// There is no plus sign in front.
    #[error("a number starts with + and the country code, as in +584244370180")]
    NoPlus,
    /// A character is not a digit.
    #[error("a number has only digits after the +, but there is {0:?}")]
    NotADigit(char),
    /// The country code starts with 0.
    #[error("no country code starts with 0; leave out the 0 after the +")]
    LeadingZero,
    /// Fewer than 7 digits.
    #[error("the number is too short: {0} digits, and the shortest has 7")]
    TooShort(usize),
    /// More than 15 digits.
    #[error("the number is too long: {0} digits, and the longest has 15")]
    TooLong(usize),
}

impl Phone {
    /// The number with its plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits without the plus sign.
    pub fn digits(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError::NoPlus)?;
        if let Some(other) = digits.chars().find(|c| !c.is_ascii_digit()) {
            return Err(PhoneError::NotADigit(other));
        }
        if digits.starts_with('0') {
            return Err(PhoneError::LeadingZero);
        }
        match digits.len() {
            n @ 0..7 => Err(PhoneError::TooShort(n)),
            7..=15 => Ok(Self(text.into())),
            n => Err(PhoneError::TooLong(n)),
        }
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0.into()
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_accepted_as_e164_has_them() {
        for good in ["+584244370180", "+1234567", "+123456789012345"] {
            assert_eq!(good.parse::<Phone>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn what_is_wrong_with_a_number_is_named() {
        for (bad, why) in [
            ("584244370180", PhoneError::NoPlus),
            ("", PhoneError::NoPlus),
            ("+58 424", PhoneError::NotADigit(' ')),
            ("+58x4244370180", PhoneError::NotADigit('x')),
            ("+٣٣٣٣٣٣٣٣", PhoneError::NotADigit('٣')),
            ("+0584244370", PhoneError::LeadingZero),
            ("+123456", PhoneError::TooShort(6)),
            ("+", PhoneError::TooShort(0)),
            ("+1234567890123456", PhoneError::TooLong(16)),
        ] {
            assert_eq!(bad.parse::<Phone>(), Err(why), "{bad:?}");
        }
    }
}
