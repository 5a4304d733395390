//! The console as pictures of text, and as keys that are pressed.

mod about;
mod actions;
mod attached;
mod chats;
mod compose;
mod console;
mod detail;
mod feed;
mod hints;
mod linking;
mod mouse;
mod own;
mod passkey;
mod people;
mod plain;
mod streaming;
mod told;
mod webhooks;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::pixel::{OCTANTS, SEXTANTS};

use super::model::{Focus, Model};
use super::series::Range;
use super::theme::Theme;
use super::update::{Msg, Outcome, update};
use super::{next_wake, view};
use crate::clock::{Mono, Now, Timestamp};
use crate::link::Update;
use crate::protocol::{AccountInfo, ChatKind, Reason, ReasonClass};
use crate::qr::Drawing;
use crate::state::{
    Answer, ApiSample, BridgeState, Change, Chat, ChatId, ConnectionState, ConnectionView, Counters, Delivery,
    DeliveryState, Direction, ExitClass, Failure, HostSample, LagSample, LastError, LastExit, Linking, Message,
    PacingView, Pairing, Refusal, Request, RestrictionView, Snapshot, StoreState, StoreView,
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const ANA: &str = "+15551112222";

fn now() -> Now {
    // 2026-11-24T12:00:00Z
    Now { wall: Timestamp::from_millis(1_795_521_600_000), mono: Mono::default() }
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_millis(now().wall.as_millis() - seconds * 1_000)
}

fn model(snapshot: Snapshot) -> Model {
    Model::new(snapshot, "http://127.0.0.1:7007".to_owned(), jiff::tz::TimeZone::UTC, now())
}

fn started() -> Snapshot {
    let mut snapshot = Snapshot::new(ago(90));
    snapshot.bridge.state = BridgeState::Running;
    snapshot.bridge.name = Some("baileys".into());
    snapshot.bridge.pid = Some(4711);
    snapshot.bridge.rss_bytes = Some(98 << 20);
    snapshot.connection.state = ConnectionState::Connecting;
    snapshot.connection.since = ago(60);
    snapshot.host = HostSample {
        rss_bytes: Some(7_900_000),
        api: ApiSample { requests: 1_234, p50_micros: 41, p99_micros: 380 },
        event_loop_lag: LagSample { host_ms: 1, bridge_ms: Some(12) },
        ..HostSample::default()
    };
    snapshot
}

fn with_qr() -> Snapshot {
    let mut snapshot = started();
    snapshot.connection.state = ConnectionState::Linking;
    let qr = format!("https://wa.me/settings/linked_devices#2@{},1", "Ab3+/".repeat(44).get(..215).unwrap()).into();
    snapshot.pairing =
        Some(Pairing::Qr { qr, shown_at: ago(15), expires_at: now().wall.plus(Duration::from_secs(45)) });
    snapshot
}

fn with_code() -> Snapshot {
    let mut snapshot = started();
    snapshot.connection.state = ConnectionState::Linking;
    snapshot.linking = Linking { use_pairing_code: true, phone_number: ANA.parse().ok() };
    let expires_at = now().wall.plus(Duration::from_secs(150));
    snapshot.pairing = Some(Pairing::Code { code: "ABCD1234".to_owned().into(), shown_at: ago(10), expires_at });
    snapshot
}

fn incoming(n: i64, name: Option<&str>, body: &str) -> Message {
    Message {
        id: format!("3A{n}").into(),
        direction: Direction::In,
        chat: Chat::with_person(ANA.parse().unwrap()),
        from: ANA.into(),
        name: name.map(Into::into),
        kind: "text".into(),
        target: None,
        body: body.into(),
        at: ago(60 - n),
        delivery: None,
    }
}

fn outgoing(n: i64, body: &str, state: DeliveryState) -> Message {
    let mut delivery = Delivery::queued(ago(60 - n));
    delivery.state = state;
    if state == DeliveryState::Failed {
        let text = "WhatsApp restricts this account: it may not start new chats for some time".into();
        delivery.failure = Some(Failure { code: Some(463), text, retryable: false });
    }
    Message {
        id: format!("3EB0{n}").into(),
        direction: Direction::Out,
        delivery: Some(Box::new(delivery)),
        ..incoming(n, None, body)
    }
}

fn linked() -> Snapshot {
    let mut snapshot = started();
    snapshot.connection.state = ConnectionState::Open;
    snapshot.account = Some(AccountInfo { phone: Some("+15550009999".into()), lid: None, name: Some("Office".into()) });
    snapshot.counters = Counters {
        messages_received: 5,
        messages_sent: 3,
        messages_delivered: 2,
        messages_read: 1,
        messages_failed: 1,
        ..Counters::default()
    };
    snapshot.queue = 2;
    let group = |message: Message, kind, id: &str| Message {
        chat: Chat { id: ChatId::from(id), kind, phone: None, lid: None },
        ..message
    };
    let photo = Message { kind: "image".into(), ..incoming(5, Some("Ana"), "the harbour at dawn") };
    let elsewhere = Message { direction: Direction::OutElsewhere, ..incoming(6, None, "written on the phone") };
    let long = "A message that is longer than a line is wide is broken at its spaces, so that it can be read in \
                full without being scrolled to the side, and it does not push the columns of others about.";
    let feed = [
        incoming(1, Some("Ana"), "Hola, ¿qué tal? 😀"),
        outgoing(2, "All is well, and with you?", DeliveryState::Read),
        incoming(3, Some("Ana"), long),
        group(incoming(4, Some("Ben"), "the meeting is at ten"), ChatKind::Group, "120363041234567890@g.us"),
        photo,
        elsewhere,
        group(incoming(7, Some("Carla"), "on holiday"), ChatKind::Status, "status@broadcast"),
        incoming(8, None, "שלום עולם and مرحبا"),
        incoming(9, Some("Mallory\u{1b}[31m"), "\u{1b}]0;title\u{7}\u{202e}gnp.exe"),
        outgoing(10, "delivered", DeliveryState::Delivered),
        outgoing(11, "sent", DeliveryState::Sent),
        outgoing(12, "a cold message", DeliveryState::Failed),
        outgoing(13, "under way", DeliveryState::Dispatched),
        outgoing(14, "waits", DeliveryState::Queued),
    ];
    snapshot.feed = feed.into_iter().map(Arc::new).collect();
    snapshot
}

fn ended(class: ReasonClass, code: u32, text: &str) -> Snapshot {
    let mut snapshot = started();
    snapshot.connection.state =
        if class == ReasonClass::LoggedOut { ConnectionState::LoggedOut } else { ConnectionState::Closed };
    snapshot.connection.reason = Some(Reason { class, code: Some(code), text: text.to_owned() });
    snapshot.feed.push_back(Arc::new(outgoing(1, "waits", DeliveryState::Queued)));
    snapshot.queue = 1;
    snapshot
}

fn logged_out() -> Snapshot {
    ended(ReasonClass::LoggedOut, 401, "the phone ended the link; connect again to link anew")
}

fn lost() -> Snapshot {
    let mut snapshot = ended(ReasonClass::ConnectionLost, 428, "the connection to WhatsApp was lost");
    snapshot.connection.retry_at = Some(now().wall.plus(Duration::from_secs(4)));
    snapshot
}

fn failing() -> Snapshot {
    let mut snapshot = started();
    snapshot.bridge.state = BridgeState::BackingOff;
    snapshot.bridge.pid = None;
    snapshot.bridge.restarts = 3;
    snapshot.bridge.retry_at = Some(now().wall.plus(Duration::from_secs(8)));
    snapshot.bridge.last_exit =
        Some(LastExit { at: ago(2), text: "it ended with code 1".into(), class: ExitClass::Crash });
    snapshot.connection.state = ConnectionState::Down;
    let text = "the bridge ended with code 1: Cannot find package 'baileys'";
    snapshot.last_error = Some(LastError { at: ago(2), text: text.into() });
    snapshot
}

fn disk_full() -> Snapshot {
    let mut snapshot = linked();
    let reason = Some("the disk is full; free some space".into());
    snapshot.store = StoreView { state: StoreState::Failing, reason };
    snapshot
}

fn installing() -> Snapshot {
    let mut snapshot = Snapshot::new(ago(2));
    snapshot.bridge.state = BridgeState::Installing;
    snapshot
}

/// What the console draws at this size.
fn drawn(model: &mut Model, (columns, rows): (u16, u16)) -> Buffer {
    update(model, Msg::Resized(columns, rows), now());
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    let cursor = view::view(model, Theme::new(true), area, &mut buffer, now());
    assert!(cursor.is_none_or(|at| area.contains(at)), "{cursor:?}");
    buffer
}

fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut skip = 0;
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol);
            }
            skip = unicode_width::UnicodeWidthStr::width(symbol).max(skip).saturating_sub(1);
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn key(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn press(model: &mut Model, code: KeyCode) -> Outcome {
    update(model, key(code), now())
}

fn typed(model: &mut Model, text: &str) {
    for c in text.chars() {
        press(model, KeyCode::Char(c));
    }
}

#[test]
fn the_main_states_look_as_they_should() {
    let states = [
        ("installing", installing as fn() -> Snapshot),
        ("connecting", started),
        ("qr", with_qr),
        ("code", with_code),
        ("passkey", passkey::demanded),
        ("passkey_refused", passkey::refused),
        ("passkey_answered", passkey::answered),
        ("passkey_code", passkey::with_code),
        ("passkey_compare", passkey::to_compare),
        ("linked", linked),
        ("logged_out", logged_out),
        ("lost", lost),
        ("failing", failing),
        ("disk_full", disk_full),
    ];
    for (name, snapshot) in states {
        for size in SIZES {
            let mut model = model(snapshot());
            let picture = text(&drawn(&mut model, size));
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture);
        }
    }
}

