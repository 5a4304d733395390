//! The mouse: the wheel scrolls what is under the pointer, a click chooses it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::super::keymap::Action;
use super::super::layout;
use super::super::model::{Focus, Model, Overlay};
use super::super::panes::feed::{Spot, spot};
use super::super::panes::overlay::palette_row_at;
use super::super::panes::recipient::row_at;
use super::{Outcome, act, chats, console, feed, focus, recipient};
use crate::clock::Now;

/// How many lines the wheel scrolls.
const WHEEL: usize = 3;

/// What was done with it.
enum Done {
    Click,
    Wheel { up: bool },
}

/// Takes in what was done with the mouse.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else does anything")]
pub(super) fn on_mouse(model: &mut Model, event: MouseEvent, now: Now) -> Outcome {
    let done = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Done::Click,
        MouseEventKind::ScrollUp => Done::Wheel { up: true },
        MouseEventKind::ScrollDown => Done::Wheel { up: false },
        _ => return Outcome::default(),
    };
    let (width, height) = model.ui.size;
    let screen = Rect { x: 0, y: 0, width, height };
    let at = Position { x: event.column, y: event.row };
    match model.ui.overlay.take() {
        Some(overlay) => over(model, overlay, done, screen, at),
        None => beneath(model, done, screen, at, now),
    }
}

/// In what lies over the screen.
fn over(model: &mut Model, overlay: Overlay, done: Done, screen: Rect, at: Position) -> Outcome {
    match (overlay, done) {
        (Overlay::Palette(mut palette), Done::Click) => {
            let Some(row) = palette_row_at(&palette, screen, at) else {
                model.ui.overlay = Some(Overlay::Palette(palette));
                return Outcome::default();
            };
            let step = palette.choose(row);
            return console::palette_step(model, palette, step);
        }
        (Overlay::Palette(mut palette), Done::Wheel { up }) => {
            palette.turn(up, WHEEL);
            model.ui.overlay = Some(Overlay::Palette(palette));
        }
        (Overlay::Recipient(mut picker), Done::Click) => {
            let row = row_at(&picker, model, screen, at);
            picker.selected = row.unwrap_or(picker.selected);
            if row.is_some() {
                return recipient::choose(model, picker);
            }
            model.ui.overlay = Some(Overlay::Recipient(picker));
        }
        (Overlay::Recipient(mut picker), Done::Wheel { up }) => {
            let last = picker.candidates(&model.ui.chats, &model.snapshot.groups).len().saturating_sub(1);
            let to = if up { picker.selected.saturating_sub(WHEEL) } else { picker.selected + WHEEL };
            picker.selected = to.min(last);
            model.ui.overlay = Some(Overlay::Recipient(picker));
        }
        (Overlay::Help { scroll }, Done::Wheel { up }) => {
            let by = i16::try_from(WHEEL).unwrap_or(1) * if up { -1 } else { 1 };
            model.ui.overlay = Some(Overlay::Help { scroll: scroll.saturating_add_signed(by) });
        }
        // As any key does.
        (Overlay::Help { .. }, Done::Click) => {}
        (other, Done::Click | Done::Wheel { .. }) => {
            model.ui.overlay = Some(other);
            return Outcome::default();
        }
    }
    Outcome::redraw()
}

/// In the panes.
fn beneath(model: &mut Model, done: Done, screen: Rect, at: Position, now: Now) -> Outcome {
    let places = layout::places(model, screen, now).filter(|_| !model.ui.whole_screen);
    let Some((pane, area)) = places.and_then(|places| places.at(at)) else { return Outcome::default() };
    let spot = if pane == Focus::Feed { spot(model, area, at) } else { None };
    match done {
        Done::Click => {
            focus(model, pane);
            // In the frame of the list, and where it is empty, nothing is chosen.
            model.ui.chats.keys = !beside(spot);
            match spot {
                Some(Spot::Message(index)) => return choose(model, index),
                Some(Spot::Chat(index)) => {
                    model.ui.chats.selected = index;
                    chats::open(model);
                }
                Some(Spot::One) | None => {}
            }
        }
        Done::Wheel { .. } if pane == Focus::Compose => return Outcome::default(),
        Done::Wheel { up } => {
            // What is scrolled need not be what is focused.
            let focused = std::mem::replace(&mut model.ui.focus, pane);
            let keys = std::mem::replace(&mut model.ui.chats.keys, !beside(spot));
            let action = match (spot, up) {
                (Some(Spot::One), true) => Action::PageUp,
                (Some(Spot::One), false) => Action::PageDown,
                (_, true) => Action::Up,
                (_, false) => Action::Down,
            };
            let times = if matches!(spot, Some(Spot::One)) { 1 } else { WHEEL };
            for _ in 0..times {
                act(model, action);
            }
            (model.ui.focus, model.ui.chats.keys) = (focused, keys);
        }
    }
    Outcome::redraw()
}

/// It is beside the list of chats.
const fn beside(spot: Option<Spot>) -> bool {
    matches!(spot, Some(Spot::Message(_) | Spot::One))
}

/// A message that is clicked is chosen; the chosen one is looked at closely.
fn choose(model: &mut Model, index: usize) -> Outcome {
    let now = model.ui.feed.chosen();
    if now == Some(index) {
        super::detail::toggle(model);
        return Outcome::redraw();
    }
    let newest = model.rows().len();
    let far = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    feed::scroll(model, far(now.unwrap_or(newest)) - far(index));
    Outcome::redraw()
}
