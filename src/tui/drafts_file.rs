//! The file of the drafts, which nobody but the owner can read.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::drafts::Drafts;

/// Its name in the data folder.
const FILE: &str = "drafts.json";

/// A larger file than this is none of ours.
const MAX_BYTES: u64 = 32 << 20;

/// Writes the drafts to their file, never while somebody waits for it.
#[derive(Debug)]
pub(super) struct DraftsFile {
    folder: PathBuf,
    writing: Option<JoinHandle<()>>,
}

impl DraftsFile {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, writing: None }
    }

    /// What was written last.
    pub(super) fn read(&self) -> Drafts {
        let path = self.folder.join(FILE);
        let small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_BYTES);
        let text = if small { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        Drafts::read(&text)
    }

    /// Writes, on a thread that ends with it. One that is under way comes first.
    pub(super) fn write(&mut self, text: String) {
        let (folder, before) = (self.folder.clone(), self.writing.take());
        let work = move || {
            if let Some(before) = before {
                let _ = before.join();
            }
            if let Err(error) = replace(&folder, &text) {
                tracing::warn!(%error, "the drafts can't be written to {FILE} in the data folder");
            }
        };
        self.writing = std::thread::Builder::new().name("drafts".to_owned()).spawn(work).ok();
    }

    /// Waits until all is written.
    pub(super) fn finish(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
    }
}

/// The file is always whole: a new one takes the old one's place.
fn replace(folder: &Path, text: &str) -> std::io::Result<()> {
    // Only the owner can read a new temporary file.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(folder.join(FILE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::clock::Mono;

    #[test]
    fn the_file_holds_what_was_written_last_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = DraftsFile::new(folder.path().to_owned());
        assert!(file.read().last().is_none(), "there is none yet");
        let mut drafts = Drafts::default();
        for n in 0..20 {
            drafts.keep(None, &format!("draft {n}"), Mono::default());
            file.write(drafts.file());
        }
        file.finish();
        assert_eq!(file.read().of(None), Some("draft 19"));
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_folder_that_can_not_be_written_is_no_reason_to_end() {
        let mut file = DraftsFile::new("/nonexistent/folder".into());
        file.write("{}".to_owned());
        file.finish();
        assert!(file.read().last().is_none());
    }
}
