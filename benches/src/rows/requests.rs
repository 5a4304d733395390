//! How many requests the API answers, and how soon, with 1, 64 and 1,000 clients.

use std::net::SocketAddr;

use crate::bench::Bench;
use crate::figures::{Limit, Row, at, count};
use crate::limits::Commits;
use crate::roles::{Plain, Script};
use crate::subject::{Bridge, Burst, Headless, Room, Until, burst};

const CLIENTS: [usize; 3] = [1, 64, 1_000];
const RUNS: usize = 5;

/// How long each run is, in seconds.
const LENGTH: u64 = 2;

/// How many rows SQLite is given to write alone.
const ROWS: usize = 50_000;

/// What several runs with so many clients gave.
#[derive(Default)]
struct Runs {
    rate: Vec<f64>,
    /// The parts of [`PARTS`].
    times: [Vec<f64>; 3],
    /// What was the most, or the least time.
    limit: Vec<f64>,
    limit_times: [Vec<f64>; 3],
}

const PARTS: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

impl Runs {
    fn note(&mut self, rate: f64, times: &[f64], limit: f64, limit_times: &[f64]) {
        self.rate.push(rate);
        self.limit.push(limit);
        for (n, (_, part)) in PARTS.iter().enumerate() {
            self.times[n].push(at(times, *part));
            self.limit_times[n].push(at(limit_times, *part));
        }
    }

    /// A row for the rate and one for each part of the times.
    fn rows(self, key: &str, what: &str, limit: &str) -> Vec<Row> {
        let rate = Row::new(&format!("{key}.rate"), what, "/s", self.rate).more_is_better().limit(limit, self.limit);
        let times = self.times.into_iter().zip(self.limit_times).zip(PARTS);
        let times = times.map(|((values, least), (part, _))| {
            Row::new(&format!("{key}.{part}"), &format!("{what}: {part}"), "ms", values).limit(limit, least)
        });
        std::iter::once(rate).chain(times).collect()
    }
}

/// What the status is to reach of what a server does that answers a constant.
const SHARE: f64 = 0.7;

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let until = Until::After(bench.seconds(LENGTH));
    for clients in CLIENTS {
        let (mut status, mut send) = (Runs::default(), Runs::default());
        let mut refused = Vec::new();
        for _ in 0..bench.runs(RUNS) {
            let (ours, most) = of_status(bench, clients, until)?;
            status.note(ours.rate, &ours.times, most.rate, &most.times);
            let (ours, commits) = of_send(bench, clients, until)?;
            // Each transaction takes one message of every client: that is the most of them that can wait at once.
            let alone = commits.run(clients, bench.seconds(LENGTH) / 2)?;
            send.note(ours.rate, &ours.times, alone.rate, &alone.times);
            refused.push(ours.refused * 100.0);
        }
        let with = format!("{} client{}", count(clients as u64), if clients == 1 { "" } else { "s" });
        let what = format!("`GET /status`, {with}");
        for row in status.rows(&format!("status.{clients}"), &what, "axum with a constant") {
            let one = clients == 1 && row.key.ends_with("p50");
            let most = row.limit.as_ref().filter(|_| clients == 64 && row.key.ends_with("rate")).map(Limit::median);
            let row = if one { row.seed(5.0) } else { row };
            bench.record.add(most.into_iter().fold(row, |row, most| row.target(SHARE * most)));
        }
        let what = format!("`POST /send`, on disk, {with}");
        for row in send.rows(&format!("send.{clients}"), &what, "SQLite's commits alone") {
            bench.record.add(match (clients, row.key.rsplit('.').next()) {
                (64, Some("rate")) => row.target(10_000.0),
                (64, Some("p99")) => row.target(20.0),
                _ => row,
            });
        }
        let (key, what) = (format!("send.{clients}.refused"), format!("{what}: refused (503), of those accepted"));
        bench.record.add(Row::new(&key, &what, "%", refused));
    }
    Ok(())
}

/// The status, and a constant of the same length from a server that does nothing else.
fn of_status(bench: &Bench, clients: usize, until: Until) -> anyhow::Result<(Burst, Burst)> {
    let room = Room::told(100)?;
    let headless = Headless::ready(&bench.program, &room)?;
    headless.until_received(100)?;
    let get = get(headless.address(), &headless.token()?);
    let plain = Plain::start(headless.client()?.get("/status")?.len())?;
    let text = get.clone();
    let most = burst(plain.address, clients, until, move |_| text.clone())?;
    let ours = burst(headless.address(), clients, until, move |_| get.clone())?;
    headless.end()?;
    Ok((ours, most))
}

fn get(address: SocketAddr, token: &str) -> String {
    format!("GET /status HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// Sending while nobody takes what is accepted, so that accepting alone is measured; and what it wrote.
fn of_send(bench: &Bench, clients: usize, until: Until) -> anyhow::Result<(Burst, Commits)> {
    let room = Room::new(Bridge::Told(Script::default()))?;
    let headless = Headless::ready(&bench.program, &room)?;
    let ours = burst(headless.address(), clients, until, send(headless.address(), headless.token()?))?;
    headless.end()?;
    Ok((ours, Commits::of(&room.database(), ROWS)?))
}

/// Requests that send a message each.
pub(super) fn send(address: SocketAddr, token: String) -> impl Fn(u64) -> String {
    move |n| {
        let body = format!(r#"{{"to":"+1555111{:04}","text":"order {n} has left the warehouse"}}"#, n % 1_000);
        let length = body.len();
        format!(
            "POST /send HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }
}
