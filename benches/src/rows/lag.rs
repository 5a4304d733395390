//! A console at 120×40 under 1,000 messages a second: how soon each is on the screen and at a program that follows, what
//! that takes, and how soon keys are answered meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::bench::Bench;
use crate::figures::{Row, at, milliseconds};
use crate::limits::Commits;
use crate::roles::{Line, Script, stamp};
use crate::subject::{Bridge, Console, Painted, Room, until};

const RATE: u32 = 1_000;
const RUNS: usize = 3;

/// How many messages have come before it is looked at.
const WARM: u64 = 1_000;

/// How long it is looked at, in seconds.
const LENGTH: u64 = 6;

/// How many keys are typed, and the shortest pause between two.
const KEYS: u64 = 150;
const PAUSE: Duration = Duration::from_millis(15);

/// What is typed: nothing else on the screen has it. And what takes it away again.
const KEY: &str = "Ж";
const BACK: &str = "\x7f";

/// The shortest time between two drawings.
const FRAME_MS: f64 = 17.0;

/// What several runs gave.
#[derive(Default)]
struct Runs {
    followed: [Vec<f64>; 2],
    painted: [Vec<f64>; 2],
    shown: Vec<f64>,
    keys: [Vec<f64>; 2],
    bytes: Vec<f64>,
    text: Vec<f64>,
    frames: Vec<f64>,
    console: Vec<f64>,
    cpu: Vec<f64>,
    commit: [Vec<f64>; 2],
}

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let mut runs = Runs::default();
    for _ in 0..bench.runs(RUNS) {
        run(bench, &mut runs)?;
    }
    let ms = |key: &str, what: &str, values| Row::new(key, what, "ms", values);
    let [p50, p99] = runs.followed;
    let [commit50, commit99] = runs.commit;
    let commit = "SQLite's commit of one";
    let what = "from a bridge's line to an SSE client, 1,000 messages a second: p50";
    bench.record.add(ms("lag.sse.p50", what, p50).limit(commit, commit50));
    bench.record.add(ms("lag.sse.p99", "the same: p99", p99).limit(commit, commit99));
    let [p50, p99] = runs.painted;
    let frame = "the time between two frames";
    let what = "from a bridge's line to its cell on the screen, 1,000 messages a second: p50";
    bench.record.add(ms("lag.cell.p50", what, p50).limit(frame, vec![FRAME_MS / 2.0]));
    let row = ms("lag.cell.p99", "from a bridge's line to its cell on the screen: p99", p99);
    bench.record.add(row.target(25.0).limit(frame, vec![FRAME_MS]));
    bench
        .record
        .add(Row::new("lag.shown", "messages that were on the screen at all", "%", runs.shown).more_is_better());
    let [p50, p99] = runs.keys;
    bench.record.add(ms("keys.p50", "keys painted under that load: p50", p50).limit(frame, vec![FRAME_MS / 2.0]));
    bench
        .record
        .add(ms("keys.p99", "keys painted under that load: p99", p99).target(33.0).limit(frame, vec![FRAME_MS]));
    let row = Row::new("flood.frames", "frames under that load", "/s", runs.frames);
    bench.record.add(row.target(60.0).limit("one in 17 ms", vec![1e3 / FRAME_MS]));
    let row = Row::new("flood.bytes", "bytes to the terminal under that load", "/s", runs.bytes);
    bench.record.add(row.target(64_000.0).limit("the text of the messages that are shown", runs.text));
    let row = Row::new("flood.console", "CPU of the console's thread under that load", "%", runs.console);
    bench.record.add(row.target(15.0));
    let row = Row::new("flood.cpu", "CPU of the whole program under that load", "%", runs.cpu);
    // Of one core: microseconds a message, so many messages a second.
    let flood =
        bench.record.rows.iter().find(|row| row.key == "intake.cpu").map(|row| row.median() * f64::from(RATE) / 1e4);
    bench.record.add(
        flood
            .into_iter()
            .fold(row, |row, flood| row.limit("as many of them when they come as fast as they can", vec![flood])),
    );
    Ok(())
}

