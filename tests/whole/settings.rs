//! Settings that are changed while the gateway runs.

use serde_json::json;

use crate::cli::{command, run};
use crate::support::{Gateway, Place};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_sets_holds_at_once_and_after_a_restart() {
    let place = Place::bare().await;
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    assert_eq!(gateway.get("/config").await.json["origins"]["log"], "default");
    let answer = gateway.request("PATCH", "/config", Some(json!({"log": "debug", "bridge_memory_mb": 300}))).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(
        (&answer.json["took_effect"], &answer.json["needs_restart"]),
        (&json!(["log"]), &json!(["bridge_memory_mb"]))
    );
    // Set by the environment of these tests: not for the API to change.
    let fixed = gateway.request("PATCH", "/config", Some(json!({"send_rate_per_minute": 5}))).await;
    assert_eq!((fixed.status, &fixed.json["errors"][0]["field"]), (422, &json!("send_rate_per_minute")));
    assert_eq!(gateway.get("/livez").await.status, 200);
    let log = gateway.log_at_end().await;
    let line =
        |path: &str| log.lines().any(|line| line.contains("DEBUG") && line.contains(&format!("path=\"{path}\"")));
    assert!(line("/livez"), "{log}");

    let shown = run(command(&place, &["config"])).await;
    let line = shown.out.lines().find(|line| line.starts_with("bridge_memory_mb ")).unwrap();
    assert!(line.contains("300") && line.contains("the API"), "{line}");
    let shown = run(command(&place, &["config", "--json"])).await.json();
    assert_eq!(shown["bridge_memory_mb"], 300);
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    let config = gateway.get("/config").await.json;
    assert_eq!(
        (&config["log"], &config["bridge_memory_mb"], &config["needs_restart"]),
        (&json!("debug"), &json!(300), &json!([]))
    );
    assert!(gateway.end().await.success());
}
