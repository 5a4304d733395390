//! Who may use the API: whoever knows the token in the data folder.
//!
//! The token is made at the first start, 256 random bits, in a file that only its owner can read. The file is the one
//! place where it is kept: replacing the file replaces the token, in a running gateway too.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use subtle::ConstantTimeEq;

/// The name of the file in the data folder.
const FILE: &str = "token";

/// What every token begins with, so that programs that look for leaked secrets can find it.
const PREFIX: &str = "pilothouse_";

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
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
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

/// Replaces the token, at one stroke, and gives the new one.
///
/// # Errors
/// A [`TokenError`] when the file can't be written; the token before then holds.
pub fn rotate(folder: &Path) -> Result<String, TokenError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let token = format!("{PREFIX}{digits}");
    let path = folder.join(FILE);
    write(folder, &path, &token).map_err(|source| TokenError::Io { path, source })?;
    Ok(token)
}

fn write(folder: &Path, path: &Path, token: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".token")
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    writeln!(file, "{token}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

fn parsed(text: &str) -> Option<String> {
    let token = text.trim();
    let digits = token.strip_prefix(PREFIX)?;
    (digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| token.to_owned())
}

/// Lets in whoever has the token.
pub struct Guard {
    path: PathBuf,
    known: Mutex<Known>,
}

/// What was read last.
#[derive(Default)]
struct Known {
    /// None: there is no token, and nobody is let in.
    token: Option<String>,
    /// Which version of the file it is of: its number, and its change in seconds and nanoseconds.
    version: Option<(u64, i64, i64)>,
}

impl std::fmt::Debug for Guard {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Guard {
    /// Keeps the token of this data folder, made when there is none.
    ///
    /// # Errors
    /// As [`ensure`].
    pub fn open(folder: &Path) -> Result<Self, TokenError> {
        ensure(folder)?;
        Ok(Self { path: folder.join(FILE), known: Mutex::default() })
    }

    /// Whether this is the token that is in the file now. The time that it takes does not tell how much of it is right.
    pub fn admits(&self, given: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // One look at the file's state a request, so that a token that was replaced is refused at once.
        let version = std::fs::metadata(&self.path).ok().map(|meta| (meta.ino(), meta.ctime(), meta.ctime_nsec()));
        if version.is_none() || version != known.version {
            let token = std::fs::read_to_string(&self.path).ok().and_then(|text| parsed(&text));
            *known = Known { token, version };
        }
        known.token.as_ref().is_some_and(|token| token.as_bytes().ct_eq(given.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let token = ensure(&data).unwrap();
        assert_eq!((ensure(&data).unwrap(), token.len()), (token.clone(), PREFIX.len() + 64));
        assert_eq!(std::fs::metadata(data.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
        std::fs::write(data.join(FILE), "pilothouse_\n").unwrap();
        assert!(matches!(ensure(&data), Err(TokenError::NoToken { .. })));
    }

    #[test]
    fn a_token_that_was_replaced_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let guard = Guard::open(folder.path()).unwrap();
        let first = ensure(folder.path()).unwrap();
        assert!(guard.admits(&first) && !guard.admits("") && !guard.admits(&first[1..]));
        let second = rotate(folder.path()).unwrap();
        assert!(guard.admits(&second) && !guard.admits(&first));
        assert!(!format!("{guard:?}").contains(&second));
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        assert!(!guard.admits(&second) && !guard.admits(""));
    }
}
