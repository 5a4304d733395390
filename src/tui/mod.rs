//! The console: what the engine tells, drawn; keys, turned into requests.
//!
//! [`update::update`] takes keys and news into the [`model::Model`]; [`view::view`] draws the model and
//! changes nothing. Neither does I/O. What is chosen, written and scrolled stays here and never goes to the engine.
//!
//! * Every text from outside goes through [`sanitize`] before it is drawn.
//! * No meaning hangs on a colour alone.

mod ascii;
pub mod attention;
pub mod chats;
mod clipboard;
pub mod detail;
pub mod drafts;
mod drafts_file;
mod editor;
pub mod feed;
mod groups;
pub mod input;
pub mod keymap;
pub mod layout;
pub mod lean;
pub mod log_view;
pub mod look;
pub mod model;
pub mod own;
mod pace;
pub mod palette;
mod panes;
pub mod passing;
mod people;
mod plain;
pub mod recipients;
mod run;
pub mod sanitize;
pub mod series;
mod suspend;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod verbs;
pub mod view;
pub mod within;

use std::time::Duration;

use ratatui::layout::Rect;

pub use attention::Notify;
pub use keymap::Keymap;
pub use run::{Console, Options};
pub use theme::Palette;
pub use within::Within;

use crate::clock::Now;
use crate::state::WebhookView;
use model::{Focus, Model};

/// After how long something visible changes by itself, or drafts are to be written. None: never, so nothing wakes.
pub fn next_wake(model: &Model, now: Now) -> Option<Duration> {
    let shown = matches!(model.ui.overlay, Some(model::Overlay::Webhooks { .. }));
    let waits = |one: &WebhookView| one.waiting_since.is_some() || one.retry_at.is_some();
    let counting_down = model.ui.lost.is_some()
        || (shown && model.snapshot.webhooks.iter().any(waits))
        || model.pairing(now).is_some()
        || model.snapshot.connection.retry_at.is_some_and(|at| at > now.wall)
        || model.snapshot.pacing.is_some_and(|pacing| pacing.next_send_at > now.wall)
        || model.snapshot.bridge.retry_at.is_some_and(|at| at > now.wall);
    let second = counting_down.then(|| 1_000 - now.wall.as_millis().rem_euclid(1_000));
    let range = model.ui.look.range;
    let moving = shows(model, Focus::Metrics, now) && !model.ui.traffic.is_flat(range, now.wall);
    let bar = moving.then(|| range.bar_ms() - now.wall.as_millis().rem_euclid(range.bar_ms()));
    let ms = second.into_iter().chain(bar).min();
    let visible = ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(1_000)));
    let greeting = model.ui.greeting.as_ref().map(|(_, until)| until.since(now.mono));
    visible.into_iter().chain(model.ui.drafts.due_in(now.mono)).chain(greeting).min()
}

/// This pane is drawn at present.
fn shows(model: &Model, pane: Focus, now: Now) -> bool {
    let (width, height) = model.ui.size;
    layout::places(model, Rect { x: 0, y: 0, width, height }, now).is_some_and(|places| places.shows(pane))
}

#[cfg(test)]
mod tests;
