//! The list of chats.

use super::feed::Desk;
use super::*;
use crate::state::{Listed, ListedChat, Place};

fn from(phone: &str, name: Option<&str>, n: i64, body: &str) -> Message {
    let chat = Chat::with_person(phone.parse().unwrap());
    Message { chat, from: phone.into(), ..incoming(n, name, body) }
}

fn group(n: i64, body: &str) -> Message {
    let chat = Chat { id: "120363041234567890@g.us".into(), kind: ChatKind::Group, phone: None, lid: None };
    Message { chat, ..incoming(n, Some("Ben"), body) }
}

/// Some chats with messages that are told, and older ones that are only kept.
fn desk() -> Desk {
    let told = [from(ANA, Some("Ana"), 1, "Hola"), group(2, "at ten"), outgoing(3, "on my way", DeliveryState::Sent)];
    let mut desk = Desk::with(told.into_iter());
    let old = |n: i64, phone: &str, name: Option<&str>| {
        let message = from(phone, None, -100_000 - n, "an old one");
        let last = Listed { message, truncated: false, place: Place(n) };
        ListedChat { chat: last.message.chat.clone(), name: name.map(Into::into), last }
    };
    desk.chats = vec![
        old(9, ANA, Some("Ana Maria")),
        old(5, "+15557770000", Some("Dora\u{1b}[31m \u{202e}x")),
        old(4, "+15557770001", None),
    ];
    desk.press(KeyCode::Char('C'));
    desk.settle();
    desk
}

#[test]
fn the_chats_are_listed_with_their_last_message_and_what_is_unread() {
    let mut desk = desk();
    desk.gets(from(ANA, Some("Ana"), 10, "are you there?"));
    desk.gets(from(ANA, Some("Ana"), 11, "hello?"));
    desk.gets(Message { kind: "image".into(), ..group(12, "the agenda") });
    for (name, size) in [("80x24", (80, 24)), ("200x60", (200, 60)), ("40x12", (40, 12))] {
        insta::assert_snapshot!(name, text(&drawn(&mut desk.model, size)));
    }
}

#[test]
fn opening_a_chat_shows_its_messages_and_sets_the_recipient() {
    let mut desk = desk();
    desk.gets(from(ANA, Some("Ana"), 10, "are you there?"));
    assert_eq!(desk.model.ui.chats.rows()[0].unread, 1);
    desk.press(KeyCode::Enter);
    desk.settle();
    assert!(!desk.model.ui.chats.open);
    assert_eq!(desk.model.ui.recipient.as_ref().map(Chat::address), Some(ANA));
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert!(
        screen.contains("Messages with Ana +15551112222 (Esc shows all)") && !screen.contains("at ten"),
        "{screen}"
    );
    assert_eq!(desk.model.ui.chats.rows()[0].unread, 0);
    desk.gets(from(ANA, Some("Ana"), 11, "hello?"));
    assert_eq!(desk.model.ui.chats.rows()[0].unread, 0, "it is being looked at");
    desk.gets(group(12, "eleven"));
    assert_eq!(desk.model.ui.chats.rows()[0].unread, 1);
    desk.press(KeyCode::Esc);
    desk.gets(from(ANA, Some("Ana"), 13, "hm"));
    assert_eq!(desk.model.ui.chats.rows()[0].unread, 1, "no longer");
    desk.gets(outgoing(14, "yes", DeliveryState::Queued));
    assert_eq!(desk.model.ui.chats.rows()[0].unread, 0, "who answers has read it");
}

#[test]
fn the_choice_stays_with_its_chat_while_others_move_up() {
    let mut desk = desk();
    desk.press(KeyCode::Char('j'));
    let chosen = desk.model.ui.chats.chosen().unwrap().chat.id.clone();
    desk.gets(from("+15559990000", Some("Eve"), 20, "new"));
    assert_eq!(desk.model.ui.chats.chosen().unwrap().chat.id, chosen);
    desk.press(KeyCode::Char('G'));
    assert_eq!(desk.model.ui.chats.chosen().unwrap().title(), "+15557770001");
    // In the input box the keys are the box's.
    desk.press(KeyCode::Char('i'));
    desk.press(KeyCode::Esc);
    assert!(desk.model.ui.chats.open);
    desk.press(KeyCode::Esc);
    assert!(!desk.model.ui.chats.open);
}

#[test]
fn the_name_is_the_last_one_that_was_given() {
    let mut desk = desk();
    assert_eq!(desk.model.ui.chats.rows().iter().find(|row| row.chat.address() == ANA).unwrap().title(), "Ana");
    desk.gets(from(ANA, Some("Ana II"), 10, "new name"));
    desk.gets(from(ANA, None, 11, "no name"));
    assert_eq!(desk.model.ui.chats.rows()[0].title(), "Ana II");
}

#[test]
fn a_name_that_is_the_number_is_said_once() {
    for name in [ANA, "15551112222", "+1 (555) 111-2222"] {
        let mut desk = Desk::with([from(ANA, Some(name), 1, "Hola")].into_iter());
        desk.press(KeyCode::Char('a'));
        let screen = text(&drawn(&mut desk.model, (80, 24)));
        assert!(screen.contains(&format!("To {ANA} ─")), "{name}: {screen}");
    }
}

