//! Pages of messages and of chats.
//!
//! Each look-up has a connection of its own, for as long as it takes: it holds up neither the engine, which looks things
//! up by their keys meanwhile, nor the writing. It is given up after [`PATIENCE`].
//!
//! All lists are in the order of `n`, in which the gateway took the messages. So a page is a walk from the place where the
//! last one ended, and nothing is sorted: along the messages, those in a state, or those that the index of words has with
//! what is asked for, where chats, directions and kinds are words as well (see [`Way`]). What that does not tell apart is
//! passed over, row by row. What is not in the index of words yet is walked through itself.

use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params, params_from_iter};

use super::index::{self, MARK};
use super::near;
use super::reader::{Reader, connect};
use super::rows::{self, COLUMNS};
use crate::clock::Clock;
use crate::state::{
    ChatId, DeliveryState, Direction, Filter, Find, FindError, Found, LISTED_CHARS, Listed, ListedChat, LookUp,
    Message, MessageId, Order, Page, Place, SEARCH_WORDS,
};

/// How long a look-up may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// After so many steps of SQLite's machine the clock is looked at: some tenths of a millisecond.
const STEPS_A_LOOK: i32 = 10_000;

/// The pages that a search keeps while it lasts, in KiB.
const CACHE_KIB: i64 = 256;

impl Reader {
    /// A page of messages. Blocks, for at most two seconds or so.
    ///
    /// # Errors
    /// A [`FindError`].
    pub fn find(&self, find: &Find) -> Result<Page<Listed>, FindError> {
        self.find_near(find, near::NEAREST)
    }

    /// The same; a search looks first at so many of the nearest messages themselves, for each that a page has.
    pub(super) fn find_near(&self, find: &Find, nearest: usize) -> Result<Page<Listed>, FindError> {
        let words = find.filter.search.as_deref().map(words).transpose()?;
        self.alone(PATIENCE, |connection| messages(connection, self.account.as_str(), find, words.as_deref(), nearest))
    }

    /// A page of chats, the one with the last message first. One that gets a message meanwhile moves to the front. Blocks
    /// as [`find`](Self::find) does.
    ///
    /// # Errors
    /// A [`FindError`].
    pub fn chats(&self, after: Option<Place>, limit: usize) -> Result<Page<ListedChat>, FindError> {
        self.alone(PATIENCE, |connection| chats(connection, self.account.as_str(), after, limit))
    }

    /// What a console asks for. Blocks as [`find`](Self::find) does.
    pub fn look_up(&self, what: &LookUp) -> Found {
        match what {
            LookUp::Messages { find, behind: None } => self.find(find).map_or_else(Found::Failed, Found::Messages),
            LookUp::Messages { find, behind: Some((chat, id)) } => match (self.place(chat, id), find.order) {
                (Ok(Some(place)), _) => self.look_up(&LookUp::after(find, Some(place))),
                (Ok(None), Order::OldestFirst) => self.look_up(&LookUp::after(find, None)),
                (Ok(None), Order::NewestFirst) => {
                    Found::Messages(Page { items: Vec::new(), next: None, complete: true })
                }
                (Err(error), _) => Found::Failed(FindError::Store(error.to_string())),
            },
            LookUp::Chats { after, limit } => self.chats(*after, *limit).map_or_else(Found::Failed, Found::Chats),
            LookUp::Message { chat, id, about } => {
                let found = self.message(chat, id).and_then(|message| Ok((message, self.about(chat, id, *about)?)));
                match found {
                    Ok((message, about)) => Found::Message { message: message.map(Box::new), about },
                    Err(error) => Found::Failed(FindError::Store(error.to_string())),
                }
            }
        }
    }

    fn place(&self, chat: &ChatId, id: &MessageId) -> rusqlite::Result<Option<Place>> {
        self.by_key(chat, id, "n", |row| row.get(0).map(Place))
    }

    /// One message with all of its text.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn message(&self, chat: &ChatId, id: &MessageId) -> rusqlite::Result<Option<Message>> {
        self.by_key(chat, id, COLUMNS, rows::message)
    }

    /// On a connection of its own, in one transaction: all that is read is of one moment. It is given up after so long.
    pub(super) fn alone<T>(
        &self,
        patience: Duration,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, FindError> {
        let answer = || {
            let mut connection = connect(&self.path)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            let clock = Clock::start();
            connection.progress_handler(STEPS_A_LOOK, Some(move || clock.now().mono.elapsed() > patience))?;
            query(&*connection.transaction()?)
        };
        answer().map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => FindError::TooSlow,
            Some(_) | None => FindError::Store(error.to_string()),
        })
    }
}

