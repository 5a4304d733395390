//! How the webhooks do, over the screen: how far each is behind, since when, why, and when it tries again.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::model::Model;
use super::super::sanitize;
use super::super::theme::Theme;
use super::connection::duration;
use super::overlay::window;
use super::put;
use super::status::in_time;
use crate::clock::Now;
use crate::state::{WebhookState, WebhookView};

/// The columns of the window.
const COLUMNS: u16 = 76;

/// The columns of a name, and the most that is shown of what went wrong.
const NAME: usize = 16;
const WHY: usize = 200;

/// What is said of all of them, one line each, with its style.
pub(in super::super) fn lines(model: &Model, now: Now) -> Vec<(Option<WebhookState>, String)> {
    let all = &model.snapshot.webhooks;
    if all.is_empty() {
        return vec![(None, "there are no webhooks; POST /webhooks makes one, see /docs".to_owned())];
    }
    all.iter().map(|one| (Some(one.state), line(one, now))).collect()
}

fn line(one: &WebhookView, now: Now) -> String {
    let mark = match one.state {
        WebhookState::Going => "●",
        WebhookState::Retrying => "◌",
        WebhookState::Parked => "✗",
    };
    let name = sanitize::line(&one.name, NAME);
    let behind = if one.behind == 0 { "up to date".to_owned() } else { format!("{} behind", one.behind) };
    let oldest = one.waiting_since.map(|since| format!(", oldest {} old", duration(now.wall.since(since))));
    let next = match (one.state, one.retry_at) {
        (WebhookState::Retrying, Some(at)) => format!(", again {}", in_time(at, now)),
        (WebhookState::Going | WebhookState::Retrying | WebhookState::Parked, _) => String::new(),
    };
    let why = one.why.as_ref().map(|why| format!(": {}", sanitize::line(why, WHY))).unwrap_or_default();
    format!("{mark} {name:NAME$} {} {behind}{}{next}{why}", one.state.as_str(), oldest.unwrap_or_default())
}

pub(super) fn draw(model: &Model, chosen: usize, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let columns = usize::from(COLUMNS.min(area.width).saturating_sub(4));
    let lines = lines(model, now);
    let chosen = chosen.min(lines.len().saturating_sub(1));
    let wrapped: Vec<_> = lines.into_iter().map(|(state, text)| (state, sanitize::wrap(&text, columns, 3))).collect();
    let rows = wrapped.iter().map(|(_, lines)| lines.len()).sum::<usize>();
    let size = (COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2));
    let inner = window("Webhooks (Enter: try now, j k choose, Esc leaves)", size, theme, area, buffer);
    // As many before the chosen one as there is room for.
    let room = usize::from(inner.height);
    let until = wrapped.iter().take(chosen + 1).map(|(_, lines)| lines.len()).sum::<usize>();
    let mut skip = until.saturating_sub(room);
    let mut y = 0;
    for (at, (state, lines)) in wrapped.into_iter().enumerate() {
        let style = match state {
            Some(WebhookState::Parked) => theme.bad(),
            Some(WebhookState::Retrying) => theme.busy(),
            Some(WebhookState::Going) | None => Style::new(),
        };
        for line in lines {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if y >= inner.height {
                return;
            }
            put(buffer, inner, (1, y), &line, inner.width.saturating_sub(2), style);
            if at == chosen && state.is_some() {
                let row = Rect { y: inner.y + y, height: 1, ..inner };
                buffer.set_style(row, theme.selected());
            }
            y += 1;
        }
    }
}
