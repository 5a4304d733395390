//! Where a webhook sends: an address of the web.

use std::fmt;
use std::net::IpAddr;

use hyper::http::Uri;

/// The longest address, in bytes.
const MAX_BYTES: usize = 2_000;

/// An address that can be sent to. It may hold secrets in its path or query, so it must not get into logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    /// Over TLS.
    pub(super) secure: bool,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As the receiver is told: with the port, when it is not the usual one.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: String,
}

/// Why a text is no address to send to. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It can't be read as one.
    #[error("it is an address as in https://example.org/hook, with at most 2,000 characters")]
    NotAnAddress,
    /// There is a name or a password in it.
    #[error("it may hold no name and password before the host; the receiver knows us by the signature")]
    Credentials,
}

impl Target {
    /// The address in a text such as `https://example.org/hook?x=1`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.len() > MAX_BYTES {
            return Err(TargetError::NotAnAddress);
        }
        let uri: Uri = text.parse().map_err(|_| TargetError::NotAnAddress)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(TargetError::NotAnAddress),
        };
        let authority = uri.authority().ok_or(TargetError::NotAnAddress)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => Some(if secure { 443 } else { 80 }),
            Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port > 0),
            None => None,
        };
        let port = port.ok_or(TargetError::NotAnAddress)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(TargetError::NotAnAddress);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { text: text.to_owned(), secure, host, port, authority: authority.to_string(), path })
    }

    /// As it was given. It may be a secret.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The address that it names outright, without a name that would have to be looked up.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (text, secure, host, port, authority, path) in [
            ("https://example.org", true, "example.org", 443, "example.org", "/"),
            ("http://example.org:8080/a/b?c=d#e", false, "example.org", 8080, "example.org:8080", "/a/b?c=d"),
            ("https://[2001:db8::1]:9/x", true, "2001:db8::1", 9, "[2001:db8::1]:9", "/x"),
            ("http://10.0.0.1/x", false, "10.0.0.1", 80, "10.0.0.1", "/x"),
        ] {
            let target = Target::parse(text).unwrap();
            let Target { secure: s, host: h, port: p, authority: a, path: q, .. } = &target;
            assert_eq!((*s, h.as_str(), *p, a.as_str(), q.as_str()), (secure, host, port, authority, path), "{text}");
            assert_eq!((target.reveal(), format!("{target:?}").as_str()), (text, "Target"));
        }
        assert_eq!(Target::parse("http://[::1]/").unwrap().literal(), "::1".parse().ok());
        assert_eq!(Target::parse("http://example.org/").unwrap().literal(), None);
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        let long = format!("https://example.org/{}", "x".repeat(MAX_BYTES));
        for text in [
            "",
            "example.org",
            "/hook",
            "ftp://example.org/",
            "https://",
            "https:///x",
            "https://a b/",
            "http://x:0/",
            "http://x:/",
            "http://x:99999/",
            "file:///etc/passwd",
            &long,
        ] {
            let error = Target::parse(text).unwrap_err();
            assert_eq!(error, TargetError::NotAnAddress, "{text}");
        }
        assert_eq!(Target::parse("https://me:secret@example.org/"), Err(TargetError::Credentials));
    }
}
