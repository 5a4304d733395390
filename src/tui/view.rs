//! Where everything is drawn. Three designs by size: wide (from 110×30), normal (from 60×16), tiny (down to 40×10).

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};

use super::model::{Focus, Model};
use super::panes::{compose, feed, footer, overlay, pairing, status};
use super::theme::Theme;
use crate::clock::Now;

/// The smallest terminal that can be drawn on: columns, rows.
pub const SMALLEST: (u16, u16) = (40, 10);

/// From here on the status stands beside the feed.
const WIDE: (u16, u16) = (110, 30);

/// The columns of the status when it stands beside.
const SIDE: u16 = 40;

/// Draws everything. Returns where the cursor is, when it is shown. Never draws outside of `area`.
pub fn view(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) -> Option<Position> {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("{}×{} needed, this is {}×{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
        let text = super::sanitize::line(&text, usize::from(area.width));
        if area.height > 0 {
            buffer.set_string(area.x, area.y, text, theme.bad());
        }
        return None;
    }
    if model.ui.whole_screen && model.qr.is_some() {
        pairing::whole_screen(model, theme, area, buffer, now);
        return None;
    }
    let cursor = if area.width >= WIDE.0 && area.height >= WIDE.1 {
        wide(model, theme, area, buffer, now)
    } else {
        narrow(model, theme, area, buffer, now)
    };
    match &model.ui.overlay {
        Some(what) => overlay::draw(model, what, theme, area, buffer, now),
        None => cursor,
    }
}

fn wide(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) -> Option<Position> {
    let [body, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let [side, main] = Layout::horizontal([Constraint::Length(SIDE), Constraint::Fill(1)]).areas(body);
    status::side(model, theme, side, buffer, now);
    let box_rows = compose::rows(model, main.width);
    let [top, input] = Layout::vertical([Constraint::Fill(1), Constraint::Length(box_rows)]).areas(main);
    if pairing::wanted(model, now) {
        let room = pairing::room(model, now);
        let beside = top.width >= room.0 + 44;
        let below = top.height >= room.1 + 7;
        let split = if beside {
            Layout::horizontal([Constraint::Length(room.0), Constraint::Fill(1)])
        } else if below {
            Layout::vertical([Constraint::Length(room.1), Constraint::Fill(1)])
        } else {
            Layout::vertical([Constraint::Fill(1), Constraint::Length(0)])
        };
        let [link, rest] = split.areas(top);
        pairing::pane(model, theme, link, buffer, now);
        feed::pane(model, theme, rest, buffer);
    } else {
        feed::pane(model, theme, top, buffer);
    }
    footer::draw(model, theme, foot, buffer, now);
    compose::pane(model, theme, input, buffer)
}

/// Also for tiny terminals: whatever matters least goes first, the status line never.
fn narrow(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) -> Option<Position> {
    let linking = pairing::wanted(model, now);
    // With one row more the sextants fit into 80×23, which is what tmux leaves of 80×24.
    let head = if area.height >= if linking { 26 } else { 16 } { status::header_rows(model) } else { 1 };
    // While there is a code to scan every row counts: the input box comes when it is written in.
    let box_rows = match (linking && model.ui.focus != Focus::Compose, area.height >= 16) {
        (true, _) => 0,
        (false, true) => compose::rows(model, area.width),
        (false, false) => 1,
    };
    let [top, main, input, foot] = Layout::vertical([
        Constraint::Length(head),
        Constraint::Fill(1),
        Constraint::Length(box_rows),
        Constraint::Length(1),
    ])
    .areas(area);
    status::header(model, theme, top, buffer, now);
    if linking {
        pairing::borderless(model, theme, main, buffer, now);
    } else {
        feed::pane(model, theme, main, buffer);
    }
    footer::draw(model, theme, foot, buffer, now);
    if box_rows == 0 { None } else { compose::pane(model, theme, input, buffer) }
}
