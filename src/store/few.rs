//! A search among the messages of ours that are in one state, such as those that failed.
//!
//! The index of words knows no states, since they change: all messages that have the words, which may be nearly all there
//! are, would be looked at for the few in that state. So these are taken from the index of states, and their texts are
//! sorted into an index of words of their own, in memory, which is asked the same.

use rusqlite::{Connection, params, params_from_iter};

use super::find::{asked, conditions, direction, in_memory, one_more};
use crate::state::{DeliveryState, Find};

/// So many are few: sorting in their texts takes some ten milliseconds. Where there are more, those that have the words
/// as well are soon met, unless words and state avoid one another.
const FEW: i64 = 2_000;

/// With more bytes of text than this they are not few.
const FEW_BYTES: usize = 1 << 20;

/// The first and the last number of messages.
type Span = (i64, i64);

/// The messages that are found, one more than a page has, in its order; none: they are not few. Beside it the narrower
/// span that all messages in this state are in.
pub(super) fn search(
    connection: &Connection,
    account: &str,
    (find, state): (&Find, DeliveryState),
    words: &[String],
    span: Span,
) -> rusqlite::Result<(Option<Vec<i64>>, Span)> {
    let Some((count, span)) = count(connection, account, state, span)? else { return Ok((Some(Vec::new()), span)) };
    if count > FEW {
        return Ok((None, span));
    }
    let memory = in_memory()?;
    if !sort_in(connection, account, find, span, &memory)? {
        return Ok((None, span));
    }
    let (order, limit) = (direction(find.order), one_more(find.limit));
    let found = memory
        .prepare(&format!("SELECT rowid FROM t WHERE t MATCH ?1 ORDER BY rowid {order} LIMIT {limit}"))?
        .query_map([asked(&find.filter, words).join(" AND ")], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((Some(found), span))
}

/// How many messages are in this state, of which no more are counted than it takes, and from where to where they are.
fn count(
    connection: &Connection,
    account: &str,
    state: DeliveryState,
    span: Span,
) -> rusqlite::Result<Option<(i64, Span)>> {
    let of = "FROM messages INDEXED BY messages_state WHERE account = ?1 AND state = ?2 AND n BETWEEN ?3 AND ?4";
    let sql = format!(
        "SELECT (SELECT count(*) FROM (SELECT 1 {of} LIMIT {})), (SELECT min(n) {of}), (SELECT max(n) {of})",
        FEW + 1
    );
    connection.prepare(&sql)?.query_row(params![account, state.as_str(), span.0, span.1], |row| {
        let (first, last): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        let count = row.get(0)?;
        Ok(first.zip(last).map(|span| (count, span)))
    })
}

/// Sorts in the texts of those that are meant but for the words. Returns false when they are too long.
fn sort_in(
    connection: &Connection,
    account: &str,
    find: &Find,
    span: Span,
    memory: &Connection,
) -> rusqlite::Result<bool> {
    let (conditions, values) = conditions(account, &find.filter, "m.n", span);
    let sql = format!("SELECT m.n, m.body FROM messages m INDEXED BY messages_state WHERE {conditions}");
    let transaction = memory.unchecked_transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO t (rowid, text) VALUES (?1, ?2)")?;
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let text = row.get_ref(1)?.as_str()?;
            bytes += text.len();
            if bytes > FEW_BYTES {
                return Ok(false);
            }
            insert.execute(params![row.get::<_, i64>(0)?, text])?;
        }
    }
    transaction.commit()?;
    Ok(true)
}