#[test]
fn of_a_last_message_of_ours_it_is_seen_how_far_it_has_come() {
    let mut snapshot = linked();
    snapshot.feed = [Arc::new(outgoing(1, "Hola", DeliveryState::Queued))].into();
    let mut model = model(snapshot);
    typed(&mut model, "C");
    let mut shows = |change: Option<(&str, DeliveryState)>| {
        if let Some((id, state)) = change {
            let mut delivery = Delivery::queued(ago(1));
            delivery.state = state;
            let (id, from, delivery) = (id.into(), DeliveryState::Queued, Box::new(delivery));
            let change = Change::MessageProgressed { id, from, delivery };
            update(&mut model, Msg::Update(Update::Changes(vec![Arc::new(change)])), now());
        }
        let picture = text(&drawn(&mut model, (80, 24)));
        picture.lines().find_map(|line| Some(line[line.find('→')?..].trim_end_matches([' ', '│']).to_owned()))
    };
    assert_eq!(shows(None).as_deref(), Some("→ … Hola"));
    assert_eq!(shows(Some(("3EB09", DeliveryState::Sent))).as_deref(), Some("→ … Hola"), "another one");
    assert_eq!(shows(Some(("3EB01", DeliveryState::Cancelled))).as_deref(), Some("→ ⊘ Hola"));
    assert_eq!(shows(Some(("3EB01", DeliveryState::Delivered))).as_deref(), Some("→ ✓✓ Hola"));
    // After news that were missed nothing is said that may not be so any more.
    let mut missed = linked();
    missed.feed.clear();
    update(&mut model, Msg::Update(Update::Snapshot(Box::new(missed))), now());
    assert!(text(&drawn(&mut model, (80, 24))).contains("→ Hola"));
    let delivery = Delivery { state: DeliveryState::Read, ..Delivery::queued(ago(1)) };
    update(&mut model, Msg::Update(Update::Changes(vec![progressed("3EB01", delivery)])), now());
    assert!(!text(&drawn(&mut model, (80, 24))).contains("→ Hola"), "what is told of it after that is known again");
}

fn progressed(id: &str, delivery: Delivery) -> Arc<Change> {
    let delivery = Box::new(delivery);
    Arc::new(Change::MessageProgressed { id: id.into(), from: DeliveryState::Queued, delivery })
}

#[test]
fn what_gets_further_while_the_chats_are_looked_up_is_not_shown_a_step_behind() {
    let mut desk = Desk::with(std::iter::empty());
    let message = outgoing(1, "Hola", DeliveryState::Sent);
    let last = Listed { message, truncated: false, place: Place(1) };
    desk.chats = vec![ListedChat { chat: last.message.chat.clone(), name: None, last }];
    desk.press(KeyCode::Char('C'));
    let told = |state| {
        let delivery = Delivery { state, ..Delivery::queued(ago(1)) };
        Msg::Update(Update::Changes(vec![progressed("3EB01", delivery)]))
    };
    // Told before what was found comes, which was read before that.
    desk.take(told(DeliveryState::Delivered));
    desk.settle();
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert!(screen.contains("→ ✓✓ Hola"), "{screen}");
    desk.take(told(DeliveryState::Failed));
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert!(screen.contains("→ ✗ Hola"), "{screen}");
}

fn called(subject: &str) -> Change {
    let told = vec![crate::protocol::Group { id: "120363041234567890@g.us".into(), subject: subject.into() }];
    Change::Groups(crate::state::Subjects::default().with(told).unwrap())
}

#[test]
fn a_group_is_called_by_its_subject_wherever_it_is_shown() {
    let mut desk = desk();
    desk.model.apply(&called("Saturday football"), now());
    desk.gets(Message { kind: "image".into(), ..group(12, "the agenda") });
    insta::assert_snapshot!("group", text(&drawn(&mut desk.model, (80, 24))));
    desk.model.apply(&called("Sunday tennis"), now());
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert!(screen.contains("group Sunday tennis") && screen.contains("Ben: [image] the agenda"), "{screen}");
    desk.press(KeyCode::Char('g'));
    desk.press(KeyCode::Enter);
    desk.settle();
    assert_eq!(desk.model.ui.recipient.as_ref().map(Chat::address), Some("120363041234567890@g.us"));
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    for shown in ["Messages with Sunday tennis 120363041234567890@g.us", "Ben in Sunday tenn…", "To Sunday tennis 1203"]
    {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
}

#[test]
fn whoever_is_written_to_is_called_by_his_name() {
    // The name came long before what is told at the start.
    let message = from(ANA, None, -100_000, "an old one");
    let last = Listed { message, truncated: false, place: Place(9) };
    let chats = vec![ListedChat { chat: last.message.chat.clone(), name: Some("Ana Ñu".into()), last }];
    let mut desk = Desk::with_chats([outgoing(3, "on my way", DeliveryState::Sent)].into_iter(), chats);
    let shows = |desk: &mut Desk, what: &str| {
        let screen = text(&drawn(&mut desk.model, (80, 24)));
        assert!(screen.contains(what), "{what}: {screen}");
    };
    shows(&mut desk, "→ Ana Ñu ");
    for key in [KeyCode::Char('k'), KeyCode::Enter] {
        desk.press(key);
    }
    desk.settle();
    shows(&mut desk, "Message to Ana Ñu");
    shows(&mut desk, &format!("to        {ANA}  Ana Ñu"));
    desk.press(KeyCode::Esc);
    for filter in ["/to:nu", "/to:1555111"] {
        desk.press(KeyCode::Esc);
        for letter in filter.chars() {
            desk.press(KeyCode::Char(letter));
        }
        desk.settle();
        shows(&mut desk, "on my way");
        desk.press(KeyCode::Esc);
    }
    desk.gets(from(ANA, None, 20, "without a name"));
    for letter in "/from:ñu".chars() {
        desk.press(KeyCode::Char(letter));
    }
    desk.settle();
    shows(&mut desk, "Ana Ñu                 without a name");
    desk.press(KeyCode::Esc);
    desk.press(KeyCode::Esc);
    for letter in "/to:ben".chars() {
        desk.press(KeyCode::Char(letter));
    }
    desk.settle();
    shows(&mut desk, "nothing like this is kept");
}
