//! What is kept and shown of webhooks.

use super::*;

#[test]
fn a_webhook_is_kept_before_anybody_is_told_and_shown_when_it_looks_different() {
    let mut world = World::open();
    let record = WebhookRecord { name: "crm".into(), definition: None, progress: "{}".into() };
    let outcome = world.ask(Request::Webhook(WebhookRequest::Keep(record.clone())));
    assert_eq!((&outcome.writes[..], outcome.changes.len()), (&[Write::Webhook(record)][..], 0));
    assert!(matches!(&outcome.effects[..], [Effect::Reply { answer: Answer::Done, .. }]), "after the write");
    let outcome = world.ask(Request::Webhook(WebhookRequest::Forget("crm".into())));
    assert_eq!(outcome.writes, [Write::ForgetWebhook("crm".into())]);

    let state = WebhookState::Going;
    let view = WebhookView { name: "crm".into(), state, behind: 3, waiting_since: None, retry_at: None, why: None };
    let show = || Request::Webhook(WebhookRequest::Show(vec![view.clone()]));
    let outcome = world.ask(show());
    assert_eq!((&outcome.changes[..], outcome.writes.len()), (&[Change::Webhooks(vec![view.clone()])][..], 0));
    assert_eq!(world.state.snapshot().webhooks.first(), Some(&view));
    assert!(world.ask(show()).changes.is_empty(), "the same again is nothing to draw");
}
