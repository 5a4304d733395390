//! The console: what the engine tells, drawn; keys, turned into requests.
//!
//! [`update::update`] takes keys and news into the [`model::Model`]; [`view::view`] draws the model and
//! changes nothing. Neither does I/O. What is chosen, written and scrolled stays here and never goes to the engine.
//!
//! * Every text from outside goes through [`sanitize`] before it is drawn.
//! * No meaning hangs on a colour alone.

pub mod chats;
mod clipboard;
pub mod detail;
pub mod drafts;
mod drafts_file;
mod editor;
pub mod feed;
pub mod keymap;
mod keys;
pub mod model;
mod panes;
pub mod recipients;
mod run;
pub mod sanitize;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;

use std::time::Duration;

pub use run::{Console, Options};

use crate::clock::Now;
use model::{BUCKET_MS, Model};

/// After how long something visible changes by itself, or drafts are to be written. None: never, so nothing wakes.
pub fn next_wake(model: &Model, now: Now) -> Option<Duration> {
    let counting_down = model.pairing(now).is_some()
        || model.snapshot.connection.retry_at.is_some_and(|at| at > now.wall)
        || model.snapshot.pacing.is_some_and(|pacing| pacing.next_send_at > now.wall)
        || model.snapshot.bridge.retry_at.is_some_and(|at| at > now.wall);
    let second = counting_down.then(|| 1_000 - now.wall.as_millis().rem_euclid(1_000));
    let bar = (!model.ui.traffic.is_flat()).then(|| BUCKET_MS - now.wall.as_millis().rem_euclid(BUCKET_MS));
    let ms = second.into_iter().chain(bar).min();
    let visible = ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(1_000)));
    visible.into_iter().chain(model.ui.drafts.due_in(now.mono)).min()
}

#[cfg(test)]
mod tests;