#[test]
fn what_lies_over_the_screen_looks_as_it_should() {
    let mut help = model(linked());
    press(&mut help, KeyCode::Char('?'));
    let mut help_writing = model(linked());
    typed(&mut help_writing, "i");
    press(&mut help_writing, KeyCode::F(1));
    let mut quit = model(linked());
    press(&mut quit, KeyCode::Char('q'));
    let mut pasted = model(passkey::refused());
    update(&mut pasted, Msg::Paste(passkey::ANSWER.to_owned()), now());
    let mut compare = model(passkey::to_compare());
    press(&mut compare, KeyCode::Char('c'));
    let mut number = model(with_qr());
    press(&mut number, KeyCode::Char('p'));
    typed(&mut number, "+58424");
    let mut writing = model(linked());
    typed(&mut writing, "i+15553334444 Hola, ¿cómo ");
    let mut wrong = model(linked());
    typed(&mut wrong, "i+0424 Hola");
    let mut scrolled = model(linked());
    press(&mut scrolled, KeyCode::Char('k'));
    update(&mut scrolled, added(20, "came later"), now());
    for (name, mut model) in [
        ("help", help),
        ("help_writing", help_writing),
        ("quit", quit),
        ("passkey_paste", pasted),
        ("passkey_question", compare),
        ("number", number),
        ("writing", writing),
        ("wrong_number", wrong),
        ("scrolled", scrolled),
    ] {
        insta::assert_snapshot!(name, text(&drawn(&mut model, (80, 24))));
    }
}

