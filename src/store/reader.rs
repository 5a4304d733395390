//! Looks things up, on a connection that can't write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, named_params, params};

use super::keys::{self, Recent, Rows};
use super::rows::{self, COLUMNS, UNSETTLED};
use super::schema;
use crate::state::{
    AccountId, ChatId, Delivery, Fingerprint, IdempotencyKey, Lookup, Message, MessageId, Pending, Used,
};

/// The pages that a connection keeps, in KiB: little, since most look-ups are of keys that are not there, which read no page,
/// and of others the pages are as many as there are. With 64 and with 256 a flood came in no faster.
const CACHE_KIB: i64 = 32;

/// A way into the database for looking things up. Cheap to clone; clones take turns.
///
/// Its calls block for as long as SQLite takes: microseconds for what goes by a key.
#[derive(Clone, Debug)]
pub struct Reader {
    connection: Arc<Mutex<Connection>>,
    pub(super) account: AccountId,
    pub(super) path: Arc<Path>,
    recent: Recent,
}

impl Reader {
    /// Opens a database that exists already.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(path: &Path, account: AccountId) -> rusqlite::Result<Self> {
        Self::beside(path, account, Recent::default())
    }

    /// The same, of a database in which another thread writes, which keeps these keys.
    pub(super) fn beside(path: &Path, account: AccountId, recent: Recent) -> rusqlite::Result<Self> {
        Ok(Self { connection: Arc::new(Mutex::new(connect(path)?)), account, path: path.into(), recent })
    }

    /// Another way into the same database, with a connection of its own: what it does holds nobody up who has this one.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn another(&self) -> rusqlite::Result<Self> {
        Self::beside(&self.path, self.account.clone(), self.recent.clone())
    }

    pub(super) fn with<T>(&self, query: impl FnOnce(&Connection, &str) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        query(&connection, self.account.as_str())
    }

    /// Has the look-ups until [`Self::release`] see the database as it is at the first of them. Many together cost less:
    /// otherwise each takes the database's lock, and reads pages again after each commit.
    ///
    /// # Errors
    /// What SQLite says. The look-ups work all the same, but may see an earlier moment.
    pub(crate) fn hold(&self) -> rusqlite::Result<()> {
        self.with(|c, _| {
            // What could not be ended would go on showing its moment.
            if !c.is_autocommit() {
                c.execute_batch("ROLLBACK")?;
            }
            c.prepare_cached("BEGIN")?.execute([]).map(drop)
        })
    }

    /// Ends what [`Self::hold`] began, if it was not ended before.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn release(&self) -> rusqlite::Result<()> {
        self.with(|c, _| {
            if c.is_autocommit() {
                return Ok(());
            }
            // Nothing was written, so there is nothing to lose.
            let ended = c.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
            ended.map(drop).or_else(|_| c.execute_batch("ROLLBACK"))
        })
    }

    /// These columns of one message, which may be ours.
    pub(super) fn by_key<T>(
        &self,
        chat: &ChatId,
        id: &MessageId,
        columns: &str,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.with(|c, account| {
            let (chat, id) = (chat.as_str(), id.as_str());
            let mut rows = Rows::of(c, &self.recent)?;
            let mut statement = c.prepare_cached(&rows::named(columns))?;
            let mut named = |n| statement.query_row(params![n, account, chat, id], &mut read).optional();
            match rows.first(keys::of(account, chat, id), &mut named)? {
                Some(found) => Ok(Some(found)),
                None => rows.first(keys::of_ours(account, id), named),
            }
        })
    }

    /// For each of these whether it surely finds nothing in the database. All at once they cost less than one by one: in
    /// the order of their keys, neighbours share pages.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn absent(&self, lookups: &[Option<Lookup>]) -> rusqlite::Result<Vec<bool>> {
        let mut absent: Vec<_> = lookups.iter().map(Option::is_some).collect();
        if !absent.contains(&true) {
            return Ok(absent);
        }
        self.with(|c, account| {
            let mut keys = Vec::with_capacity(lookups.len());
            for (place, lookup) in lookups.iter().enumerate() {
                keys.extend(lookup.iter().flat_map(|lookup| keys::of_lookup(account, lookup)).map(|key| (key, place)));
            }
            keys.sort_unstable();
            let mut rows = Rows::of(c, &self.recent)?;
            for (key, place) in keys {
                if !rows.none_with(key)?
                    && let Some(absent) = absent.get_mut(place)
                {
                    *absent = false;
                }
            }
            Ok(())
        })?;
        Ok(absent)
    }

    /// Whether this message is in the database, unless it is ours: where it was written with our account, see
    /// [`Self::sent_message`].
    ///
    /// # Errors
    /// What SQLite says, here and in the other look-ups.
    pub fn has_message(&self, chat: &ChatId, id: &MessageId) -> rusqlite::Result<bool> {
        self.with(|c, account| {
            let mut statement = c.prepare_cached(&rows::named("1"))?;
            let key = keys::of(account, chat.as_str(), id.as_str());
            let there = |n| Ok(statement.exists(params![n, account, chat.as_str(), id.as_str()])?.then_some(()));
            Ok(Rows::of(c, &self.recent)?.first(key, there)?.is_some())
        })
    }

    /// How far this message of ours has come.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn delivery(&self, id: &MessageId) -> rusqlite::Result<Option<Box<Delivery>>> {
        Ok(self.sent_message(id)?.and_then(|m| m.delivery))
    }

    /// This message of ours.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn sent_message(&self, id: &MessageId) -> rusqlite::Result<Option<Message>> {
        self.with(|c, account| {
            let mut statement = c.prepare_cached(&rows::ours(COLUMNS))?;
            Rows::of(c, &self.recent)?.first(keys::of_ours(account, id.as_str()), |n| {
                let values = named_params! { ":n": n, ":account": account, ":id": id.as_str() };
                statement.query_row(values, rows::message).optional()
            })
        })
    }

    /// What came in about this message (edits, a revocation, reactions), oldest first; the newest `limit` of it. The
    /// message itself may be unknown.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn about(&self, chat: &ChatId, id: &MessageId, limit: usize) -> rusqlite::Result<Vec<Message>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.with(|c, account| {
            let mut statement = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages WHERE account = ?1 AND chat = ?2 AND target = ?3 ORDER BY n DESC LIMIT ?4"
            ))?;
            let found = statement.query_map(params![account, chat.as_str(), id.as_str(), limit], rows::message)?;
            let mut found = found.collect::<Result<Vec<_>, _>>()?;
            found.reverse();
            Ok(found)
        })
    }

    /// The last `count` messages, oldest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn last_messages(&self, count: usize) -> rusqlite::Result<Vec<Message>> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.with(|c, account| {
            let mut statement = c.prepare(&last())?;
            let mut found =
                statement.query_map(params![account, count], rows::message)?.collect::<Result<Vec<_>, _>>()?;
            found.reverse();
            Ok(found)
        })
    }

    /// The unsettled messages of ours, in the order in which they were accepted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn pending(&self) -> rusqlite::Result<Vec<Pending>> {
        self.with(|c, account| {
            let mut statement = c.prepare(&format!(
                "SELECT {COLUMNS}, chat_kind <> 'person' OR EXISTS
                     (SELECT 1 FROM known_chats k WHERE k.account = messages.account AND k.chat = messages.chat) AS warm
                 FROM messages WHERE account = ?1 AND {UNSETTLED} ORDER BY n"
            ))?;
            let messages =
                statement.query_map(params![account], |row| Ok((rows::message(row)?, row.get::<_, bool>("warm")?)))?;
            messages
                .filter_map(|m| match m {
                    Ok((Message { id, chat, body, delivery: Some(delivery), .. }, warm)) => {
                        Some(Ok(Pending { id, chat, text: body, delivery: *delivery, warm }))
                    }
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })
                .collect()
        })
    }

    /// Whether somebody ever wrote to us in this chat.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn knows_chat(&self, chat: &ChatId) -> rusqlite::Result<bool> {
        self.with(|c, account| {
            c.prepare_cached("SELECT 1 FROM known_chats WHERE account = ?1 AND chat = ?2")?
                .exists(params![account, chat.as_str()])
        })
    }

    /// The request that this key was used for.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn used_key(&self, key: &IdempotencyKey) -> rusqlite::Result<Option<Used>> {
        self.with(|c, account| {
            c.prepare_cached("SELECT fingerprint, message_id FROM idempotency WHERE account = ?1 AND key = ?2")?
                .query_row(params![account, key.as_str()], |row| {
                    let fingerprint = u128::from_str_radix(row.get_ref(0)?.as_str()?, 16).unwrap_or_default();
                    let id = MessageId::from(row.get_ref(1)?.as_str()?);
                    Ok(Used { fingerprint: Fingerprint(fingerprint), id })
                })
                .optional()
        })
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn setting(&self, key: &str) -> rusqlite::Result<Option<String>> {
        self.with(|c, account| {
            c.prepare_cached("SELECT value FROM settings WHERE account = ?1 AND key = ?2")?
                .query_row(params![account, key], |row| row.get(0))
                .optional()
        })
    }
}

/// A connection that can't write.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        // Not `READ_ONLY`: that could not bring in what a killed process left in the log.
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    schema::plan_once(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(8);
    Ok(connection)
}

/// The statement that finds the last messages. It goes through the table from its end: any index of accounts would have
/// all messages sorted first.
fn last() -> String {
    format!("SELECT {COLUMNS} FROM messages NOT INDEXED WHERE account = ?1 ORDER BY n DESC LIMIT ?2")
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn the_last_messages_are_found_without_sorting_all() {
        let folder = tempfile::tempdir().unwrap();
        let connection = schema::open(&folder.path().join("pilothouse.db")).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", last())).unwrap();
        let plan = statement.query_map(params!["main", 10], |row| row.get::<_, String>(3)).unwrap();
        assert_eq!(plan.map(Result::unwrap).collect::<Vec<_>>(), ["SCAN messages"]);
    }
}
