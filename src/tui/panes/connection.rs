//! The connection: how it stands and how that is known, what to do, and what happened to it before.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::Action;
use super::super::model::{Focus, Model};
use super::super::theme::Theme;
use super::page::{LABEL, Page};
use super::status::{account, advice, began_with_the_connection, headline, restarts, trouble, what_to_do};
use super::{bridge_memory, bytes};
use crate::clock::{Now, Timestamp};
use crate::protocol::{Reason, ReasonClass};
use crate::state::{ConnectionState, LagSample, Transition};

pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let mut page = Page::new(theme, area.width.saturating_sub(2));
    present(model, theme, &mut page, now);
    timeline(model, theme, &mut page, now);
    let focused = model.ui.focus == Focus::Status;
    page.draw("Status", focused, &model.ui.look.scroll[0], area, buffer);
}

fn present(model: &Model, theme: Theme, page: &mut Page, now: Now) {
    let (mark, word, style) = headline(model, theme);
    if model.ui.look.read_only {
        let key = model.ui.look.keys.key(Action::ReadOnly);
        page.text(0, &format!("read-only ({key} allows changes)"), 1, theme.busy());
    }
    page.line([(format!("{mark} {word}"), style)]);
    // What matters most comes first: the room may end soon.
    if let Some(advice) = advice(model, now) {
        page.text(0, &advice, 3, theme.title());
    }
    if let Some(text) = trouble(model) {
        page.text(0, &text, 6, Style::new());
    }
    if let Some(at) = &model.ui.attached {
        page.text(0, &format!("attached to {at}"), 2, theme.dim());
    }
    let (s, zone) = (&model.snapshot, &model.ui.zone);
    let plain = Style::new();
    let since = day_and_time(model, s.connection.since, now);
    if began_with_the_connection(model) {
        page.field("since", &since, plain);
    } else {
        let state = s.connection.state.as_str().replace('_', " ");
        page.field("WhatsApp", &format!("{state} since {since}"), plain);
    }
    match (s.connection.state, s.connection.proven_at) {
        // What was proven may not be so any more.
        _ if model.ui.lost.is_some() => page.field("known", "as it was before", theme.busy()),
        (ConnectionState::Open, Some(_)) => page.field("proven", "WhatsApp answered lately", theme.good()),
        (ConnectionState::Open, None) => page.field("claimed", "by the bridge, not proven", theme.busy()),
        (ConnectionState::Unverified, at) => {
            let at = at.map_or_else(|| "never".to_owned(), |at| at.clock_time(zone));
            page.field("claimed", &format!("last proof {at}"), theme.busy());
        }
        _ => {}
    }
    page.field("account", &account(model).unwrap_or_else(|| "none linked".to_owned()), plain);
    let process = match (s.bridge.pid, &s.bridge.name, s.bridge.state) {
        (Some(pid), Some(name), _) => format!("{name}, pid {pid}"),
        (Some(pid), None, _) => format!("pid {pid}"),
        (None, _, state) => state.as_str().replace('_', " "),
    };
    page.field("bridge", &process, plain);
    page.field("restarts", &restarts(model), if s.bridge.restarts > 0 { plain } else { theme.dim() });
    if let Some(exit) = &s.bridge.last_exit {
        page.field("last end", &format!("{} {}", day_and_time(model, exit.at, now), exit.text), plain);
    }
    let memory = format!("host {}, bridge {}", bytes(s.host.rss_bytes), bridge_memory(&s.bridge));
    page.field("memory", &memory, plain);
    let lag = s.host.event_loop_lag;
    let late = [Some(lag.host_ms), lag.bridge_ms].into_iter().flatten().any(|ms| ms >= FELT_MS);
    let bridge = lag.bridge_ms.map(|ms| format!(", bridge {}", lag_of(ms))).unwrap_or_default();
    let lag = format!("host {}{bridge}", lag_of(lag.host_ms));
    page.field("loop lag", &lag, if late { theme.busy() } else { plain });
}

