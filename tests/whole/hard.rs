//! Hard inputs for the whole program: a burst of 100,000 messages, bodies of a million characters, ids that are told
//! twice, chats that nobody knows. Memory stays flat, nothing doubles, nothing blocks.

use std::os::unix::fs::PermissionsExt;

use pilothouse::state::AccountId;
use pilothouse::store::Reader;
use serde_json::{Value, json};

use crate::support::{Gateway, Place};

/// The most memory that the program may ever have used, in KiB. Built for debugging it needs 16 MiB at rest.
const MOST_KIB: u64 = 40 << 10;

/// Each message is in a chat of its own; every tenth is told twice; three are very long. Then it serves.
const BRIDGE: &str = r#"#!/bin/sh
echo '{"type":"hello","protocol":{"major":1},"bridge":"burst","capabilities":["connection"]}'
echo '{"type":"ready"}'
awk 'BEGIN {
  for (i = 0; i < 100000; i++) {
    line = sprintf("{\"type\":\"message\",\"from\":\"+1555%07d\",\"body\":\"text %d\",\"messageId\":\"3A%d\",\"chat\":{\"kind\":\"person\",\"id\":\"%d@lid\"}}", i, i, i, i)
    print line
    if (i % 10 == 0) print line
  }
}'
for n in 1 2 3; do
  printf '{"type":"message","from":"+15551112222","messageId":"LONG%s","chat":{"kind":"wormhole","id":"?"},"body":"' $n
  head -c 1000000 /dev/zero | tr '\0' x
  printf '"}\n'
done
while IFS= read -r line; do
  case $line in
    *'"cmd":"send"'*)
      to=${line#*\"to\":\"}
      echo "{\"type\":\"sent\",\"to\":\"${to%%\"*}\",\"ok\":true}" ;;
  esac
done
"#;

fn peak_memory_kib(pid: i64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_messages_and_very_long_ones_cost_no_memory_and_nothing_doubles() {
    let place = Place::bare().await;
    let bridge = place.home().join("bridge.sh");
    std::fs::write(&bridge, BRIDGE).unwrap();
    std::fs::set_permissions(&bridge, std::fs::Permissions::from_mode(0o755)).unwrap();
    let gateway = Gateway::start(&place, &["--bridge", bridge.to_str().unwrap()]).await;
    // In the midst of it, others are served. The bridge reads nothing before the end of its burst, and a busy computer
    // takes its time for that: what is sent earlier is given up.
    gateway.until(|status| status["messages_received"].as_u64() > Some(80_000)).await;
    let sent = gateway.post("/send", json!({"to": "+15551112222", "text": "during the burst"})).await;
    assert!(sent.status < 300, "{}", sent.json);
    let long = gateway.post("/send", json!({"to": "+15551112222", "text": "x".repeat(1_000_000)})).await;
    assert!((400..500).contains(&long.status), "{} {}", long.status, long.json);

    let status = gateway.until(|status| status["messages_received"].as_u64() >= Some(100_003)).await;
    assert_eq!((&status["messages_received"], &status["counters"]["duplicates"]), (&json!(100_003), &json!(10_000)));
    assert_eq!(status["counters"]["protocol_errors"], 0);
    gateway.until(|status| status["messages_sent"] == 1).await;
    let most = peak_memory_kib(gateway.pid());
    assert!(most < MOST_KIB, "the program used {most} KiB");
    let now = status["host"]["rss_bytes"].as_u64();
    assert!(now.is_none_or(|bytes| bytes < MOST_KIB << 10), "{now:?}");
    assert!(gateway.end().await.success());

    let again = Gateway::start(&place, &["--bridge", bridge.to_str().unwrap()]).await;
    let told = |status: &Value| status["counters"]["duplicates"].as_u64() == Some(110_003);
    let status = again.until(told).await;
    assert_eq!(status["messages_received"], 0, "all told again, nothing taken again");
    assert!(again.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_million_characters_comes_through_the_bundled_bridge() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let plain = "x".repeat(1_000_000);
    ana.send_text(&plain).await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;
    // Two million bytes do not fit into a line: the beginning comes.
    ana.send_text(&"ñ".repeat(1_000_000)).await.unwrap();
    gateway.until(|status| status["messages_received"] == 2).await;
    let status = gateway.status().await;
    assert_eq!((&status["counters"]["protocol_errors"], &status["connected"]), (&json!(0), &json!(true)));
    let reader = Reader::open(&place.data().join("pilothouse.db"), AccountId::main()).unwrap();
    let bodies: Vec<_> = reader.last_messages(2).unwrap().into_iter().map(|message| message.body).collect();
    assert!(*bodies[0] == *plain, "{}", bodies[0].len());
    assert!(bodies[1].len() > 900_000 && bodies[1].ends_with("ññ…"), "{}", bodies[1].len());
    assert!(peak_memory_kib(gateway.pid()) < MOST_KIB);
    assert!(gateway.end().await.success());
}
