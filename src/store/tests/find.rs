//! Finding messages and chats, as callers page through them.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;

use super::keys::{Merger, Recent};
use super::*;
use crate::clock::Clock;
use crate::state::{Filter, Find, FindError, Found, LISTED_CHARS, ListedChat, LookUp, Order, Page, Place};
use crate::store::find::{Way, listed_columns, statement};

const HOUR: i64 = 60 * 60 * 1_000;

/// A database that is written to directly, and a reader of it.
struct Database {
    _folder: tempfile::TempDir,
    connection: Connection,
    reader: Reader,
}

/// What matters about a message here.
#[derive(Clone, Debug, Default)]
struct Row {
    chat: u8,
    direction: u8,
    state: u8,
    kind: u8,
    hours: i64,
    body: String,
}

impl Row {
    fn text(body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::default() }
    }

    fn chat(&self) -> String {
        format!("{}@s.whatsapp.net", self.chat)
    }

    fn direction(&self) -> Direction {
        [Direction::In, Direction::Out, Direction::OutElsewhere][usize::from(self.direction) % 3]
    }

    fn state(&self) -> Option<DeliveryState> {
        let states = [DeliveryState::Queued, DeliveryState::Failed, DeliveryState::Sent, DeliveryState::Read];
        (self.direction() == Direction::Out).then(|| states[usize::from(self.state) % 4])
    }

    fn kind(&self) -> &'static str {
        ["text", "image", "reaction"][usize::from(self.kind) % 3]
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(AT.as_millis() + self.hours * HOUR)
    }

    fn is_meant(&self, filter: &Filter) -> bool {
        filter.chat.as_ref().is_none_or(|chat| chat.as_str() == self.chat())
            && filter.direction.is_none_or(|direction| direction == self.direction())
            && filter.state.is_none_or(|state| Some(state) == self.state())
            && filter.kind.as_deref().is_none_or(|kind| kind == self.kind())
            && filter.from.is_none_or(|from| self.at() >= from)
            && filter.to.is_none_or(|to| self.at() < to)
            && filter.search.as_deref().is_none_or(|search| {
                let (whole, last) = search.rsplit_once(' ').unwrap_or(("", search));
                let words: Vec<_> = self.body.split(' ').collect();
                whole.split_terminator(' ').all(|word| words.contains(&word))
                    && words.iter().any(|w| w.starts_with(last))
            })
    }
}

impl Database {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pilothouse.db");
        let connection = schema::open(&path).unwrap();
        let reader = Reader::open(&path, AccountId::main()).unwrap();
        Self { _folder: folder, connection, reader }
    }

    /// Adds messages without taking them into the index.
    fn add(&self, rows: &[Row]) {
        let transaction = self.connection.unchecked_transaction().unwrap();
        for row in rows {
            let id = format!("{:016x}", fastrand::u64(..));
            transaction
                .prepare_cached(
                    "INSERT INTO messages (account, chat, direction, chat_kind, sender, name, kind, body, at, state, id)
                     VALUES ('main', ?1, ?2, 'person', '', ?3, ?4, ?5, ?6, ?7, ?8)",
                )
                .unwrap()
                .execute(rusqlite::params![
                    row.chat(),
                    row.direction().as_str(),
                    format!("Name {}", row.chat),
                    row.kind(),
                    row.body,
                    row.at().as_millis(),
                    row.state().map(DeliveryState::as_str),
                    id,
                ])
                .unwrap();
            let key = keys::of("main", &row.chat(), &id);
            keys::add(&transaction, key, transaction.last_insert_rowid());
        }
        transaction.commit().unwrap();
    }

    fn index(&mut self) {
        while index::step(&mut self.connection, index::REST_ROWS).unwrap() {}
    }

    /// The texts of all messages that are meant, as they are paged through.
    fn all(&self, filter: &Filter, order: Order, limit: usize) -> Vec<String> {
        self.all_near(filter, order, limit, 1_000)
    }

    fn all_near(&self, filter: &Filter, order: Order, limit: usize, nearest: usize) -> Vec<String> {
        let (mut texts, mut after) = (Vec::new(), None);
        loop {
            let find = Find { filter: filter.clone(), order, after, limit };
            let page = self.reader.find_near(&find, nearest).unwrap();
            assert!(page.items.len() <= limit);
            texts.extend(page.items.iter().map(|listed| listed.message.body.to_string()));
            after = page.next;
            if after.is_none() {
                return texts;
            }
        }
    }

    fn search(&self, search: &str) -> Result<Vec<String>, FindError> {
        let filter = Filter { search: Some(search.into()), ..Filter::default() };
        let page = self.reader.find(&Find { filter, limit: 50, ..Find::default() })?;
        Ok(page.items.iter().map(|listed| listed.message.body.to_string()).collect())
    }

    fn first_page(&self, limit: usize) -> Page<crate::state::Listed> {
        self.reader.find(&Find { limit, ..Find::default() }).unwrap()
    }

    fn plan(&self, sql: &str, values: usize) -> String {
        let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![rusqlite::types::Null; values];
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, max_age: Duration, now: i64) {
        let retention =
            Retention { max_age: Some(max_age), max_bytes: None, look_every: max_age, clock: Clock::start() };
        let mut keys = Merger::new(Recent::default());
        while retention::step(&mut self.connection, &mut keys, &retention, Timestamp::from_millis(now)).unwrap() {}
    }
}

