//! How many lines of the bridge a second go all the way: parsed, decided, on disk, published.

use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::figures::Row;
use crate::limits::{Commits, LARGE, parsing};
use crate::subject::{Client, Headless, Room, until};

/// More than can come while one looks.
const MANY: u64 = 100_000_000;

/// How many have come before it is looked at.
const WARM: u64 = 2_000;

/// How long it is looked at, in seconds.
const LENGTH: u64 = 4;

/// How many lines are parsed alone, and how many rows SQLite is given to write alone.
const LINES: u64 = 300_000;
const ROWS: usize = 200_000;

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let (mut rate, mut cpu, mut batches) = (Vec::new(), Vec::new(), Vec::new());
    let (mut json, mut sqlite, mut large) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs(5) {
        let room = Room::told(MANY)?;
        let headless = Headless::ready(&bench.program, &room)?;
        let mut client = headless.client()?;
        until("the first messages", || Ok((client.received()? >= WARM).then_some(())))?;
        let first = Taken::now(&headless, &mut client)?;
        std::thread::sleep(bench.seconds(LENGTH));
        let last = Taken::now(&headless, &mut client)?;
        headless.end()?;
        let messages = (last.messages - first.messages) as f64;
        rate.push(messages / (last.at - first.at).as_secs_f64());
        cpu.push((last.cpu - first.cpu).as_secs_f64() * 1e6 / messages);
        let batch = messages / (last.commits - first.commits).max(1.0);
        batches.push(batch);
        json.push(parsing(bench.count(LINES))?);
        let commits = Commits::of(&room.database(), ROWS)?;
        sqlite.push(commits.run(batch.round() as usize, bench.seconds(LENGTH))?.rate);
        large.push(commits.run(LARGE, bench.seconds(LENGTH))?.rate);
    }
    let row = Row::new("intake.rate", "lines of the bridge until on disk and published", "/s", rate).more_is_better();
    bench.record.add(row.target(100_000.0).limit("SQLite's commits of 4,096 alone", large.clone()));
    let alone = json.iter().zip(&large).map(|(json, rows)| (1.0 / json + 1.0 / rows) * 1e6).collect();
    let row = Row::new("intake.cpu", "processor time for each of them", "µs", cpu);
    bench.record.add(row.limit("parsing alone and SQLite's commits of 4,096 alone, one after the other", alone));
    bench.record.add(Row::new("intake.batch", "messages in one commit then", "", batches).more_is_better());
    let row = Row::new("limit.parsing", "limit: serde_json parsing the same lines from a pipe", "/s", json);
    bench.record.add(row.more_is_better());
    let row = Row::new("limit.commits", "limit: SQLite's commits of the same rows, as many at once", "/s", sqlite);
    bench.record.add(row.more_is_better());
    let row = Row::new("limit.commits.large", "limit: SQLite's commits of the same rows, 4,096 at once", "/s", large);
    bench.record.add(row.more_is_better());
    Ok(())
}

/// How far the program is.
struct Taken {
    at: Instant,
    messages: u64,
    commits: f64,
    cpu: Duration,
}

impl Taken {
    fn now(headless: &Headless, client: &mut Client) -> anyhow::Result<Self> {
        let commits = client.figure("pilothouse_store_commit_duration_seconds_count")?;
        let messages = client.received()?;
        Ok(Self { at: Instant::now(), messages, commits, cpu: headless.usage()?.cpu() })
    }
}
