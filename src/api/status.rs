//! `GET /status`: everything the state holds.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::Api;
use crate::clock::Timestamp;
use crate::protocol::AccountInfo;
use crate::state::{BridgeView, ConnectionView, Counters, HostSample, LastError, Linking, StoreView};

#[derive(Debug, Serialize)]
pub(super) struct Status {
    started_at: Timestamp,
    uptime_seconds: u64,
    connected: bool,
    connection: ConnectionView,
    account: Option<AccountInfo>,
    /// Something to scan or to type is at `/qr` or `/pairing`.
    pairing: Option<&'static str>,
    linking: Linking,
    messages_received: u64,
    messages_sent: u64,
    counters: Counters,
    queue: usize,
    bridge: BridgeView,
    bridge_restarts: u64,
    store: StoreView,
    host: HostSample,
    last_error: Option<LastError>,
}

pub(super) async fn status(State(api): State<Api>) -> Json<Status> {
    let uptime_seconds = api.clock.now().mono.elapsed().as_secs();
    Json(api.engine.feed().look(|s| Status {
        started_at: s.started_at,
        uptime_seconds,
        connected: s.connected(),
        connection: s.connection.clone(),
        account: s.account.clone(),
        pairing: s.pairing.as_ref().map(|p| match p {
            crate::state::Pairing::Qr { .. } => "qr",
            crate::state::Pairing::Code { .. } => "code",
        }),
        linking: s.linking.clone(),
        messages_received: s.counters.messages_received,
        messages_sent: s.counters.messages_sent,
        counters: s.counters,
        queue: s.queue,
        bridge: s.bridge.clone(),
        bridge_restarts: s.bridge.restarts,
        store: s.store.clone(),
        host: s.host.clone(),
        last_error: s.last_error.clone(),
    }))
}
