//! The connection, what ended it and what to do, and live figures.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Sparkline, Widget};

use super::super::model::Model;
use super::super::sanitize;
use super::super::theme::Theme;
use super::{bytes, count, framed, micros, put, row};
use crate::clock::{Now, Timestamp};
use crate::protocol::ReasonClass;
use crate::state::{BridgeState, ConnectionState, Pairing, StoreState, WebhookState};

/// How things stand: a mark, a word, and its style. The mark and the word say it without the colour.
fn headline(model: &Model, theme: Theme) -> (&'static str, &'static str, Style) {
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

/// What the operator can do about it, or what happens by itself.
fn advice(model: &Model, now: Now) -> Option<String> {
    if model.snapshot.store.state == StoreState::Failing {
        return Some("nothing is accepted until it can".to_owned());
    }
    let (bridge, connection) = (&model.snapshot.bridge, &model.snapshot.connection);
    let again = |at: Option<Timestamp>| at.map(|at| format!("again {}", in_time(at, now)));
    match bridge.state {
        BridgeState::Installing => return Some("npm fetches its packages; this takes some seconds".to_owned()),
        BridgeState::BackingOff => return again(bridge.retry_at).map(|t| format!("{t}; r tries now")),
        BridgeState::BreakerOpen => return again(bridge.retry_at).map(|t| format!("{t}; see the log, r tries now")),
        BridgeState::Refused => return Some("mend it, then press r".to_owned()),
        BridgeState::Draining => return Some("it uses much memory; restarted when all is answered".to_owned()),
        BridgeState::Running if bridge.silent => return Some("see the log; r starts it anew".to_owned()),
        BridgeState::Stopped | BridgeState::Running => {}
    }
    match connection.state {
        ConnectionState::LoggedOut => Some("press r to link again".to_owned()),
        ConnectionState::Closed => again(connection.retry_at).or_else(|| {
            let class = connection.reason.as_ref().map(|r| r.class).unwrap_or_default();
            Some(what_to_do(class).to_owned())
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

const fn what_to_do(class: ReasonClass) -> &'static str {
    match class {
        ReasonClass::Banned => "see WhatsApp on the phone; r tries again",
        ReasonClass::Replaced => "end the other program; t takes the link back",
        ReasonClass::Outdated => "update Pilothouse, then press r",
        ReasonClass::BadSession => "press r; link anew when it stays",
        ReasonClass::LoggedOut => "press r to link again",
        ReasonClass::RestartRequired
        | ReasonClass::ConnectionLost
        | ReasonClass::Unavailable
        | ReasonClass::LinkExpired
        | ReasonClass::Other => "press r to try again",
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
fn account(model: &Model) -> Option<String> {
    let account = model.snapshot.account.as_ref()?;
    let phone = account.phone.as_deref().or(account.lid.as_deref())?;
    Some(match &account.name {
        Some(name) => format!("{phone} {name}"),
        None => phone.to_owned(),
    })
}

/// How often the bridge was started again, and by what reasons, the most frequent first.
fn restarts(model: &Model) -> String {
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
fn trouble(model: &Model) -> Option<String> {
    if let Some(reason) = &model.snapshot.store.reason {
        return Some(reason.to_string());
    }
    if model.snapshot.connection.state.is_up() {
        return restricted(model);
    }
    if matches!(model.snapshot.pairing, Some(Pairing::Passkey { fault: Some(_), .. })) {
        return None; // it is said where the answer is asked for
    }
    let reason = model.snapshot.connection.reason.as_ref().map(|r| r.text.clone()).filter(|t| !t.is_empty());
    let failing = matches!(
        model.snapshot.bridge.state,
        BridgeState::BackingOff | BridgeState::BreakerOpen | BridgeState::Refused
    );
    let last = model.snapshot.last_error.as_ref().map(|e| e.text.to_string());
    if failing { last.or(reason) } else { reason.or(last) }
}

/// What is held by a restriction of the account, and until when.
fn restricted(model: &Model) -> Option<String> {
    let restriction = model.snapshot.restriction.as_ref()?;
    let (date, time) = (restriction.until.calendar_date(&model.ui.zone), restriction.until.clock_time(&model.ui.zone));
    let held = match restriction.held {
        0 => "no message is held".to_owned(),
        1 => "1 message is held".to_owned(),
        n => format!("{n} messages are held"),
    };
    let told = if restriction.until_told { "" } else { " (WhatsApp names no end)" };
    Some(format!("{held}: no new chats until {date} {time}{told}; those that exist go on. {}", restriction.text))
}

/// How many lines the header would like.
pub(in super::super) fn header_rows(model: &Model) -> u16 {
    if trouble(model).is_some() { 3 } else { 2 }
}

/// One to three lines for small terminals: how things stand and what to do, what is wrong, the figures.
pub(in super::super) fn header(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let (mark, word, style) = headline(model, theme);
    let since = model.snapshot.connection.since.clock_time(&model.ui.zone);
    let mut pieces = vec![(format!("{mark} {word}"), style)];
    if area.width >= 60 {
        pieces.push((format!(" since {since}"), theme.dim()));
    }
    match (account(model), advice(model, now)) {
        (_, Some(advice)) => pieces.push((format!("  {advice}"), theme.title())),
        (Some(account), None) => pieces.push((format!("  {account}"), Style::new())),
        (None, None) => {}
    }
    let mut y = 1;
    if let Some(text) = trouble(model) {
        if area.height > 2 {
            put(buffer, area, (2, 1), &text, area.width, Style::new());
            y = 2;
        } else {
            pieces.push((format!("  {text}"), theme.dim()));
        }
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
    let memory = format!("  host {}  bridge {}", bytes(s.host.rss_bytes), bytes(s.bridge.rss_bytes));
    let pieces = [
        (text.as_str(), Style::new()),
        (failed.as_str(), theme.bad()),
        (hooks.as_str(), theme.bad()),
        (restarts.as_str(), theme.busy()),
        (memory.as_str(), theme.dim()),
    ];
    row(buffer, area, y, &pieces);
}

/// Everything, in a column beside the feed.
pub(in super::super) fn side(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let [top, bottom] = Layout::vertical([Constraint::Length(15), Constraint::Fill(1)]).areas(area);
    connection(model, theme, top, buffer, now);
    metrics(model, theme, bottom, buffer, now);
}

const LABEL: u16 = 11;

fn field(buffer: &mut Buffer, area: Rect, y: &mut u16, theme: Theme, label: &str, value: &str) {
    put(buffer, area, (0, *y), label, LABEL, theme.dim());
    put(buffer, area, (LABEL, *y), value, area.width.saturating_sub(LABEL), Style::new());
    *y += 1;
}

fn connection(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let area = framed("Connection", false, theme, area, buffer);
    let (mark, word, style) = headline(model, theme);
    row(buffer, area, 0, &[(mark, style), (" ", style), (word, style)]);
    let (bridge, zone) = (&model.snapshot.bridge, &model.ui.zone);
    let mut y = 1;
    field(buffer, area, &mut y, theme, "since", &model.snapshot.connection.since.clock_time(zone));
    field(buffer, area, &mut y, theme, "account", &account(model).unwrap_or_else(|| "none linked".to_owned()));
    let process = match (bridge.pid, &bridge.name, bridge.state) {
        (Some(pid), Some(name), _) => format!("{name}, pid {pid}"),
        (Some(pid), None, _) => format!("pid {pid}"),
        (None, _, state) => state.as_str().replace('_', " "),
    };
    field(buffer, area, &mut y, theme, "bridge", &process);
    field(buffer, area, &mut y, theme, "restarts", &restarts(model));
    if let Some(exit) = &bridge.last_exit {
        let text = format!("{} {}", exit.at.clock_time(zone), exit.text);
        field(buffer, area, &mut y, theme, "last end", &text);
    }
    y += 1;
    if let Some(advice) = advice(model, now) {
        for text in sanitize::wrap(&advice, usize::from(area.width), 2) {
            put(buffer, area, (0, y), &text, area.width, theme.title());
            y += 1;
        }
    }
    if let Some(text) = trouble(model) {
        let rows = usize::from(area.height.saturating_sub(y));
        for text in sanitize::wrap(&text, usize::from(area.width), rows) {
            put(buffer, area, (0, y), &text, area.width, theme.dim());
            y += 1;
        }
    }
    timeline(model, theme, Rect { y: area.y + y, height: area.height.saturating_sub(y), ..area }, buffer);
}

/// What the connection went through, the newest first, as far as there is room. The present state is said above.
fn timeline(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let states = &model.snapshot.timeline;
    if states.len() < 2 || area.height < 3 {
        return;
    }
    put(buffer, area, (0, 1), "before", area.width, theme.dim());
    let earlier = states.iter().zip(states.iter().skip(1)).rev();
    for (y, (one, next)) in (1..area.height).zip(earlier) {
        let word = match &one.reason {
            Some(reason) if one.state == ConnectionState::Closed => reason.class.as_str().replace('_', " "),
            Some(_) | None => one.state.as_str().replace('_', " "),
        };
        let lasted = duration(next.at.since(one.at));
        put(buffer, area, (LABEL, y), &one.at.clock_time(&model.ui.zone), 8, theme.dim());
        put(
            buffer,
            area,
            (LABEL + 9, y),
            &format!("{word} {lasted}"),
            area.width.saturating_sub(LABEL + 9),
            theme.dim(),
        );
    }
}

/// A duration in its largest unit.
fn duration(time: std::time::Duration) -> String {
    match time.as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3_600),
    }
}

/// How many messages wait, and for how long when that is by the pace.
fn waiting(model: &Model, now: Now) -> String {
    match model.snapshot.pacing {
        Some(pacing) => format!("{}, next {} (paced)", model.snapshot.queue, in_time(pacing.next_send_at, now)),
        None => model.snapshot.queue.to_string(),
    }
}

/// How the webhooks do, when there are any: the one that is worst off, or all.
fn webhooks(model: &Model, theme: Theme) -> Option<(String, Style)> {
    let all = &model.snapshot.webhooks;
    let most = all.iter().map(|one| one.behind).max()?;
    let behind = |n: u64| if n == 0 { "up to date".to_owned() } else { format!("{n} behind") };
    let in_state = |state| all.iter().filter(move |one| one.state == state);
    for (state, style) in [(WebhookState::Parked, theme.bad()), (WebhookState::Retrying, theme.busy())] {
        let mut those = in_state(state);
        let Some(first) = those.next() else { continue };
        let text = match those.count() {
            0 => format!("{}, {} {}", behind(first.behind), first.name, state.as_str()),
            more => format!("{}, {} {}", behind(most), more + 1, state.as_str()),
        };
        return Some((text, style));
    }
    Some((format!("{}, {}", all.len(), behind(most)), Style::new()))
}

fn metrics(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let area = framed("Metrics", false, theme, area, buffer);
    let (s, c) = (&model.snapshot, &model.snapshot.counters);
    let mut y = 0;
    for (label, total, incoming) in [("received", c.messages_received, true), ("sent", c.messages_sent, false)] {
        let bars: Vec<u64> = model.ui.traffic.bars(incoming).collect();
        let most = bars.iter().max().copied().unwrap_or_default();
        let peak = if most > 0 { format!(", at most {} in 10 s", count(most)) } else { String::new() };
        field(buffer, area, &mut y, theme, label, &format!("{total}{peak}"));
        let at = Rect { x: area.x, y: area.y.saturating_add(y), width: area.width.min(30), height: 2 };
        if most == 0 {
            put(buffer, area, (0, y), "none in the last 5 min", area.width, theme.dim());
        } else if at.bottom() <= area.bottom() {
            let style = if incoming { theme.incoming() } else { theme.outgoing() };
            Sparkline::default().data(&bars).style(style).render(at, buffer);
            put(buffer, area, (31, y + 1), "5 min", 9, theme.dim());
        }
        y += 3;
    }
    let delivery = format!("{}, read {}", c.messages_delivered, c.messages_read);
    field(buffer, area, &mut y, theme, "delivered", &delivery);
    field(buffer, area, &mut y, theme, "waiting", &waiting(model, now));
    let api = match s.host.api.requests {
        0 => "no requests yet".to_owned(),
        n => format!("{n}, p50 {} p99 {}", micros(s.host.api.p50_micros), micros(s.host.api.p99_micros)),
    };
    field(buffer, area, &mut y, theme, "API", &api);
    let memory = format!("host {}, bridge {}", bytes(s.host.rss_bytes), bytes(s.bridge.rss_bytes));
    field(buffer, area, &mut y, theme, "memory", &memory);
    if let Some((text, style)) = webhooks(model, theme) {
        put(buffer, area, (0, y), "webhooks", LABEL, theme.dim());
        put(buffer, area, (LABEL, y), &text, area.width.saturating_sub(LABEL), style);
        y += 1;
    }
    let losses = [
        ("failed", c.messages_failed),
        ("expired", c.messages_expired),
        ("cancelled", c.messages_cancelled),
        ("bad lines", c.protocol_errors),
        ("unknown", c.unknown_events),
        ("duplicates", c.duplicates),
        ("not logged", c.log_lines_dropped),
    ];
    for (label, n) in losses.into_iter().filter(|(_, n)| *n > 0) {
        put(buffer, area, (0, y), label, LABEL, theme.dim());
        put(buffer, area, (LABEL, y), &n.to_string(), 12, theme.bad());
        y += 1;
    }
}
