//! How webhooks do, beside the other figures.

use super::*;
use crate::state::{WebhookState, WebhookView};

fn view(name: &str, state: WebhookState, behind: u64) -> WebhookView {
    let retry_at = (state == WebhookState::Retrying).then(|| now().wall.plus(Duration::from_secs(40)));
    let why = (state != WebhookState::Going).then(|| "it answered 503".into());
    WebhookView { name: name.into(), state, behind, waiting_since: None, retry_at, why }
}

#[test]
fn a_line_tells_of_the_webhook_that_is_worst_off_when_there_are_any() {
    use WebhookState::{Going, Parked, Retrying};
    let line = |webhooks: Vec<WebhookView>| {
        let mut model = model(linked());
        model.snapshot.webhooks = webhooks;
        let picture = text(&drawn(&mut model, (120, 40)));
        let line = picture.lines().find_map(|line| line.split_once("webhooks"))?.1.trim().split('│').next()?.to_owned();
        Some(line.trim().to_owned())
    };
    assert_eq!(line(vec![]), None);
    for (webhooks, wanted) in [
        (vec![view("a", Going, 0), view("b", Going, 0)], "2, up to date"),
        (vec![view("a", Going, 0), view("b", Going, 3)], "2, 3 behind"),
        (vec![view("a", Going, 9), view("crm", Retrying, 3)], "3 behind, crm retrying"),
        (vec![view("crm", Parked, 17), view("b", Retrying, 3)], "17 behind, crm parked"),
        (vec![view("a", Parked, 17), view("b", Parked, 3)], "17 behind, 2 parked"),
    ] {
        assert_eq!(line(webhooks).as_deref(), Some(wanted));
    }
    let mut small = model(linked());
    small.snapshot.webhooks = vec![view("a", Parked, 17), view("b", Retrying, 3)];
    let picture = text(&drawn(&mut small, (80, 24)));
    assert!(picture.contains("failed 1  webhooks parked 1  host"), "{picture}");
}

#[test]
fn where_a_webhook_does_not_get_on_it_is_said_what_shows_why() {
    use WebhookState::{Going, Parked, Retrying};
    let picture = |state, size, keys: &str| {
        let mut model = model(linked());
        model.snapshot.webhooks = vec![view("crm", state, 3)];
        typed(&mut model, keys);
        text(&drawn(&mut model, size))
    };
    for size in SIZES {
        let parked = picture(Parked, size, "");
        assert!(parked.lines().last().unwrap().contains(":webhooks see why"), "{parked}");
        assert!(!picture(Going, size, "").contains(":webhooks"));
    }
    assert!(picture(Retrying, (120, 40), "").contains("           :webhooks says why"));
    let help = picture(Going, (120, 60), "?");
    assert!(help.contains(":webhooks       how the webhooks do"), "{help}");
}

#[test]
fn the_webhooks_are_listed_and_one_is_had_try_at_once() {
    use WebhookState::{Going, Parked, Retrying};
    let mut model = model(linked());
    typed(&mut model, ":webhooks");
    press(&mut model, KeyCode::Enter);
    assert!(text(&drawn(&mut model, (80, 24))).contains("there are no webhooks; POST /webhooks makes one"));
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    press(&mut model, KeyCode::Esc);

    model.snapshot.webhooks = vec![view("audit", Going, 0), view("billing", Retrying, 3), view("crm", Parked, 17)];
    model.snapshot.webhooks[2].waiting_since = Some(ago(7_300));
    typed(&mut model, ":webhooks");
    press(&mut model, KeyCode::Enter);
    insta::assert_snapshot!("webhooks", text(&drawn(&mut model, (80, 24))));
    assert!(next_wake(&model, now()).is_some(), "the times count");
    typed(&mut model, "jj");
    let asked = press(&mut model, KeyCode::Enter);
    assert_eq!(asked.requests[0].request, Request::ResumeWebhook("crm".into()));
    let picture = text(&drawn(&mut model, (80, 24)));
    assert!(picture.contains("asked crm to try now") && picture.contains("17 behind"), "{picture}");
    press(&mut model, KeyCode::Esc);
    assert!(model.ui.overlay.is_none());

    typed(&mut model, ":resume billing");
    let asked = press(&mut model, KeyCode::Enter);
    assert_eq!(asked.requests[0].request, Request::ResumeWebhook("billing".into()));
    let answer = Answer::Refused(Refusal::NoSuchWebhook);
    update(&mut model, Msg::Update(Update::Answer { id: asked.requests[0].id, answer }), now());
    assert!(text(&drawn(&mut model, (80, 24))).contains("there is no webhook with this name"));

    // Who may change nothing may look.
    model.ui.look.read_only = true;
    typed(&mut model, ":webhooks");
    press(&mut model, KeyCode::Enter);
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    assert!(model.ui.notice.as_ref().is_some_and(|notice| notice.starts_with("read-only")));
}

#[test]
fn filter_is_a_word_too() {
    let mut model = model(linked());
    typed(&mut model, ":filter harbour");
    press(&mut model, KeyCode::Enter);
    assert!(text(&drawn(&mut model, (80, 24))).contains("Messages like harbour"));
}
