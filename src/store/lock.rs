//! One process at a time for a data folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::StoreError;

/// The name of the file that is locked.
const FILE: &str = "pilothouse.lock";

/// After this time it is tried once more to lock it. Whoever asks who holds it is done within microseconds.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to use a data folder. The operating system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder, making it (0700) when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another process has it, [`StoreError::Io`] when it can't be used.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        Self::take_with(folder, || std::thread::sleep(PAUSE))
    }

    /// The same, with what is done before it is tried a second time.
    fn take_with(folder: &Path, pause: impl FnOnce()) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: folder.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(FILE))
            .map_err(io)?;
        let lock = || flock(&file, FlockOperation::NonBlockingLockExclusive);
        let locked = match lock() {
            // It may only be looked at: see `holder`.
            Err(rustix::io::Errno::WOULDBLOCK) => {
                pause();
                lock()
            }
            locked => locked,
        };
        if let Err(error) = locked {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(io(error.into()));
            }
            let holder = Some(pid(file)).filter(|pid| !pid.is_empty());
            return Err(StoreError::Held { folder: folder.to_owned(), holder });
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }

    /// The process that has the folder, `?` when it can't be told which; none: nobody has it. Nothing is made.
    ///
    /// # Errors
    /// [`StoreError::Io`] when that can't be told.
    pub fn holder(folder: &Path) -> Result<Option<String>, StoreError> {
        let io = |source| StoreError::Io { path: folder.to_owned(), source };
        let file = match File::open(folder.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        // Shared, and given back at once.
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Ok(Some(Some(pid(file)).filter(|pid| !pid.is_empty()).unwrap_or_else(|| "?".to_owned())))
            }
            Err(error) => Err(io(error.into())),
        }
    }
}

/// What the holder wrote.
fn pid(file: File) -> String {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_asks_who_has_the_folder_keeps_nobody_from_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(FolderLock::take(folder.path()).unwrap());
        let asking = File::open(folder.path().join(FILE)).unwrap();
        flock(&asking, FlockOperation::NonBlockingLockShared).unwrap();
        let lock = FolderLock::take_with(folder.path(), || drop(asking)).unwrap();
        assert!(matches!(FolderLock::take_with(folder.path(), || {}), Err(StoreError::Held { .. })));
        drop(lock);
    }
}