/// From so many milliseconds on one notices that an event loop is late.
const FELT_MS: u64 = 250;

/// How late an event loop is.
fn lag_of(ms: u64) -> String {
    match ms {
        ms if LagSample::is_in_time(ms) => "<10 ms".to_owned(),
        0..1_000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// What the connection went through, the newest first, each with its reason and what to do. The present state is said
/// above.
fn timeline(model: &Model, theme: Theme, page: &mut Page, now: Now) {
    let states = &model.snapshot.timeline;
    if states.len() < 2 {
        return;
    }
    page.blank();
    page.line([("before".to_owned(), theme.dim())]);
    // One column for all of them, though only those of other days have a date.
    let column = states.iter().map(|one| day_and_time(model, one.at, now).len()).max().unwrap_or_default();
    for (one, next) in states.iter().zip(states.iter().skip(1)).rev() {
        let style = match one.state {
            ConnectionState::Open => theme.good(),
            ConnectionState::Closed | ConnectionState::LoggedOut => theme.bad(),
            ConnectionState::Down
            | ConnectionState::Connecting
            | ConnectionState::Linking
            | ConnectionState::Passkey
            | ConnectionState::Unverified => Style::new(),
        };
        let lasted = duration(next.at.since(one.at));
        let at = day_and_time(model, one.at, now);
        page.line([
            (format!("{at:0$} ", column.max(usize::from(LABEL) - 2)), theme.dim()),
            (word(one), style),
            (format!(" for {lasted}"), theme.dim()),
        ]);
        // What comes after an end carries its reason along.
        let ended = matches!(one.state, ConnectionState::Closed | ConnectionState::LoggedOut);
        let by_bridge = |reason: &Reason| reason.class == ReasonClass::BridgeEnded;
        let told = |r: &&Reason| ended || one.state == ConnectionState::Down && by_bridge(r);
        if let Some(reason) = one.reason.as_ref().filter(told).filter(|reason| !reason.text.is_empty()) {
            page.text(2, &reason.text, 2, theme.dim());
            // What came right by itself, or is on its way to, needs no advice; the bridge is started again by itself.
            if ended
                && states.back().is_some_and(|last| {
                    matches!(last.state, ConnectionState::Closed | ConnectionState::LoggedOut | ConnectionState::Down)
                })
            {
                page.text(2, &what_to_do(reason.class, &model.ui.look.keys), 2, theme.dim());
            }
        }
    }
}

/// The mark and the word of a state that is over.
fn word(one: &Transition) -> String {
    let mark = match one.state {
        ConnectionState::Open => "●",
        ConnectionState::Unverified => "◐",
        ConnectionState::Closed | ConnectionState::LoggedOut => "✗",
        ConnectionState::Down => "○",
        ConnectionState::Connecting | ConnectionState::Linking | ConnectionState::Passkey => "◌",
    };
    let word = match (&one.reason, one.state) {
        (Some(reason), ConnectionState::Closed) => reason.class.as_str().replace('_', " "),
        (_, ConnectionState::Open) => "connected".to_owned(),
        (_, state) => state.as_str().replace('_', " "),
    };
    format!("{mark} {word}")
}

/// The time; on another day than today its day, and no seconds.
fn day_and_time(model: &Model, at: Timestamp, now: Now) -> String {
    let zone = &model.ui.zone;
    let [day, today] = [at, now.wall].map(|at| at.calendar_date(zone));
    let time = at.clock_time(zone);
    if day == today {
        return time;
    }
    format!("{} {}", day.get(5..).unwrap_or_default(), time.get(..5).unwrap_or_default())
}

/// A duration in its largest unit.
pub(super) fn duration(time: std::time::Duration) -> String {
    match time.as_secs() {
        0 => "<1 s".to_owned(),
        s @ 1..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3_600),
    }
}