#[test]
fn small_terminals_lose_what_matters_least() {
    for size in [(40, 10), (40, 12), (60, 15)] {
        for (name, snapshot) in
            [("qr", with_qr()), ("passkey", passkey::refused()), ("linked", linked()), ("logged_out", logged_out())]
        {
            let mut model = model(snapshot);
            insta::assert_snapshot!(format!("tiny_{name}_{}x{}", size.0, size.1), text(&drawn(&mut model, size)));
        }
    }
    assert!(text(&drawn(&mut model(linked()), (39, 9))).contains("40×10 needed, this is 39×9"));
}

fn added(n: i64, body: &str) -> Msg {
    let change = Change::MessageAdded(Arc::new(incoming(n, Some("Ana"), body)));
    Msg::Update(Update::Changes(vec![Arc::new(change)]))
}

#[test]
fn a_newer_proof_of_what_is_proven_draws_nothing() {
    let changed = |view: ConnectionView| Msg::Update(Update::Changes(vec![Arc::new(Change::Connection(view))]));
    let mut model = model(linked());
    let connection = model.snapshot.connection.clone();
    let proven = ConnectionView { proven_at: Some(now().wall), ..connection.clone() };
    assert!(!update(&mut model, changed(proven.clone()), now()).redraw);
    assert_eq!(model.snapshot.connection, proven, "it is known all the same");
    let unverified = ConnectionView { state: ConnectionState::Unverified, ..proven };
    assert!(update(&mut model, changed(unverified), now()).redraw);
}

