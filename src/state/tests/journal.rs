//! What programs are told besides messages.

use serde_json::{Value, json};

use super::*;

/// What an outcome puts into the journal that is about no message.
fn told(outcome: &Outcome) -> Vec<(&'static str, Value)> {
    let rows = outcome.writes.iter().filter_map(|write| match write {
        Write::Journal { kind, payload, .. } => Some((kind.as_str(), payload.clone())),
        _ => None,
    });
    rows.collect()
}

#[test]
fn a_change_of_the_connection_is_told_with_its_reason_and_what_was_before() {
    let mut world = World::open();
    let lost =
        r#"{"type":"connection","state":"closed","reason":{"class":"lost","code":428,"text":"gone"},"retryInMs":1000}"#;
    let outcome = world.line(lost);
    let [(kind, event)] = &told(&outcome)[..] else { panic!("{outcome:?}") };
    assert_eq!(*kind, "connection.changed");
    assert_eq!((&event["state"], &event["previous"]), (&json!("closed"), &json!("open")));
    assert_eq!((&event["reason"]["text"], &event["account"]["phone"]), (&json!("gone"), &json!("+15550009999")));
    assert_eq!(event["retry_at"], json!(world.now.wall.plus(Duration::from_secs(1))));
    assert_eq!(told(&world.line(lost)), [], "nothing new");
}

#[test]
fn what_there_is_to_scan_or_to_type_is_in_no_row() {
    let mut world = World::new();
    world.start(1);
    for line in [r#"{"type":"qr","qr":"SECRET"}"#, r#"{"type":"pairing_code","code":"SECRET"}"#] {
        let outcome = world.line(line);
        assert!(outcome.changes.iter().any(|change| matches!(change, Change::Pairing(Some(_)))));
        assert!(told(&outcome).iter().all(|(_, payload)| !payload.to_string().contains("SECRET")));
    }
}

#[test]
fn a_restriction_is_told_at_its_begin_when_its_time_changes_and_at_its_end() {
    let mut world = World::open();
    let line = |active: bool, until: &str| {
        format!(r#"{{"type":"restriction","class":"reachout_timelock","active":{active},"text":"t"{until}}}"#)
    };
    let until = format!(r#","untilMs":{}"#, world.now.wall.plus(Duration::from_secs(600)).as_millis());
    let [(kind, event)] = &told(&world.line(&line(true, "")))[..] else { panic!() };
    assert_eq!((*kind, &event["active"], &event["until_told"]), ("account.restricted", &json!(true), &json!(false)));
    assert_eq!(told(&world.line(&line(true, &until)))[0].1["until_told"], true);
    assert_eq!(told(&world.line(&line(true, &until))), []);
    assert_eq!(told(&send_to(&mut world, 1, false)), [], "that a message is held is no event");
    assert_eq!(told(&world.line(&line(false, "")))[0].1["active"], false);
}
