//! Measures the real program, as its users meet it, and prints one table: `cargo run --release -p bench`.
//!
//! Each figure is the median of several runs, with the spread of their middle half. A bridge of a few lines, this same
//! file, takes WhatsApp's place, so that the host alone is measured.

mod bridge;
mod clients;
mod events;
mod load;
mod plain;
mod program;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::plain::Plain;
use crate::program::{Console, Headless, Room};
use crate::table::{Row, Table};

/// How many messages have come when the memory is looked at.
const MESSAGES: u64 = 10_000;

/// How long the program is watched at rest, with the messages in its database, and what it gets before to come to it.
const REST: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(12);

/// How many requests a second ask for the status, and for how long.
const RATE: u32 = 1_000;
const LOAD: Duration = Duration::from_secs(5);

/// How many clients ask without a pause, and for how long.
const CLIENTS: usize = 64;
const BURST: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().unwrap_or(0));
    let result = match (number(bridge::MESSAGES), number(plain::BODY)) {
        (Some(messages), _) => bridge::run(messages, bridge::pace()),
        (None, Some(length)) => plain::run(usize::try_from(length).unwrap_or(0)),
        (None, None) => measure(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

type Section = fn(&Path, &mut Table) -> anyhow::Result<()>;

/// All sections, or those that the arguments name.
fn measure() -> anyhow::Result<()> {
    let program = build()?;
    let mut table = Table::default();
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    let sections: [(&str, Section); 6] = [
        ("start", start),
        ("headless", headless),
        ("console", console),
        ("load", load),
        ("throughput", throughput),
        ("events", events::measure),
    ];
    for (name, section) in sections {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            eprintln!("{name}");
            section(&program, &mut table)?;
        }
    }
    print!("{}", table.markdown(&machine()));
    Ok(())
}

/// The program, built anew when it is not up to date.
fn build() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--bin", "pilothouse"])
        .current_dir(&root)
        .status()
        .context("cargo can't be started")?;
    if !status.success() {
        bail!("the program can't be built");
    }
    let folder = std::env::current_exe()?;
    let program = folder.with_file_name("pilothouse");
    if !program.exists() {
        bail!("{} is not there: run this with --release", program.display());
    }
    Ok(program)
}

fn start(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..15 {
        let room = Room::new(0)?;
        let mut headless = Headless::start(program, &room)?;
        times.push(headless.until_answer()?.as_secs_f64() * 1e3);
        headless.end()?;
    }
    table.add(Row::new("start until the API answers", "ms", times, "30"));
    let mut times = Vec::new();
    for _ in 0..15 {
        let room = Room::new(0)?;
        let mut console = Console::start(program, &room)?;
        times.push(console.until_shown("q quit")?.as_secs_f64() * 1e3);
        console.end()?;
    }
    table.add(Row::new("start until the first frame is drawn", "ms", times, "30"));
    Ok(())
}

fn headless(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let (mut memory, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let room = Room::new(MESSAGES)?;
        let mut headless = Headless::start(program, &room)?;
        headless.until_answer()?;
        headless.until_received(MESSAGES)?;
        memory.push(headless.usage()?.rss as f64 / 1e6);
        headless.end()?;
        let mut headless = Headless::start(program, &room.quiet())?;
        headless.until_answer()?;
        std::thread::sleep(SETTLE);
        let busy = headless.usage()?.cpu;
        std::thread::sleep(REST);
        cpu.push((headless.usage()?.cpu - busy).as_secs_f64() / REST.as_secs_f64() * 100.0);
        headless.end()?;
    }
    table.add(Row::new("memory (RSS) headless, after 10,000 messages", "MB", memory, "8"));
    table.add(Row::new("CPU at rest, headless", "%", cpu, "0.1"));
    Ok(())
}

fn console(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let (mut memory, mut cpu, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let room = Room::new(MESSAGES)?;
        let mut console = Console::start(program, &room)?;
        console.until_shown(&format!("message {MESSAGES}"))?;
        memory.push(console.usage()?.rss as f64 / 1e6);
        console.end()?;
        let mut console = Console::start(program, &room.quiet())?;
        console.until_shown("● connected")?;
        std::thread::sleep(SETTLE);
        let (busy, drawn) = (console.usage()?.cpu, console.bytes());
        std::thread::sleep(REST);
        cpu.push((console.usage()?.cpu - busy).as_secs_f64() / REST.as_secs_f64() * 100.0);
        bytes.push((console.bytes() - drawn) as f64);
        console.end()?;
    }
    table.add(Row::new("memory (RSS) with the console, after 10,000 messages", "MB", memory, "12"));
    table.add(Row::new("CPU at rest, with the console", "%", cpu, "0.1"));
    table.add(Row::new("bytes to the terminal in 20 s at rest", "bytes", bytes, "0"));
    Ok(())
}

fn load(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let (mut median, mut tail) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let room = Room::new(100)?;
        let mut headless = Headless::start(program, &room)?;
        headless.until_answer()?;
        headless.until_received(100)?;
        let mut times = load::get(headless.address(), &headless.token()?, "/status", RATE, LOAD)?;
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        median.push(at(0.5));
        tail.push(at(0.99));
        headless.end()?;
    }
    table.add(Row::new("`GET /status`, 1,000 a second: p50", "ms", median, ""));
    table.add(Row::new("`GET /status`, 1,000 a second: p99", "ms", tail, "1"));
    Ok(())
}

/// As many requests as it answers, and beside it a server that does nothing else.
fn throughput(program: &Path, table: &mut Table) -> anyhow::Result<()> {
    let (mut status, mut part, mut send, mut median, mut tail) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..5 {
        let room = Room::new(100)?;
        let mut headless = Headless::start(program, &room)?;
        headless.until_answer()?;
        headless.until_received(100)?;
        let (address, token) = (headless.address(), headless.token()?);
        let get = format!("GET /status HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
        let length = load::Client::connect(address, &token)?.get("/status")?.len();
        let plain = Plain::start(length)?;
        let text = get.clone();
        let most = clients::run(plain.address, CLIENTS, BURST, move |_| text.clone())?;
        let ours = clients::run(address, CLIENTS, BURST, move |_| get.clone())?;
        status.push(ours.rate);
        part.push(ours.rate / most.rate * 100.0);
        headless.end()?;

        // Nobody takes what is accepted, so that accepting alone is measured.
        let room = Room::new(0)?.unlinked();
        let mut headless = Headless::start(program, &room)?;
        headless.until_answer()?;
        let (address, token) = (headless.address(), headless.token()?);
        let seen = clients::run(address, CLIENTS, BURST, move |n| {
            let body = format!(r#"{{"to":"+1555111{:04}","text":"order {n} has left the warehouse"}}"#, n % 1_000);
            let length = body.len();
            format!(
                "POST /send HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        })?;
        send.push(seen.rate);
        median.push(seen.at(0.5));
        tail.push(seen.at(0.99));
        headless.end()?;
    }
    table.add(Row::new("`GET /status`, 64 clients", "/s", status, ""));
    table.add(Row::new("the same, of what axum does with a constant", "%", part, "").at_least("70"));
    table.add(Row::new("`POST /send` on disk, 64 clients", "/s", send, "").at_least("10,000"));
    table.add(Row::new("the same: p50", "ms", median, ""));
    table.add(Row::new("the same: p99", "ms", tail, "20"));
    Ok(())
}

/// The machine and the commit, in one line.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!("{} cores of {}, {}, commit {commit}", cores, model.unwrap_or("an unnamed processor"), std::env::consts::OS)
}
