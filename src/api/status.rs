//! `GET /status`: everything the state holds.

use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Api;
use crate::clock::{Now, Timestamp};
use crate::protocol::{AccountInfo, Reason};
use crate::state::{
    BridgeView, ConnectionState, ConnectionView, Counters, HostSample, LastError, LatenessView, Linking, PacingView,
    Pairing, RestrictionView, Seq, Snapshot, StoreView, Transition, WebhookView,
};

/// Everything that the console shows.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Status {
    /// When the process started.
    started_at: Timestamp,
    /// The time since then.
    uptime_seconds: u64,
    /// WhatsApp can be reached and messages can be sent.
    connected: bool,
    connection: ConnectionView,
    /// The last states of the connection, the present one last.
    timeline: Vec<Passed>,
    /// The linked account.
    account: Option<AccountInfo>,
    /// The kind of what is at `/qr` or `/pairing`: nothing of it is told here.
    pairing: Option<&'static str>,
    linking: Linking,
    /// Messages that came in since the start.
    messages_received: u64,
    /// Messages of ours that WhatsApp's server acknowledged since the start.
    messages_sent: u64,
    counters: Counters,
    /// How many messages wait to be sent, those without a known outcome included.
    queue: usize,
    /// The wait of messages that could go but for the pace.
    pacing: Option<PacingView>,
    /// How late messages come in at present, when they do.
    lateness: Option<LatenessView>,
    /// What WhatsApp does not let the account do.
    restriction: Option<RestrictionView>,
    bridge: BridgeView,
    /// How often the bridge was started again.
    bridge_restarts: u64,
    store: StoreView,
    /// Those that send events to others, and how far behind each is.
    webhooks: Vec<Webhook>,
    host: HostSample,
    /// The last error, whatever it was about.
    last_error: Option<LastError>,
}

/// A webhook, without its address: that may be a secret.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "WebhookStatus"))]
struct Webhook {
    #[serde(flatten)]
    view: WebhookView,
    /// For how long the next event has waited.
    lag_seconds: u64,
}

/// A state of the connection, and how long it lasted.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Passed {
    state: ConnectionState,
    at: Timestamp,
    /// Until the next one began, or until now.
    seconds: u64,
    reason: Option<Reason>,
}

fn passed(snapshot: &Snapshot, now: Timestamp) -> Vec<Passed> {
    let ends = snapshot.timeline.iter().skip(1).map(|next| next.at).chain([now]);
    let of = |(one, end): (&Transition, Timestamp)| Passed {
        state: one.state,
        at: one.at,
        seconds: end.since(one.at).as_secs(),
        reason: one.reason.clone(),
    };
    snapshot.timeline.iter().zip(ends).map(of).collect()
}

/// The last answer, which is given again until something has changed, and for a tenth of a second at most: times go on.
#[derive(Debug, Default)]
pub struct StatusText(Mutex<Option<(Seq, u128, Bytes)>>);

impl StatusText {
    /// The text as of this change and this tenth of a second.
    fn get(&self, seq: Seq, tenth: u128, make: impl FnOnce() -> Bytes) -> Bytes {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, when, text)) if (*at, *when) == (seq, tenth) => text.clone(),
            _ => {
                let text = make();
                *last = Some((seq, tenth, text.clone()));
                text
            }
        }
    }
}

pub(super) async fn status(State(api): State<Api>) -> Response {
    // The number first: what is told is then as new as it at least.
    let seq = api.engine.feed().head();
    let text = api.status.get(seq, api.clock.mono().elapsed().as_millis() / 100, || {
        serde_json::to_vec(&whole(&api, api.clock.now())).unwrap_or_default().into()
    });
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn whole(api: &Api, now: Now) -> Status {
    let (uptime_seconds, now) = (now.mono.elapsed().as_secs(), now.wall);
    let webhooks = api.webhooks.list();
    let webhooks = webhooks.into_iter().map(|one| Webhook { view: one.view, lag_seconds: one.lag_seconds }).collect();
    api.engine.feed().look(|s| Status {
        started_at: s.started_at,
        uptime_seconds,
        connected: s.connected(),
        connection: s.connection.clone(),
        timeline: passed(s, now),
        account: s.account.clone(),
        pairing: s.pairing.as_ref().map(Pairing::as_str),
        linking: s.linking.clone(),
        messages_received: s.counters.messages_received,
        messages_sent: s.counters.messages_sent,
        counters: s.counters,
        queue: s.queue,
        pacing: s.pacing,
        lateness: s.lateness,
        restriction: s.restriction.clone(),
        bridge: s.bridge.clone(),
        bridge_restarts: s.bridge.restarts,
        store: s.store.clone(),
        webhooks,
        host: s.host,
        last_error: s.last_error.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_made_anew_when_something_changed_and_when_time_went_on() {
        let text = StatusText::default();
        let mut made = 0;
        for (seq, tenth) in [(1, 0), (1, 0), (2, 0), (2, 0), (2, 1)] {
            text.get(Seq(seq), tenth, || {
                made += 1;
                Bytes::from(made.to_string())
            });
        }
        assert_eq!(made, 3);
        assert_eq!(text.get(Seq(2), 1, Bytes::new), "3");
    }
}
