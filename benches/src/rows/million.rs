//! What the program costs with a million messages in its database. They come through the program.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::requests::send;
use crate::bench::Bench;
use crate::figures::{Row, at, count, milliseconds};
use crate::limits::{empty_process, query, sorted_in, sorting};
use crate::roles::{Script, word};
use crate::subject::{Client, Console, Headless, Room, Until, burst, until_within};

const MESSAGES: u64 = 1_000_000;

/// What is told once more after each restart.
const MORE: u64 = 10_000;

/// How many messages wait to be sent.
const QUEUED: u64 = 10_000;

const CLIENTS: usize = 64;
const SETTLE: Duration = Duration::from_secs(3);

/// The rate is looked at over so great a part of the messages, at the beginning and at the end.
const PART: u64 = 10;

/// The end is seen up to a look later than it was, so the last part ends before it, by one in so many of the messages.
const BEFORE_END: u64 = 50;

/// How long so many may take to come, and to be sorted in.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the program has to do at least for a page.
const PAGE: &str = "SELECT * FROM messages ORDER BY n DESC LIMIT 50";
const SEARCH: &str = "SELECT * FROM messages WHERE n IN
    (SELECT rowid FROM message_text WHERE message_text MATCH ?1 ORDER BY rowid DESC LIMIT 50) ORDER BY n DESC";

/// Memory that does not grow differs from run to run by so much, as many times what it is.
const FLAT: f64 = 1.05;

/// How many texts are sorted in alone.
const WORDS: usize = 100_000;

/// What the cost of a message may be in the last part, as many times that in the second.
const GROWTH: f64 = 1.1;

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let messages = bench.count(MESSAGES);
    let mut filled = Filled::default();
    let mut room = fill(bench, messages, &mut filled)?;
    for _ in 1..bench.runs(3) {
        // The database of the run before it goes.
        room = fill(bench, messages, &mut filled)?;
    }
    filled.add(bench, messages);
    look_up(bench, &mut room, messages)?;
    more(bench, &mut room, messages)?;
    restart(bench, &mut room, messages)
}

/// What several runs gave, of the first part, the second one and the last one where there are three.
#[derive(Default)]
struct Filled {
    memory: Vec<f64>,
    empty: Vec<f64>,
    rate: [Vec<f64>; 3],
    cpu: [Vec<f64>; 3],
    /// How long it took after the last message until all were sorted in, and how long that takes SQLite alone.
    sorted: [Vec<f64>; 2],
}

/// How far the program was at a moment.
struct Mark {
    at: Instant,
    received: u64,
    cpu: Duration,
}

/// All messages come, and are sorted in for searches.
fn fill(bench: &Bench, messages: u64, filled: &mut Filled) -> anyhow::Result<Room> {
    let room = Room::told(messages)?;
    let headless = Headless::ready(&bench.program, &room)?;
    let mut client = headless.client()?;
    let part = messages / PART;
    let mut reach = |wanted: u64| {
        until_within(PATIENCE, "the messages", Duration::from_millis(50), &mut || {
            let received = client.received()?;
            let mark = Mark { at: Instant::now(), received, cpu: headless.usage()?.cpu() };
            Ok((received >= wanted).then_some(mark))
        })
    };
    let [first, second, third] = [reach(1)?, reach(part)?, reach(2 * part)?];
    let end = messages - messages / BEFORE_END;
    let [late, last] = [reach(end - part)?, reach(end)?];
    reach(messages)?;
    for (n, [from, to]) in [[&first, &second], [&second, &third], [&late, &last]].into_iter().enumerate() {
        let came = (to.received - from.received) as f64;
        filled.rate[n].push(came / (to.at - from.at).as_secs_f64());
        filled.cpu[n].push((to.cpu - from.cpu).as_secs_f64() * 1e6 / came);
    }
    // Not by searching: the memory of searches is none of what messages take.
    let database = room.database();
    let (begin, left) = (Instant::now(), messages.saturating_sub(sorted_in(&database)?));
    until_within(PATIENCE, "sorting in", Duration::from_millis(100), &mut || {
        Ok((sorted_in(&database)? >= messages).then_some(()))
    })?;
    filled.sorted[0].push(begin.elapsed().as_secs_f64());
    std::thread::sleep(SETTLE);
    filled.memory.push(headless.usage()?.megabytes());
    headless.end()?;
    filled.empty.push(empty_process(Duration::ZERO)?.1.megabytes());
    filled.sorted[1].push(left as f64 / sorting(&database, WORDS)?);
    Ok(room)
}

