//! A disk that can't be written for a while: what is accepted, what is said, and that nothing is lost.
//!
//! The program is the real one, headless; the bridge answers every send and notes it in a file.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, Place, within};

/// A bridge of the base level that writes down what it is given to send.
const BRIDGE: &str = r#"#!/bin/sh
echo '{"type":"ready"}'
while IFS= read -r line; do
  case $line in
    *'"cmd":"send"'*)
      echo "$line" >> "$HOME/sent"
      to=${line#*\"to\":\"}
      echo "{\"type\":\"sent\",\"to\":\"${to%%\"*}\",\"ok\":true}" ;;
  esac
done
"#;

fn bridge(place: &Place) -> String {
    let path = place.home().join("bridge.sh");
    std::fs::write(&path, BRIDGE).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn send(gateway: &Gateway, text: &str) -> Answer {
    gateway.post("/send", json!({"to": "+15551112222", "text": text})).await
}

fn accepted_id(sent: Answer) -> String {
    assert!(sent.status < 300, "{}", sent.json);
    sent.json["id"].as_str().unwrap().to_owned()
}

/// Accepts messages, fills the disk, frees it, and looks for all that was accepted.
async fn fills_and_recovers(place: &Place, gateway: Gateway, reason: &str, fill: impl FnOnce(), free: impl FnOnce()) {
    gateway.until(|status| status["connected"] == true && status["store"]["state"] == "ok").await;
    let mut accepted = Vec::new();
    for n in 0..50 {
        accepted.push(accepted_id(send(&gateway, &format!("before {n}")).await));
    }
    // What is told of these is on disk as well: the next write is the first to fail.
    gateway.until(|status| status["messages_sent"] == 50 && status["queue"] == 0).await;
    fill();
    // The one that meets the full disk waits for it; it was neither accepted nor refused. The log of the database
    // keeps its room on the disk when it starts anew, so some may still find a place in it.
    let (waits, status) = loop {
        let body = json!({"to": "+15551113333", "text": format!("meets it {}", "x".repeat(20_000))});
        let waits = tokio::spawn(gateway.request("POST", "/send", Some(body)));
        let failing = |status: &Value| status["store"]["state"] == "failing";
        let status = gateway.until(|status| failing(status) || waits.is_finished()).await;
        if failing(&status) {
            break (Some(waits), status);
        }
        accepted.push(accepted_id(within("the answer", waits).await.unwrap()));
        let all_sent = |status: &Value| status["messages_sent"] == accepted.len() && status["queue"] == 0;
        let status = gateway.until(|status| failing(status) || all_sent(status)).await;
        if failing(&status) {
            break (None, status);
        }
    };
    for text in [&status["store"]["reason"], &status["last_error"]["text"]] {
        assert!(text.as_str().unwrap().contains(reason), "{status:#}");
    }
    for n in 0..100 {
        let refused = send(&gateway, &format!("during {n}")).await;
        assert_eq!(refused.status, 503, "{}", refused.json);
        assert_eq!(refused.json["type"], "urn:pilothouse:problem:store-failed");
        assert!(refused.json["detail"].as_str().unwrap().contains(reason), "{}", refused.json);
    }
    assert_eq!(gateway.get("/health").await.status, 200);
    assert_eq!(gateway.get("/livez").await.status, 200, "a restart does not mend a disk");
    assert_eq!(gateway.get("/readyz").await.json["failing"][0], "store");
    for id in &accepted {
        assert_eq!(gateway.get(&format!("/messages/{id}")).await.status, 200, "what was accepted can be read");
    }
    free();
    if let Some(waits) = waits {
        accepted.push(accepted_id(within("the answer", waits).await.unwrap()));
    }
    let status = gateway.until(|status| status["store"]["state"] == "ok").await;
    assert_eq!(status["store"]["reason"], Value::Null);
    accepted.push(accepted_id(send(&gateway, "after").await));
    gateway.until(|status| status["messages_sent"] == accepted.len() && status["queue"] == 0).await;
    for id in &accepted {
        assert_eq!(gateway.get(&format!("/messages/{id}")).await.json["state"], "sent", "{id}");
    }
    let given = std::fs::read_to_string(place.home().join("sent")).unwrap();
    assert_eq!(given.lines().count(), accepted.len(), "each once, and nothing that was refused");
    assert!(!given.contains("during"), "{given}");
    assert!(gateway.end().await.success());
}

/// Any disk can be made to refuse: a limit on the size of files, which the kernel keeps.
#[tokio::test(flavor = "multi_thread")]
async fn when_files_may_not_grow_nothing_is_accepted_and_it_recovers_by_itself() {
    let place = Place::bare().await;
    let bridge = bridge(&place);
    // With the signal ignored, a write that is too much fails.
    let wrap = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];
    let gateway = Gateway::start_under(&place, &wrap, &["--bridge", &bridge]).await;
    let pid = Pid::from_raw(i32::try_from(gateway.pid()).unwrap());
    let limit = |current| {
        let old = prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
        assert_eq!(old.maximum, None, "files may have any size here");
    };
    let reason = "a limit on the size of files is reached";
    fills_and_recovers(&place, gateway, reason, || limit(Some(1)), || limit(None)).await;
}

/// A small disk, where the system lets one have it.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_is_full_nothing_is_accepted_and_it_recovers_by_itself() {
    let mut try_mount = std::process::Command::new("unshare");
    try_mount.args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]);
    if !try_mount.status().is_ok_and(|status| status.success()) {
        // The test with the limit shows the same.
        return;
    }
    let place = Place::bare().await;
    let bridge = bridge(&place);
    std::fs::create_dir(place.data()).unwrap();
    let mount = "mount -t tmpfs -o size=16m none \"$PILOTHOUSE_DATA_DIR\" && exec \"$0\" \"$@\"";
    let gateway = Gateway::start_under(&place, &["unshare", "-rm", "sh", "-c", mount], &["--bridge", &bridge]).await;
    let ballast = PathBuf::from(format!("/proc/{}/root{}/ballast", gateway.pid(), place.data().display()));
    let fill = || {
        let mut zeros = std::io::repeat(0);
        let full = std::io::copy(&mut zeros, &mut std::fs::File::create(&ballast).unwrap()).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    };
    fills_and_recovers(&place, gateway, "the disk is full", fill, || std::fs::remove_file(&ballast).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_can_not_be_written_is_said_in_a_sentence() {
    let place = Place::bare().await;
    let program = place.home().join("pilothouse");
    std::fs::copy(env!("CARGO_BIN_EXE_pilothouse"), &program).unwrap();
    std::fs::create_dir(place.data()).unwrap();
    for folder in [place.home(), &place.data()] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    }
    let mut command = std::process::Command::new(program);
    command.arg("--headless").env_clear().envs(place.env()).current_dir("/");
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere.
        command.uid(65_534);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("pilothouse: can't write to") && said.contains("read-only"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