/// Reads a QR from cells, as a camera would from their pixels.
fn decode(buffer: &Buffer) -> Option<String> {
    let pixel = |x: usize, y: usize| {
        let cell = buffer.cell((u16::try_from(x / 6).ok()?, u16::try_from(y / 12).ok()?))?;
        if ![cell.fg, cell.bg].iter().all(|c| matches!(c, Color::Indexed(16 | 231))) {
            return None;
        }
        let (x, y) = (x % 6, y % 12);
        let symbol = cell.symbol().chars().next()?;
        let part = |table: &[char], down: usize| {
            let bits = table.iter().position(|c| *c == symbol)?;
            Some(bits >> (y / (12 / down) * 2 + x / 3) & 1 == 1)
        };
        let ink = match symbol {
            ' ' => false,
            '▄' => y >= 6,
            _ => part(&SEXTANTS, 3).or_else(|| part(&OCTANTS, 4))?,
        };
        Some((if ink { cell.fg } else { cell.bg }) == Color::Indexed(16))
    };
    let (width, height) = (usize::from(buffer.area.width) * 6, usize::from(buffer.area.height) * 12);
    let luma = |x, y| if pixel(x, y) == Some(true) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
}

#[test]
fn every_drawing_of_a_qr_can_be_read() {
    let Some(Pairing::Qr { qr, .. }) = with_qr().pairing else { unreachable!() };
    for colors in [true, false] {
        for drawing in [None, Some(Drawing::Sextant), Some(Drawing::Octant), Some(Drawing::Space)] {
            for size in SIZES {
                for whole_screen in [false, true] {
                    let mut model = model(with_qr());
                    model.ui.drawing = drawing;
                    model.ui.whole_screen = whole_screen;
                    let area = Rect::new(0, 0, size.0, size.1);
                    let mut buffer = Buffer::empty(area);
                    view::view(&model, Theme::new(colors), area, &mut buffer, now());
                    assert_eq!(decode(&buffer).as_deref(), Some(qr.reveal()), "{drawing:?} {size:?} {whole_screen}");
                }
            }
        }
    }
}

#[test]
fn a_qr_that_ran_out_is_not_shown() {
    let mut snapshot = with_qr();
    if let Some(Pairing::Qr { expires_at, .. }) = &mut snapshot.pairing {
        *expires_at = now().wall;
    }
    let picture = drawn(&mut model(snapshot), (120, 40));
    assert_eq!(decode(&picture), None);
    assert!(text(&picture).contains("Waiting for a code"));
}

