//! Names of hosts, and origins of web pages.

use std::net::IpAddr;

/// A list with commas between, in lower case. `check` says what is wrong with an item.
pub(super) fn list(text: &str, check: fn(&str) -> Result<(), String>) -> Result<Vec<String>, String> {
    let items = text.split(',').map(|item| item.trim().to_ascii_lowercase()).filter(|item| !item.is_empty());
    items.map(|item| check(&item).map(|()| item)).collect()
}

/// A name without anything around it.
pub(super) fn host(name: &str) -> Result<(), String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.chars().all(valid) || name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(format!("{name:?} is not a name without scheme and port, as in gateway.example.net"))
}

/// Scheme, host and port, as browsers send them.
pub(super) fn origin(origin: &str) -> Result<(), String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    match origin.split_once("://") {
        Some((scheme, host)) if !scheme.is_empty() && !host.is_empty() && host.chars().all(valid) => Ok(()),
        _ => Err(format!("{origin:?} is not an origin without a path, as in https://app.example.net")),
    }
}
