//! The line mode: in a terminal, and between pipes.

use std::process::Stdio;

use portable_pty::CommandBuilder;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use whatsapp_simulator::OWNER;

use crate::support::{Place, bridge_folder, signal, within};
use crate::terminal::{Terminal, script};

/// The lines up to one that has this in it.
async fn until(lines: &mut Lines<BufReader<ChildStdout>>, text: &str) -> String {
    loop {
        let line = within(text, lines.next_line()).await.unwrap().unwrap_or_else(|| panic!("{text} was not written"));
        assert!(!line.chars().any(char::is_control), "{line:?}");
        if line.contains(text) {
            return line;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn between_pipes_each_event_is_a_line_and_the_end_of_stdin_ends_nothing() {
    let place = Place::bare().await;
    let bridge = script(
        &place,
        r#"#!/bin/sh
echo '{"type":"pairing_code","code":"ABCD1234"}'
echo '{"type":"ready"}'
while read -r line; do
  case $line in
    *'"cmd":"send"'*)
      echo '{"type":"sent","to":"+15551112222","ok":true}'
      printf '%s\n' '{"type":"message","from":"+15551112222","body":"back\u001b[2J\n\u202eagain"}' ;;
  esac
done
"#,
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .args(["--plain".as_ref(), "--bridge".as_ref(), bridge.as_os_str()])
        .env_clear()
        .envs(place.env())
        .current_dir(place.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(until(&mut lines, "Pilothouse, at http://127.0.0.1:").await.contains("help"));
    let code = until(&mut lines, "code to type on the phone").await;
    assert!(!code.contains("A B C D"), "whoever reads a pipe may keep it: {code}");
    until(&mut lines, "connected").await;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"sing\nsend +15551112222 Hola\n").await.unwrap();
    drop(stdin);
    until(&mut lines, "there is no such command").await;
    until(&mut lines, "to +15551112222: Hola").await;
    let back = until(&mut lines, "from +15551112222: back").await;
    assert!(back.ends_with("again") && !back.contains('\u{202e}'), "{back}");
    signal(child.id().unwrap().into(), "TERM");
    let output = within("the end", child.wait_with_output()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_terminal_an_account_is_linked_written_from_and_left_by_lines() {
    let place = Place::new().await;
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(["--plain".as_ref(), "--bridge".as_ref(), bridge_folder().join("baileys-bridge.mjs").as_os_str()]);
    command.env_clear();
    for (name, value) in place.env() {
        command.env(name, value);
    }
    command.cwd(place.home());
    let mut terminal = Terminal::run(command, (100, 40));
    terminal.shows("there is a QR to scan").await;
    terminal.types(&format!("pair {OWNER}\r"));
    let code = terminal
        .until("a code", |screen| {
            let text = screen.contents();
            let (_, rest) = text.split_once("the code to type on the phone is ")?;
            rest.split_once(',').map(|(code, _)| code.replace([' ', '\n'], ""))
        })
        .await;
    assert!(within("the code", place.simulator.enter_code(&code)).await.unwrap());
    terminal.shows(" connected, ").await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("Hola desde lejos").await.unwrap();
    terminal.shows("from Ana (+15551112222): Hola desde lejos").await;
    terminal.types("send +15551112222 Hi Ana\r");
    assert_eq!(within("the message", ana.wait_received(1)).await[0].text, "Hi Ana");
    terminal.shows("delivered to Ana (+15551112222): Hi Ana").await;
    terminal.types("status\r");
    terminal.shows("1 received, 1 sent, 0 failed").await;
    terminal.types("quit\r");
    let bytes = terminal.bytes_of_the_end().await;
    assert!(!bytes.contains(&0x1b), "no escape sequence: {:?}", String::from_utf8_lossy(&bytes));
}