#[test]
fn a_line_with_a_number_goes_there_and_the_number_stays() {
    let mut model = model(linked());
    typed(&mut model, "i+584244370180 Hola");
    let outcome = press(&mut model, KeyCode::Enter);
    let [ask] = &outcome.requests[..] else { panic!("{outcome:?}") };
    let Request::Send { chat, text, .. } = &ask.request else { panic!("{ask:?}") };
    assert_eq!((chat.address(), &**text), ("+584244370180", "Hola"));
    typed(&mut model, "otra vez");
    let outcome = press(&mut model, KeyCode::Enter);
    let Request::Send { chat, text, .. } = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert_eq!((chat.address(), &**text), ("+584244370180", "otra vez"));
}

#[test]
fn a_refused_line_comes_back() {
    let mut model = model(linked());
    typed(&mut model, "i+584244370180 Hola");
    let id = press(&mut model, KeyCode::Enter).requests[0].id;
    assert_eq!(model.ui.input.value(), "");
    let answer = Answer::Refused(Refusal::QueueFull { limit: 10_000 });
    update(&mut model, Msg::Update(Update::Answer { id, answer }), now());
    assert_eq!(model.ui.input.value(), "+584244370180 Hola");
    assert!(model.ui.notice.is_some());
}

#[test]
fn a_line_to_nobody_or_to_a_wrong_number_stays_and_is_not_sent() {
    for line in ["to whom?", "+0424 Hola"] {
        let mut model = model(linked());
        model.ui.recipient = None;
        typed(&mut model, "i");
        typed(&mut model, line);
        let outcome = press(&mut model, KeyCode::Enter);
        assert_eq!(outcome.requests, [], "{line}");
        assert!(model.ui.notice.is_some(), "{line}");
        assert_eq!(model.ui.input.value(), line);
    }
}

#[test]
fn a_number_alone_addresses_the_lines_that_follow() {
    let mut model = model(linked());
    typed(&mut model, "i+584244370180");
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    typed(&mut model, "Hola");
    let outcome = press(&mut model, KeyCode::Enter);
    let Request::Send { chat, .. } = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert_eq!(chat.address(), "+584244370180");
}

#[test]
fn a_message_is_answered_in_its_chat() {
    let mut model = model(linked());
    press(&mut model, KeyCode::Char('k'));
    press(&mut model, KeyCode::Char('a'));
    assert_eq!(model.ui.focus, Focus::Compose);
    assert_eq!(model.ui.recipient.as_ref().map(Chat::address), Some(ANA));
}

#[test]
fn the_history_is_walked_and_comes_back_to_what_was_written() {
    let mut model = model(linked());
    typed(&mut model, "i");
    for line in ["+15551112222 one", "two"] {
        typed(&mut model, line);
        let id = press(&mut model, KeyCode::Enter).requests[0].id;
        let answer = Answer::Accepted { id: "3EB0".into(), delivery: Box::new(Delivery::queued(now().wall)) };
        update(&mut model, Msg::Update(Update::Answer { id, answer }), now());
    }
    press(&mut model, KeyCode::Up);
    assert_eq!(model.ui.input.value(), "two");
    press(&mut model, KeyCode::Up);
    assert_eq!(model.ui.input.value(), "+15551112222 one");
    press(&mut model, KeyCode::Down);
    assert_eq!(model.ui.input.value(), "two");
}

#[test]
fn pasted_text_never_sends_by_itself() {
    let mut model = model(linked());
    let outcome = update(&mut model, Msg::Paste("+15551112222 one\r\ntwo\n\u{1b}[31m".to_owned()), now());
    assert_eq!(outcome.requests, []);
    assert_eq!(model.ui.input.value(), "+15551112222 one\ntwo\n[31m");
    let outcome = press(&mut model, KeyCode::Enter);
    let Request::Send { text, .. } = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert_eq!(&**text, "one\ntwo\n[31m");
}

