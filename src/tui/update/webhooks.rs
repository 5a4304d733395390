//! Webhooks: looking at them, and having one try at once.

use std::sync::Arc;

use crossterm::event::KeyCode;

use super::super::model::{Model, Overlay};
use super::console::refused_if;
use super::{Outcome, request};
use crate::state::Request;

/// A key while they are shown.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key closes them")]
pub(super) fn on_key(model: &mut Model, chosen: usize, key: KeyCode) -> Outcome {
    let last = model.snapshot.webhooks.len().saturating_sub(1);
    let chosen = match key {
        KeyCode::Down | KeyCode::Char('j') => (chosen + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => chosen.min(last).saturating_sub(1),
        KeyCode::Enter => {
            let name = model.snapshot.webhooks.get(chosen.min(last)).map(|one| Arc::clone(&one.name));
            let outcome = name.map_or_else(Outcome::redraw, |name| resume(model, name));
            // What becomes of it is seen there.
            model.ui.overlay = Some(Overlay::Webhooks { chosen });
            return outcome;
        }
        _ => return Outcome::redraw(),
    };
    model.ui.overlay = Some(Overlay::Webhooks { chosen });
    Outcome::redraw()
}

/// The webhook with this name is to try at once.
pub(super) fn resume(model: &mut Model, name: Arc<str>) -> Outcome {
    // Enter in the list comes by no verb.
    if refused_if(model, true) {
        return Outcome::redraw();
    }
    model.ui.notice = Some(format!("asked {name} to try now"));
    request(model, Request::ResumeWebhook(name))
}
