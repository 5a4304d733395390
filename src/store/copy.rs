//! Copies of the database, for backups.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, schema};

/// Writes a copy of the database in `folder` to the new file `to` (0600), while another process may write to it: what
/// had been committed when it began. It reads everything, and so finds damage.
///
/// # Errors
/// A [`StoreError`]: there is none, it is damaged or of a newer version, or the copy can't be written.
pub fn copy(folder: &Path, to: &Path) -> Result<(), StoreError> {
    let path = folder.join(super::FILE);
    let connection = open(&path)?;
    schema::version(&connection, &path)?;
    let io = |source| StoreError::Io { path: to.to_owned(), source };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io)?;
    let name = to.to_string_lossy();
    connection.execute("VACUUM INTO ?1", [name.as_ref()]).map_err(|source| StoreError::sqlite(&path, source))?;
    file.sync_all().map_err(io)
}

/// Reads all of a database that nobody uses.
///
/// # Errors
/// A [`StoreError`]: it is damaged, or of a newer version.
pub fn check(path: &Path) -> Result<(), StoreError> {
    let connection = open(path)?;
    schema::version(&connection, path)?;
    let sqlite = |source| StoreError::sqlite(path, source);
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), why: found }) }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let sqlite = |source| StoreError::sqlite(path, source);
    std::fs::metadata(path).map_err(|source| StoreError::Missing { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
    Ok(connection)
}
