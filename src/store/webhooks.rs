//! The webhooks: what each is, and how far it has come.

use rusqlite::{Connection, params};

use super::Reader;
use crate::state::{Secret, WebhookRecord};

/// A record without a definition leaves the one that is there.
pub(super) fn keep(connection: &Connection, account: &str, record: &WebhookRecord) -> rusqlite::Result<()> {
    let WebhookRecord { name, definition, progress } = record;
    connection
        .prepare_cached(
            "INSERT INTO webhooks (account, name, definition, progress) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (account, name) DO UPDATE
             SET definition = coalesce(excluded.definition, definition), progress = excluded.progress",
        )?
        .execute(params![account, name, definition.as_ref().map(Secret::reveal), progress])?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, account: &str, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM webhooks WHERE account = ?1 AND name = ?2")?
        .execute(params![account, name])?;
    Ok(())
}

impl Reader {
    /// All webhooks, by their names.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn webhooks(&self) -> rusqlite::Result<Vec<WebhookRecord>> {
        self.with(|c, account| {
            let mut statement =
                c.prepare("SELECT name, definition, progress FROM webhooks WHERE account = ?1 ORDER BY name")?;
            let found = statement.query_map(params![account], |row| {
                Ok(WebhookRecord {
                    name: row.get(0)?,
                    definition: row.get::<_, Option<String>>(1)?.map(Secret::from),
                    progress: row.get(2)?,
                })
            })?;
            found.collect()
        })
    }
}
