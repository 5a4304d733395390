//! One message looked at closely, copied, sent again.

use super::feed::Desk;
use super::*;
use crate::state::{Target, Times};
use crate::tui::within::Within;

fn about(message: Message, kind: &str, target: &str) -> Message {
    let target = Some(Box::new(Target { id: target.into(), from_me: true }));
    Message { kind: kind.into(), target, ..message }
}

fn read() -> Message {
    let message = outgoing(2, "All is well, and with you?", DeliveryState::Read);
    let times = Times {
        queued_at: Some(ago(58)),
        dispatched_at: Some(Timestamp::from_millis(ago(58).as_millis() + 20)),
        sent_at: Some(Timestamp::from_millis(ago(57).as_millis() + 340)),
        delivered_at: Some(ago(55)),
        read_at: Some(ago(20)),
        ..Times::default()
    };
    let delivery = Delivery { times, attempts: 2, ..*message.delivery.clone().unwrap() };
    Message { delivery: Some(Box::new(delivery)), ..message }
}

fn desk() -> Desk {
    Desk::with(
        [
            incoming(1, Some("Ana"), "Hola"),
            read(),
            about(incoming(3, Some("Ana"), "👍"), "reaction", "3EB02"),
            about(incoming(4, Some("Ana"), "never mind"), "edit", "3EB02"),
            outgoing(5, "a cold message", DeliveryState::Failed),
        ]
        .into_iter(),
    )
}

/// Looks closely at the message that is so many above the newest.
fn looking(up: usize) -> Desk {
    let mut desk = desk();
    for _ in 0..=up {
        desk.press(KeyCode::Char('k'));
    }
    desk.press(KeyCode::Enter);
    desk.settle();
    desk
}

#[test]
fn a_message_shows_its_whole_course_and_what_came_in_about_it() {
    for (name, size) in [("80x24", (80, 24)), ("200x60", (200, 60)), ("40x12", (40, 12))] {
        insta::assert_snapshot!(name, text(&drawn(&mut looking(3).model, size)));
    }
    insta::assert_snapshot!("failed", text(&drawn(&mut looking(0).model, (80, 24))));
    let mut json = looking(3);
    json.press(KeyCode::Char('J'));
    insta::assert_snapshot!("json", text(&drawn(&mut json.model, (80, 40))));
}

#[test]
fn of_a_group_the_first_member_who_has_it_counts_and_it_is_said_so() {
    let chat = Chat { id: "120363041234567890@g.us".into(), kind: ChatKind::Group, phone: None, lid: None };
    let mut desk = Desk::with([Message { chat, ..read() }].into_iter());
    for key in [KeyCode::Char('k'), KeyCode::Enter] {
        desk.press(key);
    }
    desk.settle();
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert!(screen.contains("reached a member's phone") && screen.contains("read by a member"), "{screen}");
}

#[test]
fn what_happens_meanwhile_is_seen_at_once() {
    let mut desk = looking(0);
    desk.gets(about(incoming(9, Some("Ana"), "🎉"), "reaction", "3EB05"));
    let mut delivery = Delivery::queued(ago(1)).dispatched(ago(1));
    delivery = delivery.reached(DeliveryState::Delivered, now().wall).unwrap();
    let change =
        Change::MessageProgressed { id: "3EB05".into(), from: DeliveryState::Failed, delivery: delivery.into() };
    desk.take(Msg::Update(Update::Changes(vec![Arc::new(change)])));
    let screen = text(&drawn(&mut desk.model, (80, 40)));
    assert!(screen.contains("🎉") && screen.contains("reached the phone") && !screen.contains("463"), "{screen}");
}

#[test]
fn the_choice_moves_on_while_one_looks_and_escape_closes() {
    let mut desk = looking(0);
    desk.press(KeyCode::Char('k'));
    desk.settle();
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("edit"));
    desk.press(KeyCode::Esc);
    assert!(desk.model.ui.detail.is_none() && desk.model.chosen().is_some());
    desk.press(KeyCode::Esc);
    assert!(desk.model.chosen().is_none());
}

#[test]
fn the_oldest_and_the_newest_are_looked_at_as_well() {
    let mut desk = looking(1);
    desk.press(KeyCode::Char('g'));
    desk.settle();
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("Hola"));
    desk.press(KeyCode::Char('G'));
    desk.settle();
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("a cold message"));
}

