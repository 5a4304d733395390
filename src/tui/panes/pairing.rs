//! What there is to scan or to type, and how.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::pixel::{OCTANTS, SEXTANTS};

use super::super::keymap::Action;
use super::super::layout::Design;
use super::super::model::Model;
use super::super::sanitize;
use super::super::theme::Theme;
use super::super::within::Within;
use super::status::in_time;
use super::{framed, passkey, put, welcome};
use crate::clock::Now;
use crate::qr::{Drawing, Modules};
use crate::state::{BridgeState, ConnectionState, Pairing};

/// The columns of the instructions beside a code.
const STEPS: u16 = 36;

/// No account is linked, so this pane has the room.
pub(in super::super) fn wanted(model: &Model, now: Now) -> bool {
    let state = model.snapshot.connection.state;
    let installing = model.snapshot.bridge.state == BridgeState::Installing;
    model.pairing(now).is_some()
        || matches!(state, ConnectionState::Linking | ConnectionState::Passkey)
        || (installing && model.snapshot.account.is_none())
}

/// The columns and rows that the framed pane would like, with the most robust drawing.
pub(in super::super) fn room(model: &Model, now: Now) -> (u16, u16) {
    let (columns, rows) = match (&model.qr, model.pairing(now)) {
        (Some(modules), _) => {
            let (columns, rows) = model.ui.drawing.unwrap_or(usual(model)).needs(modules);
            (columns + usize::from(STEPS), rows)
        }
        (None, Some(Pairing::Passkey { .. } | Pairing::PasskeyCode { .. })) => passkey::ROOM,
        (None, Some(Pairing::Qr { .. } | Pairing::Code { .. }) | None) => (46, 10),
    };
    let side = |n: usize, more: u16| u16::try_from(n).unwrap_or(u16::MAX).saturating_add(more);
    (side(columns, 4), side(rows, 4))
}

/// The drawing that is used where there is room and nobody chose another.
fn usual(model: &Model) -> Drawing {
    if model.ui.look.ascii { Drawing::Space } else { Drawing::Half }
}

/// With a frame and a line below the code where there is room, else without.
pub(in super::super) fn pane(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now, design: Design) {
    let inner = match design {
        Design::Wide => {
            let inner = framed(welcome::title(model), false, theme, area, buffer);
            Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
        }
        Design::Normal | Design::Tiny => area,
    };
    content(model, theme, inner, buffer, now, false);
}

/// Over the whole screen.
pub(in super::super) fn whole_screen(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    content(model, theme, area, buffer, now, true);
}

fn content(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now, whole: bool) {
    match (model.pairing(now), &model.qr) {
        (Some(Pairing::Code { code, expires_at, .. }), _) => {
            let spaced = code.reveal().chars().map(|c| format!("{c} ")).collect::<String>();
            let (first, second) = spaced.split_at_checked(8).unwrap_or((spaced.as_str(), ""));
            put(buffer, area, (2, 1), &format!("{first}– {second}"), area.width, theme.title());
            let number = model.snapshot.linking.phone_number.as_ref();
            let whose = number.map(|number| format!("for {number}, ")).unwrap_or_default();
            let left = format!("{whose}expires {}", in_time(*expires_at, now));
            put(buffer, area, (2, 2), &left, area.width, theme.dim());
            let steps = [
                "1  On the phone open WhatsApp",
                "2  Settings › Linked devices › Link a device",
                "3  Link with phone number instead, type the code",
            ];
            let below = Rect { y: area.y + 4, height: area.height.saturating_sub(4), ..area };
            let rows = write_steps(&steps, theme, below, buffer);
            let [code, palette] = [Action::PairingCode, Action::Palette].map(|a| model.ui.look.keys.key(a));
            let other = format!("{code} for another number, {palette}link for a QR");
            put(buffer, below, (0, rows), &other, area.width, theme.dim());
        }
        (Some(Pairing::Qr { expires_at, .. }), Some(modules)) => {
            let left = format!("expires {}", in_time(*expires_at, now));
            draw_fitting(model, modules, &left, theme, area, buffer, whole);
        }
        (Some(pairing @ (Pairing::Passkey { .. } | Pairing::PasskeyCode { .. })), _) => {
            passkey::draw(pairing, &model.ui.api, theme, area, buffer, now);
        }
        (Some(Pairing::Qr { .. }) | None, _) => {
            let text = if model.snapshot.bridge.state == BridgeState::Installing {
                "Setting up: the bridge's packages are being installed. This happens once."
            } else if model.snapshot.connection.state == ConnectionState::Passkey {
                "The passkey step is over. Waiting for what WhatsApp says …"
            } else {
                "Waiting for a code to link with …"
            };
            for (y, line) in (1..).zip(sanitize::wrap(text, usize::from(area.width.saturating_sub(4)), 3)) {
                put(buffer, area, (2, y), &line, area.width, theme.busy());
            }
        }
    }
}