impl Filled {
    fn add(self, bench: &mut Bench, messages: u64) {
        let Self { memory, empty, rate: [early, second, late], cpu: [cpu_early, cpu_second, cpu_late], sorted } = self;
        let all = count(messages);
        let what = format!("memory (RSS) headless, after {all} messages");
        let row = Row::new("memory.million", &what, "MB", memory.clone()).target(8.0);
        bench.record.add(row.limit("an empty process on tokio", empty));
        if let Some(before) = bench.record.rows.iter().find(|row| row.key == "memory.rest.headless").map(Row::median) {
            let what = format!("memory (RSS) headless, after {all} messages, as many times what it is after 10,000");
            let grown = memory.iter().map(|memory| memory / before).collect();
            bench.record.add(Row::new("memory.growth", &what, "times", grown).target(FLAT));
        }
        // The first ones find the tables of keys all but empty: that is over after some ten thousands.
        let row = Row::new("intake.first", &format!("lines a second, the first tenth of {all}"), "/s", early);
        bench.record.add(row.more_is_better());
        let row =
            Row::new("intake.late", &format!("lines a second, the last tenth of {all}"), "/s", late).more_is_better();
        let least = median(&second) / GROWTH;
        bench.record.add(row.target(least).limit("the second tenth", second));
        let what = format!("processor time for each message of the first tenth of {all}");
        bench.record.add(Row::new("intake.first.cpu", &what, "µs", cpu_early));
        let row = Row::new("intake.late.cpu", &what.replace("first", "last"), "µs", cpu_late);
        let most = median(&cpu_second) * GROWTH;
        bench.record.add(row.target(most).limit("the second tenth", cpu_second));
        let [sorted, alone] = sorted;
        let row = Row::new("index.rest", "until the last of them is found by its words", "s", sorted);
        bench.record.add(row.limit("SQLite alone with those that were left", alone));
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    at(&values, 0.5)
}

/// Searches and pages, as the API gives them.
fn look_up(bench: &mut Bench, room: &mut Room, messages: u64) -> anyhow::Result<()> {
    room.set_bridge(Script { linked: true, ..Script::default() });
    let runs = bench.runs(50).max(10);
    let headless = Headless::ready(&bench.program, room)?;
    let mut client = headless.client()?;
    let rare = word(19_001);
    let common = word(1);
    let asked = [
        ("find.page", "the first page of all messages", "/messages".to_owned()),
        ("find.common", "search for a common word", format!("/messages?q={common}%20")),
        ("find.rare", "search for a rare word", format!("/messages?q={rare}%20")),
        ("find.beginning", "search for the beginning of many words", "/messages?q=kalo".to_owned()),
    ];
    let mut found = Vec::new();
    for (key, what, path) in &asked {
        found.push((*key, *what, times(&mut client, path, runs)?));
    }
    headless.end()?;
    let texts = ["", &common, &rare, "kalo*"];
    for ((key, what, values), text) in found.into_iter().zip(texts) {
        let sql = if text.is_empty() { PAGE } else { SEARCH };
        let alone = query(&room.database(), sql, text, runs)?;
        let row = Row::new(key, &format!("{what}, of {}", count(messages)), "ms", values);
        bench.record.add(row.limit("SQLite's query alone", alone));
    }
    Ok(())
}

fn times(client: &mut Client, path: &str, runs: usize) -> anyhow::Result<Vec<f64>> {
    client.get(path)?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let from = Instant::now();
        client.get(path)?;
        times.push(from.elapsed());
    }
    Ok(milliseconds(&times))
}

/// The start of a process that finds all those messages, and its memory once it got more.
fn more(bench: &mut Bench, room: &mut Room, messages: u64) -> anyhow::Result<()> {
    let (mut headless, mut console, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut after = messages;
    for _ in 0..bench.runs(3) {
        let script = |after| Script { linked: true, after, messages: MORE, ..Script::default() };
        room.set_bridge(script(after));
        let mut one = Headless::start(&bench.program, room)?;
        starts.push(one.until_answer()?.as_secs_f64() * 1e3);
        one.until_received(MORE)?;
        std::thread::sleep(SETTLE);
        headless.push(one.usage()?.megabytes());
        one.end()?;
        after += MORE;
        room.set_bridge(script(after));
        let one = Console::start(&bench.program, room)?;
        after += MORE;
        one.until_shown(&format!("message {after} "))?;
        std::thread::sleep(SETTLE);
        console.push(one.usage()?.megabytes());
        one.end()?;
    }
    let there = count(messages);
    let what = format!("start with {there} messages until the API answers");
    let row = beside(bench, Row::new("restart.million", &what, "ms", starts), "start.api", "the start with nothing");
    bench.record.add(row.target(15.0));
    for (key, name, values, most) in
        [("headless", "headless", headless, 8.0), ("console", "with the console", console, 10.0)]
    {
        let what = format!("memory (RSS) {name}, 10,000 messages after a start with {there}");
        let row = Row::new(&format!("memory.more.{key}"), &what, "MB", values).target(most);
        let row = beside(bench, row, &format!("memory.rest.{key}"), "10,000 messages alone");
        bench.record.add(row);
    }
    Ok(())
}

/// Starts with all that in the database, and many messages that wait.
fn restart(bench: &mut Bench, room: &mut Room, messages: u64) -> anyhow::Result<()> {
    room.set_bridge(Script::default());
    let headless = Headless::ready(&bench.program, room)?;
    let (address, token) = (headless.address(), headless.token()?);
    burst(address, CLIENTS, Until::Requests(QUEUED), send(address, token))?;
    headless.end()?;
    let (mut api, mut frame) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs(7) {
        let mut one = Headless::start(&bench.program, room)?;
        api.push(one.until_answer()?.as_secs_f64() * 1e3);
        let queue = one.client()?.json("/status")?["queue"].as_u64().context("no queue")?;
        anyhow::ensure!(queue >= QUEUED, "only {queue} messages wait after a restart");
        one.end()?;
        let one = Console::start(&bench.program, room)?;
        frame.push(one.until_shown("quit")?.as_secs_f64() * 1e3);
        one.end()?;
    }
    let what = format!("restart with {} messages and 10,000 that wait, until the API answers", count(messages));
    for (key, what, values, fresh) in [
        ("restart.api", &*what, api, "start.api"),
        ("restart.frame", "the same, until the first frame is drawn", frame, "start.frame"),
    ] {
        let row = beside(bench, Row::new(key, what, "ms", values), fresh, "the start with nothing");
        bench.record.add(row);
    }
    Ok(())
}

/// A figure with one of another group as its limit, if that was measured.
fn beside(bench: &Bench, row: Row, key: &str, what: &str) -> Row {
    match bench.record.rows.iter().find(|row| row.key == key) {
        Some(other) => row.limit(what, other.values.clone()),
        None => row,
    }
}
