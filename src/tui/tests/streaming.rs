//! What streams by faster than the line to the terminal takes it.

use super::*;

fn told(model: &mut Model, changes: impl IntoIterator<Item = Change>) -> Outcome {
    let changes = changes.into_iter().map(Arc::new).collect();
    update(model, Msg::Update(Update::Changes(changes)), now())
}

fn came(n: i64) -> Change {
    Change::MessageAdded(Arc::new(incoming(n, Some("Ana"), &format!("number {n}."))))
}

#[test]
fn messages_and_figures_stream_and_how_things_stand_is_urgent() {
    let mut model = model(linked());
    let counted = || Change::Counted(Counters::default());
    let outcome = told(&mut model, [came(1), counted()]);
    assert!(outcome.redraw && outcome.streams);
    let mut connection = model.snapshot.connection.clone();
    connection.state = ConnectionState::Closed;
    let outcome = told(&mut model, [came(2), Change::Connection(connection)]);
    assert!(outcome.redraw && !outcome.streams);
    let outcome = update(&mut model, key(KeyCode::Char('i')), now());
    assert!(outcome.redraw && !outcome.streams);
    assert!(update(&mut model, Msg::Logged, now()).streams);
}

#[test]
fn what_there_is_no_room_for_is_drawn_later_and_a_key_meanwhile() {
    let mut model = model(linked());
    told(&mut model, (1..=3).map(came));
    model.ui.feed.draw_all(true);
    let before = drawn(&mut model, (80, 24));
    assert!(text(&before).contains("number 3."));
    told(&mut model, (4..=6).map(came));
    model.ui.feed.draw_all(false);
    let held = drawn(&mut model, (80, 24));
    assert!(text(&held).contains("number 3.") && !text(&held).contains("number 4."), "{}", text(&held));
    assert_eq!(model.ui.feed.behind(), 3);
    update(&mut model, key(KeyCode::Char('?')), now());
    assert_ne!(drawn(&mut model, (80, 24)), held);
    update(&mut model, key(KeyCode::Esc), now());
    model.ui.feed.draw_all(true);
    assert!(text(&drawn(&mut model, (80, 24))).contains("number 6."));
}

#[test]
fn whoever_goes_up_sees_what_came_whatever_room_there_is() {
    let mut model = model(linked());
    told(&mut model, (1..=6).map(came));
    model.ui.feed.draw_all(false);
    assert!(!text(&drawn(&mut model, (80, 24))).contains("number 6."));
    update(&mut model, key(KeyCode::Char('k')), now());
    assert!(text(&drawn(&mut model, (80, 24))).contains("number 6."));
}
