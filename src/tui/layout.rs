//! What stands where: one of three designs by size, with the sizes that the operator chose.
//!
//! Panes go by priority where there is little room. What says how things stand never goes: it is the status beside the
//! messages, or else the first line.

use ratatui::layout::{Constraint, Layout, Position, Rect};

use super::look::Sizes;
use super::model::{Focus, Model};
use super::panes::{compose, footer, pairing, status};
use crate::clock::Now;

/// The smallest terminal that can be drawn on: columns, rows.
pub const SMALLEST: (u16, u16) = (40, 10);

/// From here on status and metrics stand beside the messages.
const WIDE: (u16, u16) = (120, 36);

/// From here on the input box has a frame.
const NORMAL: (u16, u16) = (60, 16);

/// From so many rows on the log is shown without being asked for, and from so many below it can be.
const LOG_ALWAYS: u16 = 50;
const LOG_BELOW: u16 = 30;

/// The least columns and rows of panes that are resized.
const LEAST_SIDE: u16 = 34;
const LEAST_MAIN: u16 = 60;
const LEAST_ROWS: u16 = 5;

/// The columns that the messages need beside what there is to link with.
const BESIDE_LINK: u16 = 44;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// Everything beside one another.
    Wide,
    /// The status as a header, one pane, the input box.
    Normal,
    /// One line of status, and one pane at a time.
    Tiny,
}

/// Where everything is. Areas that are empty are not drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// By which design.
    pub design: Design,
    /// How things stand, when no status pane says it.
    pub head: Rect,
    /// The panes.
    pub panes: Vec<(Focus, Rect)>,
    /// What there is to link with.
    pub link: Rect,
    /// The input box.
    pub input: Rect,
    /// The keys.
    pub foot: Rect,
}

impl Places {
    /// The pane that is drawn there, and where it is.
    pub fn at(&self, position: Position) -> Option<(Focus, Rect)> {
        let pane = self.panes.iter().find(|(_, area)| area.contains(position)).copied();
        pane.or_else(|| self.input.contains(position).then_some((Focus::Compose, self.input)))
    }

    /// This pane is drawn.
    pub fn shows(&self, pane: Focus) -> bool {
        self.panes.iter().any(|(shown, area)| *shown == pane && !area.is_empty())
    }
}

/// Where everything is in this area. None: it is too small.
pub fn places(model: &Model, area: Rect, now: Now) -> Option<Places> {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return None;
    }
    let fits = |size: (u16, u16)| area.width >= size.0 && area.height >= size.1;
    let design = match (fits(WIDE), fits(NORMAL)) {
        (true, _) => Design::Wide,
        (false, true) => Design::Normal,
        (false, false) => Design::Tiny,
    };
    let foot = if design == Design::Tiny { 1 } else { footer::rows(model, area.width) };
    let [body, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(foot)]).areas(area);
    let none = Rect { width: 0, height: 0, ..area };
    let mut places = Places { design, head: none, panes: Vec::new(), link: none, input: none, foot };
    match design {
        _ if model.ui.look.zoomed => zoomed(model, body, &mut places),
        Design::Wide => wide(model, area, body, now, &mut places),
        Design::Normal | Design::Tiny => narrow(model, area, body, now, &mut places),
    }
    Some(places)
}

/// The pane that is shown where there is only one: the focused one, or the one from which the input box was entered.
fn shown(model: &Model) -> Focus {
    if model.ui.focus == Focus::Compose { model.ui.look.behind } else { model.ui.focus }
}

fn zoomed(model: &Model, body: Rect, places: &mut Places) {
    let writing = model.ui.focus == Focus::Compose;
    let input = match (writing, places.design) {
        (false, _) => 0,
        (true, Design::Tiny) => compose::bare_rows(model),
        (true, Design::Wide | Design::Normal) => compose::rows(model, body.width),
    };
    let [head, pane, input] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(input)]).areas(body);
    (places.head, places.input) = (head, input);
    places.panes.push((shown(model), pane));
}

