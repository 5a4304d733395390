//! The passkey's answer: what can be said of it without WhatsApp.
//!
//! Only its shape is looked at here, so that a wrong text is told at once. Whether it answers the present challenge the
//! bridge says, and whether its signature is right only WhatsApp.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::PasskeyResponse;

/// The longest answer in bytes of JSON. Browsers give about a thousand; a command has room for a million.
const MAX_BYTES: usize = 64 << 10;

/// Why something is not the passkey's answer, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyFault {
    /// Longer than any.
    #[error("it has more than {MAX_BYTES} bytes; copy only what the browser shows after the click")]
    TooLong,
    /// Not JSON.
    #[error("it is not JSON, or not all of it; copy all that the browser shows after the click")]
    NotJson,
    /// JSON, and nothing that a passkey gave.
    #[error("it is not the credential of a passkey; copy what the browser shows after the click")]
    NotACredential,
    /// A credential without what was signed.
    #[error("a part of it is missing; copy all that the browser shows after the click")]
    Incomplete,
}

/// Reads the answer as the browser shows it. Line feeds, which terminals add to long lines, don't matter.
///
/// # Errors
/// A [`PasskeyFault`] that says what is wrong, without quoting the text.
pub fn read_passkey(text: &str) -> Result<PasskeyResponse, PasskeyFault> {
    if text.len() > MAX_BYTES {
        return Err(PasskeyFault::TooLong);
    }
    let text = text.replace(['\r', '\n'], "");
    let response = PasskeyResponse(serde_json::from_str(&text).map_err(|_| PasskeyFault::NotJson)?);
    passkey_fault(&response).map_or(Ok(response), Err)
}

/// Says what is wrong with an answer; none: it has the shape of one.
pub fn passkey_fault(PasskeyResponse(answer): &PasskeyResponse) -> Option<PasskeyFault> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let is_credential = answer.get("type").is_some_and(|kind| kind == "public-key");
    if !is_credential || !text(answer.get("id")) || !text(answer.get("rawId")) {
        return Some(PasskeyFault::NotACredential);
    }
    let response = answer.get("response");
    let signed = ["clientDataJSON", "authenticatorData", "signature"];
    if !signed.into_iter().all(|field| text(response.and_then(|r| r.get(field)))) {
        return Some(PasskeyFault::Incomplete);
    }
    let length = serde_json::to_vec(answer).map_or(usize::MAX, |bytes| bytes.len());
    (length > MAX_BYTES).then_some(PasskeyFault::TooLong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RIGHT: &str = r#"{"id":"a","rawId":"a","type":"public-key","authenticatorAttachment":"platform","response":
        {"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":null}}"#;

    #[test]
    fn an_answer_is_read_as_the_browser_gives_it_and_as_terminals_wrap_it() {
        let read = read_passkey(RIGHT).unwrap();
        assert_eq!(read.0["response"]["signature"], "AA");
        let wrapped: String = RIGHT.chars().flat_map(|c| [c, '\n']).collect();
        assert_eq!(read_passkey(&wrapped).unwrap().0["rawId"], "a");
        assert_eq!(read_passkey(&format!("  {RIGHT}\r\n")), Ok(read));
    }

    #[test]
    fn what_is_not_an_answer_is_told_why() {
        use PasskeyFault::{Incomplete, NotACredential, NotJson, TooLong};
        let cases = [
            (RIGHT[..RIGHT.len() - 1].to_owned(), NotJson),
            ("(() => { const options = 1; })();".to_owned(), NotJson),
            (String::new(), NotJson),
            ("[".repeat(1_000), NotJson),
            (format!("\"{}\"", RIGHT.replace('"', "\\\"")), NotACredential),
            ("null".to_owned(), NotACredential),
            (RIGHT.replace("public-key", "password"), NotACredential),
            (RIGHT.replace("rawId", "raw"), NotACredential),
            (RIGHT.replace("signature", "sign"), Incomplete),
            (RIGHT.replace(r#""e30""#, "7"), Incomplete),
            (RIGHT.replace(r#""response""#, r#""reply""#), Incomplete),
            (RIGHT.replace("e30", &"e".repeat(MAX_BYTES)), TooLong),
        ];
        for (text, fault) in cases {
            assert_eq!(read_passkey(&text), Err(fault), "{}", text.get(..80).unwrap_or(&text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_told_why(text in any::<String>()) {
            prop_assert!(read_passkey(&text).is_err());
        }
    }
}
