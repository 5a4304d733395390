//! The ends of a console: by a signal, by a panic, and by a terminal that goes away.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use tokio::io::AsyncReadExt;

use super::{Terminal, children, script};
use crate::support::{Place, signal, within};

#[tokio::test(flavor = "multi_thread")]
async fn signals_leave_a_clean_terminal() {
    let place = Place::new().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    for name in ["TERM", "HUP", "INT"] {
        let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
        terminal.shows("quit").await;
        signal(terminal.pid(), name);
        let (status, _) = terminal.ended().await;
        assert!(status.success(), "{name}: {status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_ends_when_the_terminal_goes_away() {
    let place = Place::new().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("quit").await;
    let Terminal { mut child, master, keys, screen, .. } = terminal;
    let (pid, bridge) = (child.process_id().unwrap(), children(child.process_id().unwrap().into())[0]);
    drop((master, keys, screen));
    // The reading thread holds the last end of the terminal: it goes when the program goes, or is told to.
    signal(pid.into(), "HUP");
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    within("the end", ended).await.unwrap();
    assert!(!Path::new(&format!("/proc/{bridge}")).exists(), "the bridge is gone");
}

/// Run by the next test, in a terminal of its own.
#[test]
#[ignore = "only of use inside a pseudo-terminal"]
fn panics_with_the_terminal_taken() {
    let _screen = pilothouse::tui::terminal::Screen::take().unwrap();
    panic!("on purpose");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_leaves_a_clean_terminal_and_its_message() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "terminal::ends::panics_with_the_terminal_taken"]);
    let terminal = Terminal::run(command, (80, 24));
    let (status, bytes) = terminal.ended().await;
    assert!(!status.success());
    assert!(String::from_utf8_lossy(&bytes).contains("on purpose"));
}

/// Holds the terminal of the next test, until it is killed.
#[test]
#[ignore = "only of use to another test"]
fn holds_a_terminal() {
    let program = std::env::var("HELD").unwrap();
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(program);
    command.env("TERM", "xterm-256color");
    let _child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    // Who started this may want to see it.
    let _ = std::io::copy(&mut pair.master.try_clone_reader().unwrap(), &mut std::io::stdout());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_away_without_a_signal_ends_the_program_in_order() {
    let place = Place::bare().await;
    let alive = place.home().join("alive");
    let made = std::process::Command::new("mkfifo").arg(&alive).status().unwrap();
    assert!(made.success());
    let bridge = script(&place, &format!("#!/bin/sh\nexec cat >/dev/null 3>{}\n", alive.display()));
    // Hangups do not reach it: what it notices is the end of the terminal itself.
    let held = place.home().join("held.sh");
    let program = env!("CARGO_BIN_EXE_pilothouse");
    std::fs::write(&held, format!("#!/bin/sh\ntrap '' HUP\nexec {program} --bridge {}\n", bridge.display())).unwrap();
    std::fs::set_permissions(&held, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut holder = tokio::process::Command::new(std::env::current_exe().unwrap());
    holder.args(["--ignored", "--exact", "terminal::ends::holds_a_terminal"]).env_clear().envs(place.env());
    holder.env("HELD", &held).current_dir(place.home()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut holder = holder.spawn().unwrap();
    let opened = tokio::task::spawn_blocking(move || std::fs::File::open(alive).unwrap());
    let mut alive = within("the bridge", opened).await.unwrap();
    // It has drawn something, and so has hidden the cursor.
    let mut shown = holder.stdout.take().unwrap();
    let drawn = async {
        let mut seen = Vec::new();
        while !seen.windows(4).any(|part| part == b"quit") {
            assert!(shown.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
        }
    };
    within("the console", drawn).await;
    holder.kill().await.unwrap();
    // The bridge ends when the program has ended, and its end of the pipe with it.
    let ended = tokio::task::spawn_blocking(move || std::io::copy(&mut alive, &mut std::io::sink()).unwrap());
    within("the end of program and bridge", ended).await.unwrap();
    for entry in std::fs::read_dir(place.data().join("logs")).unwrap() {
        let log = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!log.contains("panic"), "{log}");
    }
}
