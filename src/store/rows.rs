//! Rows and what they mean.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Statement, named_params, params};

use super::keys::{self, Entry, Merger, Rows};
use crate::clock::Timestamp;
use crate::protocol::ChatKind;
use crate::state::{Chat, ChatId, Delivery, DeliveryState, Direction, Failure, Message, MessageId, Target, Times};

pub(super) const COLUMNS: &str = "id, direction, chat, chat_kind, phone, lid, sender, name, kind, body, at, state, \
     attempts, queued_at, dispatched_at, sent_at, delivered_at, read_at, failed_at, failure_code, failure_text, \
     failure_retryable, expires_at, expired_at, cancelled_at, target, target_from_me";

/// Where a column is among [`COLUMNS`], which come first in every statement whose rows are read here: found when this is
/// compiled, since looking for the name in each row takes longer than all else.
macro_rules! at {
    ($name:literal) => {
        const { place($name) }
    };
}

#[expect(clippy::indexing_slicing, clippy::panic, reason = "it runs when this is compiled, and fails there")]
const fn place(name: &str) -> usize {
    let (all, name) = (COLUMNS.as_bytes(), name.as_bytes());
    let (mut start, mut count) = (0, 0);
    while start < all.len() {
        let mut length = 0;
        while start + length < all.len() && all[start + length] != b',' {
            length += 1;
        }
        let mut same = length == name.len();
        let mut i = 0;
        while same && i < length {
            same = all[start + i] == name[i];
            i += 1;
        }
        if same {
            return count;
        }
        start += length + 2;
        count += 1;
    }
    panic!("there is no such column")
}

/// The place of the id, which every message has.
pub(super) const ID: usize = at!("id");

/// How many there are: the place of whatever comes after them.
pub(super) const WIDTH: usize = at!("target_from_me") + 1;

/// The messages of ours whose outcome is not known.
pub(super) const UNSETTLED: &str = "state IN ('queued', 'dispatched')";

/// The statement that reads a message from a row that has its key, if what names it is there as well, since keys may
/// coincide; with four values.
pub(super) fn named(columns: &str) -> String {
    format!("SELECT {columns} FROM messages WHERE n = ?1 AND account = ?2 AND chat = ?3 AND id = ?4")
}

/// That a row which has the key of a message of ours has what names it as well; with these names of values.
macro_rules! ours {
    () => {
        "n = :n AND account = :account AND id = :id AND direction = 'out'"
    };
}

/// The statement that reads a message of ours from a row that has its key.
pub(super) fn ours(columns: &str) -> String {
    format!(concat!("SELECT {} FROM messages WHERE ", ours!()), columns)
}

const INSERT: &str = "INSERT INTO messages (account, chat, id, direction, chat_kind, phone, lid, sender, \
     name, kind, body, at, state, attempts, queued_at, expires_at, target, target_from_me) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

pub(super) const UPDATE: &str = concat!(
    "UPDATE messages SET state = :state, attempts = :attempts, queued_at = :queued_at, \
     dispatched_at = :dispatched_at, sent_at = :sent_at, delivered_at = :delivered_at, read_at = :read_at, \
     failed_at = :failed_at, expired_at = :expired_at, cancelled_at = :cancelled_at, failure_code = :failure_code, \
     failure_text = :failure_text, failure_retryable = :failure_retryable WHERE ",
    ours!(),
    " RETURNING chat, chat_kind, phone, lid"
);

/// What is told of something, as JSON in one line.
pub(super) fn json(event: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(event).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// What adds messages, made ready once for all of a transaction.
pub(super) struct Insert<'a> {
    connection: &'a Connection,
    account: &'a str,
    keys: Rows<'a>,
    /// Whether a message may be there already: as it is named, and as one of ours.
    exists: Option<(CachedStatement<'a>, CachedStatement<'a>)>,
    insert: CachedStatement<'a>,
    /// The keys of what was inserted, with the numbers of the rows.
    pub(super) added: Vec<Entry>,
}

