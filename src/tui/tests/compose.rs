//! Writing: several lines, recipients, drafts, and what would keep a message from going out.

use super::*;
use crate::state::QUEUE_CAPACITY;
use crate::tui::drafts::Drafts;

const BEN: &str = "+15553334444";

fn with(key: KeyCode, modifiers: KeyModifiers) -> Msg {
    Msg::Key(KeyEvent::new(key, modifiers))
}

/// Ana and Ben have written; the newest chat is Ben's.
fn desk() -> Model {
    let mut snapshot = linked();
    let ben = Message {
        chat: Chat::with_person(BEN.parse().unwrap()),
        from: BEN.into(),
        ..incoming(20, Some("Ben Ólafsson"), "hi")
    };
    snapshot.feed = [incoming(1, Some("Ana"), "Hola"), ben].map(Arc::new).into();
    model(snapshot)
}

fn sent(outcome: &Outcome) -> (String, String) {
    let Some(Request::Send { chat, text, .. }) = outcome.requests.first().map(|ask| &ask.request) else {
        panic!("{outcome:?}")
    };
    (chat.address().to_owned(), text.to_string())
}

#[test]
fn a_text_may_have_several_lines_and_enter_sends_them() {
    let mut model = desk();
    typed(&mut model, "i+15553334444 one");
    for line in ["two", "three"] {
        assert_eq!(update(&mut model, with(KeyCode::Enter, KeyModifiers::ALT), now()).requests, []);
        typed(&mut model, line);
    }
    insta::assert_snapshot!("lines", text(&drawn(&mut model, (80, 24))));
    // The cursor goes up and down among them.
    press(&mut model, KeyCode::Up);
    typed(&mut model, "+");
    assert_eq!(model.ui.input.value(), "+15553334444 one\ntwo+\nthree");
    assert_eq!(sent(&press(&mut model, KeyCode::Enter)), (BEN.to_owned(), "one\ntwo+\nthree".to_owned()));
}

#[test]
fn the_cursor_is_where_the_text_goes_whatever_its_lines_are() {
    let mut model = desk();
    typed(&mut model, "i");
    update(&mut model, Msg::Paste(format!("{}\n😀é日本\n\nend", "x".repeat(200))), now());
    for size in [(80, 24), (41, 16), (40, 10), (120, 40)] {
        for _ in 0..12 {
            let area = Rect::new(0, 0, size.0, size.1);
            let mut buffer = Buffer::empty(area);
            let cursor = view::view(&model, Theme::new(true), area, &mut buffer, now());
            assert!(cursor.is_some_and(|at| area.contains(at)));
            press(&mut model, KeyCode::Left);
        }
        press(&mut model, KeyCode::End);
    }
    let area = Rect::new(0, 0, 80, 24);
    let mut buffer = Buffer::empty(area);
    let cursor = view::view(&model, Theme::new(true), area, &mut buffer, now()).unwrap();
    let row: String = (0..80).map(|x| buffer[(x, cursor.y)].symbol()).collect();
    assert!(row.starts_with("│end") && cursor.x == 4, "{row} {cursor:?}");
}

#[test]
fn a_recipient_is_chosen_by_parts_of_a_name_or_number() {
    for (typed_in, to) in
        [("olaf", BEN), ("ben", BEN), ("1112", ANA), ("an", ANA), ("+58 424-437 0180", "+584244370180")]
    {
        let mut model = desk();
        typed(&mut model, "i@");
        typed(&mut model, typed_in);
        press(&mut model, KeyCode::Enter);
        assert_eq!(model.ui.recipient.as_ref().map(Chat::address), Some(to), "{typed_in}");
        typed(&mut model, "hello");
        assert_eq!(sent(&press(&mut model, KeyCode::Enter)), (to.to_owned(), "hello".to_owned()));
    }
    let mut model = desk();
    typed(&mut model, "i@");
    insta::assert_snapshot!("recipients", text(&drawn(&mut model, (80, 24))));
    press(&mut model, KeyCode::Down);
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.ui.recipient.as_ref().map(Chat::address), Some(ANA));
    update(&mut model, with(KeyCode::Char('t'), KeyModifiers::CONTROL), now());
    typed(&mut model, "nobody");
    press(&mut model, KeyCode::Enter);
    assert!(model.ui.overlay.is_some() && model.ui.notice.is_some());
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.ui.recipient.as_ref().map(Chat::address), Some(ANA), "it stays");
}

#[test]
fn an_at_sign_never_goes_to_the_recipient_of_before_in_place_of_choosing_another() {
    let mut model = desk();
    typed(&mut model, "i@ana");
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "hello");
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "@ben");
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    assert_eq!(model.ui.recipient.as_ref().map(Chat::address), Some(BEN));
    // Who wants the sign itself types it twice; in a text it is one anyway.
    typed(&mut model, "@@all me@home");
    assert_eq!(model.ui.input.value(), "@all me@home");
    assert_eq!(sent(&press(&mut model, KeyCode::Enter)), (BEN.to_owned(), "@all me@home".to_owned()));
}