fn texts(page: &Page<crate::state::Listed>) -> Vec<&str> {
    page.items.iter().map(|listed| &*listed.message.body).collect()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..3_u8, 0..3_u8, 0..4_u8, 0..3_u8, -3..3_i64, "(ana|anna|banana|be)( be| ana)?");
    let row =
        row.prop_map(|(chat, direction, state, kind, hours, body)| Row { chat, direction, state, kind, hours, body });
    proptest::collection::vec(row, 0..40)
}

fn filter() -> impl Strategy<Value = Filter> {
    let some = proptest::option::of::<BoxedStrategy<u8>>;
    let time = || proptest::option::of((-4..4_i64).prop_map(|h| Row { hours: h, ..Row::default() }.at()));
    let any = || some((0..4_u8).boxed());
    (any(), any(), any(), any(), time(), time(), proptest::option::of("(|be |ana be )(an|ana|be|x)")).prop_map(
        |(chat, direction, state, kind, from, to, search)| Filter {
            chat: chat.map(|chat| Row { chat, ..Row::default() }.chat().into()),
            direction: direction.map(|direction| Row { direction, ..Row::default() }.direction()),
            state: state.and_then(|state| Row { direction: 1, state, ..Row::default() }.state()),
            kind: kind.map(|kind| Row { kind, ..Row::default() }.kind().into()),
            from,
            to,
            search: search.map(Into::into),
            beginnings: false,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paging_gives_each_message_that_is_meant_once_and_no_other(
        rows in rows(), filters in proptest::collection::vec(filter(), 8), limit in 1..7_usize, late in 0..3_usize,
        nearest in 0..5_usize
    ) {
        let mut database = Database::new();
        let rows: Vec<_> = rows.into_iter().enumerate().map(|(n, mut row)| {
            row.body.push_str(&format!(" n{n}"));
            row
        }).collect();
        let late = if late == 0 { rows.len() / 2 } else { 0 };
        let nearest = if late > 0 && nearest > 0 { 1_000 } else { nearest };
        let (first, last) = rows.split_at(rows.len() - late);
        database.add(first);
        database.index();
        // Not in the index: a search finds those that are near, and is told so. All else is as complete as ever.
        database.add(last);
        for filter in filters {
            let whole = filter.search.as_deref().is_none_or(|search| search.ends_with(' '));
            let rows = if filter.search.is_some() && (nearest == 0 || whole) { first } else { &rows };
            let meant: Vec<_> = rows.iter().filter(|row| row.is_meant(&filter)).map(|row| row.body.clone()).collect();
            let found = database.all_near(&filter, Order::OldestFirst, limit, nearest);
            prop_assert_eq!(&found, &meant, "{:?}", filter);
            let mut backwards = database.all_near(&filter, Order::NewestFirst, limit, nearest);
            backwards.reverse();
            prop_assert_eq!(backwards, meant, "{:?}", filter);
        }
    }

    #[test]
    fn no_search_is_syntax_and_none_fails(search in "\\PC{0,40}") {
        let mut database = Database::new();
        database.add(&[Row::text(&search)]);
        database.index();
        match database.search(&search) {
            Ok(found) => prop_assert_eq!(found, vec![search]),
            Err(error) => prop_assert!(matches!(error, FindError::NoWords | FindError::TooManyWords(_)), "{}", error),
        }
    }
}

#[test]
fn all_words_must_be_there_and_the_last_one_may_be_a_beginning() {
    let mut database = Database::new();
    database.add(&[
        Row::text("Good morning, Ana"),
        Row::text("good evening"),
        Row::text("CAFÉ \"con\" leche* NEAR(x y) OR"),
        Row::text("مرحبا بالعالم"),
        Row::text("Привет, мир"),
        Row::text("हिन्दी में"),
        Row::text("東京都"),
        Row::text("hi👍🏽 there"),
        Row::text("O'Brien-Smith at a.b@example.com"),
    ]);
    database.index();
    let found = |search: &str, want: &[&str]| {
        let found = database.search(search).unwrap();
        assert!(
            found.len() == want.len() && found.iter().zip(want).all(|(f, w)| f.starts_with(w)),
            "{search}: {found:?}"
        );
    };
    found("good", &["good evening", "Good morning"]);
    found("GOOD mor", &["Good morning"]);
    found("morning good", &["Good morning"]);
    found("goo evening", &[]);
    found("mor ", &[]);
    found("\u{300} good mor", &["Good morning"]);
    assert!(matches!(database.search("\u{300}"), Err(FindError::NoWords)));
    found("morning ", &["Good morning"]);
    found("cafe", &["CAFÉ"]);
    found("cafe\u{301} LEC", &["CAFÉ"]);
    found("\"con\"", &["CAFÉ"]);
    found("leche* NEAR(x", &["CAFÉ"]);
    found("x NOT leche", &[]);
    found("text: good", &[]);
    found("^good", &["good evening", "Good morning"]);
    found("good AND evening", &[]);
    found("مرح", &["مرحبا"]);
    found("ПРИВ", &["Привет"]);
    found("हिन्", &["हिन्दी"]);
    found("東", &["東京都"]);
    found("hi 👍", &["hi👍🏽"]);
    found("o'brien-smi", &["O'Brien"]);
    found("a.b@example.com", &["O'Brien"]);
    for none in ["", " ", "\"", "*", "👍", "()", "\u{fe0f}", "\u{e000}", "\u{e000}d"] {
        assert_eq!(database.search(none), Err(FindError::NoWords), "{none:?}");
    }
    assert_eq!(database.search(&"a ".repeat(17)), Err(FindError::TooManyWords(17)));
}

#[test]
fn messages_that_come_in_meanwhile_change_no_page_behind_the_first() {
    let database = Database::new();
    let row = |n: i64| Row { hours: -n, ..Row::text(&format!("{n}")) };
    database.add(&(0..5).map(row).collect::<Vec<_>>());
    let first = database.first_page(2);
    assert_eq!(texts(&first), ["4", "3"]);
    // Late ones too, by their times.
    database.add(&(5..9).map(row).collect::<Vec<_>>());
    let next = |after| database.reader.find(&Find { after, limit: 2, ..Find::default() }).unwrap();
    let second = next(first.next);
    assert_eq!(texts(&second), ["2", "1"]);
    let third = next(second.next);
    assert_eq!((texts(&third), third.next), (vec!["0"], None));
}

#[test]
fn what_is_deleted_between_two_pages_is_left_out_and_is_not_found_any_more() {
    let mut database = Database::new();
    let old = Row { hours: -100, chat: 1, ..Row::text("old word") };
    let kept = Row { direction: 1, state: 0, chat: 1, hours: -100, ..Row::text("old word, still queued") };
    database.add(&vec![old.clone(); 600]);
    database.add(&[kept, Row::text("new word"), Row::text("newer word")]);
    database.index();
    let search = |database: &Database| {
        let filter = Filter { search: Some("word".into()), ..Filter::default() };
        database.all(&filter, Order::NewestFirst, 200).len()
    };
    assert_eq!(search(&database), 603);
    let first = database.first_page(2);
    database.keep(Duration::from_secs(24 * 3600), AT.as_millis());
    let second = database.reader.find(&Find { after: first.next, limit: 2, ..Find::default() }).unwrap();
    assert_eq!((texts(&second), second.next), (vec!["old word, still queued"], None));
    assert_eq!(search(&database), 3);
    // Nothing of it is left in the index of words either.
    let hidden: i64 = database
        .connection
        .query_row("SELECT count(*) FROM message_text WHERE message_text MATCH 'old'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(hidden, 1);
    database.connection.execute_batch("INSERT INTO message_text (message_text) VALUES ('integrity-check')").unwrap();
}

#[test]
fn a_number_that_is_given_again_is_taken_into_the_index_again() {
    let mut database = Database::new();
    database.add(&[Row { direction: 1, state: 2, hours: -100, ..Row::text("first") }]);
    database.index();
    database.keep(Duration::from_secs(3600), AT.as_millis());
    assert!(database.first_page(1).items.is_empty());
    assert!(database.reader.chats(None, 10).unwrap().items.is_empty());
    database.add(&[Row::text("second")]);
    assert!(!database.reader.chats(None, 10).unwrap().complete);
    database.index();
    assert_eq!(database.search("second").unwrap(), ["second"]);
    assert!(database.search("first").unwrap().is_empty());
}

#[test]
fn a_time_is_found_under_a_number_that_was_given_before() {
    let mut database = Database::new();
    let waiting = Row { direction: 1, state: 0, hours: -200, ..Row::text("waits") };
    let old = |hours| Row { direction: 1, state: 2, hours, ..Row::text("old") };
    database.add(&[waiting, old(-102), old(-101), old(-100)]);
    database.index();
    database.keep(Duration::from_secs(3600), AT.as_millis());
    database.add(&[Row { hours: -100, ..Row::text("late") }]);
    database.index();
    let filter = Filter { from: Some(old(-100).at()), ..Filter::default() };
    assert_eq!(database.all(&filter, Order::NewestFirst, 5), ["late"]);
}

#[test]
fn a_look_up_that_takes_too_long_is_given_up_and_the_next_one_is_not() {
    let database = Database::new();
    let count =
        "WITH RECURSIVE c (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT count(*) FROM c";
    let look_up = |patience| {
        database.reader.alone(patience, |connection| connection.query_row(count, [], |row| row.get::<_, i64>(0)))
    };
    assert_eq!(look_up(Duration::ZERO), Err(FindError::TooSlow));
    assert_eq!(look_up(Duration::from_secs(3600)), Ok(100_000));
}

#[test]
fn chats_come_with_their_last_message_and_the_one_with_the_newest_first() {
    let mut database = Database::new();
    let row = |chat: u8, body: &str| Row { chat, ..Row::text(body) };
    let ours = Row { direction: 1, state: 2, ..row(2, "ours") };
    database.add(&[row(1, "a"), row(2, "b"), row(3, "c"), row(1, &"d".repeat(2_000)), ours]);
    database.index();
    let told = |chats: &[ListedChat]| -> Vec<(String, String, bool)> {
        let of = |c: &ListedChat| {
            (c.chat.id.to_string(), c.name.as_deref().unwrap_or_default().to_owned(), c.last.truncated)
        };
        chats.iter().map(of).collect()
    };
    let first = database.reader.chats(None, 2).unwrap();
    let chat = |n: u8, truncated| (row(n, "").chat(), format!("Name {n}"), truncated);
    assert_eq!(told(&first.items), [chat(2, false), chat(1, true)]);
    assert_eq!(&*first.items[0].last.message.body, "ours");
    let second = database.reader.chats(first.next, 2).unwrap();
    assert_eq!((told(&second.items), second.next, second.complete), (vec![chat(3, false)], None, true));
}

#[test]
fn a_long_text_is_cut_between_characters_in_lists_and_whole_alone() {
    let database = Database::new();
    let long = "é👍".repeat(LISTED_CHARS);
    database.add(&[Row::text(&long), Row::text(&"é".repeat(LISTED_CHARS))]);
    let page = database.first_page(2);
    assert_eq!(
        page.items.iter().map(|m| (m.message.body.chars().count(), m.truncated)).collect::<Vec<_>>(),
        [(LISTED_CHARS, false), (LISTED_CHARS, true)]
    );
    let Message { chat, id, .. } = &page.items[1].message;
    assert_eq!(&*database.reader.message(&chat.id, id).unwrap().unwrap().body, long);
    assert_eq!(database.reader.message(&"other".into(), id).unwrap(), None);
}

#[test]
fn every_page_is_one_walk_along_an_index_and_nothing_is_sorted() {
    let database = Database::new();
    let filters = |n: u32| Filter {
        chat: (n & 1 > 0).then(|| "1@s.whatsapp.net".into()),
        direction: (n & 2 > 0).then_some(Direction::Out),
        state: (n & 4 > 0).then_some(if n & 64 > 0 { DeliveryState::Failed } else { DeliveryState::Read }),
        kind: (n & 8 > 0).then(|| if n & 128 > 0 { "text".into() } else { "image".into() }),
        from: (n & 16 > 0).then_some(AT),
        to: (n & 32 > 0).then_some(AT),
        search: None,
        beginnings: false,
    };
    for n in 0..256 {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let find = Find { filter: filters(n), order, after: None, limit: 50 };
            let word = ["a".to_owned()];
            let walks = [
                (Way::Words(&word), "SCAN t VIRTUAL TABLE INDEX"),
                (Way::All, "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            ];
            let along = (n & 4 > 0).then_some((Way::State, "SEARCH m USING INDEX messages_state"));
            for (way, walk) in walks.into_iter().chain(along) {
                let (sql, values) = statement(&listed_columns(), "main", &find, way, (0, 9), 50);
                let plan = database.plan(&sql, values.len());
                assert!(!plan.contains("TEMP B-TREE"), "{n} {plan}");
                assert!(plan.starts_with(walk), "{n} {plan}");
                let ranged = plan.contains("rowid>? AND rowid<?") || plan.contains("VIRTUAL");
                assert!(ranged, "{n} {plan}");
            }
        }
    }
    let plan = database.plan(&crate::store::find::chats_statement(), 3);
    assert!(plan.starts_with("SEARCH c USING INDEX chats_last (account=? AND last_n<?)"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

#[tokio::test]
async fn the_writing_thread_takes_in_what_is_written_and_what_an_older_version_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    let old = Connection::open(&path).unwrap();
    let before = schema::MIGRATIONS.len() - 1;
    for migration in &schema::MIGRATIONS[..before] {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "user_version", before as i64).unwrap();
    old.execute_batch(
        "WITH RECURSIVE c (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 2000)
         INSERT INTO messages (account, chat, id, direction, chat_kind, sender, kind, body, at)
         SELECT 'main', '1@s.whatsapp.net', n, 'in', 'person', '', 'text', 'of before', 1 FROM c",
    )
    .unwrap();
    drop(old);
    let store = open(folder.path());
    let reader = store.reader.clone();
    write_all(store, vec![vec![incoming("a@g.us", "new", "of now")]]).await;
    let store = open(folder.path());
    // Whatever was left to do is done now: the thread does it before it waits.
    let seen = |reader: &Reader| reader.chats(None, 10).unwrap();
    while !seen(&reader).complete {
        tokio::task::yield_now().await;
    }
    let find = |search: &str, after: Option<Place>| {
        let filter = Filter { search: Some(search.into()), ..Filter::default() };
        reader.find(&Find { filter, after, limit: 200, ..Find::default() }).unwrap()
    };
    let page = find("of", None);
    assert!(page.complete && page.items.len() == 200);
    let ids: BTreeSet<_> = page.items.iter().map(|m| m.message.id.as_str()).collect();
    assert!(ids.contains("new") && ids.contains("2000") && ids.len() == 200);
    assert_eq!(find("now", None).items.len(), 1);
    assert_eq!(seen(&reader).items.len(), 2);
    drop(store);
}

#[test]
fn a_console_looks_on_behind_a_message_that_it_knows() {
    let database = Database::new();
    database.add(&["one", "two", "three", "four"].map(Row::text));
    let known = database.first_page(2).items.pop().unwrap().message;
    assert_eq!(&*known.body, "three");
    let behind = |order, id: &MessageId| {
        let find = Find { order, limit: 10, ..Find::default() };
        let asked = LookUp::Messages { find, behind: Some((known.chat.id.clone(), id.clone())) };
        let found = database.reader.look_up(&asked);
        let Found::Messages(page) = found else { panic!("{found:?}") };
        texts(&page).join(" ")
    };
    assert_eq!(behind(Order::NewestFirst, &known.id), "two one");
    assert_eq!(behind(Order::OldestFirst, &known.id), "four");
    let forgotten = "3A-forgotten".into();
    assert_eq!(behind(Order::NewestFirst, &forgotten), "", "what was before it is forgotten as well");
    assert_eq!(behind(Order::OldestFirst, &forgotten), "one two three four");
}

#[test]
fn each_word_of_a_search_may_be_a_beginning_when_that_is_asked_for() {
    let mut database = Database::new();
    database.add(&["hello world", "hello there"].map(Row::text));
    database.index();
    let search = |beginnings| {
        let filter = Filter { search: Some("hel wor ".into()), beginnings, ..Filter::default() };
        database.reader.find(&Find { filter, limit: 9, ..Find::default() }).unwrap()
    };
    assert_eq!(texts(&search(true)), ["hello world"]);
    assert_eq!(texts(&search(false)), [""; 0]);
}