#[test]
fn a_long_text_is_all_there_and_can_be_scrolled_through() {
    let long: String = (0..4_000).map(|n| format!("word{n} ")).collect();
    let mut desk = Desk::with((0..400).map(|n| incoming(n, None, if n == 0 { &long } else { "x" })));
    desk.press(KeyCode::Char('g'));
    desk.settle();
    desk.press(KeyCode::Enter);
    assert!(
        text(&drawn(&mut desk.model, (80, 24))).contains("looking up the rest")
            || !desk.model.ui.detail.as_ref().unwrap().whole
    );
    desk.settle();
    let mut screen = text(&drawn(&mut desk.model, (80, 24)));
    for _ in 0..1_000 {
        if screen.contains("word3999") {
            break;
        }
        desk.press(KeyCode::PageDown);
        let next = text(&drawn(&mut desk.model, (80, 24)));
        assert_ne!(next, screen, "it goes on");
        screen = next;
    }
    assert!(screen.contains("word3999"), "{screen}");
    desk.press(KeyCode::PageDown);
    assert_eq!(text(&drawn(&mut desk.model, (80, 24))), screen, "there is an end");
}

#[test]
fn y_copies_the_whole_text_also_where_a_list_has_less() {
    let mut desk = desk();
    assert!(desk.press(KeyCode::Char('y')).copy.is_none());
    desk.press(KeyCode::Char('k'));
    assert_eq!(desk.press(KeyCode::Char('y')).copy.unwrap().reveal(), "a cold message");
    let long = "x".repeat(3_000);
    let mut desk = Desk::with((0..400).map(|n| incoming(n, None, if n == 0 { &long } else { "x" })));
    desk.press(KeyCode::Char('g'));
    desk.settle();
    assert!(desk.press(KeyCode::Char('y')).copy.is_none(), "it is looked up first");
    let copied = std::iter::from_fn(|| desk.answered()).find_map(|outcome| outcome.copy);
    assert_eq!(copied.unwrap().reveal(), long);
    let mut huge = Desk::with([incoming(1, None, &"x".repeat(80_000))].into_iter());
    huge.press(KeyCode::Char('k'));
    assert!(huge.press(KeyCode::Char('y')).copy.is_none());
    assert!(huge.model.ui.notice.as_ref().unwrap().contains("too long"));
}

#[test]
fn what_failed_is_sent_again_as_a_new_message_once_it_is_confirmed() {
    let mut desk = desk();
    desk.press(KeyCode::Char('R'));
    assert!(desk.model.ui.notice.is_some(), "none is chosen");
    desk.press(KeyCode::Char('k'));
    desk.press(KeyCode::Char('R'));
    insta::assert_snapshot!("resend", text(&drawn(&mut desk.model, (80, 24))));
    assert_eq!(desk.press(KeyCode::Char('n')).requests, []);
    desk.press(KeyCode::Char('R'));
    let outcome = desk.press(KeyCode::Char('y'));
    let Request::Send { chat, text, .. } = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert_eq!((chat.address(), &**text), (ANA, "a cold message"));
    desk.press(KeyCode::Char('k'));
    desk.press(KeyCode::Char('R'));
    assert!(desk.model.ui.overlay.is_none(), "what came in can't be sent again");
}

#[test]
fn a_message_that_is_not_kept_any_more_says_so() {
    let mut desk = desk();
    desk.press(KeyCode::Char('k'));
    desk.press(KeyCode::Enter);
    desk.forgets();
    desk.settle();
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("✗ it is not kept any more"));
}

#[test]
fn the_message_stands_beside_or_below_the_others_where_there_is_room() {
    let mut desk = looking(3);
    for (size, beside) in [((200, 60), true), ((120, 36), true), ((80, 40), true), ((80, 24), false), ((40, 12), false)]
    {
        let screen = text(&drawn(&mut desk.model, size));
        assert!(screen.contains("Message to"), "{screen}");
        assert_eq!(screen.contains("a cold message"), beside, "{size:?}: {screen}");
    }
}

#[test]
fn what_there_is_no_room_for_is_said_to_be_there_and_no_time_is_cut() {
    let mut desk = looking(3);
    let tiny = text(&drawn(&mut desk.model, (40, 12)));
    assert!(tiny.contains("↓ more (PgDn)") && !tiny.contains("All is well"), "{tiny}");
    desk.press(KeyCode::PageDown);
    let next = text(&drawn(&mut desk.model, (40, 12)));
    assert!(next.contains("taken by WhatsApp  +1.32 s"), "{next}");
    while text(&drawn(&mut desk.model, (40, 12))).contains("↓ more") {
        desk.press(KeyCode::PageDown);
    }
    assert!(text(&drawn(&mut desk.model, (40, 12))).contains("All is well"), "{next}");
    // The day is said once, and again only of another.
    let screen = text(&drawn(&mut looking(3).model, (80, 24)));
    assert_eq!(screen.matches("2026-11-24").count(), 1, "{screen}");
}

#[test]
fn of_tmux_it_is_spoken_within_tmux() {
    let mut desk = looking(0);
    for (within, tmux) in [(Within::Nothing, false), (Within::Tmux, true), (Within::Screen, false)] {
        desk.model.ui.look.within = within;
        assert!(desk.press(KeyCode::Char('y')).copy.is_some());
        let said = desk.model.ui.notice.clone().unwrap();
        assert!(said.starts_with("copied, if") && said.contains("tmux") == tmux, "{said}");
    }
}
