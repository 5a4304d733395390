//! What the program costs with a million messages in its database. They come through the program, once.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::requests::send;
use crate::bench::Bench;
use crate::figures::{Row, count, milliseconds};
use crate::limits::{empty_process, query, sorted_in};
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

/// How long so many may take to come, and to be sorted in.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the program has to do at least for a page.
const PAGE: &str = "SELECT * FROM messages ORDER BY n DESC LIMIT 50";
const SEARCH: &str = "SELECT * FROM messages WHERE n IN
    (SELECT rowid FROM message_text WHERE message_text MATCH ?1 ORDER BY rowid DESC LIMIT 50) ORDER BY n DESC";

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let messages = bench.count(MESSAGES);
    let mut room = Room::told(messages)?;
    fill(bench, &room, messages)?;
    look_up(bench, &mut room, messages)?;
    more(bench, &mut room, messages)?;
    restart(bench, &mut room, messages)
}

/// All messages come, and are sorted in for searches.
fn fill(bench: &mut Bench, room: &Room, messages: u64) -> anyhow::Result<()> {
    let headless = Headless::ready(&bench.program, room)?;
    let mut client = headless.client()?;
    let part = messages / PART;
    let mut reach = |wanted: u64| -> anyhow::Result<(u64, Instant)> {
        until_within(PATIENCE, "the messages", Duration::from_millis(50), &mut || {
            let received = client.received()?;
            Ok((received >= wanted).then(|| (received, Instant::now())))
        })
    };
    let marks = [1, part, messages - part, messages].map(&mut reach);
    let [first, early, late, last] = marks;
    let rate = |from: (u64, Instant), to: (u64, Instant)| (to.0 - from.0) as f64 / (to.1 - from.1).as_secs_f64();
    let (early, late) = (rate(first?, early?), rate(late?, last?));
    let begin = Instant::now();
    // Not by searching: the memory of searches is none of what messages take.
    let database = room.database();
    until_within(PATIENCE, "sorting in", Duration::from_millis(100), &mut || {
        Ok((sorted_in(&database)? >= messages).then_some(()))
    })?;
    let sorted = begin.elapsed().as_secs_f64();
    std::thread::sleep(SETTLE);
    let memory = headless.usage()?.megabytes();
    headless.end()?;
    let empty = empty_process(Duration::ZERO)?.1.megabytes();
    let what = format!("memory (RSS) headless, after {} messages", count(messages));
    let row = Row::new("memory.million", &what, "MB", vec![memory]).target(8.0);
    bench.record.add(row.limit("an empty process on tokio", vec![empty]));
    let row = Row::new("intake.late", "lines a second until on disk, the last tenth of them", "/s", vec![late]);
    bench.record.add(row.more_is_better().limit("the first tenth", vec![early]));
    bench.record.add(Row::new("index.rest", "until the last of them is found by its words", "s", vec![sorted]));
    Ok(())
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
    bench.record.add(Row::new("restart.million", &what, "ms", starts).target(15.0));
    let what = format!("memory (RSS) headless, 10,000 messages after a start with {there}");
    bench.record.add(Row::new("memory.more.headless", &what, "MB", headless).target(8.0));
    let what = format!("memory (RSS) with the console, 10,000 messages after a start with {there}");
    bench.record.add(Row::new("memory.more.console", &what, "MB", console).target(10.0));
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
        let fresh = bench.record.rows.iter().find(|row| row.key == fresh).map(Row::median);
        let row = Row::new(key, what, "ms", values);
        bench.record.add(match fresh {
            Some(fresh) => row.limit("the start with nothing", vec![fresh]),
            None => row,
        });
    }
    Ok(())
}
