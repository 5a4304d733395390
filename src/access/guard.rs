//! Looks at a token, and says what it allows.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;

use super::{Further, Scope, TokenError, ensure, further, parsed};
use crate::clock::Mono;

/// For how long what was read of a file goes for what is in it. Looking costs as much as a tenth of a small answer.
const FRESH: Duration = Duration::from_millis(1);

/// Lets in whoever has a token.
pub struct Guard {
    root: Mutex<Known<Option<String>>>,
    further: Mutex<Known<Vec<Further>>>,
}

/// What was read last of a file.
struct Known<T> {
    path: PathBuf,
    /// Nothing in it: nobody is let in.
    value: T,
    version: Option<Version>,
    /// Until when there is no look at the file.
    fresh_until: Mono,
}

/// Which version of a file it is: its number, and its change in seconds and nanoseconds.
type Version = (u64, i64, i64);

impl std::fmt::Debug for Guard {
    /// Without the tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl<T: Default> Known<T> {
    fn new(path: PathBuf) -> Mutex<Self> {
        Mutex::new(Self { path, value: T::default(), version: None, fresh_until: Mono::default() })
    }

    /// What is in the file, or was a moment ago. At most one look at the file's state, and it is read only when that has
    /// changed.
    fn get(&mut self, now: Mono, read: impl FnOnce(&Path) -> T) -> &T {
        if now < self.fresh_until {
            return &self.value;
        }
        self.fresh_until = now.plus(FRESH);
        let version = std::fs::metadata(&self.path).ok().map(|meta| (meta.ino(), meta.ctime(), meta.ctime_nsec()));
        if version != self.version {
            self.value = if version.is_some() { read(&self.path) } else { T::default() };
            self.version = version;
        }
        &self.value
    }
}

fn locked<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Guard {
    /// Knows the tokens of this data folder. The one that may do everything is made when there is none.
    ///
    /// # Errors
    /// As [`ensure`].
    pub fn open(folder: &Path) -> Result<Self, TokenError> {
        ensure(folder)?;
        Ok(Self { root: Known::new(folder.join(super::FILE)), further: Known::new(folder.join(further::FILE)) })
    }

    /// What the token allows that is in the files, as they were at most a millisecond before `now`; none: it is not there.
    /// The time that it takes does not tell how much of it is right.
    pub fn admits(&self, given: &str, now: Mono) -> Option<Scope> {
        let is_root = |root: &Option<String>| root.as_ref().is_some_and(|root| same(root, given));
        if is_root(locked(&self.root).get(now, |path| parsed(&std::fs::read_to_string(path).ok()?))) {
            return Some(Scope::Admin);
        }
        // What can't be a token is not hashed: a caller without one costs little.
        parsed(given)?;
        let digest = further::digest(given);
        let mut known = locked(&self.further);
        let tokens = known.get(now, |path| {
            further::read(path).unwrap_or_else(|error| {
                tracing::error!(%error, "further tokens are refused");
                Vec::new()
            })
        });
        tokens.iter().fold(None, |found, token| if same(&token.sha256, &digest) { Some(token.scope) } else { found })
    }
}

/// By eight bytes at once, which is as constant: byte by byte it was 4 % of the instructions of a small answer.
fn same(kept: &str, given: &str) -> bool {
    let (kept, kept_rest) = kept.as_bytes().as_chunks::<8>();
    let (given, given_rest) = given.as_bytes().as_chunks::<8>();
    if kept.len() != given.len() {
        return false;
    }
    let words =
        kept.iter().zip(given).map(|(kept, given)| u64::from_ne_bytes(*kept).ct_eq(&u64::from_ne_bytes(*given)));
    words.fold(kept_rest.ct_eq(given_rest), |all, one| all & one).into()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn each_byte_counts_and_the_length() {
        let token = "0123456789abcdefghi";
        assert!(same(token, token) && same("", ""));
        for at in 0..token.len() {
            let mut other = token.to_owned();
            other.replace_range(at..=at, "X");
            assert!(!same(token, &other) && !same(&other, token), "{other}");
            assert!(!same(token, &token[..at]) && !same(&token[..at], token));
        }
    }
}
