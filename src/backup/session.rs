//! A copy of a bridge's session folder while the bridge writes to it.
//!
//! The bundled bridge keeps its state in a LevelDB, whose files are of three kinds: tables and manifests that are named
//! anew instead of being changed, `CURRENT`, which names the manifest and is replaced by a rename, and logs that only
//! grow. So a copy is a state that was once there when, from before it to after it, no file came, went or changed but
//! for logs that grew: what was copied of a log is its beginning, which is what a kill at some moment would have left,
//! and a record that was cut is ignored by LevelDB when it opens the log. Otherwise the copy is made again. The rule
//! holds for a bridge with other files as well, as long as it has none that ends in `.log` and is not only added to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files;

/// How often a copy is tried.
const ATTEMPTS: usize = 50;

/// How long to wait before the next try: a LevelDB under load changes its tables some times in a minute.
const PAUSE: Duration = Duration::from_millis(100);

/// What belongs to the process that has the folder and not to its state.
const NOT_COPIED: &[&str] = &["LOCK", "LOG", "LOG.old", "lock", ".gitkeep"];

/// What tells that a file is as it was.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// Copies the folder's files into the empty folder `to`, and returns their paths inside it. A folder that is not there
/// has none.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] when the folder never held still; others from reading and writing.
pub(super) fn copy(folder: &Path, to: &Path) -> io::Result<Vec<PathBuf>> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        let before = scan(folder)?;
        match copy_all(folder, to, &before) {
            Ok(()) if held_still(&before, &scan(folder)?) => return Ok(before.into_keys().collect()),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        files::clear(to)?;
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// The files of the folder, by their paths inside it.
pub(super) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(scan(folder)?.into_keys().collect())
}

fn scan(folder: &Path) -> io::Result<BTreeMap<PathBuf, Mark>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&inside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let meta = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                meta => meta?,
            };
            let path = inside.join(entry.file_name());
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() && !NOT_COPIED.iter().any(|name| entry.file_name() == *name) {
                let changed = (meta.mtime(), meta.mtime_nsec());
                found.insert(path, Mark { inode: meta.ino(), bytes: meta.len(), changed });
            }
        }
    }
    Ok(found)
}

fn copy_all(folder: &Path, to: &Path, marks: &BTreeMap<PathBuf, Mark>) -> io::Result<()> {
    for path in marks.keys() {
        files::write(&to.join(path), &mut File::open(folder.join(path))?)?;
    }
    Ok(())
}

fn held_still(before: &BTreeMap<PathBuf, Mark>, after: &BTreeMap<PathBuf, Mark>) -> bool {
    let same = |((path, old), (now_path, now)): ((&PathBuf, &Mark), (&PathBuf, &Mark))| {
        let log = path.extension().is_some_and(|extension| extension == "log");
        path == now_path && (old == now || (log && old.inode == now.inode && old.bytes <= now.bytes))
    };
    before.len() == after.len() && before.iter().zip(after).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a copy finds before and after, when this is done in between.
    fn still(between: impl FnOnce(&Path)) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("state")).unwrap();
        for name in ["CURRENT", "MANIFEST-000004", "000005.ldb", "000007.log", "LOG", "LOCK"] {
            fs::write(at.join("state").join(name), name).unwrap();
        }
        let before = scan(at).unwrap();
        assert_eq!(before.len(), 4, "{before:?}");
        between(&at.join("state"));
        held_still(&before, &scan(at).unwrap())
    }

    fn append(path: &Path) {
        use std::io::Write;
        File::options().append(true).open(path).unwrap().write_all(b"more").unwrap();
    }

    #[test]
    fn only_logs_may_grow_while_a_folder_is_copied() {
        assert!(still(|_| {}));
        assert!(still(|at| append(&at.join("000007.log"))));
        assert!(still(|at| append(&at.join("LOG"))), "what tells a story is no state");
        assert!(!still(|at| append(&at.join("MANIFEST-000004"))), "a change of the tables");
        assert!(!still(|at| fs::write(at.join("000008.log"), "new").unwrap()), "a log that came");
        assert!(!still(|at| fs::remove_file(at.join("000005.ldb")).unwrap()), "a table that went");
        assert!(!still(|at| File::options().write(true).open(at.join("000007.log")).unwrap().set_len(1).unwrap()));
        assert!(!still(|at| {
            fs::write(at.join("CURRENT.tmp"), "CURRENT").unwrap();
            fs::rename(at.join("CURRENT.tmp"), at.join("CURRENT")).unwrap();
        }));
    }

    #[test]
    fn what_is_copied_of_a_log_is_its_beginning_whatever_is_added_meanwhile() {
        let (folder, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = folder.path().join("000003.log");
        fs::write(&log, "").unwrap();
        let (stop, stopped) = std::sync::mpsc::sync_channel::<()>(0);
        let writer = std::thread::spawn(move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                append(&log);
            }
        });
        for n in 0..20 {
            let to = to.path().join(n.to_string());
            assert_eq!(copy(folder.path(), &to).unwrap(), [PathBuf::from("000003.log")]);
            let copied = fs::read(to.join("000003.log")).unwrap();
            let whole = fs::read(folder.path().join("000003.log")).unwrap();
            assert!(whole.starts_with(&copied));
        }
        drop(stop);
        writer.join().unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(copy(&folder.path().join("none"), &folder.path().join("to")).unwrap().is_empty());
    }
}
