//! What groups are called.

use rusqlite::{Connection, params};

use super::Reader;
use crate::protocol::Group;
use crate::state::{GROUPS_CAPACITY, Subjects};

/// The last subject that was told of a group counts.
pub(super) fn keep(connection: &Connection, account: &str, groups: &[Group]) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO group_subjects (account, chat, subject) VALUES (?1, ?2, ?3)
         ON CONFLICT (account, chat) DO UPDATE SET subject = excluded.subject",
    )?;
    for Group { id, subject } in groups {
        upsert.execute(params![account, id.as_str(), subject.as_str()])?;
    }
    Ok(())
}

impl Reader {
    /// What groups are called, as far as it was told.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn subjects(&self) -> rusqlite::Result<Subjects> {
        self.with(|c, account| {
            let mut statement = c.prepare("SELECT chat, subject FROM group_subjects WHERE account = ?1 LIMIT ?2")?;
            let most = i64::try_from(GROUPS_CAPACITY).unwrap_or(i64::MAX);
            let found = statement.query_map(params![account, most], |row| {
                let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?.into());
                Ok(Group { id: text(0)?, subject: text(1)? })
            })?;
            Ok(Subjects::default().with(found.collect::<Result<_, _>>()?).unwrap_or_default())
        })
    }
}