#[test]
fn quitting_is_confirmed_where_the_gateway_ends_with_it_and_ctrl_c_twice_always_quits() {
    let mut waiting = model(linked());
    assert!(!press(&mut waiting, KeyCode::Char('q')).quit);
    typed(&mut waiting, "y");
    assert!(!press(&mut waiting, KeyCode::Enter).quit);
    press(&mut waiting, KeyCode::Esc);
    typed(&mut waiting, "qstop");
    assert!(press(&mut waiting, KeyCode::Enter).quit);
    let mut empty = model(started());
    assert!(!press(&mut empty, KeyCode::Char('q')).quit, "also when nothing waits");
    assert!(text(&drawn(&mut empty, (80, 24))).contains("Nothing comes in or goes out until it runs again."));
    press(&mut empty, KeyCode::Esc);
    empty.ui.attached = Some("unix:/run/pilothouse.sock".to_owned());
    assert!(press(&mut empty, KeyCode::Char('q')).quit);
    let interrupt = || Msg::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(!update(&mut waiting, interrupt(), now()).quit);
    assert!(update(&mut waiting, interrupt(), now()).quit);
}

#[test]
fn scrolling_up_stays_while_messages_come() {
    let mut model = model(linked());
    drawn(&mut model, (80, 24));
    press(&mut model, KeyCode::Char('k'));
    let chosen = model.chosen().map(|m| m.id.clone());
    assert!(chosen.is_some());
    for n in 0..3 {
        update(&mut model, added(30 + n, "later"), now());
    }
    assert_eq!(model.chosen().map(|m| m.id.clone()), chosen);
    assert_eq!(model.ui.feed.unseen(), 3);
    press(&mut model, KeyCode::Char('G'));
    assert_eq!((model.chosen(), model.ui.feed.unseen()), (None, 0));
}

#[test]
fn a_message_that_comes_right_after_the_start_is_in_the_bars() {
    let mut model = model(linked());
    update(&mut model, added(30, "x"), now());
    assert_eq!(model.ui.traffic.received.most(Range::FiveMinutes, now().wall), 1);
}

#[test]
fn at_rest_nothing_wakes() {
    assert_eq!(next_wake(&model(linked()), now()), None);
    assert_eq!(next_wake(&model(logged_out()), now()), None);
    assert_eq!(next_wake(&model(with_qr()), now()), Some(Duration::from_secs(1)));
    assert_eq!(next_wake(&model(lost()), now()), Some(Duration::from_secs(1)));
}

#[test]
fn without_colours_nothing_has_one_but_the_qr() {
    let mut seen = std::collections::BTreeSet::new();
    for snapshot in [linked(), logged_out(), with_qr()] {
        let area = Rect::new(0, 0, 120, 40);
        let mut buffer = Buffer::empty(area);
        view::view(&model(snapshot), Theme::new(false), area, &mut buffer, now());
        seen.extend(buffer.content.iter().flat_map(|cell| [cell.fg.to_string(), cell.bg.to_string()]));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["16", "231", "Reset"]);
}

fn any_key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        proptest::char::any().prop_map(KeyCode::Char),
        prop::sample::select("ijkgGprvZq?ycn1234:zWLo[]h=NaJRC/".chars().map(KeyCode::Char).collect::<Vec<_>>()),
        prop::sample::select(vec![
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Home,
            KeyCode::End,
        ]),
    ];
    let modifiers = prop::sample::select(vec![KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT]);
    (code, modifiers).prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers))
}

