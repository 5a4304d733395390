//! What became of what was written here is seen, whatever else comes in.

use super::told::{calm, changed, shows};
use super::*;

/// What the lower frame of the input box says.
fn own(model: &mut Model) -> String {
    let picture = text(&drawn(model, (80, 24)));
    let frame = picture.lines().rev().find(|line| line.starts_with('╰')).unwrap_or_default();
    frame.trim_matches(['╰', '─', '╯', ' ']).to_owned()
}

fn accept(model: &mut Model, asked: &Outcome, id: &str) {
    let delivery = Box::new(Delivery::queued(ago(0)));
    let answer = Answer::Accepted { id: id.into(), delivery };
    update(model, Msg::Update(Update::Answer { id: asked.requests[0].id, answer }), now());
}

fn progressed(id: &str, state: DeliveryState) -> Change {
    let mut delivery = Delivery::queued(ago(0));
    delivery.state = state;
    Change::MessageProgressed { id: id.into(), from: DeliveryState::Queued, delivery: Box::new(delivery) }
}

#[test]
fn what_was_written_is_seen_to_be_accepted_and_to_go_out_whatever_comes_in() {
    let mut model = model(calm());
    assert_eq!(own(&mut model), "");
    typed(&mut model, "i+15551112222 All well");
    let asked = press(&mut model, KeyCode::Enter);
    assert_eq!(own(&mut model), "· given to Ana: All well", "the gateway has not answered");
    accept(&mut model, &asked, "3EB0AA");
    assert_eq!(own(&mut model), "… waits to Ana: All well");
    for n in 0..400 {
        update(&mut model, added(n, "flood"), now());
    }
    assert_eq!(own(&mut model), "… waits to Ana: All well");
    changed(&mut model, progressed("3EB0BB", DeliveryState::Failed));
    assert_eq!(own(&mut model), "… waits to Ana: All well", "that was another one");
    for (state, says) in [
        (DeliveryState::Sent, "✓ sent to Ana: All well"),
        (DeliveryState::Read, "◉ read to Ana: All well"),
        (DeliveryState::Expired, "⊖ not sent in time to Ana: All well"),
    ] {
        changed(&mut model, progressed("3EB0AA", state));
        assert_eq!(own(&mut model), says);
    }
    let text = "WhatsApp finds the message malformed".into();
    let mut delivery = Delivery::queued(ago(0));
    delivery.state = DeliveryState::Failed;
    delivery.failure = Some(Failure { code: Some(400), text, retryable: false });
    let (id, from) = ("3EB0AA".into(), DeliveryState::Sent);
    changed(&mut model, Change::MessageProgressed { id, from, delivery: Box::new(delivery) });
    assert_eq!(own(&mut model), "✗ not sent to Ana: All well — WhatsApp finds the message malformed");
    let tiny = super::text(&drawn(&mut model, (40, 10)));
    assert!(tiny.contains("> ✗ not sent to Ana: All well — What"), "{tiny}");
    // In whatever pane one is, and of words in the palette too.
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Char('4'));
    typed(&mut model, ":send +15553334444 Hi");
    let asked = press(&mut model, KeyCode::Enter);
    accept(&mut model, &asked, "3EB0CC");
    assert_eq!(own(&mut model), "… waits to +15553334444: Hi");
}

#[test]
fn what_was_not_accepted_is_not_said_to_be_under_way() {
    let mut model = model(calm());
    typed(&mut model, "i+15551112222 All well");
    let asked = press(&mut model, KeyCode::Enter);
    let answer = Answer::Refused(Refusal::Unavailable);
    update(&mut model, Msg::Update(Update::Answer { id: asked.requests[0].id, answer }), now());
    assert_eq!(own(&mut model), "");
    let asked = press(&mut model, KeyCode::Enter);
    let why = "not done: the line broke".into();
    update(&mut model, Msg::Update(Update::Unanswered { id: asked.requests[0].id, why }), now());
    assert_eq!(own(&mut model), "");
    // News that were missed: it is said how far it has come only when that is known.
    let asked = press(&mut model, KeyCode::Enter);
    accept(&mut model, &asked, "3EB03");
    let mut snapshot = calm();
    snapshot.feed.push_back(Arc::new(outgoing(3, "All well", DeliveryState::Delivered)));
    update(&mut model, Msg::Update(Update::Snapshot(Box::new(snapshot))), now());
    assert_eq!(own(&mut model), "✓✓ delivered to Ana: All well");
    let mut snapshot = linked();
    snapshot.feed.clear();
    update(&mut model, Msg::Update(Update::Snapshot(Box::new(snapshot))), now());
    assert_eq!(own(&mut model), "");
}

#[test]
fn a_message_that_is_sent_again_is_said_to_be_when_it_is() {
    let mut snapshot = calm();
    snapshot.feed.push_back(Arc::new(outgoing(1, "Again", DeliveryState::Failed)));
    let mut model = model(snapshot);
    typed(&mut model, "kR");
    let asked = press(&mut model, KeyCode::Char('y'));
    assert_eq!(own(&mut model), "· given to Ana: Again");
    assert!(!shows(&mut model, "sent again"));
    accept(&mut model, &asked, "3EB0DD");
    assert_eq!(own(&mut model), "… waits to Ana: Again");
}
