//! The console as a job of a shell.

use std::path::Path;

use portable_pty::CommandBuilder;

use super::{Terminal, script};
use crate::support::{Place, within};

/// A shell in a terminal, in which programs are jobs.
fn shell(place: &Place, bridge: &Path) -> Terminal {
    let mut command = CommandBuilder::new("bash");
    command.args(["--norc", "--noprofile", "-i"]);
    command.env_clear();
    for (name, value) in place.env() {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    command.env("PS1", "ready> ");
    command.cwd(place.home());
    let mut terminal = Terminal::run(command, (80, 24));
    terminal.types(&format!("{} --bridge {}\r", env!("CARGO_BIN_EXE_pilothouse"), bridge.display()));
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_z_gives_the_terminal_to_the_shell_and_the_gateway_goes_on() {
    let place = Place::bare().await;
    let event = r#"{"type":"message","from":"+15551112222","body":"came meanwhile"}"#;
    let bridge =
        script(&place, &format!("#!/bin/sh\nuntil [ -e go ]; do sleep 0.05; done\necho '{event}'\ncat >/dev/null\n"));
    let mut terminal = shell(&place, &bridge);
    terminal.shows("quit").await;
    terminal.types("\x1a");
    terminal.shows("pilothouse still runs, whatever the shell says; fg brings it back").await;
    terminal.shows("Stopped").await;
    terminal.shows("ready> ").await;
    // What is typed is the shell's, and the gateway takes what comes meanwhile.
    terminal.types("touch go; until ps -o stat= -p $(jobs -p) | grep -q ^S; do sleep 0.1; done; echo goes\\ on\r");
    terminal.shows("goes on").await;
    terminal.types("fg\r");
    terminal.shows("came meanwhile").await;
    terminal.shows("quit").await;
    // Once more, to see that keys are the console's again.
    terminal.types("?");
    terminal.shows("Keys (").await;
    terminal.types("x\x1a");
    terminal.shows("ready> ").await;
    terminal.types("fg\r");
    terminal.shows("came meanwhile").await;
    terminal.quits();
    terminal.shows("ready> ").await;
    terminal.types("exit\r");
    let mut child = terminal.child;
    let status = within("the shell's end", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
    assert!(status.success(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_shell_ctrl_z_says_so() {
    let place = Place::bare().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("quit").await;
    terminal.types("\x1a");
    terminal.shows("no shell is waiting").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}
