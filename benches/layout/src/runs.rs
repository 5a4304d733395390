//! Runs of the program under callgrind.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// How many messages come in without a console: enough for the index of words to be merged time and again, as it is in a
/// database of some size, and for keys to go on as far as they do.
const MANY: u32 = 80_000;

/// How many come in with one: enough for the database to move its log, and to sort in what came.
const FEW: u32 = 3_000;

/// Under callgrind everything takes fifty times as long.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the program is left alone, for what it does by and by.
const REST: Duration = Duration::from_secs(12);

/// Where it listens.
const ADDRESS: &str = "127.0.0.1:7981";

/// What is typed, some at a time: the messages are looked through, one is looked at, one is written.
const KEYS: [&str; 9] = ["kkkjjg", "G", "/message\r", "nN\x1b", "\r", "\x1b", "?x", "i", "+15551112222 hello\r"];

/// The functions that run without a console: with a new database, and with the same one again, told what is in it and more.
pub fn headless(program: &Path, bridge: &Path, folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let home = folder.join("headless");
    std::fs::create_dir_all(&home)?;
    let mut found = BTreeSet::new();
    for (told, new) in [(MANY, MANY), (MANY + FEW, FEW)] {
        let out = folder.join("headless.callgrind");
        let mut command = Command::new("valgrind");
        command.args(arguments(&out)).arg(program).arg("--headless").env_clear().envs(environment(&home, bridge, told));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("valgrind is needed")?;
        let used = use_api(&home, new);
        Command::new("kill").arg(child.id().to_string()).status()?;
        child.wait()?;
        used?;
        found.extend(executed(&out, program)?);
    }
    Ok(found)
}

/// The functions that run with one.
pub fn console(program: &Path, bridge: &Path, folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let home = folder.join("console");
    std::fs::create_dir_all(&home)?;
    let out = folder.join("console.callgrind");
    let pair = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 })?;
    let mut command = CommandBuilder::new("valgrind");
    command.args(arguments(&out));
    command.arg(program);
    command.env_clear();
    for (name, value) in environment(&home, bridge, FEW) {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command)?;
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader()?;
    let reading = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    let mut keyboard = pair.master.take_writer()?;
    let used = use_api(&home, FEW).and_then(|()| {
        for keys in KEYS {
            keyboard.write_all(keys.as_bytes())?;
            std::thread::sleep(REST / 6);
        }
        Ok(())
    });
    if let Some(id) = child.process_id() {
        Command::new("kill").arg(id.to_string()).status()?;
    }
    child.wait()?;
    drop((keyboard, pair.master));
    let _ = reading.join();
    used?;
    executed(&out, program)
}

fn arguments(out: &Path) -> [String; 5] {
    let out = format!("--callgrind-out-file={}", out.display());
    ["--tool=callgrind", "--demangle=no", "--compress-strings=no", "-q", &out].map(str::to_owned)
}

fn environment(home: &Path, bridge: &Path, messages: u32) -> Vec<(&'static str, std::ffi::OsString)> {
    // The benchmarks know this as one of their roles.
    let script = format!(r#"{{"linked":true,"after":0,"messages":{messages},"rate":0,"short":false}}"#);
    vec![
        ("PATH", std::env::var_os("PATH").unwrap_or_default()),
        ("HOME", home.into()),
        ("PILOTHOUSE_DATA_DIR", home.join("data").into()),
        ("PILOTHOUSE_SOCKET", home.join("socket").into()),
        ("PILOTHOUSE_LISTEN", ADDRESS.into()),
        ("WA_BRIDGE", bridge.into()),
        ("WA_BENCH_ROLE", format!("{{\"Bridge\":{script}}}").into()),
    ]
}

/// Asks for what programs ask for most, once all messages are there.
fn use_api(home: &Path, messages: u32) -> anyhow::Result<()> {
    let begin = Instant::now();
    let all = format!("\"messages_received\":{messages},");
    let token = loop {
        ensure!(begin.elapsed() < PATIENCE, "the messages did not come in");
        std::thread::sleep(Duration::from_millis(500));
        let Ok(token) = std::fs::read_to_string(home.join("data/token")) else { continue };
        if ask(&token, "GET /status", "").is_ok_and(|answer| answer.contains(&all)) {
            break token;
        }
    };
    ask(&token, "POST /send", r#"{"to":"+15551112222","text":"hello"}"#)?;
    for path in ["/messages?q=mess", "/messages?chat=%2B15551110001", "/chats", "/metrics", "/readyz", "/livez"] {
        ask(&token, &format!("GET {path}"), "")?;
    }
    std::thread::sleep(REST);
    ask(&token, "GET /status", "").map(drop)
}

fn ask(token: &str, what: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(ADDRESS)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (token, length) = (token.trim(), body.len());
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {ADDRESS}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 2") {
        bail!("{what}: {}", answer.lines().next().unwrap_or_default());
    }
    Ok(answer)
}

/// The functions of the program that callgrind saw.
fn executed(out: &Path, program: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(out).context("callgrind wrote nothing")?;
    let program = program.to_string_lossy();
    let (mut own, mut found) = (false, BTreeSet::new());
    for line in text.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            own = object == program;
        } else if let Some(name) = line.strip_prefix("fn=").filter(|_| own) {
            // A number behind it says how deep a recursion is.
            found.insert(name.split('\'').next().unwrap_or(name).to_owned());
        }
    }
    ensure!(found.len() > 1_000, "callgrind saw only {} functions of {program}", found.len());
    Ok(found)
}