fn any_msg() -> impl Strategy<Value = Msg> {
    prop_oneof![
        8 => any_key().prop_map(Msg::Key),
        1 => any::<String>().prop_map(Msg::Paste),
        2 => (any::<String>(), any::<Option<String>>()).prop_map(|(body, name)| {
            let change = Change::MessageAdded(Arc::new(incoming(1, name.as_deref(), &body)));
            Msg::Update(Update::Changes(vec![Arc::new(change)]))
        }),
        1 => prop::sample::select(vec![
            with_qr(),
            with_code(),
            passkey::refused(),
            passkey::to_compare(),
            linked(),
            logged_out(),
            failing(),
            installing(),
        ])
        .prop_map(|snapshot| Msg::Update(Update::Snapshot(Box::new(snapshot)))),
        1 => Just(Msg::Woken),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_the_console_draws_and_the_terminal_is_safe(
        msgs in prop::collection::vec((any_msg(), (0_u16..140, 0_u16..50)), 1..24)
    ) {
        let mut model = model(linked());
        for (msg, size) in msgs {
            update(&mut model, msg, now());
            let buffer = drawn(&mut model, size);
            for cell in &buffer.content {
                prop_assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn x_takes_back_the_chosen_message_when_it_waits() {
    let mut model = model(linked());
    assert!(press(&mut model, KeyCode::Char('x')).requests.is_empty());
    assert!(model.ui.notice.as_ref().unwrap().contains("that waits"));
    press(&mut model, KeyCode::Char('k'));
    let outcome = press(&mut model, KeyCode::Char('x'));
    let Request::Cancel { id } = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert_eq!(id.as_str(), "3EB014");
    press(&mut model, KeyCode::Char('k'));
    assert!(press(&mut model, KeyCode::Char('x')).requests.is_empty(), "it is under way");
}

#[test]
fn the_wait_for_the_pace_is_shown_and_counts_down() {
    let mut snapshot = linked();
    snapshot.pacing = Some(PacingView { next_send_at: now().wall.plus(Duration::from_millis(3_500)), waiting: 2 });
    let mut model = model(snapshot);
    for size in SIZES {
        let screen = text(&drawn(&mut model, size));
        assert!(screen.contains("2, next in 4 s (paced)"), "{screen}");
    }
    assert_eq!(next_wake(&model, now()), Some(Duration::from_secs(1)));
}

#[test]
fn a_restriction_says_what_is_held_and_until_when() {
    let mut snapshot = linked();
    snapshot.restriction = Some(RestrictionView {
        class: "reachout_timelock".into(),
        since: ago(60),
        until: now().wall.plus(Duration::from_secs(3 * 3_600)),
        until_told: true,
        text: "WhatsApp restricts this account".into(),
        held: 3,
    });
    let mut model = model(snapshot);
    for size in SIZES {
        let screen = text(&drawn(&mut model, size));
        assert!(screen.contains("3 messages are held"), "{screen}");
        assert!(screen.contains("2026-11-24"), "{screen}");
    }
    assert_eq!(next_wake(&model, now()), None);
}

#[test]
fn in_ascii_the_qr_is_of_spaces_and_scans_where_there_is_room() {
    let Some(Pairing::Qr { qr, .. }) = with_qr().pairing else { panic!() };
    let mut model = model(with_qr());
    model.ui.look.ascii = true;
    let draw = |model: &mut Model, (columns, rows)| {
        model.ui.size = (columns, rows);
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        view::view(model, Theme::new(true).ascii(true), area, &mut buffer, now());
        buffer
    };
    for size in [(240, 70), (130, 64)] {
        model.ui.whole_screen = size.0 < 200;
        let buffer = draw(&mut model, size);
        assert_eq!(decode(&buffer).as_deref(), Some(qr.reveal()), "{size:?}");
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()), "{}", text(&buffer));
    }
    model.ui.whole_screen = false;
    let small = draw(&mut model, (120, 40));
    assert_eq!(decode(&small), None);
    assert!(text(&small).contains("122x61"), "{}", text(&small));
    // Whoever has half blocks after all may ask for them.
    typed(&mut model, "v");
    assert_eq!(decode(&draw(&mut model, (120, 40))).as_deref(), Some(qr.reveal()));
}
