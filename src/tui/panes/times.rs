//! How long messages of ours took: how many took how long, since the start of the gateway.

use ratatui::style::Style;

use super::super::model::Model;
use super::super::theme::Theme;
use super::metrics::{bar_width, graph};
use super::page::Page;
use crate::state::{TIME_BOUNDS_MS, TimesOfMessages};

/// What stands below the bars: below which one, and what. A bar counts what took no longer than this.
const AXIS: [(usize, &str); 7] = [(0, "0.1s"), (3, "1s"), (6, "10s"), (8, "1m"), (11, "1h"), (13, "1d"), (15, "7d")];

/// Puts the times on a page of so many columns; nothing as long as no message has arrived anywhere.
pub(super) fn times(model: &Model, theme: Theme, page: &mut Page, columns: u16) {
    let times = &model.snapshot.host.message_times;
    let both = [("sent in", &times.until_sent, theme.outgoing()), ("arrived in", &times.until_delivered, theme.good())];
    let wide = bar_width(TIME_BOUNDS_MS.len() + 1, columns);
    let mut any = false;
    for (label, counts, style) in both {
        let all: u64 = counts.iter().sum();
        if all == 0 {
            continue;
        }
        page.field(label, &format!("p50 {} p99 {}", within(counts, all, 50), within(counts, all, 99)), Style::new());
        let bars: Vec<_> = counts.iter().map(|n| u32::try_from(*n).unwrap_or(u32::MAX)).collect();
        let width = u16::try_from(wide * bars.len()).unwrap_or(columns);
        for line in graph(&bars, 1, width) {
            page.line([(line, style)]);
        }
        any = true;
    }
    if any {
        page.line([(axis(wide), theme.dim())]);
    }
}

/// Within which bound so many hundredths of all were.
fn within(counts: &TimesOfMessages, all: u64, percent: u64) -> String {
    let mut below = 0;
    let reached = counts.iter().position(|n| {
        below += n;
        u128::from(below) * 100 >= u128::from(all) * u128::from(percent)
    });
    match reached.and_then(|at| TIME_BOUNDS_MS.get(at)) {
        Some(bound) => format!("≤{}", bound_name(*bound)),
        None => format!(">{}", bound_name(TIME_BOUNDS_MS.last().copied().unwrap_or_default())),
    }
}

fn bound_name(ms: u64) -> String {
    match ms / 1_000 {
        0 => format!("{ms} ms"),
        s @ 1..60 if !ms.is_multiple_of(1_000) => format!("{s}.{} s", ms % 1_000 / 100),
        s @ 1..60 => format!("{s} s"),
        s @ 60..3_600 => format!("{} min", s / 60),
        s @ 3_600..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// The labels below bars of this width, as far as there is room for them.
fn axis(wide: usize) -> String {
    AXIS.iter().fold(String::new(), |line, (bar, label)| {
        let at = bar * wide;
        if !line.is_empty() && line.len() >= at { line } else { format!("{line:at$}{label}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_bound_and_labels_stand_below_their_bars() {
        let mut counts = TimesOfMessages::default();
        counts[0] = 60;
        counts[4] = 38;
        counts[16] = 2;
        assert_eq!([within(&counts, 100, 50), within(&counts, 100, 98)], ["≤100 ms", "≤2.5 s"]);
        assert_eq!(within(&counts, 100, 99), ">7 d");
        assert_eq!(within(&[u64::MAX / 17; 17], u64::MAX / 17 * 17, 50), "≤1 min");
        assert_eq!(axis(2), "0.1s  1s    10s 1m    1h  1d  7d");
        assert_eq!(axis(1), "0.1s  10s  1h  7d");
        let names: Vec<_> = TIME_BOUNDS_MS.iter().map(|ms| bound_name(*ms)).collect();
        assert_eq!(names[..8], ["100 ms", "250 ms", "500 ms", "1 s", "2.5 s", "5 s", "10 s", "30 s"]);
        assert_eq!(names[8..], ["1 min", "5 min", "15 min", "1 h", "6 h", "24 h", "3 d", "7 d"]);
    }
}