fn run(bench: &Bench, runs: &mut Runs) -> anyhow::Result<()> {
    let script = Script { linked: true, messages: u64::from(u32::MAX), rate: RATE, short: true, ..Script::default() };
    let room = Room::new(Bridge::Told(script))?;
    let mut console = Console::start(&bench.program, &room)?;
    console.until_shown("quit")?;
    let follower = Follower::start(console.address(), &console.token()?)?;
    let mut client = console.client()?;
    until("the first messages", || Ok((client.received()? >= WARM).then_some(())))?;

    let counted = |console: &Console| console.look(|seen| (seen.bytes, seen.frames));
    console.note_messages();
    let (begin, from, before) = (Instant::now(), counted(&console), console.usage()?);
    std::thread::sleep(bench.seconds(LENGTH));
    let (seconds, to, after) = (begin.elapsed().as_secs_f64(), counted(&console), console.usage()?);
    let painted = console.look(|seen| seen.painted.clone());
    runs.bytes.push((to.0 - from.0) as f64 / seconds);
    runs.frames.push((to.1 - from.1) as f64 / seconds);
    runs.console.push((after.cpu_of("console") - before.cpu_of("console")).as_secs_f64() / seconds * 100.0);
    runs.cpu.push((after.cpu() - before.cpu()).as_secs_f64() / seconds * 100.0);
    let (lags, shown) = lags(&painted);
    runs.shown.push(shown * 100.0);
    // Time of the day, name and the text's beginning: what is to be read of a message at this width.
    runs.text.push(painted.len() as f64 / seconds * text_of_a_message(&console) as f64);
    note(&mut runs.painted, &lags);

    console.types("i")?;
    let mut keys = Vec::new();
    for n in 0..bench.count(KEYS).max(20) {
        // Not in step with the drawings.
        std::thread::sleep(PAUSE + Duration::from_micros(n * 7_919 % 17_000));
        let there = n % 2 == 0;
        let from = Instant::now();
        console.types(if there { KEY } else { BACK })?;
        console.until("a key", |seen| (seen.contents().contains(KEY) == there).then_some(()))?;
        keys.push(from.elapsed());
    }
    note(&mut runs.keys, &milliseconds(&keys));
    note(&mut runs.followed, &follower.end()?);
    console.end()?;
    note(&mut runs.commit, &Commits::of(&room.database(), 2_000)?.run(1, Duration::from_secs(1))?.times);
    Ok(())
}

fn note(of: &mut [Vec<f64>; 2], times: &[f64]) {
    of[0].push(at(times, 0.5));
    of[1].push(at(times, 0.99));
}

/// How long each message took to the screen in milliseconds, shortest first, and which part of them was on it at all. One
/// that was not counts as painted with the next one: that is when the operator could know of it.
fn lags(painted: &[Painted]) -> (Vec<f64>, f64) {
    let (mut lags, mut all) = (Vec::new(), 0);
    for pair in painted.windows(2) {
        let [before, after] = [pair[0].line, pair[1].line];
        let missed = after.n - before.n;
        all += missed;
        for n in 1..=missed {
            let told = before.at + (after.at - before.at) * n / missed;
            lags.push(pair[1].at.saturating_sub(told) as f64 / 1e3);
        }
    }
    lags.sort_by(f64::total_cmp);
    (lags, painted.len().saturating_sub(1) as f64 / all as f64)
}

/// How many characters of a message's row there are, blanks not counted.
fn text_of_a_message(console: &Console) -> usize {
    console.look(|seen| {
        let text = seen.contents();
        let rows = text.lines().filter_map(|row| Line::find(row).map(|_| row));
        let lengths: Vec<_> = rows.map(|row| row.chars().filter(|c| c.is_alphanumeric()).count()).collect();
        lengths.iter().sum::<usize>() / lengths.len().max(1)
    })
}

/// A program that follows the events, on a thread of its own.
struct Follower {
    socket: TcpStream,
    ended: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<std::io::Result<Vec<f64>>>,
}

impl Follower {
    fn start(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        write!(socket, "GET /events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n")?;
        let (stream, ended) = (BufReader::new(socket.try_clone()?), Arc::new(AtomicBool::new(false)));
        let shared = Arc::clone(&ended);
        let thread = std::thread::spawn(move || follow(stream, &shared));
        Ok(Self { socket, ended, thread })
    }

    /// How long each message took, in milliseconds, shortest first.
    fn end(self) -> anyhow::Result<Vec<f64>> {
        self.ended.store(true, Ordering::Relaxed);
        self.socket.shutdown(std::net::Shutdown::Both)?;
        let mut lags = self.thread.join().ok().context("the follower ended by a panic")??;
        lags.sort_by(f64::total_cmp);
        Ok(lags)
    }
}

fn follow(stream: BufReader<TcpStream>, ended: &AtomicBool) -> std::io::Result<Vec<f64>> {
    let mut lags = Vec::new();
    for line in stream.lines() {
        let line = match line {
            Err(_) if ended.load(Ordering::Relaxed) => break,
            line => line?,
        };
        if let Some((told, _)) = Line::find(&line)
            && told.n > WARM
        {
            lags.push(stamp().saturating_sub(told.at) as f64 / 1e3);
        }
    }
    Ok(lags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_never_shown_counts_with_the_next_one() {
        let of = |n, told, at| Painted { line: Line { n, at: told }, at };
        let (lags, shown) = lags(&[of(1, 1_000, 1_500), of(2, 2_000, 4_000), of(4, 4_000, 4_500)]);
        assert_eq!(lags, [0.5, 1.5, 2.0]);
        assert_eq!(shown, 2.0 / 3.0);
    }

    #[test]
    fn nothing_painted_is_nothing_measured() {
        assert!(lags(&[]).0.is_empty());
    }
}