impl<'a> Insert<'a> {
    /// With `check`, each message is looked up first.
    ///
    /// By a statement of its own: one that did both could change several rows, and SQLite would keep what it changes to
    /// undo it.
    pub(super) fn new(
        connection: &'a Connection,
        account: &'a str,
        keys: &Merger,
        check: bool,
    ) -> rusqlite::Result<Self> {
        let exists = if check {
            Some((connection.prepare_cached(&named("1"))?, connection.prepare_cached(&ours("1"))?))
        } else {
            None
        };
        let insert = connection.prepare_cached(INSERT)?;
        let keys = keys.rows(connection)?;
        Ok(Self { connection, account, keys, exists, insert, added: Vec::new() })
    }

    /// Inserts a message. Returns its number; none: it is there already.
    pub(super) fn message(&mut self, message: &Message) -> rusqlite::Result<Option<i64>> {
        let account = self.account;
        let (chat, id) = (message.chat.id.as_str(), message.id.as_str());
        let ours = message.direction == Direction::Out;
        let key = if ours { keys::of_ours(account, id) } else { keys::of(account, chat, id) };
        if let Some((exists, exists_as_ours)) = &mut self.exists {
            let there = |n| Ok(exists.exists(params![n, account, chat, id])?.then_some(()));
            if self.keys.first_of(&self.added, key, there)?.is_some() {
                return Ok(None);
            }
            // One of ours comes back as written with our account, and has no key but that of ours.
            if message.direction == Direction::OutElsewhere {
                let there = |n| {
                    let values = named_params! { ":n": n, ":account": account, ":id": id };
                    Ok(exists_as_ours.exists(values)?.then_some(()))
                };
                if self.keys.first_of(&self.added, keys::of_ours(account, id), there)?.is_some() {
                    return Ok(None);
                }
            }
        }
        let delivery = message.delivery.as_ref();
        self.insert.execute(params![
            account,
            chat,
            id,
            message.direction.as_str(),
            message.chat.kind.as_str(),
            message.chat.phone.as_ref().map(|p| p.as_str()),
            message.chat.lid.as_deref(),
            &*message.from,
            message.name.as_deref(),
            &*message.kind,
            &*message.body,
            message.at.as_millis(),
            delivery.map(|d| d.state.as_str()),
            delivery.map_or(0, |d| d.attempts),
            delivery.and_then(|d| d.times.queued_at).map(Timestamp::as_millis),
            delivery.and_then(|d| d.expires_at).map(Timestamp::as_millis),
            message.target.as_ref().map(|t| t.id.as_str()),
            message.target.as_ref().map(|t| t.from_me),
        ])?;
        let n = self.connection.last_insert_rowid();
        self.added.push(keys::entry(key, n)?);
        Ok(Some(n))
    }

    /// Writes how far a message of ours has come. Returns its chat; none: it is not kept any more.
    pub(super) fn update(&mut self, id: &MessageId, delivery: &Delivery) -> rusqlite::Result<Option<Chat>> {
        let mut statement = self.connection.prepare_cached(UPDATE)?;
        let key = keys::of_ours(self.account, id.as_str());
        self.keys.first_of(&self.added, key, |n| update(&mut statement, n, self.account, id, delivery))
    }
}

/// Writes how far the message of ours in this row has come. Returns its chat; none: it is not there.
fn update(
    statement: &mut Statement<'_>,
    n: i64,
    account: &str,
    id: &MessageId,
    delivery: &Delivery,
) -> rusqlite::Result<Option<Chat>> {
    let ms = |t: Option<Timestamp>| t.map(Timestamp::as_millis);
    let Times { queued_at, dispatched_at, sent_at, delivered_at, read_at, failed_at, expired_at, cancelled_at } =
        delivery.times;
    let parameters = named_params! {
        ":n": n,
        ":account": account,
        ":id": id.as_str(),
        ":state": delivery.state.as_str(),
        ":attempts": delivery.attempts,
        ":queued_at": ms(queued_at),
        ":dispatched_at": ms(dispatched_at),
        ":sent_at": ms(sent_at),
        ":delivered_at": ms(delivered_at),
        ":read_at": ms(read_at),
        ":failed_at": ms(failed_at),
        ":expired_at": ms(expired_at),
        ":cancelled_at": ms(cancelled_at),
        ":failure_code": delivery.failure.as_ref().and_then(|f| f.code),
        ":failure_text": delivery.failure.as_ref().map(|f| &*f.text),
        ":failure_retryable": delivery.failure.as_ref().map(|f| f.retryable),
    };
    statement.query_row(parameters, |row| chat(row, 0)).optional()
}

