//! What is in the log beside the database (the WAL) and not yet in its file.
//!
//! A commit is on disk when the log is, up to its end: what comes after a part that never got there is lost with it. Of a
//! write that failed the system tells once, and the next wait for the disk says that all is well: it takes the part that
//! failed for written. So after a failure nothing in the log is relied on until all of it has got into the file, which is
//! written and waited for anew, and the log is empty. The same holds for a log that a process left which did not end in
//! order: nobody knows any more what failed there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Error, ErrorCode, ffi};

/// With so many pages in the log it is brought into the file, as SQLite does by itself.
const PAGES: i32 = 1_000;

/// Whether the log can be relied on, for the one thread that writes.
#[derive(Debug)]
pub(super) struct Log {
    suspect: Arc<AtomicBool>,
}

/// Whether there is something in the log of this database, which is not open.
pub(super) fn is_left(database: &Path) -> bool {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|file| file.len() > 0)
}

fn is_busy(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

impl Log {
    /// Of this connection, which alone writes; of a log that was `left` nothing is known.
    ///
    /// From now on it is brought into the file here: SQLite does not tell when it fails to.
    pub(super) fn of(connection: &mut Connection, left: bool) -> rusqlite::Result<Self> {
        let suspect = Arc::new(AtomicBool::new(left));
        let failed = Arc::clone(&suspect);
        connection.wal_hook(Some(move |log: &mut Wal, pages| {
            if pages >= PAGES {
                match log.checkpoint() {
                    // Somebody else does it just now.
                    Err(error) if is_busy(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the log could not be brought into the database");
                        failed.store(true, Ordering::Relaxed);
                    }
                    Ok(()) => {}
                }
            }
            // The commit itself succeeded.
            Ok(())
        }))?;
        Ok(Self { suspect })
    }

    /// A commit failed with this.
    pub(super) fn failed(&self, error: &Error) {
        // Where another one has the database, nothing was written.
        if !is_busy(error) {
            self.suspect.store(true, Ordering::Relaxed);
        }
    }

    /// After a failure, empties it. An error: it can't be relied on yet.
    pub(super) fn trusted(&self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.suspect.load(Ordering::Relaxed) {
            return Ok(());
        }
        let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy {
            let text = "the log can't be emptied while another one uses the database".to_owned();
            return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), Some(text)));
        }
        self.suspect.store(false, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn database(folder: &Path) -> Connection {
        let connection = super::super::schema::open(&folder.join("x.db")).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        connection
    }

    fn write(connection: &Connection, bytes: i64) {
        connection.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes]).unwrap();
    }

    fn log_bytes(folder: &Path) -> u64 {
        std::fs::metadata(folder.join("x.db-wal")).unwrap().len()
    }

    #[test]
    fn after_a_failure_the_log_is_relied_on_when_all_of_it_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path());
        connection.busy_timeout(Duration::ZERO).unwrap();
        let log = Log::of(&mut connection, false).unwrap();
        write(&connection, 100_000);
        assert!(log.trusted(&connection).is_ok() && log_bytes(folder.path()) > 100_000, "nothing failed");
        let failure = |code| Error::SqliteFailure(ffi::Error::new(code), None);
        log.failed(&failure(ffi::SQLITE_BUSY));
        assert!(log.trusted(&connection).is_ok() && log_bytes(folder.path()) > 100_000, "nothing was written");
        log.failed(&failure(ffi::SQLITE_IOERR_FSYNC));
        let mut other = super::super::reader::connect(&folder.path().join("x.db")).unwrap();
        let reading = other.transaction().unwrap();
        let count = |c: &Connection| c.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count(&reading), 1);
        write(&connection, 100_000);
        for _ in 0..2 {
            let error = log.trusted(&connection).unwrap_err().to_string();
            assert!(error.contains("another one uses"), "{error}");
        }
        drop(reading);
        log.trusted(&connection).unwrap();
        assert_eq!((log_bytes(folder.path()), count(&other)), (0, 2));
        write(&connection, 100_000);
        assert!(log.trusted(&connection).is_ok() && log_bytes(folder.path()) > 100_000, "nothing failed since");
    }

    #[test]
    fn what_a_process_left_that_did_not_end_in_order_is_not_relied_on() {
        let folder = tempfile::tempdir().unwrap();
        let first = database(folder.path());
        write(&first, 100_000);
        let copy = tempfile::tempdir().unwrap();
        for name in ["x.db", "x.db-wal"] {
            std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        assert!(is_left(&copy.path().join("x.db")));
        let mut connection = super::super::schema::open(&copy.path().join("x.db")).unwrap();
        let log = Log::of(&mut connection, true).unwrap();
        log.trusted(&connection).unwrap();
        assert_eq!(log_bytes(copy.path()), 0);
        drop(connection);
        assert!(!is_left(&copy.path().join("x.db")), "it ended in order");
    }

    #[test]
    fn the_log_does_not_grow_with_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path());
        let _log = Log::of(&mut connection, false).unwrap();
        for _ in 0..40 {
            write(&connection, 1 << 20);
        }
        let bytes = log_bytes(folder.path());
        assert!(bytes < 8 << 20, "{bytes}");
    }
}
