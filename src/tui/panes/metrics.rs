//! Figures, over time and as they are, and whatever was lost.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::Action;
use super::super::model::{Focus, Model};
use super::super::series::Series;
use super::super::theme::Theme;
use super::page::Page;
use super::status::waiting;
use super::times::times;
use super::{bridge_memory, by_word, bytes, count, micros};
use crate::clock::Now;
use crate::state::WebhookState;

/// A bar by its eighths.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// From so many columns on the figures stand beside the graphs, with a gap between them.
const BESIDE: u16 = 76;
const GAP: u16 = 2;

pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let look = &model.ui.look;
    let columns = area.width.saturating_sub(2);
    let beside = columns >= BESIDE;
    let half = if beside { (columns - GAP) / 2 } else { columns };
    let mut right = Page::new(theme, half);
    figures(model, theme, &mut right, now);
    losses(model, theme, &mut right);
    times(model, theme, &mut right, half);
    // Five graphs, each with a line of figures, in what the rest leaves.
    let room = usize::from(area.height.saturating_sub(2)).saturating_sub(if beside { 0 } else { right.rows() });
    let mut page = Page::new(theme, half);
    graphs(model, theme, &mut page, (room / 5).saturating_sub(1).clamp(1, 4), half, now);
    let page = if beside { page.beside(half + GAP, right) } else { page.above(right) };
    let keys = &look.keys;
    let range = look.range.name();
    let title = format!("Metrics, {range} ({} {})", keys.key(Action::ShorterRange), keys.key(Action::LongerRange));
    page.draw(&title, model.ui.focus == Focus::Metrics, &look.scroll[1], area, buffer);
}

fn graphs(model: &Model, theme: Theme, page: &mut Page, rows: usize, columns: u16, now: Now) {
    let (s, traffic, range) = (&model.snapshot, &model.ui.traffic, model.ui.look.range);
    let per_bar = |series: &Series| match series.most(range, now.wall) {
        0 => match traffic.known_since(range, now.wall) {
            Some(since) => format!("none since {}", since.clock_time(&model.ui.zone).get(..5).unwrap_or_default()),
            None => format!("none in {}", range.name()),
        },
        most => format!("peak {} in {}", count(most.into()), range.bar_name()),
    };
    let up_to = |series: &Series| match series.most(range, now.wall) {
        0 => String::new(),
        most => format!("peak {}", bytes(Some(u64::from(most) << 10))),
    };
    let c = &s.counters;
    let all = [
        ("received", count(c.messages_received), per_bar(&traffic.received), &traffic.received, theme.incoming()),
        ("sent", count(c.messages_sent), per_bar(&traffic.sent), &traffic.sent, theme.outgoing()),
        ("requests", count(s.host.api.requests), per_bar(&traffic.requests), &traffic.requests, theme.busy()),
        ("host", bytes(s.host.rss_bytes), up_to(&traffic.host), &traffic.host, Style::new()),
        ("bridge", bridge_memory(&s.bridge), up_to(&traffic.bridge), &traffic.bridge, Style::new()),
    ];
    for (label, present, most, series, style) in all {
        page.line([(format!("{label:11}"), theme.dim()), (format!("{present:9}"), Style::new()), (most, theme.dim())]);
        if series.most(range, now.wall) > 0 {
            for line in graph(&series.bars(range, now.wall, usize::from(columns)), rows, columns) {
                page.line([(line, style)]);
            }
        }
    }
}

/// How wide each of so many bars can be in these columns.
pub(super) fn bar_width(bars: usize, columns: u16) -> usize {
    (usize::from(columns) / bars.max(1)).clamp(1, 4)
}

/// Bars as characters, in so many rows, each as wide as the columns allow. The last one, which is the present, is at the edge.
pub(super) fn graph(bars: &[u32], rows: usize, columns: u16) -> Vec<String> {
    let most = u64::from(bars.iter().max().copied().unwrap_or(0)).max(1);
    let wide = bar_width(bars.len(), columns);
    let before = usize::from(columns).saturating_sub(wide * bars.len());
    let full = rows as u64 * 8;
    // Whatever there is of something can be seen.
    let eighths = |bar: u32| (u64::from(bar) * full).div_ceil(most);
    let row = |row: usize| {
        let below = (rows - 1 - row) as u64 * 8;
        let cell = |bar: &u32| {
            let part = usize::try_from(eighths(*bar).saturating_sub(below)).unwrap_or(8).min(8);
            std::iter::repeat_n(BARS.get(part).copied().unwrap_or(' '), wide)
        };
        let mut line = String::with_capacity(before + wide * bars.len() * BARS[8].len_utf8());
        line.extend(std::iter::repeat_n(' ', before).chain(bars.iter().flat_map(cell)));
        line
    };
    (0..rows).map(row).collect()
}

