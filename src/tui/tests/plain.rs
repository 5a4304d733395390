//! The line mode.

use super::*;
use crate::clock::Clock;
use crate::link::Lost;
use crate::state::RequestId;
use crate::telemetry::Ring;
use crate::tui::plain::teller::{Step, Teller};
use crate::tui::{Keymap, Notify, Options, Palette};

fn options() -> Options {
    Options {
        api: "http://127.0.0.1:7007".to_owned(),
        colors: false,
        within: crate::tui::Within::Nothing,
        folder: std::path::PathBuf::new(),
        ascii: false,
        theme: Palette::Terminal,
        mouse: false,
        notify: Notify::Off,
        title: false,
        keys: Keymap::default(),
        read_only: false,
        attached: None,
        log: Ring::new(Clock::start()),
        remember: std::path::PathBuf::new(),
    }
}

fn teller(snapshot: Snapshot) -> Teller {
    Teller::new(snapshot, &options(), true, now())
}

/// The lines that are there, without their times.
fn told(teller: &mut Teller) -> Vec<String> {
    let line = |line: String| {
        let (time, text) = line.split_once(' ').expect("a time");
        assert_eq!((time.len(), time.as_bytes()[2]), (5, b':'), "{line}");
        text.to_owned()
    };
    teller.lines().map(line).collect()
}

fn changed(teller: &mut Teller, changes: Vec<Change>) -> Vec<String> {
    teller.take(Update::Changes(changes.into_iter().map(Arc::new).collect()), now());
    told(teller)
}

#[test]
fn how_things_stand_is_told_when_it_turns_and_once() {
    let mut teller = teller(linked());
    let begin = told(&mut teller);
    assert_eq!(begin.len(), 2, "{begin:?}");
    assert!(begin[0].contains("http://127.0.0.1:7007") && begin[0].contains("help"));
    assert_eq!(begin[1], "connected, +15550009999 Office");
    let (lost, gone) = (lost().connection, logged_out().connection);
    let first = changed(&mut teller, vec![Change::Connection(lost.clone())]);
    assert!(first.len() == 1 && first[0].starts_with("not connected: "), "{first:?}");
    assert_eq!(changed(&mut teller, vec![Change::Connection(lost), Change::Queue(3)]), [""; 0]);
    let end = changed(&mut teller, vec![Change::Connection(gone)]);
    assert!(end[0].contains("press restart_bridge to link again"), "the name of the command: {end:?}");
    let Step::Ask(ask) = teller.asked("restart_bridge", now()) else { panic!() };
    assert_eq!(ask.request, Request::RestartBridge);
}

#[test]
fn messages_and_how_far_they_come_are_lines() {
    let mut teller = teller(linked());
    told(&mut teller);
    let message = |message: Message| Change::MessageAdded(Arc::new(message));
    let mut group = incoming(40, Some("Ben"), "at ten");
    group.chat = Chat { id: "120363041234567890@g.us".into(), kind: ChatKind::Group, phone: None, lid: None };
    let hostile = incoming(41, Some("Ma\u{1b}[31m"), "\u{1b}]0;x\u{7}a\nb\u{202e}");
    let ours = outgoing(42, "All well", DeliveryState::Queued);
    let id = ours.id.clone();
    let lines = changed(&mut teller, vec![message(incoming(39, Some("Ana"), "Hola")), message(group.clone())]);
    let ana = "Ana (+15551112222)";
    assert_eq!(
        lines,
        [format!("from {ana}: Hola"), "from Ben (+15551112222) in 120363041234567890@g.us: at ten".into()]
    );
    let football = crate::protocol::Group { id: group.chat.id.as_str().into(), subject: "Saturday football".into() };
    let subjects = Change::Groups(crate::state::Subjects::default().with(vec![football]).unwrap());
    assert_eq!(
        changed(&mut teller, vec![subjects, message(group)]),
        ["from Ben (+15551112222) in Saturday football (120363041234567890@g.us): at ten"]
    );
    // Of some writers WhatsApp tells no number.
    let hidden = |n, name| {
        let message = Message { chat: Chat::group("1203630@g.us".into()), ..incoming(n, name, "at ten") };
        Message { from: "90000000000001@lid".into(), ..message }
    };
    assert_eq!(
        changed(&mut teller, vec![message(hidden(44, None)), message(hidden(45, Some("Carla")))]),
        ["from 90000000000001@lid in 1203630@g.us: at ten", "from ~Carla (90000000000001@lid) in 1203630@g.us: at ten"]
    );
    let lines = changed(&mut teller, vec![message(hostile)]);
    assert!(lines.len() == 1 && !lines[0].chars().any(char::is_control) && !lines[0].contains('\u{202e}'), "{lines:?}");
    assert_eq!(
        changed(&mut teller, vec![message(incoming(43, Some("Ana"), "I")), message(ours)])[1],
        format!("to {ana}: All well")
    );
    let mut from = DeliveryState::Queued;
    for (state, says) in [
        (DeliveryState::Dispatched, None),
        (DeliveryState::Sent, Some("sent to Ana (+15551112222): All well")),
        (DeliveryState::Read, Some("read to Ana (+15551112222): All well")),
    ] {
        let delivery = outgoing(42, "", state).delivery.unwrap();
        let lines = changed(&mut teller, vec![Change::MessageProgressed { id: id.clone(), from, delivery }]);
        assert_eq!(lines.first().map(String::as_str), says);
        from = state;
    }
    let failed = outgoing(50, "a cold one", DeliveryState::Failed);
    let progress =
        Change::MessageProgressed { id: failed.id.clone(), from, delivery: failed.delivery.clone().unwrap() };
    let lines = changed(&mut teller, vec![message(failed), progress]);
    assert!(lines[1].starts_with("failed to Ana (+15551112222): a cold one, since WhatsApp restricts"), "{lines:?}");
}

