//! How things stand in words: what is wrong, what to do, and the lines of it for small terminals.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::{Action, Keymap};
use super::super::model::Model;
use super::super::theme::Theme;
use super::connection::duration;
use super::{bridge_memory, bytes, pairing, put, row, welcome};
use crate::clock::{Now, Timestamp};
use crate::protocol::{Reason, ReasonClass};
use crate::state::{BridgeState, ConnectionState, ExitClass, Pairing, StoreState, WebhookState};

/// How things stand: a mark, a word, and its style. The mark and the word say it without the colour.
pub(in super::super) fn headline(model: &Model, theme: Theme) -> (&'static str, &'static str, Style) {
    if model.ui.lost.is_some() {
        return ("✗", "no connection to the gateway", theme.bad());
    }
    if model.snapshot.store.state == StoreState::Failing {
        return ("✗", "the database can't be written", theme.bad());
    }
    match (model.snapshot.bridge.state, model.snapshot.connection.state) {
        (_, ConnectionState::Open) => ("●", "connected", theme.good()),
        (BridgeState::Running, ConnectionState::Unverified) => ("◐", "unverified", theme.busy()),
        (BridgeState::Installing, _) => ("◌", "installing the bridge", theme.busy()),
        (BridgeState::BackingOff, _) => ("✗", "the bridge ended", theme.bad()),
        (BridgeState::BreakerOpen, _) => ("✗", "the bridge keeps failing", theme.bad()),
        (BridgeState::Refused, _) => ("✗", "the bridge can't run", theme.bad()),
        (BridgeState::Stopped, _) => ("○", "starting", theme.busy()),
        (BridgeState::Draining, _) => ("◌", "restarting the bridge", theme.busy()),
        (BridgeState::Running, _) if model.snapshot.bridge.silent => ("✗", "the bridge says nothing", theme.bad()),
        (BridgeState::Running, ConnectionState::Linking) => ("◌", "waiting to be linked", theme.busy()),
        (BridgeState::Running, ConnectionState::Passkey) => ("◌", "waiting for the passkey", theme.busy()),
        (BridgeState::Running, ConnectionState::Connecting) => ("◌", "connecting", theme.busy()),
        (BridgeState::Running, ConnectionState::LoggedOut) => ("✗", "logged out", theme.bad()),
        (BridgeState::Running, ConnectionState::Closed) => ("✗", "not connected", theme.bad()),
        (BridgeState::Running, ConnectionState::Down) => ("○", "not connected", theme.busy()),
    }
}

/// What the headline says began when the present state of the connection did. The gateway, the database and a bridge that
/// is replaced have times of their own, which nobody tells.
pub(super) fn began_with_the_connection(model: &Model) -> bool {
    let s = &model.snapshot;
    let bridge = s.bridge.silent || s.bridge.state == BridgeState::Draining;
    let up = s.connection.state == ConnectionState::Open;
    model.ui.lost.is_none() && s.store.state != StoreState::Failing && (up || !bridge)
}

/// Whether anybody has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// Connected.
    Well,
    /// Something happens by itself, or waits for the operator who is at it.
    OnTheWay,
    /// Something is wrong.
    Ill,
}

/// How things stand.
pub(in super::super) fn standing(model: &Model) -> Standing {
    let (mark, _, _) = headline(model, Theme::new(false));
    match mark {
        "●" => Standing::Well,
        "✗" => Standing::Ill,
        _ => Standing::OnTheWay,
    }
}

/// What the operator can do about it, or what happens by itself.
pub(in super::super) fn advice(model: &Model, now: Now) -> Option<String> {
    if let Some(lost) = &model.ui.lost {
        return Some(format!("tried again {}", in_time(lost.retry_at, now)));
    }
    if model.snapshot.store.state == StoreState::Failing {
        return Some("nothing is accepted until it can".to_owned());
    }
    let (bridge, connection) = (&model.snapshot.bridge, &model.snapshot.connection);
    let keys = &model.ui.look.keys;
    let (restart, log) = (keys.key(Action::Restart), keys.key(Action::ShowLog));
    let again = |at: Option<Timestamp>| at.map(|at| format!("again {}", in_time(at, now)));
    match bridge.state {
        BridgeState::Installing => return Some("npm fetches its packages; this takes some seconds".to_owned()),
        BridgeState::BackingOff => return again(bridge.retry_at).map(|t| format!("{t}; {restart} tries now")),
        BridgeState::BreakerOpen => {
            return again(bridge.retry_at).map(|t| format!("{t}; {log} shows the log, {restart} tries now"));
        }
        BridgeState::Refused => return Some(format!("mend it, then press {restart}")),
        BridgeState::Draining => return Some("it uses much memory; restarted when all is answered".to_owned()),
        BridgeState::Running if bridge.silent => return Some(format!("{log} shows the log; {restart} starts it anew")),
        BridgeState::Stopped | BridgeState::Running => {}
    }
    match connection.state {
        ConnectionState::LoggedOut => Some(what_to_do(ReasonClass::LoggedOut, keys)),
        ConnectionState::Closed => again(connection.retry_at).or_else(|| {
            let class = connection.reason.as_ref().map(|r| r.class).unwrap_or_default();
            Some(what_to_do(class, keys))
        }),
        ConnectionState::Unverified => {
            let last = connection.proven_at.map(|at| at.clock_time(&model.ui.zone)).unwrap_or_default();
            Some(format!("nothing from WhatsApp since {last}; asked again"))
        }
        ConnectionState::Linking
        | ConnectionState::Passkey
        | ConnectionState::Open
        | ConnectionState::Connecting
        | ConnectionState::Down => None,
    }
}

