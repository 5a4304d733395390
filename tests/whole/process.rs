//! The bridge as a child process of a test.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use whatsapp_simulator::Contact;

use crate::support::{PATIENCE, Place, bridge_folder, within};

/// A bridge that was started here.
pub struct Bridge {
    child: Child,
    commands: Option<ChildStdin>,
    events: Lines<BufReader<ChildStdout>>,
    log: JoinHandle<String>,
    pub seen: Vec<Value>,
}

impl Bridge {
    pub async fn start(place: &Place) -> Self {
        Self::start_with(place, &[]).await
    }

    /// Started with these settings more.
    pub async fn start_with(place: &Place, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new("node");
        command
            .arg(bridge_folder().join("baileys-bridge.mjs"))
            .env_clear()
            .envs(place.env())
            .envs(settings.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("node");
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            while let Ok(Some(line)) = stderr.next_line().await {
                log.push_str(&line);
                log.push('\n');
            }
            log
        });
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut bridge = Self { commands: child.stdin.take(), child, events, log, seen: Vec::new() };
        let hello = bridge.next().await;
        assert_eq!(hello["type"], "hello");
        assert_eq!(hello["protocol"]["major"], 1);
        let capabilities =
            ["ids", "receipts", "connection", "heartbeat", "ack", "restriction", "passkey", "logout", "groups"];
        assert_eq!(hello["capabilities"], json!(capabilities));
        bridge
    }

    /// Started, and told to connect.
    pub async fn connected(place: &Place) -> Self {
        let mut bridge = Self::start(place).await;
        bridge.command(json!({"cmd": "connect", "usePairingCode": false})).await;
        bridge
    }

    /// Started, and told to connect by a host that acknowledges.
    pub async fn acknowledged(place: &Place) -> Self {
        let mut bridge = Self::start(place).await;
        bridge.command(json!({"cmd": "connect", "usePairingCode": false, "ack": true})).await;
        bridge
    }

    /// Linked by a QR.
    pub async fn linked(place: &Place) -> Self {
        let mut bridge = Self::connected(place).await;
        bridge.link(place).await;
        bridge
    }

    pub async fn link(&mut self, place: &Place) {
        let qr = self.wait("qr").await["qr"].as_str().unwrap().to_owned();
        within("the scan", place.simulator.scan(&qr)).await.unwrap();
        self.wait("ready").await;
        within("the login", place.simulator.wait_online()).await;
    }

    pub async fn command(&mut self, command: Value) {
        self.raw(&command.to_string()).await;
    }

    pub async fn raw(&mut self, line: &str) {
        self.commands.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.expect("the bridge reads");
    }

    /// The next event. Whatever stands on stdout must be one.
    pub async fn next(&mut self) -> Value {
        let Ok(line) = tokio::time::timeout(PATIENCE, self.events.next_line()).await else {
            panic!("no event came after {:?}", self.seen);
        };
        let line = line.unwrap().unwrap_or_else(|| panic!("the bridge ended after {:?}", self.seen));
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line:?}"));
        assert!(event["type"].is_string(), "{line}");
        self.seen.push(event.clone());
        event
    }

    /// The next event of this type; others before it are passed over.
    pub async fn wait(&mut self, kind: &str) -> Value {
        self.wait_for(|event| event["type"] == kind).await
    }

    pub async fn wait_for(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let event = self.next().await;
            if wanted(&event) {
                return event;
            }
        }
    }

    pub async fn connection(&mut self, state: &str) -> Value {
        self.wait_for(|event| event["type"] == "connection" && event["state"] == state).await
    }

    pub async fn send(&mut self, to: &Contact, text: &str, id: &str) {
        self.command(json!({"cmd": "send", "to": to.number(), "text": text, "messageId": id})).await;
    }

    /// Closes stdin: the bridge ends, and what it wrote to stderr comes back.
    pub async fn end(mut self) -> String {
        drop(self.commands.take());
        let status = within("the bridge's end", self.child.wait()).await.unwrap();
        assert!(status.success(), "{status}");
        let log = within("the log's end", self.log).await.unwrap();
        for line in log.lines() {
            assert!(line.starts_with("[bridge] "), "{line}");
            assert_no_secret(line);
        }
        log
    }

    /// Ends it the hard way.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}

/// No run of characters that could be a key, a code or a QR.
fn assert_no_secret(line: &str) {
    let run = |c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c));
    let long = line.split(run).find(|word| word.len() >= 32 && word.contains(|c: char| c.is_ascii_digit()));
    assert!(long.is_none() && !line.contains("<Buffer"), "{line}");
}
