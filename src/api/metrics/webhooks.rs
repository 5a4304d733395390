//! The figures of webhooks, by their names.

use super::families::{counter, flag, gauge, number};
use super::{Api, Family};
use crate::state::WebhookState;
use crate::webhooks::Described;

/// One of each kind, with a figure for every webhook.
pub(super) fn families(api: &Api) -> [Family; 5] {
    let all = api.webhooks.list();
    let each = |family: Family, figure: fn(&Described) -> f64| {
        family.each("webhook", all.iter().map(|one| (&*one.view.name, figure(one))))
    };
    [
        each(
            gauge(
                "pilothouse_webhook_lag_events",
                "Events of the journal that the webhook has not come to yet, wanted or not.",
            ),
            |one| number(one.view.behind),
        ),
        each(gauge("pilothouse_webhook_lag_seconds", "How long the webhook's next event has waited."), |one| {
            number(one.lag_seconds)
        }),
        each(gauge("pilothouse_webhook_parked", "1 when the webhook waits for the operator, else 0."), |one| {
            flag(one.view.state == WebhookState::Parked)
        }),
        each(counter("pilothouse_webhook_delivered_total", "Events that reached the webhook's receiver."), |one| {
            number(one.delivered)
        }),
        each(
            counter("pilothouse_webhook_failures_total", "Attempts to reach the webhook's receiver that failed."),
            |one| number(one.failed),
        ),
    ]
}