/// This drawing needs no more columns and rows than these.
fn fits(drawing: Drawing, modules: &Modules, (columns, rows): (u16, u16)) -> bool {
    let (c, r) = drawing.needs(modules);
    c <= usize::from(columns) && r <= usize::from(rows)
}

/// How the code is drawn in so many columns and rows: as it was chosen when that fits. None: nothing does.
fn drawing(model: &Model, modules: &Modules, room: (u16, u16)) -> Option<Drawing> {
    let chosen = model.ui.drawing.filter(|drawing| fits(*drawing, modules, room));
    chosen.or_else(|| {
        let mut all = Drawing::ALL.into_iter().filter(|drawing| is_safe(*drawing, model));
        all.find(|drawing| fits(*drawing, modules, room))
    })
}

/// It is used without being asked for. tmux and screen leave out characters that the system is too old to know, and a code
/// with holes is none.
fn is_safe(drawing: Drawing, model: &Model) -> bool {
    match drawing {
        Drawing::Space => true,
        Drawing::Half | Drawing::Sextant => !model.ui.look.ascii,
        Drawing::Octant => !model.ui.look.ascii && model.ui.look.within == Within::Nothing,
    }
}

/// The drawings for which there is room where the code was drawn last.
pub(in super::super) fn possible(model: &Model) -> Vec<Drawing> {
    let Some(modules) = &model.qr else { return Vec::new() };
    Drawing::ALL.into_iter().filter(|drawing| fits(*drawing, modules, model.ui.qr_room.get())).collect()
}

/// The whole screen has room for the code.
pub(super) fn whole_screen_helps(model: &Model) -> bool {
    model.qr.as_ref().is_some_and(|modules| drawing(model, modules, model.ui.size).is_some())
}

const QR_STEPS: [&str; 3] =
    ["1  On the phone open WhatsApp", "2  Settings › Linked devices › Link a device", "3  Scan this code"];

fn draw_fitting(
    model: &Model,
    modules: &Modules,
    left: &str,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
    whole: bool,
) {
    let drawing = drawing(model, modules, (area.width, area.height));
    model.ui.qr_drawn.set(drawing);
    model.ui.qr_room.set((area.width, area.height));
    let Some(drawing) = drawing else {
        return too_small(model, modules, theme, area, buffer, whole);
    };
    let (columns, rows) = drawing.needs(modules);
    let (columns, rows) = (u16::try_from(columns).unwrap_or(0), u16::try_from(rows).unwrap_or(0));
    let beside = !whole && area.width >= columns + STEPS;
    let below = area.height.saturating_sub(rows);
    draw(modules, drawing, Rect { width: columns, height: rows, ..area }, buffer);
    if beside {
        let text = Rect { x: area.x + columns + 2, width: area.width - columns - 2, ..area };
        write_steps(&QR_STEPS, theme, text, buffer);
        put(buffer, text, (0, 9), left, text.width, theme.busy());
        let [cycle, whole, code] =
            [Action::CycleDrawing, Action::WholeScreen, Action::PairingCode].map(|a| model.ui.look.keys.key(a));
        let other = if possible(model).len() > 1 { format!(", {cycle} changes that") } else { String::new() };
        let drawn = format!("drawn with {}{other}", drawing.name());
        put(buffer, text, (0, 11), &drawn, text.width, theme.dim());
        put(buffer, text, (0, 12), &format!("{whole} whole screen, {code} a code to type"), text.width, theme.dim());
    } else if below > 0 {
        let back =
            if whole { format!(" · {} back", model.ui.look.keys.key(Action::WholeScreen)) } else { String::new() };
        let line = format!("{left}{back} · WhatsApp › Settings › Linked devices › Link a device");
        put(buffer, area, (0, rows), &line, area.width, theme.title());
    }
}

