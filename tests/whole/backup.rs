//! A backup of the running program under load, and a new place that is made from it.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Gateway, Place, within};

/// Runs a command of the program to its end.
async fn run(place: &Place, args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(args).env_clear().envs(place.env()).current_dir(place.home());
    within("the end", command.output()).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_to_a_linked_gateway_with_its_messages() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("before").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;
    let sent = gateway.post("/send?wait=sent", json!({"to": ana.number(), "text": "kept"})).await;
    let id = sent.json["id"].as_str().unwrap().to_owned();

    let backup = place.home().join("backup.tar");
    let load = async {
        for n in 0..60 {
            ana.send_text(&format!("load {n}")).await.unwrap();
            gateway.post("/send", json!({"to": ana.number(), "text": format!("answer {n}")})).await;
        }
    };
    let making = async {
        gateway.until(|status| status["messages_received"].as_u64() > Some(10)).await;
        let made = run(&place, &["backup", backup.to_str().unwrap()]).await;
        assert!(made.status.success(), "{}", said(&made));
    };
    tokio::join!(load, making);
    let refused = run(&place, &["restore", "--force", backup.to_str().unwrap()]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("another pilothouse"), "{}", said(&refused));
    gateway.until(|status| status["messages_received"] == 61 && status["queue"] == 0).await;
    assert!(gateway.end().await.success());

    std::fs::remove_dir_all(place.data()).unwrap();
    std::fs::remove_dir_all(place.session()).unwrap();
    let restored = run(&place, &["restore", backup.to_str().unwrap()]).await;
    assert!(restored.status.success(), "{}", said(&restored));
    let again = Gateway::start(&place, &[]).await;
    let status = again.until(|status| status["connected"] == true || status["pairing"].is_string()).await;
    assert_eq!(status["pairing"], Value::Null, "it is linked still");
    assert_eq!(again.get(&format!("/messages/{id}")).await.json["text"], "kept");
    let received = status["messages_received"].as_u64().unwrap();
    ana.send_text("after").await.unwrap();
    again.until(|status| status["messages_received"].as_u64() > Some(received)).await;
    let sent = again.post("/send?wait=sent", json!({"to": ana.number(), "text": "I read you"})).await;
    assert_eq!(sent.status, 200, "{}", sent.json);
    let mut count = 1;
    while ana.received().await.iter().all(|message| message.text != "I read you") {
        count += 1;
        within("the message", ana.wait_received(count)).await;
    }
    assert!(again.end().await.success());
}
