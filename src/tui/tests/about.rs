//! Edits, revocations and reactions among the messages.

use super::*;
use crate::state::Target;

/// A message about the one with this id.
fn about(message: Message, kind: &str, target: &str) -> Message {
    let target = Some(Box::new(Target { id: target.into(), from_me: target.starts_with("3EB0") }));
    Message { kind: kind.into(), target, ..message }
}

fn ana(n: i64, kind: &str, body: &str, target: &str) -> Message {
    about(incoming(n, Some("Ana"), body), kind, target)
}

fn with(feed: Vec<Message>) -> Snapshot {
    let mut snapshot = linked();
    snapshot.feed = feed.into_iter().map(Arc::new).collect();
    snapshot
}

fn in_group(message: Message) -> Message {
    let chat = Chat { id: ChatId::from("120363041234567890@g.us"), kind: ChatKind::Group, phone: None, lid: None };
    Message { chat, ..message }
}

fn events() -> Snapshot {
    let photo = Message { kind: "image".into(), ..incoming(5, Some("Ana"), "the harbour at dawn") };
    let long =
        "the meeting is at eleven, in the large room on the second floor, and whoever comes late brings the cake";
    let elsewhere = |message: Message| Message { direction: Direction::OutElsewhere, name: None, ..message };
    with(vec![
        incoming(1, Some("Ana"), "the meeting is at ten"),
        ana(2, "edit", "the meeting is at eleven", "3A1"),
        outgoing(3, "I will be there", DeliveryState::Read),
        ana(4, "reaction", "👍", "3EB03"),
        photo,
        ana(6, "edit", long, "3A1"),
        elsewhere(ana(7, "reaction", "❤\u{fe0f}", "3A5")),
        ana(8, "reaction", "", "3EB03"),
        ana(9, "revoke", "", "3A5"),
        ana(10, "revoke", "", "3A1"),
        in_group(incoming(11, Some("Ben"), "the\nwhole\u{1b}[2J agenda")),
        in_group(about(incoming(12, Some("Carla"), "👨\u{200d}👩\u{200d}👧"), "reaction", "3A11")),
        in_group(about(incoming(13, Some("Ben"), "😂"), "reaction", "3A1")),
        ana(14, "reaction", "🎉", "3EB0-forgotten"),
        ana(15, "revoke", "", "3A-forgotten"),
        ana(16, "edit", "mended", "3A-forgotten"),
        elsewhere(about(incoming(17, None, ""), "revoke", "3EB03")),
        ana(18, "poll_vote", "", "3A1"),
        ana(19, "reaction", "\u{1b}]0;x\u{7}not an emoji", "3A17"),
    ])
}

#[test]
fn what_is_about_a_message_looks_as_it_should() {
    for size in [(80, 40), (80, 24), (120, 40)] {
        let picture = text(&drawn(&mut model(events()), size));
        insta::assert_snapshot!(format!("{}x{}", size.0, size.1), picture);
    }
}

/// The line of the screen that holds this.
fn line_of(model: &mut Model, what: &str) -> String {
    let screen = text(&drawn(model, (120, 40)));
    screen.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}:\n{screen}")).to_owned()
}

#[test]
fn a_quote_is_what_the_message_said_last_in_the_same_chat() {
    let mut model = model(with(vec![
        incoming(1, Some("Ana"), "first"),
        in_group(Message { id: "3A1".into(), ..incoming(2, Some("Ben"), "the same id elsewhere") }),
        ana(3, "edit", "second", "3A1"),
        ana(4, "reaction", "👍", "3A1"),
        ana(5, "edit", "third", "3A1"),
    ]));
    assert!(line_of(&mut model, "was: first").contains("was: first"));
    assert!(line_of(&mut model, "👍").contains("👍 to: second"));
    assert!(line_of(&mut model, "was: second").contains("was: second"));
}

#[test]
fn a_message_that_leaves_the_feed_is_quoted_no_more_and_its_events_stay() {
    let mut model = model(with(vec![incoming(1, Some("Ana"), "first")]));
    let add = |model: &mut Model, message: Message| {
        let change = Change::MessageAdded(Arc::new(message));
        update(model, Msg::Update(Update::Changes(vec![Arc::new(change)])), now());
    };
    add(&mut model, ana(2, "reaction", "👍", "3A1"));
    assert!(line_of(&mut model, "👍").contains("to: first"));
    for n in 0..crate::state::FEED_CAPACITY as i64 - 1 {
        add(&mut model, incoming(100 + n, None, "more"));
    }
    for _ in 0..crate::state::FEED_CAPACITY {
        press(&mut model, KeyCode::Char('k'));
    }
    assert!(line_of(&mut model, "👍").contains("👍 to an earlier message"));
}

#[test]
fn a_deleted_message_is_dimmed_and_every_kind_keeps_the_columns() {
    let mut model = model(events());
    let buffer = drawn(&mut model, (80, 40));
    let dim = Theme::new(true).dim().fg;
    for y in 0..buffer.area.height {
        let row: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        if let Some(at) = row.find("deleted a message") {
            let column = u16::try_from(row[..at].chars().count()).unwrap();
            assert_eq!(buffer[(column, y)].style().fg, dim, "{row}");
        }
        // Whatever is in a row, it ends where the others end.
        if row.starts_with('│') {
            assert_eq!(buffer[(79, y)].symbol(), "│", "{row}");
        }
    }
}

#[test]
fn a_reaction_is_not_counted_as_a_message_that_came_in() {
    let mut model = model(with(vec![incoming(1, Some("Ana"), "first")]));
    let later = Now { wall: now().wall.plus(Duration::from_secs(20)), ..now() };
    let add = |model: &mut Model, message: Message| {
        let change = Change::MessageAdded(Arc::new(message));
        update(model, Msg::Update(Update::Changes(vec![Arc::new(change)])), later);
    };
    add(&mut model, ana(2, "reaction", "👍", "3A1"));
    assert!(model.ui.traffic.is_flat(Range::FiveMinutes, later.wall));
    add(&mut model, incoming(3, Some("Ana"), "second"));
    assert!(!model.ui.traffic.is_flat(Range::FiveMinutes, later.wall));
    assert_eq!(model.snapshot.counters.messages_received, 6);
}
