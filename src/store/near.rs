//! What of a search is found by looking at the nearest messages themselves.
//!
//! The index of words is quick at whole words. The beginning of many makes it go through all messages that have one, which
//! may be nearly all there are, to sort them; and it does not know states, so it would go through all that have the words
//! for the few in a state. Just then a page is soon full, or the few are soon looked at. So the texts of the nearest
//! messages that can be meant are sorted into an index of words of their own, in memory, which is asked the same; and the
//! large one only when that does not fill the page, nor were these all.

use rusqlite::{Connection, params, params_from_iter};

use super::find::{asked, direction, in_memory, one_more, parts, quoted, statement};
use crate::state::Find;

/// For each message that a page has so many are looked at: some ten milliseconds for a page of fifty. Of those in one state
/// four times as many, since these may all be meant, and be far apart.
pub(super) const NEAREST: usize = 5;

/// After so many bytes of text no further one is looked at.
const BYTES: usize = 1 << 20;

/// The messages that are found, one more than a page has, in its order; none: there may be others.
pub(super) fn search(
    connection: &Connection,
    account: &str,
    find: &Find,
    words: &[String],
    span: (i64, i64),
    nearest: usize,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let nearest = nearest.saturating_mul(find.limit);
    let asks = asked(&find.filter, words);
    let most = match find.filter.state {
        Some(_) => nearest.saturating_mul(4),
        None if asks.iter().any(|word| word.ends_with('*')) => nearest,
        None => return Ok(None),
    };
    // Those with the words before the last one, when these are to be there as they are.
    let whole: Vec<_> = match words {
        [whole @ .., _] if !find.filter.beginnings && find.filter.state.is_none() => {
            whole.iter().map(|word| quoted(word)).collect()
        }
        _ => Vec::new(),
    };
    let memory = in_memory("detail = none, columnsize = 0")?;
    let all = sort_in(connection, account, find, (!whole.is_empty()).then_some(&*whole), span, (most, &memory))?;
    let (order, limit) = (direction(find.order), one_more(find.limit));
    let found: Vec<_> = memory
        .prepare(&format!("SELECT rowid FROM t WHERE t MATCH ?1 ORDER BY rowid {order} LIMIT {limit}"))?
        .query_map([asks.join(" AND ")], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((all || found.len() > find.limit).then_some(found))
}

/// Sorts in the texts of the nearest messages that can be meant. Returns whether these are all.
fn sort_in(
    connection: &Connection,
    account: &str,
    find: &Find,
    whole: Option<&[String]>,
    span: (i64, i64),
    (most, memory): (usize, &Connection),
) -> rusqlite::Result<bool> {
    let transaction = memory.unchecked_transaction()?;
    let mut all = true;
    {
        let mut insert = transaction.prepare("INSERT INTO t (rowid, text) VALUES (?1, ?2)")?;
        let (mut count, mut bytes) = (0, 0);
        for (way, span) in parts(connection, &find.filter, whole, true, span, find.order)? {
            let (sql, values) = statement("m.n, m.body", account, find, way, span, most - count);
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                let text = row.get_ref(1)?.as_str()?;
                insert.execute(params![row.get::<_, i64>(0)?, text])?;
                (count, bytes) = (count + 1, bytes + text.len());
                if bytes >= BYTES {
                    break;
                }
            }
            if count == most || bytes >= BYTES {
                all = false;
                break;
            }
        }
    }
    transaction.commit()?;
    Ok(all)
}