fn messages(
    connection: &Connection,
    account: &str,
    find: &Find,
    words: Option<&[String]>,
    nearest: usize,
) -> rusqlite::Result<Page<Listed>> {
    let complete = words.is_none() || is_complete(connection)?;
    let Some(span) = span(connection, account, find)? else {
        return Ok(Page { items: Vec::new(), next: None, complete });
    };
    let mut found = Vec::new();
    if let Some(words) = words
        && let Some(near) = near::search(connection, account, find, words, span, nearest)?
    {
        walk(connection, by_number(&near), &mut found)?;
        if find.order == Order::NewestFirst {
            found.reverse();
        }
        return Ok(page(found, find.limit, complete));
    }
    let asked = words.map(|words| asked(&find.filter, words));
    for (way, span) in parts(connection, &find.filter, asked.as_deref(), words.is_none(), span, find.order)? {
        let more = find.limit.saturating_add(1).saturating_sub(found.len());
        if more > 0 {
            walk(connection, statement(&listed_columns(), account, find, way, span, more), &mut found)?;
        }
    }
    Ok(page(found, find.limit, complete))
}

/// Adds what a query finds, given with its values.
fn walk(
    connection: &Connection,
    (sql, values): (String, Vec<Value>),
    found: &mut Vec<(Place, Listed)>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        let place = Place(row.get("n")?);
        Ok((place, listed(row, place)?))
    })?;
    for row in rows {
        found.push(row?);
    }
    Ok(())
}

/// The query for these messages, in the order of their numbers, and its values.
fn by_number(numbers: &[i64]) -> (String, Vec<Value>) {
    let places = vec!["?"; numbers.len()].join(", ");
    let sql = format!("SELECT {} FROM messages m WHERE m.n IN ({places}) ORDER BY m.n", listed_columns());
    (sql, numbers.iter().map(|n| Value::from(*n)).collect())
}

fn chats(
    connection: &Connection,
    account: &str,
    after: Option<Place>,
    limit: usize,
) -> rusqlite::Result<Page<ListedChat>> {
    let mut statement = connection.prepare(&chats_statement())?;
    let before = after.map_or(i64::MAX, |place| place.0);
    let found = statement.query_map(params![account, before, one_more(limit)], |row| {
        let place = Place(row.get("n")?);
        let last = listed(row, place)?;
        let name = row.get_ref("chat_name")?.as_str_or_null()?.map(Into::into);
        Ok((place, ListedChat { chat: last.message.chat.clone(), name, last }))
    })?;
    Ok(page(found.collect::<Result<_, _>>()?, limit, is_complete(connection)?))
}

pub(super) fn chats_statement() -> String {
    format!(
        "SELECT {}, m.n AS n, c.name AS chat_name FROM chats c CROSS JOIN messages m ON m.n = c.last_n
         WHERE c.account = ?1 AND c.last_n < ?2 ORDER BY c.last_n DESC LIMIT ?3",
        columns()
    )
}

/// Whether all messages are in the index.
fn is_complete(connection: &Connection) -> rusqlite::Result<bool> {
    let last: Option<i64> = connection.query_row("SELECT max(n) FROM messages", [], |row| row.get(0))?;
    Ok(last.unwrap_or(0) <= index::upto(connection)?)
}

