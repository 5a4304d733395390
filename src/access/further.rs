//! Further tokens: each has a name and a scope, and can be revoked.
//!
//! What is kept of one is its SHA-256. A slow hash, as for passwords, would only make each request slow: it protects
//! secrets that can be guessed, and nobody guesses 256 random bits.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Scope, TokenError, hex, random, write};
use crate::clock::Timestamp;

/// The name of the file in the data folder.
pub(super) const FILE: &str = "tokens.json";

/// A further token, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Further {
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// The SHA-256 of the token, in hexadecimal digits.
    pub(super) sha256: String,
}

/// What is kept of a token.
pub(super) fn digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Makes a token with this name and scope, and returns it. It can't be shown again.
///
/// # Errors
/// A [`TokenError`] when the name can't be one or is taken, or the file can't be read or written.
pub fn add(folder: &Path, name: &str, scope: Scope, now: Timestamp) -> Result<String, TokenError> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(valid) {
        return Err(TokenError::BadName);
    }
    let token = random()?;
    change(folder, |tokens| {
        if tokens.iter().any(|token| token.name == name) {
            return Err(TokenError::Taken(name.to_owned()));
        }
        tokens.push(Further { name: name.to_owned(), scope, created_at: now, sha256: digest(&token) });
        Ok(())
    })?;
    Ok(token)
}

/// All further tokens, in the order in which they were made.
///
/// # Errors
/// A [`TokenError`] when the file can't be read.
pub fn list(folder: &Path) -> Result<Vec<Further>, TokenError> {
    read(&folder.join(FILE))
}

/// Takes the token with this name away: it is refused from now on.
///
/// # Errors
/// A [`TokenError`] when there is none, or the file can't be read or written.
pub fn revoke(folder: &Path, name: &str) -> Result<(), TokenError> {
    change(folder, |tokens| {
        let before = tokens.len();
        tokens.retain(|token| token.name != name);
        if tokens.len() == before { Err(TokenError::Unknown(name.to_owned())) } else { Ok(()) }
    })
}

/// The tokens in this file; none when it is not there.
pub(super) fn read(path: &Path) -> Result<Vec<Further>, TokenError> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|why| TokenError::Broken { path: path.to_owned(), why }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(TokenError::Io { path: path.to_owned(), source }),
    }
}

/// Changes the file at one stroke, one process after the other.
fn change(folder: &Path, change: impl FnOnce(&mut Vec<Further>) -> Result<(), TokenError>) -> Result<(), TokenError> {
    let path = folder.join(FILE);
    let io = |source| TokenError::Io { path: path.clone(), source };
    let _lock = lock(folder).map_err(io)?;
    let mut tokens = read(&path)?;
    change(&mut tokens)?;
    let text = serde_json::to_string_pretty(&tokens).map_err(|error| io(error.into()))?;
    write(folder, &path, &text).map_err(io)
}

fn lock(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = File::open(folder)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}
