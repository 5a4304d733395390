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