fn wide(model: &Model, area: Rect, body: Rect, now: Now, places: &mut Places) {
    let sizes = possible(model.ui.look.sizes, (area.width, area.height));
    let [side, main] = Layout::horizontal([Constraint::Length(sizes.side), Constraint::Fill(1)]).areas(body);
    let [status, metrics] = Layout::vertical([Constraint::Length(sizes.status), Constraint::Fill(1)]).areas(side);
    places.panes.extend([(Focus::Status, status), (Focus::Metrics, metrics)]);
    let [top, input] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(compose::rows(model, main.width))]).areas(main);
    places.input = input;
    let pane = match shown(model) {
        Focus::Status | Focus::Metrics | Focus::Log | Focus::Compose => Focus::Feed,
        Focus::Feed => Focus::Feed,
    };
    let log = if with_log(model, area) { sizes.log } else { 0 };
    let linking = pairing::wanted(model, now);
    let room = if linking { pairing::room(model, now) } else { (0, 0) };
    // A code to scan goes before the log.
    let log = if linking && top.height.saturating_sub(log) < room.1 { 0 } else { log };
    let [top, log] = Layout::vertical([Constraint::Fill(1), Constraint::Length(log)]).areas(top);
    let rest = if !linking {
        top
    } else {
        let split = if top.width >= room.0 + BESIDE_LINK {
            Layout::horizontal([Constraint::Length(room.0), Constraint::Fill(1)])
        } else if top.height >= room.1 + 7 {
            Layout::vertical([Constraint::Length(room.1), Constraint::Fill(1)])
        } else {
            Layout::vertical([Constraint::Fill(1), Constraint::Length(0)])
        };
        let [link, rest] = split.areas(top);
        places.link = link;
        rest
    };
    places.panes.extend([(pane, rest), (Focus::Log, log)].into_iter().filter(|(_, area)| !area.is_empty()));
}

/// Also for tiny terminals: whatever matters least goes first, the status line never.
fn narrow(model: &Model, area: Rect, body: Rect, now: Now, places: &mut Places) {
    let shown = shown(model);
    let linking = pairing::wanted(model, now) && shown == Focus::Feed;
    let tiny = places.design == Design::Tiny;
    // With one row more the sextants fit into 80×23, which is what tmux leaves of 80×24.
    let head = if area.height >= if linking { 26 } else { 16 } { status::header_rows(model) } else { 1 };
    let writing = model.ui.focus == Focus::Compose;
    // While there is a code to scan every row counts: the input box comes when it is written in.
    let input = match (writing || (shown == Focus::Feed && !linking), area.height >= NORMAL.1) {
        (false, _) if tiny || linking => 0,
        (_, true) => compose::rows(model, area.width),
        (_, false) => compose::bare_rows(model),
    };
    let log = if !linking && shown != Focus::Log && with_log(model, area) {
        possible(model.ui.look.sizes, (area.width, area.height)).log
    } else {
        0
    };
    let [head, main, log, input] = Layout::vertical([
        Constraint::Length(head),
        Constraint::Fill(1),
        Constraint::Length(log),
        Constraint::Length(input),
    ])
    .areas(body);
    (places.head, places.input) = (head, input);
    if linking {
        places.link = main;
    } else {
        places.panes.push((shown, main));
    }
    if !log.is_empty() {
        places.panes.push((Focus::Log, log));
    }
}

fn with_log(model: &Model, area: Rect) -> bool {
    let wide = area.width >= WIDE.0 && area.height >= WIDE.1;
    if wide { model.ui.look.log || area.height >= LOG_ALWAYS } else { model.ui.look.log && area.height >= LOG_BELOW }
}

/// What can be resized at present: columns, and rows of the pane that keys go to.
pub fn resizable(model: &Model) -> (bool, bool) {
    let area = Rect::new(0, 0, model.ui.size.0, model.ui.size.1);
    if model.ui.look.zoomed {
        return (false, false);
    }
    let (wide, log) = (area.width >= WIDE.0 && area.height >= WIDE.1, with_log(model, area));
    let rows = match model.ui.look.behind {
        Focus::Status | Focus::Metrics => wide,
        Focus::Log => wide && log,
        Focus::Feed | Focus::Compose => log,
    };
    (wide, rows)
}

/// The sizes of the panes as they are drawn at present.
pub fn present_sizes(model: &Model) -> Sizes {
    possible(model.ui.look.sizes, model.ui.size)
}

/// The sizes nearest to these that leave room for everything; zero is what the design has.
pub fn possible(sizes: Sizes, (columns, rows): (u16, u16)) -> Sizes {
    let body = rows.saturating_sub(1);
    let within = |size: u16, default: u16, least: u16, most: u16| {
        let size = if size == 0 { default } else { size };
        size.min(most).max(least)
    };
    Sizes {
        side: within(sizes.side, (columns / 3).min(60), LEAST_SIDE, columns.saturating_sub(LEAST_MAIN)),
        status: within(sizes.status, body * 2 / 5, LEAST_ROWS, body.saturating_sub(LEAST_ROWS)),
        log: within(sizes.log, body / 4, LEAST_ROWS, body / 2),
    }
}
