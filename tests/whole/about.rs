//! Edits, revocations and reactions, groups and status posts: from a contact's phone to the screen and the database.

use pilothouse::protocol::ChatKind;
use pilothouse::state::{About, AccountId, Message, Target};
use pilothouse::store::Reader;
use whatsapp_simulator::{Addressing, Author, edit, reaction, revoke, text};

use crate::support::{Place, within};
use crate::terminal::Terminal;

fn stored(place: &Place) -> Vec<Message> {
    let reader = Reader::open(&place.data().join("pilothouse.db"), AccountId::main()).unwrap();
    reader.last_messages(100).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contact_does_to_messages_is_shown_and_kept_with_what_it_is_about() {
    let place = Place::new().await;
    let mut terminal = Terminal::console(&place, (120, 40), None);
    terminal.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let hers = ana.send_text("at ten").await.unwrap();
    terminal.shows("at ten").await;
    terminal.types("i+15551112222 I will be there\r");
    let ours = within("the message", ana.wait_received(1)).await[0].id.clone();
    let mut done = Vec::new();
    for (what, screen) in [
        (edit(&hers, "at eleven"), "edited: at eleven"),
        (reaction(&ours, Author::Account, "👍"), "👍 to: I will be there"),
        (reaction(&ours, Author::Account, ""), "took back a reaction to: I will be there"),
        (reaction(&hers, Author::Contact, "😂"), "😂 to: at eleven"),
        (revoke(&hers), "deleted a message: at eleven"),
        (edit("3A0123456789", "of long ago"), "edited: of long ago"),
        (reaction("3EB0123456789", Author::Account, "🎉"), "🎉 to a message of ours"),
    ] {
        done.push(ana.send(what, Addressing::Number).await.unwrap());
        terminal.shows(screen).await;
    }
    terminal.shows("was: at ten").await;
    terminal.types("\x1b");
    terminal.shows("quit").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());

    let rows = stored(&place);
    let told: Vec<_> = rows.iter().filter(|m| m.target.is_some()).collect();
    assert_eq!(told.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), done);
    let told: Vec<_> = told.iter().map(|m| (m.about(), &*m.body, m.target.as_deref().cloned())).collect();
    let of = |id: &str, from_me| Some(Target { id: id.into(), from_me });
    assert_eq!(
        told,
        [
            (Some(About::Edit), "at eleven", of(&hers, false)),
            (Some(About::Reaction), "👍", of(&ours, true)),
            (Some(About::Reaction), "", of(&ours, true)),
            (Some(About::Reaction), "😂", of(&hers, false)),
            (Some(About::Revoke), "", of(&hers, false)),
            (Some(About::Edit), "of long ago", of("3A0123456789", false)),
            (Some(About::Reaction), "🎉", of("3EB0123456789", true)),
        ]
    );
    assert_eq!(&*rows.iter().find(|m| m.id.as_str() == hers).unwrap().body, "at ten", "it keeps its own text");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_a_status_post_are_not_taken_for_a_person() {
    let place = Place::new().await;
    let mut terminal = Terminal::console(&place, (80, 24), None);
    terminal.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let said = ana.send(text("the agenda"), Addressing::Group).await.unwrap();
    terminal.shows("Ana in …34567890").await;
    ana.send(reaction(&said, Author::Contact, "👍"), Addressing::Group).await.unwrap();
    terminal.shows("👍 to: the agenda").await;
    ana.send(text("on holiday"), Addressing::Status).await.unwrap();
    terminal.shows("status Ana").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
    let rows = stored(&place);
    let told: Vec<_> = rows.iter().map(|m| (m.chat.kind, &*m.from, &*m.body)).collect();
    assert_eq!(
        told,
        [
            (ChatKind::Group, "+15551112222", "the agenda"),
            (ChatKind::Group, "+15551112222", "👍"),
            (ChatKind::Status, "+15551112222", "on holiday"),
        ]
    );
}