#[test]
fn what_was_begun_for_one_stays_his_and_comes_back() {
    let mut model = desk();
    typed(&mut model, "ia draft to nobody");
    update(&mut model, with(KeyCode::Char('t'), KeyModifiers::CONTROL), now());
    typed(&mut model, "ana");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.ui.input.value(), "a draft to nobody", "it goes with the choice");
    update(&mut model, with(KeyCode::Char('t'), KeyModifiers::CONTROL), now());
    typed(&mut model, "ben");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.ui.input.value(), "");
    typed(&mut model, "to Ben");
    // Answering another's message changes the recipient as well.
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Char('k'));
    press(&mut model, KeyCode::Char('k'));
    press(&mut model, KeyCode::Char('a'));
    assert_eq!(model.ui.recipient.as_ref().map(Chat::address), Some(ANA));
    assert_eq!(model.ui.input.value(), "a draft to nobody");
    assert!(!press(&mut model, KeyCode::Enter).requests.is_empty());
    // What was sent is no draft any more; a restart knows the other.
    let mut again = desk();
    again.resume(Drafts::read(&model.ui.drafts.file()));
    assert_eq!(again.ui.recipient.as_ref().map(Chat::address), Some(BEN));
    assert_eq!(again.ui.input.value(), "to Ben");
}

#[test]
fn drafts_are_written_a_second_after_the_last_key_and_nothing_wakes_then() {
    let at = |ms: u64| Now { mono: Mono::new(Duration::from_millis(ms)), ..now() };
    let mut model = desk();
    model.ui.focus = Focus::Compose;
    assert_eq!(update(&mut model, key(KeyCode::Char('x')), at(0)).drafts, None);
    assert_eq!(next_wake(&model, at(400)), Some(Duration::from_millis(600)));
    let written = update(&mut model, Msg::Woken, at(1_000)).drafts.unwrap();
    assert!(written.contains("\"x\""));
    assert_eq!(next_wake(&model, at(1_000)), None);
}

#[test]
fn the_editor_gets_the_text_and_gives_another_back() {
    let mut model = desk();
    typed(&mut model, "ione");
    update(&mut model, with(KeyCode::Enter, KeyModifiers::ALT), now());
    typed(&mut model, "two");
    let outcome = update(&mut model, with(KeyCode::Char('e'), KeyModifiers::CONTROL), now());
    assert_eq!(outcome.edit.as_deref(), Some("one\ntwo"));
    update(&mut model, Msg::Edited(Ok("three\n\u{1b}[31mfour\n\n".to_owned())), now());
    assert_eq!(model.ui.input.value(), "three\n[31mfour");
    update(&mut model, Msg::Edited(Err("no editor".to_owned())), now());
    assert_eq!(model.ui.input.value(), "three\n[31mfour");
    assert!(text(&drawn(&mut model, (80, 24))).contains("no editor"));
}

#[test]
fn a_passkey_answer_is_never_kept_as_a_draft() {
    let mut model = model(passkey::refused());
    update(&mut model, Msg::Paste(passkey::ANSWER.to_owned()), now());
    assert!(model.ui.input.value().contains("rawId"));
    assert!(!model.ui.drafts.file().contains("rawId"));
}

#[test]
fn what_would_keep_a_message_is_said_before_it_is_sent() {
    let title = |snapshot: Snapshot, line: &str| {
        let mut model = model(snapshot);
        model.ui.recipient = Some(Chat::with_person(ANA.parse().unwrap()));
        model.ui.focus = Focus::Compose;
        update(&mut model, Msg::Paste(line.to_owned()), now());
        text(&drawn(&mut model, (120, 40))).lines().rfind(|line| line.contains('╭')).unwrap().to_owned()
    };
    let restricted = || {
        let mut snapshot = linked();
        snapshot.restriction = Some(RestrictionView {
            class: "reachout_timelock".into(),
            since: ago(60),
            until: now().wall.plus(Duration::from_secs(3_600)),
            until_told: true,
            text: "WhatsApp restricts this account".into(),
            held: 0,
        });
        snapshot
    };
    let mut paced = linked();
    paced.pacing = Some(PacingView { next_send_at: now().wall.plus(Duration::from_millis(900)), waiting: 7 });
    let mut full = linked();
    full.queue = QUEUE_CAPACITY;
    for (snapshot, line, says) in [
        (linked(), "x", "To Mallory␛[31m +15551112222 ─"),
        (lost(), "x", "… waits until connected"),
        (disk_full(), "x", "✗ the database can't be written"),
        (restricted(), "x", "To Mallory␛[31m +15551112222 ─"),
        (restricted(), "+15559998888 x", "… new chats are held until 2026-11-24 13:00:00"),
        (paced, "x", "… paced, 7 before it"),
        (full, "x", "✗ 10000 messages wait already"),
        (linked(), "+0424 x", "✗ "),
        (linked(), &"x".repeat(70_000), "✗ 70000 characters; WhatsApp takes 65536"),
    ] {
        let title = title(snapshot, line);
        assert!(title.contains(says), "{says}: {title}");
    }
}