/// The message of a row with [`COLUMNS`]. A word that this version does not know reads as the most general one.
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let direction = match row.get_ref(at!("direction"))?.as_str()? {
        "out" => Direction::Out,
        "out_elsewhere" => Direction::OutElsewhere,
        _ => Direction::In,
    };
    Ok(Message {
        id: MessageId::from(row.get_ref(at!("id"))?.as_str()?),
        direction,
        chat: chat(row, at!("chat"))?,
        from: row.get_ref(at!("sender"))?.as_str()?.into(),
        name: row.get_ref(at!("name"))?.as_str_or_null()?.map(Into::into),
        kind: row.get_ref(at!("kind"))?.as_str()?.into(),
        target: target(row)?.map(Box::new),
        body: row.get_ref(at!("body"))?.as_str()?.into(),
        at: Timestamp::from_millis(row.get(at!("at"))?),
        delivery: delivery(row)?.map(Box::new),
    })
}

/// The chat of a row in which `chat, chat_kind, phone, lid` begin at this column.
fn chat(row: &Row<'_>, first: usize) -> rusqlite::Result<Chat> {
    let kind = row.get_ref(first + 1)?.as_str()?.to_owned();
    let kind = [ChatKind::Person, ChatKind::Group, ChatKind::Status, ChatKind::Broadcast, ChatKind::Newsletter]
        .into_iter()
        .find(|k| k.as_str() == kind)
        .unwrap_or_default();
    Ok(Chat {
        id: ChatId::from(row.get_ref(first)?.as_str()?),
        kind,
        phone: row.get_ref(first + 2)?.as_str_or_null()?.and_then(|p| p.parse().ok()),
        lid: row.get_ref(first + 3)?.as_str_or_null()?.map(Into::into),
    })
}

fn target(row: &Row<'_>) -> rusqlite::Result<Option<Target>> {
    let Some(id) = row.get_ref(at!("target"))?.as_str_or_null()? else { return Ok(None) };
    let from_me = row.get::<_, Option<bool>>(at!("target_from_me"))?.unwrap_or(false);
    Ok(Some(Target { id: MessageId::from(id), from_me }))
}

/// How far the message of a row with [`COLUMNS`] has come, when it is ours.
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Option<Delivery>> {
    let Some(state) = row.get_ref(at!("state"))?.as_str_or_null()?.and_then(DeliveryState::from_word) else {
        return Ok(None);
    };
    let time = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis));
    let failure = match row.get_ref(at!("failure_text"))?.as_str_or_null()? {
        Some(text) => Some(Failure {
            code: row.get(at!("failure_code"))?,
            text: text.into(),
            retryable: row.get::<_, Option<bool>>(at!("failure_retryable"))?.unwrap_or(false),
        }),
        None => None,
    };
    Ok(Some(Delivery {
        state,
        times: Times {
            queued_at: time(at!("queued_at"))?,
            dispatched_at: time(at!("dispatched_at"))?,
            sent_at: time(at!("sent_at"))?,
            delivered_at: time(at!("delivered_at"))?,
            read_at: time(at!("read_at"))?,
            failed_at: time(at!("failed_at"))?,
            expired_at: time(at!("expired_at"))?,
            cancelled_at: time(at!("cancelled_at"))?,
        },
        attempts: row.get(at!("attempts"))?,
        expires_at: time(at!("expires_at"))?,
        failure,
    }))
}
