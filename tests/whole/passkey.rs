//! Accounts that demand their passkey before they link a device: the bridge alone, and the whole gateway.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use whatsapp_simulator::OWNER;

use crate::process::Bridge;
use crate::support::{Gateway, Place, within};

/// What the simulator checks in the step.
pub const ALL: [&str; 5] = ["assertion", "identity", "proof", "nonce", "request"];

/// A place whose account demands its passkey.
pub async fn demanding() -> Place {
    let place = Place::new().await;
    place.simulator.require_passkey(true).await;
    place
}

/// A bridge whose QR was scanned, and its demand.
async fn scanned(place: &Place) -> (Bridge, Value) {
    let mut bridge = Bridge::connected(place).await;
    let qr = bridge.wait("qr").await["qr"].as_str().unwrap().to_owned();
    within("the scan", place.simulator.scan(&qr)).await.unwrap();
    let demand = bridge.wait("passkey").await;
    (bridge, demand)
}

async fn answer(place: &Place, bridge: &mut Bridge, options: &Value) {
    let response = place.simulator.answer_passkey(options).await.unwrap();
    bridge.command(json!({"cmd": "passkey", "response": response})).await;
}

/// Waits for the end: the same code on both sides, everything checked, and the bridge linked.
async fn finished(place: &Place, mut bridge: Bridge) {
    let shown = bridge.wait("passkey_code").await;
    let code = within("the phone's code", place.simulator.passkey_code()).await;
    assert_eq!((&shown["code"], &shown["confirm"]), (&json!(code), &json!(false)));
    let closed = bridge.connection("closed").await;
    assert_eq!(closed["reason"]["class"], "restart_required");
    assert_eq!(bridge.wait("ready").await["account"]["phone"], OWNER);
    within("the login", place.simulator.wait_online()).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("linked").await.unwrap();
    assert_eq!(bridge.wait("message").await["body"], "linked");
    let log = bridge.end().await;
    assert!(!log.contains(&code), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_qr_with_the_passkey() {
    let place = demanding().await;
    let (mut bridge, demand) = scanned(&place).await;
    assert_eq!(demand["options"]["rpId"], "whatsapp.com");
    assert_eq!(demand["expiresInMs"], 600_000);
    let snippet = demand["snippet"].as_str().unwrap();
    assert!(snippet.contains(demand["options"]["challenge"].as_str().unwrap()), "{snippet}");
    assert!(!place.simulator.is_linked().await);
    answer(&place, &mut bridge, &demand["options"]).await;
    finished(&place, bridge).await;
    assert_eq!(place.simulator.passkey_checks().await, ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_a_code_with_the_passkey() {
    let place = demanding().await;
    let mut bridge = Bridge::start(&place).await;
    bridge.command(json!({"cmd": "connect", "usePairingCode": true, "phoneNumber": OWNER})).await;
    let code = bridge.wait("pairing_code").await["code"].as_str().unwrap().to_owned();
    assert!(within("the code", place.simulator.enter_code(&code)).await.unwrap());
    let demand = bridge.wait("passkey").await;
    answer(&place, &mut bridge, &demand["options"]).await;
    finished(&place, bridge).await;
    assert_eq!(place.simulator.passkey_checks().await, ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_be_read_are_asked_for() {
    let place = demanding().await;
    place.simulator.garble_passkey_options(true).await;
    let (mut bridge, demand) = scanned(&place).await;
    answer(&place, &mut bridge, &demand["options"]).await;
    finished(&place, bridge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_told_and_another_may_be_given() {
    let place = demanding().await;
    let (mut bridge, demand) = scanned(&place).await;
    let right = place.simulator.answer_passkey(&demand["options"]).await.unwrap();

    // What can be seen to be wrong is not given to WhatsApp.
    let mut other = demand["options"].clone();
    other["challenge"] = json!("b3RoZXI");
    let other = place.simulator.answer_passkey(&other).await.unwrap();
    let mut cut = right.clone();
    cut["response"].as_object_mut().unwrap().remove("signature");
    let as_text = json!(right.to_string());
    for (wrong, says) in
        [(other, "another challenge"), (cut, "signature"), (as_text, "JSON object"), (Value::Null, "JSON")]
    {
        bridge.command(json!({"cmd": "passkey", "response": wrong})).await;
        let error = bridge.wait("error").await["error"].as_str().unwrap().to_owned();
        assert!(error.contains(says) && error.contains("Give it again"), "{error}");
    }
    assert!(place.simulator.passkey_checks().await.is_empty());

    // What WhatsApp refuses needs a new challenge: the answer to the old one is void.
    let mut forged = right.clone();
    forged["response"]["signature"] = other_signature(&right);
    bridge.command(json!({"cmd": "passkey", "response": forged})).await;
    let demand = bridge.wait("passkey").await;
    let error = bridge.wait("error").await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("refused") && error.contains("snippet"), "{error}");
    bridge.command(json!({"cmd": "passkey", "response": right})).await;
    assert!(bridge.wait("error").await["error"].as_str().unwrap().contains("another challenge"));
    answer(&place, &mut bridge, &demand["options"]).await;
    finished(&place, bridge).await;
    assert_eq!(place.simulator.passkey_checks().await, ALL);
}

/// A signature of the same shape.
fn other_signature(response: &Value) -> Value {
    let signature = response["response"]["signature"].as_str().unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    json!(format!("{first}{}", &signature[1..]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_asked_for_is_told() {
    let place = Place::new().await;
    let mut bridge = Bridge::start(&place).await;
    let unasked = [json!({"cmd": "passkey", "response": {}}), json!({"cmd": "passkey_confirm", "same": true})];
    for command in &unasked {
        bridge.command(command.clone()).await;
        assert!(bridge.next().await["error"].as_str().unwrap().contains("no passkey is asked for"));
    }
    bridge.command(json!({"cmd": "passkey_confirm", "same": 1})).await;
    assert!(bridge.next().await["error"].as_str().unwrap().contains("true or false"));
    bridge.command(json!({"cmd": "connect", "usePairingCode": false})).await;
    bridge.wait("qr").await;
    bridge.command(unasked[0].clone()).await;
    assert!(bridge.wait("error").await["error"].as_str().unwrap().contains("no passkey is asked for"));
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_in_the_step_is_followed_by_a_new_offer() {
    let place = demanding().await;
    let (mut bridge, demand) = scanned(&place).await;
    let late = place.simulator.answer_passkey(&demand["options"]).await.unwrap();
    place.simulator.abandon_linking().await;
    bridge.connection("closed").await;
    bridge.command(json!({"cmd": "passkey", "response": late})).await;
    assert!(bridge.wait("error").await["error"].as_str().unwrap().contains("link anew"));
    let qr = bridge.wait("qr").await["qr"].as_str().unwrap().to_owned();
    within("the scan", place.simulator.scan(&qr)).await.unwrap();
    let demand = bridge.wait("passkey").await;
    answer(&place, &mut bridge, &demand["options"]).await;
    finished(&place, bridge).await;
}

/// A gateway whose QR was scanned, and what it tells of the demand.
async fn asked(place: &Place, env: &[(&str, &str)]) -> (Gateway, Value) {
    let gateway = Gateway::start_with(place, &[], env).await;
    gateway.until(|status| status["pairing"] == "qr").await;
    let qr = gateway.get("/qr").await.json["qr"].as_str().unwrap().to_owned();
    within("the scan", place.simulator.scan(&qr)).await.unwrap();
    let status = gateway.until(|status| status["pairing"] == "passkey").await;
    assert_eq!((&status["connection"]["state"], &status["connected"]), (&json!("passkey"), &json!(false)));
    let demand = gateway.get("/pairing").await;
    assert_eq!((demand.status, &demand.json["state"]), (200, &json!("passkey")), "{}", demand.json);
    (gateway, demand.json)
}

/// Waits until the gateway tells an error with these words.
async fn told(gateway: &Gateway, words: &str) {
    let says = |status: &Value| status["last_error"]["text"].as_str().is_some_and(|text| text.contains(words));
    gateway.until(says).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_over_http_with_the_passkey_after_wrong_answers() {
    let place = demanding().await;
    let (gateway, demand) = asked(&place, &[("RUST_LOG", "pilothouse=trace,bridge=trace")]).await;
    let challenge = demand["options"]["challenge"].as_str().unwrap().to_owned();
    assert!(demand["snippet"].as_str().unwrap().contains(&challenge), "{demand}");
    let right = place.simulator.answer_passkey(&demand["options"]).await.unwrap();
    assert_eq!(gateway.post("/pairing/passkey", json!({"hello": "world"})).await.status, 422);
    assert_eq!(gateway.get("/pairing").await.json["error"], Value::Null, "it did not get to the bridge");

    // What WhatsApp refuses needs a new challenge, and the answer to the old one is void.
    let mut forged = right.clone();
    forged["response"]["signature"] = other_signature(&right);
    assert_eq!(gateway.post("/pairing/passkey", forged).await.status, 202);
    told(&gateway, "was refused").await;
    let renewed = gateway.get("/pairing").await.json;
    assert_ne!(renewed["options"]["challenge"], challenge.as_str());
    assert!(renewed["error"].as_str().is_some_and(|text| text.contains("was refused")), "{renewed}");
    assert_eq!(gateway.post("/pairing/passkey", right.clone()).await.status, 202);
    told(&gateway, "another challenge").await;
    assert_eq!(gateway.get("/pairing").await.json["answered"], false);

    let right = place.simulator.answer_passkey(&renewed["options"]).await.unwrap();
    assert_eq!(gateway.post("/pairing/passkey", right.clone()).await.status, 202);
    let code = within("the phone's code", place.simulator.passkey_code()).await;
    gateway.until(|status| status["connected"] == true).await;
    assert_eq!(place.simulator.passkey_checks().await, ALL);
    let linked = gateway.get("/pairing").await;
    assert_eq!((linked.status, &linked.json["state"]), (409, &json!("linked")));
    assert_eq!(gateway.post("/pairing/passkey", right.clone()).await.status, 409);
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("linked").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;

    let log = gateway.log_at_end().await;
    let signature = right["response"]["signature"].as_str().unwrap();
    let kept = files(&place.data());
    assert!(!kept.is_empty());
    for secret in [challenge.as_str(), signature, &code] {
        assert!(!log.contains(secret), "{log}");
        for (path, bytes) in &kept {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{} has it", path.display());
        }
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![(path.clone(), std::fs::read(&path).unwrap())],
    };
    entries.flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_cut_off_is_over_and_a_new_qr_comes() {
    let place = demanding().await;
    let (gateway, demand) = asked(&place, &[]).await;
    let late = place.simulator.answer_passkey(&demand["options"]).await.unwrap();
    place.simulator.abandon_linking().await;
    gateway.until(|status| status["pairing"] == "qr").await;
    assert_eq!(gateway.post("/pairing/passkey", late).await.status, 409);
    assert_eq!(gateway.get("/pairing").await.json["state"], "qr");
    assert!(gateway.end().await.success());
}