/// What the operator can do about an end of the connection.
pub(super) fn what_to_do(class: ReasonClass, keys: &Keymap) -> String {
    let (restart, take_over) = (keys.key(Action::Restart), keys.key(Action::TakeOver));
    match class {
        ReasonClass::Banned => format!("see WhatsApp on the phone; {restart} tries again"),
        ReasonClass::Replaced => format!("end the other program; {take_over} takes the link back"),
        ReasonClass::Outdated => format!("update Pilothouse, then press {restart}"),
        ReasonClass::BadSession => format!("press {restart}; link anew when it stays"),
        ReasonClass::LoggedOut => format!("press {restart} to link again"),
        ReasonClass::RestartRequired
        | ReasonClass::ConnectionLost
        | ReasonClass::Unavailable
        | ReasonClass::LinkExpired
        | ReasonClass::BridgeEnded
        | ReasonClass::Other => format!("press {restart} to try again"),
    }
}

/// The time until then, in whole seconds.
pub(super) fn in_time(at: Timestamp, now: Now) -> String {
    match at.since(now.wall).as_millis().div_ceil(1_000) {
        0 => "now".to_owned(),
        s @ 1..120 => format!("in {s} s"),
        s => format!("in {} min", s.div_ceil(60)),
    }
}

/// The account: its number, and its name when there is one.
pub(in super::super) fn account(model: &Model) -> Option<String> {
    let account = model.snapshot.account.as_ref()?;
    let phone = account.phone.as_deref().or(account.lid.as_deref())?;
    Some(match &account.name {
        Some(name) => format!("{phone} {name}"),
        None => phone.to_owned(),
    })
}

/// How often the bridge was started again, and by what reasons, the most frequent first.
pub(super) fn restarts(model: &Model) -> String {
    let bridge = &model.snapshot.bridge;
    let mut reasons: Vec<_> = bridge.restarts_by_reason.iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let mut text = bridge.restarts.to_string();
    for (at, (class, n)) in reasons.into_iter().enumerate() {
        let _ = write!(text, "{} {} {n}", if at == 0 { ":" } else { "," }, class.as_str());
    }
    text
}

/// What went wrong last, as far as it still matters.
pub(super) fn trouble(model: &Model) -> Option<String> {
    if let Some(reason) = &model.snapshot.store.reason {
        return Some(reason.to_string());
    }
    if model.snapshot.connection.state.is_up() {
        return restricted(model, Some(model.ui.look.keys.key(Action::Filter))).or_else(|| late(model));
    }
    if matches!(model.snapshot.pairing, Some(Pairing::Passkey { fault: Some(_), .. })) {
        return None; // it is said where the answer is asked for
    }
    // Of the bridge's own end the last error tells, unless it was wanted.
    let told = |r: &&Reason| r.class != ReasonClass::BridgeEnded && !r.text.is_empty();
    let reason = model.snapshot.connection.reason.as_ref().filter(told).map(|r| r.text.clone());
    let failing = matches!(
        model.snapshot.bridge.state,
        BridgeState::BackingOff | BridgeState::BreakerOpen | BridgeState::Refused
    );
    let last = model.snapshot.last_error.as_ref().filter(|e| !is_over(model, e.at)).map(|e| e.text.to_string());
    if failing { last.or(reason) } else { reason.or(last) }
}

/// What went wrong then says nothing about now: the connection was up or the bridge linked anew since, or the operator
/// had the bridge started anew.
fn is_over(model: &Model, at: Timestamp) -> bool {
    let got_on = |state| {
        matches!(
            state,
            ConnectionState::Open | ConnectionState::Unverified | ConnectionState::Linking | ConnectionState::Passkey
        )
    };
    let s = &model.snapshot;
    (got_on(s.connection.state) && s.connection.since > at)
        || s.timeline.iter().any(|one| got_on(one.state) && one.at > at)
        || s.bridge.last_exit.as_ref().is_some_and(|exit| exit.class == ExitClass::Operator && exit.at > at)
}

