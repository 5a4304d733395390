//! Who may use the API: whoever knows a token of the data folder.
//!
//! There is one token that may do everything, in a file that only its owner can read. It is made at the first start, 256
//! random bits; replacing the file replaces the token. Further tokens have a name and a [`Scope`], and only their hashes
//! are kept, in a second file. A running gateway looks whether the files have changed each time it is asked, so what was
//! replaced or revoked is refused at once.

mod further;
mod guard;

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use further::{Further, add, list, revoke};
pub use guard::Guard;

/// The name of the file in the data folder.
const FILE: &str = "token";

/// What every token begins with, so that programs that look for leaked secrets can find it.
const PREFIX: &str = "pilothouse_";

/// How many digits follow.
const DIGITS: usize = 64;

/// What a token allows. Each allows what the ones before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at everything but what links an account, and follow events.
    Read,
    /// Send messages, and take them back.
    Send,
    /// Everything.
    Admin,
}

impl Scope {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A word that is no scope.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a scope is read, send or admin")]
pub struct ScopeError;

impl std::str::FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Read, Self::Send, Self::Admin];
        all.into_iter().find(|scope| scope.name() == text).ok_or(ScopeError)
    }
}

/// A token that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file can't be read or written.
    #[error("can't use the token in {}: {source}; see who owns the folder", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no token; `pilothouse token rotate` makes a new one", path.display())]
    NoToken {
        /// Which file.
        path: PathBuf,
    },
    /// The file of further tokens can't be read.
    #[error("{} is not what was written there: {why}; mend it, or delete it and add the tokens anew", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: serde_json::Error,
    },
    /// A name that can't be one.
    #[error("a token's name has 1 to 64 letters, digits, dots, dashes or underscores")]
    BadName,
    /// There is one of this name.
    #[error("there is a token {0:?} already; revoke it first, or choose another name")]
    Taken(String),
    /// There is none of this name.
    #[error("there is no token {0:?}; `pilothouse token list` shows which there are")]
    Unknown(String),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Whether this data folder has a token.
pub fn is_there(folder: &Path) -> bool {
    folder.join(FILE).exists()
}

/// The token of this data folder, made when there is none.
///
/// # Errors
/// A [`TokenError`] when the file can't be read or made, or holds no token.
pub fn ensure(folder: &Path) -> Result<String, TokenError> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => parsed(&text).ok_or(TokenError::NoToken { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => rotate(folder),
        Err(source) => Err(TokenError::Io { path, source }),
    }
}

/// Replaces the token, at one stroke, and gives the new one. Further tokens stay.
///
/// # Errors
/// A [`TokenError`] when the file can't be written; the token before then holds.
pub fn rotate(folder: &Path) -> Result<String, TokenError> {
    let token = random()?;
    let path = folder.join(FILE);
    write(folder, &path, &token).map_err(|source| TokenError::Io { path, source })?;
    Ok(token)
}

/// The text with the digits of each token in it taken out.
pub fn masked(text: &str) -> String {
    let mut parts = text.split(PREFIX);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        let secret = part.len() - rest.len() >= DIGITS;
        out.push_str(PREFIX);
        out.push_str(if secret { "***" } else { "" });
        out.push_str(if secret { rest } else { part });
    }
    out
}

fn random() -> Result<String, TokenError> {
    let mut bytes = [0; DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
    Ok(format!("{PREFIX}{}", hex(&bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file that only its owner can read, at one stroke.
fn write(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".token")
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

fn parsed(text: &str) -> Option<String> {
    let token = text.trim();
    let digits = token.strip_prefix(PREFIX)?;
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| token.to_owned())
}

#[cfg(test)]
mod tests;