fn figures(model: &Model, theme: Theme, page: &mut Page, now: Now) {
    let (s, c) = (&model.snapshot, &model.snapshot.counters);
    let plain = Style::new();
    page.field("delivered", &format!("{}, read {}", c.messages_delivered, c.messages_read), plain);
    page.field("waiting", &waiting(model, now), plain);
    let api = match s.host.api.requests {
        0 => "no requests yet".to_owned(),
        n => format!("{n}, p50 {} p99 {}", micros(s.host.api.p50_micros), micros(s.host.api.p99_micros)),
    };
    page.field("API", &api, plain);
    if let Some((text, style)) = webhooks(model, theme) {
        page.field("webhooks", &text, style);
        if behind_hand(model) {
            page.field("", &format!("{} says why", by_word("webhooks", &model.ui.look.keys)), theme.key());
        }
    }
    let streams = s.host.event_streams;
    if streams.open > 0 {
        let clients = if streams.open == 1 { "client" } else { "clients" };
        page.field("events", &format!("{} {clients}, {}", streams.open, behind(streams.behind)), plain);
    }
}

/// Whatever was lost, and what wasn't.
fn losses(model: &Model, theme: Theme, page: &mut Page) {
    let c = &model.snapshot.counters;
    // What it is called, and of what it is so many.
    let losses = [
        ("failed", "", c.messages_failed),
        ("expired", "", c.messages_expired),
        ("cancelled", "", c.messages_cancelled),
        ("bad lines", " of the bridge", c.protocol_errors),
        ("unknown", " events of the bridge", c.unknown_events),
        ("duplicates", "", c.duplicates),
        (LOST, " of the bridge's log", c.log_lines_dropped),
        (LOST, " of the gateway's log", model.snapshot.host.log_lines_dropped),
        ("resyncs", " of this console", model.ui.look.resyncs),
    ];
    for (label, of, n) in losses.iter().filter(|(.., n)| *n > 0) {
        // What somebody took back, and what was told twice and kept once, is as it should be.
        let well = matches!(*label, "cancelled" | "duplicates");
        page.field(label, &format!("{n}{of}"), if well { Style::new() } else { theme.bad() });
    }
    let any = |label| losses.iter().any(|(other, _, n)| *other == label && *n > 0);
    let listed = |label| if label == LOST { "lost log lines" } else { label };
    let mut none: Vec<_> = losses.iter().filter(|(label, ..)| !any(*label)).map(|(label, ..)| listed(*label)).collect();
    none.dedup();
    if !none.is_empty() {
        page.text(0, &format!("none: {}", none.join(", ")), 3, theme.dim());
    }
}

/// What is lost when the bridge writes too much, or the disk is too slow.
const LOST: &str = "lost lines";

/// How far somebody who follows the events is behind.
fn behind(events: u64) -> String {
    if events == 0 { "up to date".to_owned() } else { format!("{events} behind") }
}

/// Some webhook does not get on, and there is something to look at.
pub(super) fn behind_hand(model: &Model) -> bool {
    model.snapshot.webhooks.iter().any(|one| one.state != WebhookState::Going)
}

/// How the webhooks do, when there are any: the one that is worst off, or all.
fn webhooks(model: &Model, theme: Theme) -> Option<(String, Style)> {
    let all = &model.snapshot.webhooks;
    let most = all.iter().map(|one| one.behind).max()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_show_what_there_is_however_little() {
        assert_eq!(graph(&[0, 1, 80], 1, 3), [" ▁█"]);
        assert_eq!(graph(&[0, 8, 16], 2, 3), ["  █", " ██"]);
        assert_eq!(graph(&[1, 0], 1, 9), [" ████    "]);
        assert_eq!(graph(&[], 2, 3), ["   ", "   "]);
        assert_eq!(graph(&[u32::MAX, 0], 1, 2), ["█ "]);
    }
}
