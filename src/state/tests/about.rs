//! Edits, revocations and reactions.

use super::*;

/// Ana about a message in her chat.
fn about(id: &str, kind: &str, body: &str, target: &str) -> String {
    format!(
        r#"{{"type":"message","from":"{ANA}","body":"{body}","messageId":"{id}","kind":"{kind}","timestampMs":1789999999000,"chat":{{"kind":"person","id":"15551112222@s.whatsapp.net","phone":"{ANA}"}},"target":{{"messageId":"{target}","fromMe":false}}}}"#
    )
}

fn written(outcome: &Outcome) -> Vec<Arc<Message>> {
    let of = |write: &Write| if let Write::Message(message) = write { Some(Arc::clone(message)) } else { None };
    outcome.writes.iter().filter_map(of).collect()
}

#[test]
fn what_is_about_a_message_is_written_and_shown_with_its_target() {
    let mut world = World::open();
    for (n, (kind, body, what, row)) in [
        ("edit", "mended", About::Edit, "message.edited"),
        ("reaction", "👍", About::Reaction, "message.reaction"),
        ("revoke", "", About::Revoke, "message.revoked"),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = world.line(&about(&format!("B{n}"), kind, body, "A1"));
        let [message] = &written(&outcome)[..] else { panic!("{outcome:?}") };
        assert_eq!(message.target.as_deref(), Some(&Target { id: "A1".into(), from_me: false }));
        assert_eq!((&*message.body, message.about(), JournalKind::of(message).as_str()), (body, Some(what), row));
        assert_eq!(world.state.snapshot().feed.back(), Some(message));
    }
    assert!(world.state.snapshot().feed[0].is_about(&"A1".into()));
    assert!(!world.state.snapshot().feed[0].is_about(&"B0".into()));
}

#[test]
fn what_the_owner_does_on_his_phone_is_told_as_his() {
    let mut world = World::open();
    let line = about("B1", "revoke", "", ID).replace("\"fromMe\":false", "\"fromMe\":true");
    let line = line.replace("\"kind\":\"revoke\"", "\"kind\":\"revoke\",\"fromMe\":true");
    let [message] = &written(&world.line(&line))[..] else { panic!() };
    assert_eq!((message.direction, message.about()), (Direction::OutElsewhere, Some(About::Revoke)));
    assert_eq!(message.target.as_deref(), Some(&Target { id: ID.into(), from_me: true }));
    assert_eq!(JournalKind::of(message), JournalKind::MessageRevoked);
}

#[test]
fn a_reaction_is_no_message_that_was_received() {
    let mut world = World::open();
    world.line(&about("B1", "reaction", "👍", "A1"));
    assert_eq!(world.state.snapshot().counters.messages_received, 0);
    // A kind that this host does not know is one, whatever it is about.
    world.line(&about("B2", "poll_vote", "yes", "A1"));
    let snapshot = world.state.snapshot();
    assert_eq!((snapshot.counters.messages_received, snapshot.feed[1].about()), (1, None));
    assert!(snapshot.feed[1].is_about(&"A1".into()));
}

#[test]
fn what_a_bridge_tells_without_a_target_is_taken_all_the_same() {
    let mut world = World::base();
    let [message] = &written(&world.line(r#"{"type":"message","from":"x","body":"mended","kind":"edit"}"#))[..] else {
        panic!()
    };
    assert_eq!((message.about(), &message.target), (Some(About::Edit), &None));
}

#[test]
fn an_event_under_the_id_of_its_target_is_taken_once_beside_it() {
    let looked_up = |world: &World, line: &str| match lookup(&world.state, &Event::decode(line.as_bytes()).unwrap()) {
        Some(Lookup::Incoming(_, id)) => id,
        other => panic!("{other:?}"),
    };
    let mut world = World::open();
    // As channels have it.
    let (edit, revoke) = (about("77", "edit", "mended", "77"), about("77", "revoke", "", "77"));
    let later = edit.replace("1789999999000", "1789999999500");
    let ids = [&edit, &revoke, &later].map(|line| looked_up(&world, line));
    for (line, id) in [&edit, &revoke, &later].into_iter().zip(&ids) {
        assert_eq!(looked_up(&world, line), *id, "the same each time");
        let [message] = &written(&world.line(line))[..] else { panic!() };
        assert_eq!((&message.id, message.is_about(&"77".into())), (id, true));
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().map(MessageId::as_str).chain(["77"]).collect();
    assert_eq!(distinct.len(), 4);
    assert_eq!(looked_up(&world, &about("78", "edit", "mended", "77")).as_str(), "78");
}

/// The feed and the ring hold hundreds of them: the rare target must not cost each of them more than a pointer.
#[test]
fn a_message_is_small() {
    assert_eq!(size_of::<Option<Box<Target>>>(), size_of::<usize>());
    assert!(size_of::<Message>() <= 224, "{}", size_of::<Message>());
}

#[test]
fn a_message_reads_back_from_what_consoles_and_the_journal_get() {
    let mut world = World::open();
    world.line(&about("B1", "reaction", "👍", "A1"));
    let message = &world.state.snapshot().feed[0];
    let json = serde_json::to_value(&**message).unwrap();
    assert_eq!((&json["kind"], &json["target"]["id"]), (&"reaction".into(), &"A1".into()));
    assert_eq!(serde_json::from_value::<Message>(json).unwrap(), **message);
    // And what an older one wrote.
    let mut old = serde_json::to_value(&**message).unwrap();
    old.as_object_mut().unwrap().remove("target");
    assert_eq!(serde_json::from_value::<Message>(old).unwrap().target, None);
}
