//! Who wrote in a group, when WhatsApp tells an id that hides the number.

use super::feed::Desk;
use super::*;

const LID: &str = "90000000000001@lid";

fn hidden(n: i64, name: Option<&str>, body: &str) -> Message {
    let chat = Chat::group("120363041234567890@g.us".into());
    Message { chat, from: LID.into(), ..incoming(n, name, body) }
}

/// A chat with the one who has this id, when his number is known.
fn known(name: Option<&str>) -> Message {
    let message = incoming(1, name, "hello");
    let chat = Chat { lid: Some(LID.into()), ..message.chat.clone() };
    Message { chat, ..message }
}

#[test]
fn a_writer_is_called_by_what_is_known_best() {
    let none = || Message { from: "+15557770000".into(), ..incoming(1, Some("Zoe"), "hello") };
    for (before, name, shown) in [
        (none(), Some("Ana"), "~Ana"),
        (none(), None, "…00000001"),
        // What he called himself before.
        (hidden(1, Some("Ana"), "earlier"), None, "~Ana"),
        // His number is known from the chat with him.
        (known(Some("Ana María")), Some("ana"), "Ana María"),
        (known(None), Some("ana"), "+15551112222"),
    ] {
        let mut desk = Desk::with([before, hidden(2, name, "who plays?")].into_iter());
        let screen = text(&drawn(&mut desk.model, (160, 40)));
        let line = screen.lines().find(|line| line.contains("who plays?")).unwrap();
        // There is room for the beginning of a long one.
        let start: String = shown.chars().take(6).collect();
        assert!(line.contains(&format!(" {start}")) && line.contains(" in …"), "{shown}: {screen}");
        // Looked at closely there is the id as well, by which he can be written to.
        desk.press(KeyCode::Char('k'));
        desk.press(KeyCode::Enter);
        desk.settle();
        let screen = text(&drawn(&mut desk.model, (160, 40)));
        assert!(screen.contains(&format!("Message from {shown}")) && screen.contains(LID), "{screen}");
    }
}

#[test]
fn the_list_of_chats_and_the_filter_know_him_too() {
    let mut desk = Desk::with([known(Some("María")), hidden(2, Some("Ana"), "who plays?")].into_iter());
    desk.press(KeyCode::Char('C'));
    desk.settle();
    let screen = text(&drawn(&mut desk.model, (120, 30)));
    assert!(screen.contains("~Ana: who plays?"), "{screen}");
    desk.press(KeyCode::Esc);
    for (filter, shown) in [("from:maria", 2), ("from:ana", 1), ("from:+1555111", 2), ("from:ben", 0)] {
        desk.types("/");
        desk.types(filter);
        desk.press(KeyCode::Enter);
        desk.settle();
        assert_eq!(desk.model.rows().len(), shown, "{filter}");
        desk.press(KeyCode::Esc);
    }
}