/// The numbers between which all messages are that can be meant, both included; none: there are no such messages.
fn span(connection: &Connection, account: &str, find: &Find) -> rusqlite::Result<Option<(i64, i64)>> {
    let Filter { from, to, .. } = find.filter;
    let (mut first, mut last) = (i64::MIN, i64::MAX);
    if from.is_some() || to.is_some() {
        // Messages come in about in the order of their times: those of some hours lie close together.
        let hours = (
            from.map_or(i64::MIN, |at| index::hour(at.as_millis())),
            to.map_or(i64::MAX, |at| index::hour(at.as_millis())),
        );
        let found: (Option<i64>, Option<i64>) = connection.query_row(
            "SELECT min(first_n), max(last_n) FROM message_hours WHERE account = ?1 AND hour BETWEEN ?2 AND ?3",
            params![account, hours.0, hours.1],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if is_complete(connection)? {
            let (Some(low), Some(high)) = found else { return Ok(None) };
            (first, last) = (low, high);
        } else {
            first = found.0.unwrap_or(i64::MAX).min(index::upto(connection)?.saturating_add(1));
        }
    }
    match (find.order, find.after) {
        (Order::NewestFirst, Some(Place(n))) => last = last.min(n.saturating_sub(1)),
        (Order::OldestFirst, Some(Place(n))) => first = first.max(n.saturating_add(1)),
        (Order::NewestFirst | Order::OldestFirst, None) => {}
    }
    Ok((first <= last).then_some((first, last)))
}

/// What a page walks along.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// The messages themselves.
    All,
    /// Those of the filter's state.
    State,
    /// Those of which the index of words has all that is asked for (see [`asked`]), and what of the filter is a word there.
    Words(&'a [String]),
}

/// The ways that a page takes, one after the other, each with the numbers that it is for. What is not sorted in yet has its
/// turn when all messages are wanted.
pub(super) fn parts<'a>(
    connection: &Connection,
    filter: &Filter,
    asked: Option<&'a [String]>,
    all: bool,
    (first, last): (i64, i64),
    order: Order,
) -> rusqlite::Result<Vec<(Way<'a>, (i64, i64))>> {
    let way = asked.map_or_else(|| way(filter), Way::Words);
    if !(all && matches!(way, Way::Words(_))) {
        return Ok(vec![(way, (first, last))]);
    }
    let upto = index::upto(connection)?;
    let mut parts = vec![(way, (first, last.min(upto))), (Way::All, (first.max(upto.saturating_add(1)), last))];
    parts.retain(|(_, (first, last))| first <= last);
    if order == Order::NewestFirst {
        parts.reverse();
    }
    Ok(parts)
}

/// The way of a page without a search: along what few messages have in common before what many have.
fn way(filter: &Filter) -> Way<'static> {
    // A message of ours does not stay in these.
    let passing = filter
        .state
        .is_some_and(|state| !matches!(state, DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read));
    let common = filter.kind.as_deref().is_none_or(|kind| kind == "text");
    if passing || filter.state.is_some() && filter.chat.is_none() && common {
        Way::State
    } else if filter.chat.is_some() || filter.direction.is_some() || filter.kind.is_some() {
        Way::Words(&[])
    } else {
        Way::All
    }
}

/// The query for these columns of so many messages, and its values. The words and the texts of callers are values, never
/// part of the query.
pub(super) fn statement(
    columns: &str,
    account: &str,
    find: &Find,
    way: Way<'_>,
    span: (i64, i64),
    limit: usize,
) -> (String, Vec<Value>) {
    let (table, n) = match way {
        Way::All => ("messages m NOT INDEXED", "m.n"),
        Way::State => ("messages m INDEXED BY messages_state", "m.n"),
        Way::Words(_) => ("message_text t CROSS JOIN messages m ON m.n = t.rowid", "t.rowid"),
    };
    let (mut conditions, mut values) = conditions(account, &find.filter, n, span);
    if let Way::Words(asked) = way {
        values.push(matching(account, &find.filter, asked).into());
        conditions.push_str(&format!(" AND message_text MATCH ?{}", values.len()));
    }
    let (order, limit) = (direction(find.order), i64::try_from(limit).unwrap_or(i64::MAX));
    let sql = format!("SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {n} {order} LIMIT {limit}");
    (sql, values)
}

/// What is asked of `messages m`, whose number is also `n`, by all of a filter but its words; and the values of that.
pub(super) fn conditions(account: &str, filter: &Filter, n: &str, (first, last): (i64, i64)) -> (String, Vec<Value>) {
    let Filter { chat, direction, state, kind, from, to, .. } = filter;
    let text = |text: &str| Value::from(text.to_owned());
    let all = [
        Some(("m.account =", text(account))),
        Some((&*format!("{n} >="), first.into())),
        Some((&*format!("{n} <="), last.into())),
        chat.as_ref().map(|chat| ("m.chat =", text(chat.as_str()))),
        direction.map(|direction| ("m.direction =", text(direction.as_str()))),
        state.map(|state| ("m.state =", text(state.as_str()))),
        kind.as_ref().map(|kind| ("m.kind =", text(kind))),
        from.map(|from| ("m.at >=", from.as_millis().into())),
        to.map(|to| ("m.at <", to.as_millis().into())),
    ];
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    for (condition, value) in all.into_iter().flatten() {
        values.push(value);
        conditions.push(format!("{condition} ?{}", values.len()));
    }
    (conditions.join(" AND "), values)
}