#[test]
fn up_shows_what_was_sent_only_where_nothing_is_lost_by_it() {
    let mut model = desk();
    typed(&mut model, "i+15551112222 one");
    let id = press(&mut model, KeyCode::Enter).requests[0].id;
    let answer = Answer::Accepted { id: "3EB0".into(), delivery: Box::new(Delivery::queued(now().wall)) };
    update(&mut model, Msg::Update(Update::Answer { id, answer }), now());
    typed(&mut model, "begun");
    press(&mut model, KeyCode::Up);
    assert_eq!(model.ui.input.value(), "begun");
    update(&mut model, with(KeyCode::Char('u'), KeyModifiers::CONTROL), now());
    press(&mut model, KeyCode::Up);
    assert_eq!(model.ui.input.value(), "+15551112222 one");
}

#[test]
fn a_line_may_begin_with_the_id_of_a_group_or_of_a_person_without_a_number() {
    const GROUP: &str = "120363041234567890@g.us";
    let called = |snapshot: &mut Snapshot| {
        let told = vec![crate::protocol::Group { id: GROUP.into(), subject: "Saturday football".into() }];
        snapshot.groups = snapshot.groups.with(told).unwrap();
    };
    for (line, to, said) in [
        (format!("{GROUP} who plays?"), GROUP, "who plays?"),
        ("90000000000001@lid Hola".to_owned(), "90000000000001@lid", "Hola"),
        ("15553334444@s.whatsapp.net Hola".to_owned(), BEN, "Hola"),
    ] {
        let mut desk = desk();
        called(&mut desk.snapshot);
        typed(&mut desk, "i");
        typed(&mut desk, &line);
        let screen = text(&drawn(&mut desk, (100, 24)));
        assert!(to != GROUP || screen.contains("To Saturday football 120363041234567890@g.us"), "{screen}");
        assert_eq!(sent(&press(&mut desk, KeyCode::Enter)), (to.to_owned(), said.to_owned()));
        // The palette takes the same.
        typed(&mut desk, "hello");
        press(&mut desk, KeyCode::Enter);
        press(&mut desk, KeyCode::Esc);
        typed(&mut desk, ":send ");
        typed(&mut desk, &line);
        assert_eq!(sent(&press(&mut desk, KeyCode::Enter)), (to.to_owned(), said.to_owned()), "{line}");
    }
    // All else is a text.
    let mut desk = desk();
    typed(&mut desk, "i@ben");
    press(&mut desk, KeyCode::Enter);
    typed(&mut desk, "12345@example.org is my address");
    assert_eq!(sent(&press(&mut desk, KeyCode::Enter)), (BEN.to_owned(), "12345@example.org is my address".to_owned()));
}

#[test]
fn groups_are_chosen_by_their_subjects_also_those_in_which_nothing_was_written_yet() {
    let group = |n: u32| format!("12036304123456789{n}@g.us");
    let mut model = desk();
    let told = [(1, "Saturday football"), (2, "Sunday tennis")];
    let told = told.map(|(n, subject)| crate::protocol::Group { id: group(n).into(), subject: subject.into() });
    model.snapshot.groups = model.snapshot.groups.with(told.into()).unwrap();
    let written = Message { chat: Chat::group(group(1).into()), ..incoming(21, Some("Ana"), "who plays?") };
    model.apply(&Change::MessageAdded(Arc::new(written)), now());
    for (typed_in, to) in [("football", group(1)), ("tennis", group(2)), (&group(3), group(3)), (&group(2), group(2))] {
        typed(&mut model, "i@");
        typed(&mut model, typed_in);
        let screen = text(&drawn(&mut model, (100, 24)));
        assert_eq!(screen.contains("a new chat"), typed_in == group(3), "{typed_in}: {screen}");
        press(&mut model, KeyCode::Enter);
        typed(&mut model, "hello");
        assert_eq!(sent(&press(&mut model, KeyCode::Enter)), (to, "hello".to_owned()), "{typed_in}");
        press(&mut model, KeyCode::Esc);
    }
}

#[test]
fn in_a_tiny_terminal_too_it_is_said_to_whom_and_why_it_would_wait() {
    let mut model = desk();
    let lines =
        |model: &mut Model| -> Vec<String> { text(&drawn(model, (40, 12))).lines().map(str::to_owned).collect() };
    typed(&mut model, "aon my way");
    let seen = lines(&mut model);
    assert_eq!(seen[9..11], [format!("To Ben Ólafsson {BEN}"), "> on my way".to_owned()]);
    model.snapshot.connection.state = ConnectionState::Closed;
    assert_eq!(lines(&mut model)[9], "To Ben Ólafsson  … waits until connected", "the reason is whole");
    for zoomed in [false, true] {
        model.ui.look.zoomed = zoomed;
        press(&mut model, KeyCode::Esc);
        assert!(!lines(&mut model).iter().any(|line| line.starts_with("To ")), "{:#?}", lines(&mut model));
        typed(&mut model, "i");
        assert!(lines(&mut model)[9].starts_with("To "), "{:#?}", lines(&mut model));
    }
}