/// What is held by a restriction of the account, and until when. `filter` is the key that finds what is held, if any does.
pub(in super::super) fn restricted(model: &Model, filter: Option<&str>) -> Option<String> {
    let restriction = model.snapshot.restriction.as_ref()?;
    let (date, time) = (restriction.until.calendar_date(&model.ui.zone), restriction.until.clock_time(&model.ui.zone));
    let held = match restriction.held {
        0 => "no message is held".to_owned(),
        1 => "1 message is held".to_owned(),
        n => format!("{n} messages are held"),
    };
    let found = filter.filter(|_| restriction.held > 0).map(|key| format!(" ({key} state:queued)")).unwrap_or_default();
    // What matters most comes first: a line of a small terminal ends soon.
    let told = if restriction.until_told { "" } else { " WhatsApp names no end: it is tried then." };
    let time = time.get(..5).unwrap_or(&time);
    Some(format!("{held}{found}: no new chats until {date} {time}; old ones go on. {}.{told}", restriction.text))
}

/// How late messages come in, when they do.
fn late(model: &Model) -> Option<String> {
    let lateness = model.snapshot.lateness.filter(|_| model.ui.lost.is_none())?;
    let late = duration(Duration::from_secs(lateness.seconds));
    Some(format!("messages come {late} late: the bridge or the network is behind"))
}

/// How many lines the header would like.
pub(in super::super) fn header_rows(model: &Model) -> u16 {
    if trouble(model).is_some() { 3 } else { 2 }
}

/// One to three lines for small terminals: how things stand and what to do, what is wrong, the figures.
pub(in super::super) fn header(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let (mark, word, style) = headline(model, theme);
    let since = model.snapshot.connection.since.clock_time(&model.ui.zone);
    let mut pieces = Vec::new();
    if model.ui.look.read_only {
        pieces.push(("read-only ".to_owned(), theme.busy()));
    }
    pieces.push((format!("{mark} {word}"), style));
    if area.width >= 60 && began_with_the_connection(model) {
        pieces.push((format!(" since {since}"), theme.dim()));
    }
    let (trouble, advice) = (trouble(model), advice(model, now));
    if let Some(advice) = &advice {
        pieces.push((format!("  {advice}"), theme.title()));
    }
    // Where there is one line alone, what is wrong matters more than who it is.
    let alone = area.height <= 2;
    if let Some(text) = trouble.as_ref().filter(|_| alone) {
        pieces.push((format!("  {text}"), theme.dim()));
    }
    match account(model).filter(|_| advice.is_none()) {
        Some(account) => pieces.push((format!("  {account}"), Style::new())),
        // Who is here for the first time is told how far it is.
        None if advice.is_none()
            && trouble.is_none()
            && pairing::wanted(model, now)
            && welcome::is_first_time(model) =>
        {
            let title = welcome::title(model);
            let short = title.split_once(':').map_or(title, |(step, _)| step);
            pieces.push((format!("  {}", if area.width < 70 { short } else { title }), theme.title()));
        }
        None => {}
    }
    let mut y = 1;
    if let Some(text) = trouble.filter(|_| !alone) {
        put(buffer, area, (2, 1), &text, area.width, Style::new());
        y = 2;
    }
    let borrowed: Vec<_> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    row(buffer, area, 0, &borrowed);
    let s = &model.snapshot;
    let c = &s.counters;
    let failed = if c.messages_failed > 0 { format!("  failed {}", c.messages_failed) } else { String::new() };
    let restarts = if s.bridge.restarts > 0 { format!("  restarts {}", s.bridge.restarts) } else { String::new() };
    let hooks = match s.webhooks.iter().filter(|one| one.state == WebhookState::Parked).count() {
        0 => String::new(),
        n => format!("  webhooks parked {n}"),
    };
    let text = format!("in {}  out {}  waiting {}", c.messages_received, c.messages_sent, waiting(model, now));
    let memory = format!("  host {}  bridge {}", bytes(s.host.rss_bytes), bridge_memory(&s.bridge));
    let attached = model.ui.attached.as_ref().map(|at| format!("  attached to {at}")).unwrap_or_default();
    let pieces = [
        (text.as_str(), Style::new()),
        (failed.as_str(), theme.bad()),
        (hooks.as_str(), theme.bad()),
        (restarts.as_str(), theme.busy()),
        (memory.as_str(), theme.dim()),
        (attached.as_str(), theme.dim()),
    ];
    row(buffer, area, y, &pieces);
}

/// How many messages wait, and for how long when that is by the pace.
pub(super) fn waiting(model: &Model, now: Now) -> String {
    match model.snapshot.pacing {
        Some(pacing) => format!("{}, next {} (paced)", model.snapshot.queue, in_time(pacing.next_send_at, now)),
        None => model.snapshot.queue.to_string(),
    }
}