/// The same for SQLite.
pub(super) const fn direction(order: Order) -> &'static str {
    match order {
        Order::NewestFirst => "DESC",
        Order::OldestFirst => "ASC",
    }
}

/// What the index of words is asked: this, and what of the filter is a word as well.
fn matching(account: &str, filter: &Filter, asked: &[String]) -> String {
    let chat = filter.chat.as_ref().map(|chat| index::chat_word(account, chat.as_str()));
    // No others than ours have a state.
    let direction = filter.direction.or(filter.state.map(|_| Direction::Out));
    let direction = direction.map(|direction| index::direction_word(direction.as_str()));
    let kind = filter.kind.as_ref().map(|kind| index::kind_word(kind));
    let all: Vec<_> = [chat, direction, kind].into_iter().flatten().map(|word| quoted(&word)).collect();
    [asked, &all].concat().join(" AND ")
}

pub(super) fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

/// Each word in quotes, the last one as a beginning, unless a space says that it has ended; or all as beginnings.
pub(super) fn asked(filter: &Filter, words: &[String]) -> Vec<String> {
    let mut all: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    let ended = filter.search.as_deref().is_some_and(|search| search.ends_with(char::is_whitespace));
    if filter.beginnings {
        all.iter_mut().for_each(|word| word.push('*'));
    } else if let (Some(last), false) = (all.last_mut(), ended) {
        last.push('*');
    }
    all
}

/// The words of a search, as the index has them: found by the same tokenizer, since a word in quotes that it takes apart
/// could not be asked for.
fn words(search: &str) -> Result<Vec<String>, FindError> {
    let tokens = || -> rusqlite::Result<Vec<String>> {
        let memory = in_memory("detail = full")?;
        memory.execute_batch("CREATE VIRTUAL TABLE v USING fts5vocab (t, instance)")?;
        memory.execute("INSERT INTO t (rowid, text) VALUES (1, ?1)", [search])?;
        // An accent that stands alone is a word without letters.
        let mut statement = memory.prepare("SELECT term FROM v WHERE term IS NOT NULL ORDER BY \"offset\"")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let mut words = tokens().map_err(|error| FindError::Store(error.to_string()))?;
    words.retain(|word| word.chars().any(char::is_alphanumeric) && !word.contains(MARK));
    match words.len() {
        0 => Err(FindError::NoWords),
        1..=SEARCH_WORDS => Ok(words),
        n => Err(FindError::TooManyWords(n)),
    }
}

/// An index `t` of words with the tokenizer of the one in the database, without the texts, that goes when it is dropped.
pub(super) fn in_memory(options: &str) -> rusqlite::Result<Connection> {
    let memory = Connection::open_in_memory()?;
    memory.execute_batch(&format!(
        "CREATE VIRTUAL TABLE t USING fts5 (
             text, content = '', {options}, tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co M*'\"
         )"
    ))?;
    Ok(memory)
}

/// The columns of a message whose text is cut, with one character more than is told.
fn columns() -> String {
    let column = |name: &str| match name {
        "body" => format!("substr(m.body, 1, {}) AS body", LISTED_CHARS + 1),
        _ => format!("m.{name} AS {name}"),
    };
    COLUMNS.split(", ").map(column).collect::<Vec<_>>().join(", ")
}

/// The same, and the number.
pub(super) fn listed_columns() -> String {
    format!("{}, m.n AS n", columns())
}

fn listed(row: &Row<'_>, place: Place) -> rusqlite::Result<Listed> {
    let mut message = rows::message(row)?;
    let cut = message.body.char_indices().nth(LISTED_CHARS).map(|(at, _)| at);
    if let Some(head) = cut.and_then(|at| message.body.get(..at)) {
        message.body = head.into();
    }
    Ok(Listed { message, truncated: cut.is_some(), place })
}

/// One more than is told is looked for: it says whether there is a next page.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

fn page<T>(mut found: Vec<(Place, T)>, limit: usize, complete: bool) -> Page<T> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|(place, _)| *place) } else { None };
    Page { items: found.into_iter().map(|(_, item)| item).collect(), next, complete }
}