#[test]
fn what_links_an_account_is_told_to_who_sits_there_and_to_no_file() {
    let mut shown = teller(with_code());
    assert!(told(&mut shown).iter().any(|line| line.contains("A B C D 1 2 3 4")));
    let mut kept = Teller::new(with_code(), &options(), false, now());
    let lines = told(&mut kept).join("\n");
    assert!(lines.contains("there is a code to type on the phone") && !lines.contains("A B C D"), "{lines}");
    let Some(qr @ Pairing::Qr { .. }) = with_qr().pairing else { panic!() };
    let mut one = teller(with_qr());
    assert_eq!(told(&mut one).iter().filter(|line| line.contains("there is a QR")).count(), 1);
    assert_eq!(changed(&mut one, vec![Change::Pairing(None), Change::Pairing(Some(qr))]), [""; 0], "one is enough");
}

#[test]
fn lines_are_commands() {
    let mut teller = teller(linked());
    told(&mut teller);
    let Step::Ask(ask) = teller.asked("send +15553334444 Hola, ¿qué tal?\n", now()) else { panic!() };
    let Request::Send { chat, text, .. } = ask.request else { panic!() };
    assert_eq!((chat.address(), &*text), ("+15553334444", "Hola, ¿qué tal?"));
    for (line, request) in [
        ("pair +15553334444", Request::RequestCode("+15553334444".parse().unwrap())),
        ("log out", Request::LogOut { local: false }),
        ("link", Request::RestartBridge),
        ("take over", Request::TakeOver),
        ("resume crm", Request::ResumeWebhook("crm".into())),
    ] {
        let Step::Ask(ask) = teller.asked(line, now()) else { panic!("{line}") };
        assert_eq!(ask.request, request);
    }
    assert_eq!(teller.asked("quit", now()), Step::Quit);
    for (line, says) in [
        ("", None),
        ("sing", Some("there is no such command; help lists them")),
        ("send 0424 Hola", Some("a number starts with +")),
        ("theme soft", Some("there is no such command")),
        ("webhooks", Some("there are no webhooks")),
        ("status", Some("connected, +15550009999 Office; since the start 5 received")),
    ] {
        assert_eq!(teller.asked(line, now()), Step::Nothing);
        let lines = told(&mut teller);
        assert!(
            lines.first().map(String::as_str).unwrap_or_default().starts_with(says.unwrap_or_default()),
            "{lines:?}"
        );
        assert_eq!(lines.len(), usize::from(says.is_some()));
    }
    teller.asked("help", now());
    let help: Vec<_> = teller.lines().collect();
    assert!(help.contains(&"send TO TEXT: send a text to a number or a chat's id".to_owned()), "{help:?}");
    assert!(help.contains(&"quit: end the gateway".to_owned()), "{help:?}");
    let refused = Update::Answer { id: RequestId(1), answer: Answer::Refused(Refusal::EmptyText) };
    teller.take(refused, now());
    assert_eq!(told(&mut teller), ["not done: the text is empty; write something to send"]);
}

#[test]
fn a_line_mode_that_is_read_only_asks_the_engine_for_nothing() {
    let mut teller = Teller::new(linked(), &Options { read_only: true, ..options() }, true, now());
    for line in [
        "send +15553334444 Hola",
        "pair +15553334444",
        "link",
        "log out",
        "log out local",
        "restart bridge",
        "take over",
        "resume crm",
    ] {
        assert_eq!(teller.asked(line, now()), Step::Nothing, "{line}");
        assert!(told(&mut teller).last().unwrap().starts_with("read-only: nothing was done"));
    }
    teller.asked("read only off", now());
    assert!(matches!(teller.asked("log out", now()), Step::Ask(_)));
}

#[test]
fn a_gateway_that_is_away_is_told_once_and_that_it_is_back() {
    let mut teller = teller(linked());
    told(&mut teller);
    let since = now().wall;
    for retry_at in [since, since.plus(Duration::from_secs(1))] {
        teller.take(Update::Lost(Lost { since, retry_at, why: "it was ended".into() }), now());
    }
    assert_eq!(told(&mut teller), ["no connection to the gateway: it was ended; it is tried again"]);
    teller.take(Update::Snapshot(Box::new(linked())), now());
    let back = "the gateway is there again; what came meanwhile is not told here; pilothouse messages lists all";
    assert_eq!(told(&mut teller), [back]);
}
