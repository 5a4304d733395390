//! Moving through the messages, and what is looked up for it.

use super::super::model::Model;
use super::super::panes::feed::height;
use super::Outcome;
use crate::state::{Found, RequestId};

/// Moves the choice so many messages up or, when negative, down.
pub(super) fn scroll(model: &mut Model, up: i64) {
    model.ui.feed.scroll(&model.snapshot.feed, up);
}

/// Moves the choice by as many messages as fill the screen.
pub(super) fn page(model: &mut Model, up: bool) {
    let rows = model.rows().len();
    let mut at = model.ui.feed.chosen().unwrap_or(rows.saturating_sub(1));
    let (room, mut used, mut moved) = (usize::from(model.ui.feed.size.get().1), 0, 0);
    loop {
        used += height(model, at);
        if moved > 0 && used > room {
            break;
        }
        let next = if up { at.checked_sub(1) } else { Some(at + 1).filter(|at| *at < rows) };
        moved += 1;
        let Some(next) = next else { break };
        at = next;
    }
    scroll(model, if up { moved } else { -moved });
}

/// Looks up what is wanted next.
pub(super) fn look_up(model: &mut Model, outcome: &mut Outcome) {
    let id = model.ui.next_request;
    if let Some(what) = model.ui.feed.look_up(id) {
        model.ui.next_request = id.next();
        outcome.look_ups.push((id, what));
    }
}

/// Takes an answer in.
pub(super) fn found(model: &mut Model, id: RequestId, found: Found) -> Outcome {
    if model.ui.feed.awaits(id) {
        model.ui.feed.found(found);
    }
    Outcome::redraw()
}
