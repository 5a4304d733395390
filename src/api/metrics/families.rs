//! What is told.
//!
//! Each figure is there from the start, also the ones that are zero: what appears with its first increase shows no
//! increase. Only what is not known is left out.

use super::{Family, Kind, Sample, Value};
use crate::api::Api;
use crate::clock::Timestamp;
use crate::engine::Figures;
use crate::metrics::Distribution;
use crate::state::{BridgeState, ConnectionState, ExitClass, Snapshot, StoreState};

fn of(name: &'static str, kind: Kind, help: &'static str) -> Family {
    Family { name, kind, help, samples: Vec::new() }
}

pub(super) fn counter(name: &'static str, help: &'static str) -> Family {
    of(name, Kind::Counter, help)
}

pub(super) fn gauge(name: &'static str, help: &'static str) -> Family {
    of(name, Kind::Gauge, help)
}

fn histogram(name: &'static str, help: &'static str) -> Family {
    of(name, Kind::Histogram, help)
}

impl Family {
    /// With this figure, which has no labels.
    fn value(self, value: f64) -> Self {
        self.with(&[], value)
    }

    /// With this figure when it is known.
    fn perhaps(self, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.value(value),
            None => self,
        }
    }

    fn with(mut self, labels: &[(&'static str, &str)], value: f64) -> Self {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.samples.push(Sample { labels, value: Value::Number(value) });
        self
    }

    /// With a figure for each of these values of a label.
    pub(super) fn each<'a>(self, label: &'static str, values: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        values.into_iter().fold(self, |family, (value, number)| family.with(&[(label, value)], number))
    }

    fn times(mut self, labels: Vec<(&'static str, String)>, times: Distribution) -> Self {
        self.samples.push(Sample { labels, value: Value::Times(times) });
        self
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has only 64-bit floats")]
pub(super) fn number(value: u64) -> f64 {
    value as f64
}

pub(super) fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this era are exact in 64-bit floats")]
fn moment(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1e3
}

/// All figures, those of one name together.
pub(super) fn collect(api: &Api) -> Vec<Family> {
    let figures = api.engine.figures();
    let (mut families, host_dropped) = (Vec::with_capacity(40), figures.log_lines_dropped.get().unwrap_or_default());
    api.engine.feed().look(|snapshot| {
        families.push(
            of("pilothouse_build_info", Kind::Info, "The program that runs.")
                .with(&[("version", env!("CARGO_PKG_VERSION"))], 1.0),
        );
        families.push(
            gauge("pilothouse_start_time_seconds", "When the process started, in seconds since the Unix epoch.")
                .value(moment(snapshot.started_at)),
        );
        connection(&mut families, snapshot);
        messages(&mut families, snapshot);
        bridge(&mut families, snapshot, figures);
        families.push(
            gauge("pilothouse_store_writable", "1 when the database takes what is written, else 0.")
                .value(flag(snapshot.store.state == StoreState::Ok)),
        );
        families.push(
            counter("pilothouse_log_lines_dropped_total", "Lines that were not logged, since there were too many.")
                .each(
                    "source",
                    [("bridge", number(snapshot.counters.log_lines_dropped)), ("host", number(host_dropped))],
                ),
        );
    });
    families.push(
        gauge(
            "pilothouse_queue_oldest_age_seconds",
            "How long the oldest unsettled message has waited; 0: there is none.",
        )
        .value(figures.oldest_age(api.clock.now().wall).as_secs_f64()),
    );
    durations(&mut families, api);
    consumers(&mut families, api);
    families.extend(super::webhooks::families(api));
    families
}

fn connection(families: &mut Vec<Family>, snapshot: &Snapshot) {
    let now = &snapshot.connection;
    families
        .push(gauge("pilothouse_connected", "1 when WhatsApp is connected, else 0.").value(flag(snapshot.connected())));
    families.push(
        gauge("pilothouse_connection_state", "1 for the state of the connection to WhatsApp, 0 for the others.")
            .each("state", ConnectionState::ALL.map(|state| (state.as_str(), flag(state == now.state)))),
    );
    families.push(
        gauge(
            "pilothouse_connection_proven_timestamp_seconds",
            "When WhatsApp's server last gave a sign of life, in seconds since the Unix epoch, while there is a connection.",
        )
        .perhaps(now.proven_at.map(moment)),
    );
    families.push(
        gauge("pilothouse_account_restricted", "1 while WhatsApp restricts the account, else 0.")
            .value(flag(snapshot.restriction.is_some())),
    );
}

fn messages(families: &mut Vec<Family>, snapshot: &Snapshot) {
    let counters = &snapshot.counters;
    let outcomes = [
        ("in", "received", counters.messages_received),
        ("in", "duplicate", counters.duplicates),
        ("out", "sent", counters.messages_sent),
        ("out", "failed", counters.messages_failed),
        ("out", "expired", counters.messages_expired),
        ("out", "cancelled", counters.messages_cancelled),
    ];
    families.push(outcomes.into_iter().fold(
        counter("pilothouse_messages_total", "Messages by direction and by what became of them."),
        |family, (direction, outcome, n)| family.with(&[("direction", direction), ("outcome", outcome)], number(n)),
    ));
    families.push(
        counter("pilothouse_message_receipts_total", "Messages of ours that got so far on the recipient's phone.")
            .each(
                "receipt",
                [("delivered", number(counters.messages_delivered)), ("read", number(counters.messages_read))],
            ),
    );
    families.push(
        gauge("pilothouse_queue_messages", "Messages that were accepted and are not settled.")
            .value(number(snapshot.queue as u64)),
    );
}

fn bridge(families: &mut Vec<Family>, snapshot: &Snapshot, figures: &Figures) {
    let (bridge, counters) = (&snapshot.bridge, &snapshot.counters);
    let restarts = |class: ExitClass| bridge.restarts_by_reason.get(&class).copied().unwrap_or_default();
    families.extend([
        gauge("pilothouse_bridge_state", "1 for the state of the bridge's process, 0 for the others.")
            .each("state", BridgeState::ALL.map(|state| (state.as_str(), flag(state == bridge.state)))),
        counter(
            "pilothouse_bridge_restarts_total",
            "Starts of the bridge after the first, by how the one before ended.",
        )
        .each("reason", ExitClass::ALL.map(|class| (class.label(), number(restarts(class))))),
        counter("pilothouse_bridge_protocol_errors_total", "Lines of the bridge that were not events.")
            .value(number(counters.protocol_errors)),
        counter("pilothouse_bridge_unknown_events_total", "Events of the bridge that are not known.")
            .value(number(counters.unknown_events)),
        gauge("pilothouse_bridge_resident_memory_bytes", "Resident memory of the bridge, while it runs.")
            .perhaps(figures.bridge_rss.get().map(number)),
        gauge("pilothouse_bridge_event_loop_lag_seconds", "How late the bridge's event loop ran, as it last said.")
            .perhaps(figures.bridge_loop_lag.get().map(|ms| number(ms) / 1e3)),
        gauge("pilothouse_resident_memory_bytes", "Resident memory of this process.")
            .perhaps(figures.host_rss.get().map(number)),
    ]);
}

fn durations(families: &mut Vec<Family>, api: &Api) {
    let (figures, commits) = (api.engine.figures(), api.engine.commits());
    families.extend([
        counter("pilothouse_messages_accepted_total", "Messages of ours that were accepted.")
            .value(number(figures.accepted.get())),
        histogram("pilothouse_message_time_to_sent_seconds", "Time from acceptance to the server's acknowledgement.")
            .times(Vec::new(), figures.until_sent.read()),
        histogram("pilothouse_message_time_to_delivered_seconds", "Time from acceptance to the recipient's phone.")
            .times(Vec::new(), figures.until_delivered.read()),
        histogram("pilothouse_event_loop_lag_seconds", "How late the event loop was, looked at every ten seconds.")
            .times(Vec::new(), figures.loop_lag.read()),
        histogram("pilothouse_store_commit_duration_seconds", "How long commits took, those that failed as well.")
            .times(Vec::new(), commits.durations.read()),
        counter("pilothouse_store_commit_failures_total", "Commits that failed and were tried again.")
            .value(number(commits.failures.get())),
        api.stats.by_kind().into_iter().fold(
            histogram("pilothouse_http_request_duration_seconds", "How long answers of the API took to begin."),
            |family, (kind, times)| {
                let labels = [("method", kind.method), ("route", kind.route()), ("status", kind.status)];
                family.times(labels.map(|(name, value)| (name, value.to_owned())).into(), times)
            },
        ),
    ]);
}

/// Who follows the journal, and how far the last of each sort is behind. Another sort is a row more.
fn consumers(families: &mut Vec<Family>, api: &Api) {
    let webhooks = api.webhooks.list();
    let behind = webhooks.iter().map(|one| one.view.behind).max().unwrap_or_default();
    let consumers = [
        ("event_streams", api.events.streams() as u64, api.events.worst_lag()),
        ("webhooks", webhooks.len() as u64, behind),
    ];
    families.push(
        gauge("pilothouse_journal_consumers", "Who follows the journal.")
            .each("consumer", consumers.map(|(name, count, _)| (name, number(count)))),
    );
    families.push(
        gauge(
            "pilothouse_journal_lag_events",
            "Events that the slowest follower of the journal has not gone over yet.",
        )
        .each("consumer", consumers.map(|(name, _, lag)| (name, number(lag)))),
    );
}
