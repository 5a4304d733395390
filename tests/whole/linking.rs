//! Linking on request, and the end of the link from this side: the bridge alone, and the whole gateway.

use serde_json::{Value, json};
use whatsapp_simulator::OWNER;

use crate::process::Bridge;
use crate::support::{Gateway, Place, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_removes_the_device_from_the_account_and_the_next_link_is_a_new_one() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    bridge.command(json!({"cmd": "logout", "local": 7})).await;
    assert!(bridge.wait("error").await["error"].as_str().unwrap().contains("local"));
    bridge.command(json!({"cmd": "logout"})).await;
    let ended = bridge.connection("logged_out").await;
    assert_eq!(ended["reason"]["class"], "logged_out");
    assert!(ended["reason"]["text"].as_str().unwrap().contains("as was asked"), "{ended}");
    assert!(!place.simulator.is_linked().await);
    // Nothing of the link is left for the next run either.
    bridge.end().await;
    let mut bridge = Bridge::connected(&place).await;
    bridge.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("after the new link").await.unwrap();
    assert_eq!(bridge.wait("message").await["body"], "after the new link");
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_that_whatsapp_does_not_take_leaves_the_link_as_it_was() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    place.simulator.set_silent(true).await;
    bridge.command(json!({"cmd": "logout"})).await;
    let error = bridge.wait("error").await;
    assert!(error["error"].as_str().unwrap().contains("the link is as it was"), "{error}");
    assert_eq!(bridge.connection("closed").await["reason"]["class"], "connection_lost");
    bridge.command(json!({"cmd": "logout"})).await;
    assert!(bridge.wait("error").await["error"].as_str().unwrap().contains("isn't open"));
    place.simulator.set_silent(false).await;
    bridge.wait("ready").await;
    assert!(place.simulator.is_linked().await);
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_can_be_forgotten_without_whatsapp() {
    let place = Place::new().await;
    let mut bridge = Bridge::linked(&place).await;
    place.simulator.refuse_upgrades(Some(503)).await;
    place.simulator.drop_connection().await;
    bridge.connection("closed").await;
    bridge.command(json!({"cmd": "logout", "local": true})).await;
    let ended = bridge.connection("logged_out").await;
    assert!(ended["reason"]["text"].as_str().unwrap().contains("on the phone"), "{ended}");
    assert!(place.simulator.is_linked().await, "the phone still lists it");
    place.simulator.refuse_upgrades(None).await;
    bridge.command(json!({"cmd": "connect", "usePairingCode": false})).await;
    bridge.wait("qr").await;
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_logged_out_offers_a_new_link_and_keeps_its_messages() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("before").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;

    let ended = gateway.request("DELETE", "/link", None).await;
    assert_eq!((ended.status, &ended.json["status"]), (202, &json!("asked")), "{}", ended.json);
    let status = gateway.until(|status| status["pairing"] == "qr").await;
    assert_eq!((&status["account"], &status["bridge_restarts"]), (&Value::Null, &json!(0)));
    assert!(!place.simulator.is_linked().await);
    assert_eq!(gateway.request("DELETE", "/link", None).await.status, 409);
    let waits = gateway.post("/send", json!({"to": ana.number(), "text": "waits for the next link"})).await;
    assert_eq!(waits.status, 202);

    let first = gateway.qr.lock().unwrap().clone();
    gateway.link(&place).await;
    assert_ne!(*gateway.qr.lock().unwrap(), first);
    let received = within("the message", ana.wait_received(1)).await;
    assert_eq!(received[0].text, "waits for the next link");
    let texts = gateway.get("/messages?direction=in").await.json;
    assert_eq!(texts["messages"][0]["text"], "before");
    let log = gateway.log_at_end().await;
    assert!(!log.contains(&first.unwrap()), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_asked_for_where_a_qr_was_offered() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.until(|status| status["pairing"] == "qr").await;
    let asked = gateway.post("/pairing", json!({"phone_number": OWNER})).await;
    assert_eq!((asked.status, asked.location.as_deref()), (202, Some("/pairing")));
    gateway.until(|status| status["pairing"] == "code").await;
    let code = gateway.get("/pairing").await.json["code"].as_str().unwrap().to_owned();
    // The same again leaves it as it is: somebody may be typing it.
    assert_eq!(gateway.post("/pairing", json!({"phone_number": OWNER})).await.status, 202);
    assert_eq!(gateway.get("/pairing").await.json["code"], code);
    assert!(within("the code", place.simulator.enter_code(&code)).await.unwrap());
    gateway.until(|status| status["connected"] == true).await;
    assert_eq!(gateway.post("/pairing", json!({"phone_number": OWNER})).await.status, 409);
    assert!(gateway.end().await.success());
}
