//! The mouse.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::console::busy;
use super::*;
use crate::state::Transition;
use crate::tui::model::Overlay;

fn mouse(model: &mut Model, kind: MouseEventKind, column: u16, row: u16) -> Outcome {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    update(model, Msg::Mouse(event), now())
}

#[test]
fn a_click_chooses_a_pane_and_the_wheel_scrolls_what_is_under_it() {
    let mut model = busy();
    for n in 0..30 {
        model.snapshot.timeline.push_back(Transition {
            state: ConnectionState::Connecting,
            at: ago(50 - n),
            reason: None,
        });
    }
    drawn(&mut model, (120, 40));
    mouse(&mut model, MouseEventKind::Down(MouseButton::Left), 3, 30);
    assert_eq!(model.ui.focus, Focus::Metrics);
    mouse(&mut model, MouseEventKind::Down(MouseButton::Left), 80, 37);
    assert_eq!(model.ui.focus, Focus::Compose);
    mouse(&mut model, MouseEventKind::ScrollDown, 3, 3);
    assert_eq!((model.ui.look.scroll[0].at.get(), model.ui.focus), (3, Focus::Compose));
    mouse(&mut model, MouseEventKind::ScrollUp, 80, 5);
    assert!(model.chosen().is_some());
    assert!(!mouse(&mut model, MouseEventKind::ScrollUp, 200, 90).redraw, "outside");
    typed(&mut model, "M");
    press(&mut model, KeyCode::Esc);
    typed(&mut model, "M");
    assert!(model.ui.look.mouse);
}

/// Clicks on the first place where the screen shows this, as it was drawn last.
fn click(model: &mut Model, size: (u16, u16), shown: &str) -> Outcome {
    let buffer = drawn(model, size);
    let picture = text(&buffer);
    let (row, line) = picture.lines().enumerate().find(|(_, line)| line.contains(shown)).expect(shown);
    let column = line.split(shown).next().map_or(0, |before| before.chars().count());
    let place = |n: usize| u16::try_from(n).unwrap();
    mouse(model, MouseEventKind::Down(MouseButton::Left), place(column), place(row))
}

#[test]
fn a_click_chooses_a_message_and_one_more_shows_it_closely() {
    for size in [(80, 24), (120, 40)] {
        let mut model = busy();
        for body in ["waits", "a cold message", "the harbour at dawn"] {
            click(&mut model, size, body);
            assert_eq!(model.chosen().map(|message| message.body.to_string()).as_deref(), Some(body), "{size:?}");
        }
        assert!(model.ui.detail.is_none());
        click(&mut model, size, "the harbour at dawn");
        assert!(model.ui.detail.is_some());
        // The frame is of no message.
        let chosen = model.ui.feed.chosen();
        mouse(&mut model, MouseEventKind::Down(MouseButton::Left), size.0 - 1, 10);
        assert_eq!(model.ui.feed.chosen(), chosen);
    }
}

#[test]
fn a_click_opens_a_chat() {
    for size in [(80, 24), (200, 60)] {
        let mut model = busy();
        typed(&mut model, "C");
        click(&mut model, size, "on holiday");
        assert!(!model.ui.chats.open);
        assert_eq!(model.ui.recipient.as_ref().map(|chat| chat.kind), Some(ChatKind::Status), "{size:?}");
    }
}

#[test]
fn keys_follow_a_click_to_the_messages_beside_the_chats() {
    let size = (200, 60);
    let mut model = busy();
    typed(&mut model, "C");
    let chat = model.ui.chats.selected;
    click(&mut model, size, "the harbour at dawn");
    let message = model.ui.feed.chosen();
    typed(&mut model, "k");
    assert_eq!((model.ui.feed.chosen(), model.ui.chats.selected), (message.map(|at| at - 1), chat));
    press(&mut model, KeyCode::Enter);
    assert!(model.ui.detail.is_some() && model.ui.chats.open, "the message, not the chat");
    press(&mut model, KeyCode::Enter);
    // The key of the list leads back to it, and a second time closes it.
    typed(&mut model, "Cj");
    assert_eq!(model.ui.chats.selected, chat + 1);
    typed(&mut model, "C");
    assert!(!model.ui.chats.open);
    // So does a terminal in which only the list has room.
    typed(&mut model, "C");
    click(&mut model, size, "the harbour at dawn");
    drawn(&mut model, (80, 24));
    typed(&mut model, "j");
    assert_eq!(model.ui.chats.selected, 1);
    // Esc leaves what is looked at closely, then goes to the newest message, and then closes the list.
    click(&mut model, size, "the harbour at dawn");
    press(&mut model, KeyCode::Esc);
    assert!(model.ui.detail.is_none() && model.ui.feed.chosen().is_some());
    press(&mut model, KeyCode::Esc);
    assert!(model.ui.chats.open && model.ui.feed.chosen().is_none());
    press(&mut model, KeyCode::Esc);
    assert!(!model.ui.chats.open);
}

#[test]
fn a_click_chooses_in_what_lies_over_the_screen() {
    for size in [(80, 24), (120, 40)] {
        let mut model = busy();
        typed(&mut model, ":");
        click(&mut model, size, "newest message, last");
        assert!(model.ui.overlay.is_none());
        typed(&mut model, ":read");
        click(&mut model, size, "read-only: nothing");
        assert!(model.ui.look.read_only);
        typed(&mut model, ":");
        mouse(&mut model, MouseEventKind::Down(MouseButton::Left), 0, 0);
        mouse(&mut model, MouseEventKind::ScrollDown, size.0 / 2, 10);
        let Some(Overlay::Palette(palette)) = &model.ui.overlay else { panic!() };
        assert_eq!(palette.chosen, 3);
        press(&mut model, KeyCode::Esc);
        typed(&mut model, "i@");
        click(&mut model, size, "120363041234567890@g.us");
        assert_eq!(model.ui.recipient.as_ref().map(|chat| chat.kind), Some(ChatKind::Group), "{size:?}");
        assert_eq!((model.ui.focus, model.ui.overlay.is_none()), (Focus::Compose, true));
    }
}