/// Returns how many rows they take. A row is left free between two where there is room.
fn write_steps(steps: &[&str], theme: Theme, area: Rect, buffer: &mut Buffer) -> u16 {
    let lines = |step: &str| {
        let text = step.split_at_checked(3).map_or(step, |(_, text)| text);
        sanitize::wrap(text, usize::from(area.width.saturating_sub(3)), 3)
    };
    let rows = steps.iter().map(|step| lines(step).len() + 1).sum::<usize>();
    let gap = u16::from(rows <= usize::from(area.height));
    let mut y = 0;
    for step in steps {
        put(buffer, area, (0, y), step.get(..3).unwrap_or_default(), 3, theme.key());
        for line in lines(step) {
            put(buffer, area, (3, y), &line, area.width, Style::new());
            y += 1;
        }
        y += gap;
    }
    y
}

/// What to do instead, of which all works here.
fn too_small(model: &Model, modules: &Modules, theme: Theme, area: Rect, buffer: &mut Buffer, whole: bool) {
    let smallest = match (model.ui.look.ascii, is_safe(Drawing::Octant, model)) {
        (true, _) => Drawing::Space,
        (false, true) => Drawing::Octant,
        (false, false) => Drawing::Sextant,
    };
    let (columns, rows) = smallest.needs(modules);
    let [screen, code, cycle] =
        [Action::WholeScreen, Action::PairingCode, Action::CycleDrawing].map(|action| model.ui.look.keys.key(action));
    let mut text = format!("The QR needs {columns}×{rows}, here are {}×{}.\n", area.width, area.height);
    text += &match whole {
        true => format!("{screen} goes back.\n"),
        false if whole_screen_helps(model) => format!("{screen} gives it the whole screen.\n"),
        false => "A larger terminal has room.\n".to_owned(),
    };
    if !model.ui.look.read_only {
        text += &format!("{code} gives a code to type instead.\n");
    }
    if let Some(other) = possible(model).first() {
        text += &format!("{cycle} draws it with {}, if the terminal has them.\n", other.name());
    }
    // A browser can't give the token that /qr asks for; the page can.
    text += &format!("Browser: {api}/\nPrograms: {api}/qr\n`pilothouse token` prints the token.", api = model.ui.api);
    for (y, line) in (0..).zip(sanitize::wrap(&text, usize::from(area.width), usize::from(area.height))) {
        put(buffer, area, (0, y), &line, area.width, theme.busy());
    }
}

/// Draws the modules. Both colours are always set, dark on light.
///
/// Half blocks are drawn with `▄` alone, the lower module in the foreground: other half blocks leave a light seam in some
/// fonts, and then the code does not scan.
fn draw(modules: &Modules, drawing: Drawing, area: Rect, buffer: &mut Buffer) {
    let (across, down) = drawing.cell();
    for row in 0..area.height {
        for column in 0..area.width {
            let (x, y) = (usize::from(column) / drawing.width() * across, usize::from(row) * down);
            let Some(cell) = buffer.cell_mut((area.x + column, area.y + row)) else { continue };
            let (symbol, foreground, background) = match drawing {
                Drawing::Half => {
                    let (upper, lower) = (modules.is_dark(x, y), modules.is_dark(x, y + 1));
                    (if upper == lower { ' ' } else { '▄' }, Theme::qr(lower), Theme::qr(upper))
                }
                Drawing::Space => (' ', Theme::qr(true), Theme::qr(modules.is_dark(x, y))),
                Drawing::Sextant | Drawing::Octant => {
                    let bits = (0..across * down).filter(|n| modules.is_dark(x + n % across, y + n / across));
                    let index = bits.fold(0, |bits, n| bits | 1 << n);
                    let table: &[char] = if drawing == Drawing::Sextant { &SEXTANTS } else { &OCTANTS };
                    (table.get(index).copied().unwrap_or(' '), Theme::qr(true), Theme::qr(false))
                }
            };
            cell.reset();
            cell.set_char(symbol).set_fg(foreground).set_bg(background);
        }
    }
}
