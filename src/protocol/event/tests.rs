//! Lines as bridges write them, good and bad.

use compact_str::CompactString;
use proptest::prelude::*;

use super::*;

#[test]
fn base_level_events_are_read() {
    let read = |s: &str| Event::decode(s.as_bytes()).unwrap();
    assert_eq!(read(r#"{"type":"ready"}"#), Event::Ready(None));
    assert_eq!(read(r#"{"type":"qr","qr":"2@x"}"#), Event::Qr(Qr { qr: "2@x".into(), expires_in_ms: None }));
    assert_eq!(
        read(r#"{"type":"pairing_code","code":"ABCD1234"}"#),
        Event::PairingCode(PairingCode { code: "ABCD1234".into(), expires_in_ms: None })
    );
    let Event::Message(m) = read(r#"{"type":"message","from":"+584244370180","body":"Hola"}"#) else { panic!() };
    assert_eq!((m.from.as_str(), m.body.as_str(), m.from_me), ("+584244370180", "Hola", false));
    let Event::Sent(s) = read(r#"{"type":"sent","to":"+584244370180","ok":true}"#) else { panic!() };
    assert!(s.ok && s.message_id.is_none());
    assert_eq!(read(r#"{"type":"error","error":"x"}"#), Event::Error("x".into()));
}

#[test]
fn the_type_may_stand_anywhere() {
    for line in include_str!("../../../bridge/test/golden.ndjson").lines() {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut fields: Vec<_> =
            json.as_object().unwrap().iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
        fields.sort_by_key(|field| field.starts_with("\"type\":"));
        let turned = format!("{{{}}}", fields.join(","));
        assert_eq!(Event::decode(turned.as_bytes()), Event::decode(line.as_bytes()), "{turned}");
    }
}

#[test]
fn the_hello_names_capabilities_and_ignores_unknown_ones() {
    let line =
        br#"{"type":"hello","protocol":{"major":1,"minor":3},"bridge":"b","capabilities":["ids","levitation"],"x":1}"#;
    let Event::Hello(hello) = Event::decode(line).unwrap() else { panic!() };
    assert_eq!(hello.protocol, Version { major: 1, minor: 3 });
    assert_eq!(hello.capabilities, Capabilities { ids: true, ..Capabilities::default() });
}

#[test]
fn unknown_events_keep_their_name_and_unknown_classes_become_other() {
    assert_eq!(Event::decode(br#"{"type":"poll_vote","x":[]}"#).unwrap(), Event::Unknown("poll_vote".into()));
    let line = br#"{"type":"connection","state":"closed","reason":{"class":"eclipse","text":"dark"}}"#;
    let Event::Connection(c) = Event::decode(line).unwrap() else { panic!() };
    assert_eq!(c.reason.unwrap().class, ReasonClass::Other);
}

#[test]
fn the_text_of_an_error_is_cut_to_what_can_be_shown() {
    let line = format!(r#"{{"type":"error","error":"{}"}}"#, "ñ".repeat(500_000));
    let Event::Error(text) = Event::decode(line.as_bytes()).unwrap() else { panic!() };
    assert_eq!(text, format!("{}…", "ñ".repeat(1_000)));
    assert!(text.capacity() < 10_000);
}

#[test]
fn what_is_wrong_with_a_line_is_named_but_never_quoted() {
    for (line, want) in [
        (&b"not json"[..], BadLine::NotAnEvent { bytes: 8 }),
        (b"", BadLine::NotAnEvent { bytes: 0 }),
        (b"[1]", BadLine::NotAnEvent { bytes: 3 }),
        (br#"{"x":1}"#, BadLine::NotAnEvent { bytes: 7 }),
        (b"\xff\xfe{}", BadLine::NotAnEvent { bytes: 4 }),
        (br#"{"type":"ready"}{}"#, BadLine::NotAnEvent { bytes: 18 }),
        (br#"{"type":"sent","to":"+1"}"#, BadLine::BadFields { event: "sent".into() }),
        (br#"{"to":"+1","type":"sent"}"#, BadLine::BadFields { event: "sent".into() }),
    ] {
        assert_eq!(Event::decode(line).unwrap_err(), want);
    }
    let bad = Event::decode(br#"{"type":"qr","qr":["SECRET"]}"#).unwrap_err();
    assert!(!format!("{bad} {bad:?}").contains("SECRET"));
}

#[test]
fn secrets_are_not_in_the_debug_output() {
    for line in [
        r#"{"type":"qr","qr":"SECRET"}"#,
        r#"{"type":"pairing_code","code":"SECRET"}"#,
        r#"{"type":"passkey","options":{"challenge":"SECRET"},"snippet":"SECRET"}"#,
        r#"{"type":"passkey_code","code":"SECRET","confirm":true}"#,
    ] {
        assert!(!format!("{:?}", Event::decode(line.as_bytes()).unwrap()).contains("SECRET"));
    }
}

/// The bridge's own tests compare what it makes with the same lines.
#[test]
fn every_event_of_the_bundled_bridge_is_read_with_all_its_fields() {
    for line in include_str!("../../../bridge/test/golden.ndjson").lines() {
        let event = Event::decode(line.as_bytes()).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(!matches!(event, Event::Unknown(_)), "{line}");
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Event::Sent(sent) = &event {
            assert_eq!(sent.retry_at_ms, json["retryAtMs"].as_i64());
        }
        if let Event::Groups(told) = &event {
            let told: Vec<_> =
                told.groups.iter().map(|g| serde_json::json!({"id": g.id, "subject": g.subject})).collect();
            assert_eq!(serde_json::json!(told), json["groups"]);
        }
        if let Event::Restriction(told) = &event {
            assert_eq!((told.until_ms, Some(told.active)), (json["untilMs"].as_i64(), json["active"].as_bool()));
            assert_eq!(Some(told.text.as_str()), json["text"].as_str());
        }
        if let Event::Passkey(passkey) = &event {
            assert_eq!((&passkey.options, &json["snippet"]), (&json["options"], &passkey.snippet.as_str().into()));
            assert_eq!(passkey.expires_in_ms, json["expiresInMs"].as_u64());
        }
        if let Event::PasskeyCode(code) = &event {
            assert_eq!((Some(code.code.as_str()), code.confirm), (json["code"].as_str(), json["confirm"] == true));
        }
        if let Event::Message(message) = event {
            let id = message.message_id.as_deref();
            assert_eq!(
                (message.from.as_str(), message.body.as_str()),
                (json["from"].as_str().unwrap(), json["body"].as_str().unwrap())
            );
            assert_eq!((id, message.kind.as_deref()), (json["messageId"].as_str(), json["kind"].as_str()));
            assert_eq!(
                (message.timestamp_ms, message.name.as_deref()),
                (json["timestampMs"].as_i64(), json["name"].as_str())
            );
            assert_eq!(message.from_me, json["fromMe"] == true);
            let target = message.target.as_ref().map(|target| (target.message_id.as_str(), target.from_me));
            let about =
                json.get("target").map(|target| (target["messageId"].as_str().unwrap(), target["fromMe"] == true));
            assert_eq!(target, about);
            let chat = message.chat.map(|chat| (chat.kind.as_str(), chat.id, chat.phone, chat.lid));
            let told = |field: &str| json["chat"][field].as_str().map(CompactString::from);
            assert_eq!(
                chat,
                json["chat"]["kind"].as_str().map(|kind| (kind, told("id").unwrap(), told("phone"), told("lid")))
            );
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Event::decode(&bytes);
    }

    #[test]
    fn any_event_like_json_is_read_without_a_panic(name in "hello|ready|qr|passkey|passkey_code|message|sent|receipt|connection|pong|error",
                                                    key in "[a-zA-Z]{1,12}", value in any::<i64>()) {
        let _ = Event::decode(format!("{{\"type\":\"{name}\",\"{key}\":{value}}}").as_bytes());
    }
}
