//! What lies over the screen: the keys, a question, a number to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use tui_input::Input;

use super::super::keymap::{Context, KEYS};
use super::super::model::{Model, Overlay};
use super::super::palette::{Entry, Palette};
use super::super::theme::Theme;
use super::super::update::{Confirmed, context};
use super::footer::works;
use super::passkey::spaced;
use super::status::account;
use super::{by_word, compose, framed, marks, put, recipient, webhooks};
use crate::clock::Now;
use crate::state::{ConnectionState, Pairing};

pub(in super::super) fn draw(
    model: &Model,
    overlay: &Overlay,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
    now: Now,
) -> Option<Position> {
    match overlay {
        Overlay::Help { scroll } => {
            help(model, *scroll, theme, area, buffer, now);
            None
        }
        Overlay::Palette(search) => palette(model, search, theme, area, buffer, now),
        Overlay::Confirm(what, input) => confirm(model, *what, input, theme, area, buffer),
        Overlay::Compare => {
            let inner = window("Does the phone show the same code?", (56, 5), theme, area, buffer);
            let code = match &model.snapshot.pairing {
                Some(Pairing::PasskeyCode { code, .. }) => spaced(code.reveal()),
                Some(Pairing::Qr { .. } | Pairing::Code { .. } | Pairing::Passkey { .. }) | None => String::new(),
            };
            put(buffer, inner, (1, 0), &code, inner.width, theme.title());
            put(buffer, inner, (1, 1), "y the same: link   n another: end this attempt", inner.width, theme.key());
            put(buffer, inner, (1, 2), "any other key: not yet", inner.width, theme.dim());
            None
        }
        Overlay::Resend(message) => {
            let inner = window("Send it again, as a new message?", (56, 5), theme, area, buffer);
            let to = format!("To {}", compose::whom(model, &message.chat));
            put(buffer, inner, (1, 0), &to, inner.width.saturating_sub(2), theme.title());
            put(buffer, inner, (1, 1), &message.body, inner.width.saturating_sub(2), Style::new());
            put(buffer, inner, (1, 2), "y sends it, any other key doesn't", inner.width, theme.key());
            None
        }
        Overlay::Recipient(picker) => Some(recipient::draw(picker, model, theme, area, buffer)),
        Overlay::Restart => {
            let inner = window("Restart the bridge, though all is well?", (56, 4), theme, area, buffer);
            let breaks = if model.snapshot.connection.state == ConnectionState::Passkey {
                "The step with the passkey begins anew."
            } else {
                "The connection is interrupted; nothing gets lost."
            };
            put(buffer, inner, (1, 0), breaks, inner.width.saturating_sub(2), Style::new());
            put(buffer, inner, (1, 1), "y restarts it, any other key doesn't", inner.width, theme.key());
            None
        }
        Overlay::Webhooks { chosen } => {
            webhooks::draw(model, *chosen, theme, area, buffer, now);
            None
        }
        Overlay::Filter(input) => Some(filter(input, theme, area, buffer)),
        Overlay::Number(input) => {
            let inner = window("Number of the phone to be linked", (60, 4), theme, area, buffer);
            put(buffer, inner, (1, 0), input.value(), inner.width.saturating_sub(1), Style::new());
            let line = model.ui.notice.as_deref().unwrap_or("as in +584244370180; Esc leaves");
            put(buffer, inner, (1, 1), line, inner.width.saturating_sub(1), theme.dim());
            let x = u16::try_from(input.visual_cursor()).unwrap_or(0).min(inner.width.saturating_sub(2));
            Some(Position { x: inner.x + 1 + x, y: inner.y })
        }
    }
}

/// The last line of the screen, while the filter is written there.
fn filter(input: &Input, theme: Theme, area: Rect, buffer: &mut Buffer) -> Position {
    let line = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    Clear.render(line, buffer);
    let x = put(buffer, line, (0, 0), "/", 1, theme.key());
    let field = Rect { x: line.x + x, width: line.width.saturating_sub(x), ..line };
    let hint = "words  from: to: chat: state: kind:  !not   Enter keeps it, Esc shows all";
    if input.value().is_empty() {
        put(buffer, field, (1, 0), hint, field.width, theme.dim());
    }
    compose::shown(input.value(), input.cursor(), field, buffer)
}

/// A framed area in the middle, cleared.
pub(super) fn window(title: &str, size: (u16, u16), theme: Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let at = within(size, area);
    Clear.render(at, buffer);
    framed(title, true, theme, at, buffer)
}

/// An area of this size in the middle.
pub(super) fn within(size: (u16, u16), area: Rect) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    Rect { x, y, width, height }
}

/// The keys that do something here and now, from a line on.
fn help(model: &Model, scroll: u16, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let (context, keys) = (context(model), &model.ui.look.keys);
    let rows = KEYS.iter().filter(|row| row.context == context && works(row.action, model, now));
    let mut lines: Vec<(String, &str)> = rows
        .map(|row| (keys.of(row).collect::<Vec<_>>().join(" "), row.help))
        .filter(|(keys, _)| !keys.is_empty())
        .collect();
    if context == Context::Browse && !model.snapshot.webhooks.is_empty() {
        lines.push((by_word("webhooks", keys), "how the webhooks do; Enter has one try at once"));
    }
    lines.push((String::new(), ""));
    lines.extend(marks::legend().map(|(mark, word)| (mark.to_owned(), word)));
    lines.push((String::new(), ""));
    lines.push(("Ctrl-C twice".to_owned(), "quit, from anywhere"));
    lines.push(match context {
        Context::Browse | Context::Resize => (String::new(), "In the input box F1 shows the keys that work there."),
        Context::Compose => (String::new(), "A line that starts with +NUMBER or a chat's id goes there."),
    });
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let fits = wanted <= area.height;
    let title = match (context, fits) {
        (Context::Compose, true) => "Keys in the input box (any key closes)",
        (Context::Browse | Context::Resize, true) => "Keys (any key closes)",
        (_, false) => "Keys (j and k scroll, others close)",
    };
    let inner = window(title, (64, wanted), theme, area, buffer);
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let first = usize::from(scroll).min(most);
    for (y, (keys, help)) in (0..inner.height).zip(lines.into_iter().skip(first)) {
        put(buffer, inner, (1, y), &keys, 15, theme.key());
        let x = if keys.is_empty() { 1 } else { 17 };
        put(buffer, inner, (x, y), help, inner.width.saturating_sub(x + 1), Style::new());
    }
    if first < most {
        let at = Rect { y: inner.bottom(), height: 1, ..inner };
        put(buffer, at, (1, 0), &format!(" ↓ {} more ", most - first), inner.width, theme.border(true));
    }
}

/// The columns and the most rows of the palette.
const PALETTE: (u16, u16) = (76, 20);

/// Where the palette is.
fn palette_size(area: Rect) -> (u16, u16) {
    (PALETTE.0, PALETTE.1.min(area.height.saturating_sub(2)))
}

/// The first entry that is drawn, so that the chosen one is in sight.
fn first(palette: &Palette, inner: Rect) -> usize {
    (palette.chosen + 1).saturating_sub(usize::from(inner.height.saturating_sub(1)))
}

/// The entry of the palette that is drawn at a place of the screen.
pub(in super::super) fn palette_row_at(palette: &Palette, area: Rect, at: Position) -> Option<usize> {
    let inner = within(palette_size(area), area).inner(Margin { horizontal: 1, vertical: 1 });
    let row = usize::from(at.y.checked_sub(inner.y + 1)?);
    Some(first(palette, inner) + row).filter(|n| inner.contains(at) && *n < palette.found.len())
}

/// What can be done, with what is typed to find it. What does nothing at present is dim.
fn palette(
    model: &Model,
    palette: &Palette,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
    now: Now,
) -> Option<Position> {
    let title = match area.width {
        66.. => "Actions: type some letters, or words; Enter does it, Esc leaves",
        _ => "Actions (Enter does it, Esc leaves)",
    };
    let inner = window(title, palette_size(area), theme, area, buffer);
    put(buffer, inner, (1, 0), ":", 1, theme.key());
    let field = Rect { x: inner.x + 2, width: inner.width.saturating_sub(3), height: inner.height.min(1), ..inner };
    let cursor = compose::shown(palette.input.value(), palette.input.cursor(), field, buffer);
    let first = first(palette, inner);
    for (y, (at, entry)) in (1..inner.height).zip(palette.found.iter().enumerate().skip(first)) {
        let (key, args, works) = match entry {
            Entry::Key(row) => (model.ui.look.keys.of(row).next().unwrap_or(""), "", works(row.action, model, now)),
            Entry::Verb(verb) => ("", verb.args, !(model.ui.look.read_only && verb.changes)),
        };
        let style = if works { Style::new() } else { theme.dim() };
        let line = Rect { y: inner.y + y, height: 1, ..inner };
        put(buffer, line, (1, 0), key, 9, theme.key());
        let name = put(buffer, line, (10, 0), &entry.name(), 17, style);
        put(buffer, line, (11 + name, 0), args, 16_u16.saturating_sub(name), theme.dim());
        put(buffer, line, (28, 0), entry.help(), inner.width.saturating_sub(29), style);
        if at == palette.chosen {
            buffer.set_style(line, theme.selected());
        }
    }
    let more = palette.found.len().saturating_sub(first + usize::from(inner.height.saturating_sub(1)));
    if more > 0 {
        let at = Rect { y: inner.bottom(), height: 1, ..inner };
        put(buffer, at, (1, 0), &format!(" ↓ {more} more "), inner.width, theme.border(true));
    }
    let below = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    if let Some(wrong) = &palette.wrong {
        put(buffer, below, (0, 2), &format!("✗ {wrong}"), below.width, theme.bad());
    } else if palette.found.is_empty() {
        put(buffer, below, (0, 1), "no action has these letters", below.width, theme.dim());
    }
    Some(cursor)
}

/// A word that is to be typed.
fn confirm(
    model: &Model,
    what: Confirmed,
    input: &Input,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    let (title, lost) = match what {
        Confirmed::Stop => {
            let lost = match model.snapshot.queue {
                0 => "Nothing comes in or goes out until it runs again.".to_owned(),
                1 => "1 message waits to be sent; it stays on disk.".to_owned(),
                waiting => format!("{waiting} messages wait to be sent; they stay on disk."),
            };
            ("Stop the gateway?", lost)
        }
        Confirmed::LogOut { local: false } => {
            let phone = account(model).unwrap_or_else(|| "this device".to_owned());
            let waits = match model.snapshot.queue {
                0 => "Nothing waits to be sent.".to_owned(),
                // From whichever that is: who does not want it takes them back first.
                1 => "1 message waits for the next account.".to_owned(),
                n => format!("{n} messages wait for the next account."),
            };
            ("Log out of WhatsApp?", format!("Unlinks {phone}. {waits}"))
        }
        Confirmed::LogOut { local: true } => {
            ("Log out here alone?", "The phone goes on listing this device until it is removed.".to_owned())
        }
    };
    let inner = window(title, (72, 5), theme, area, buffer);
    put(buffer, inner, (1, 0), &lost, inner.width.saturating_sub(1), Style::new());
    let ask = format!("Type {} and press Enter; Esc goes back.", what.word());
    put(buffer, inner, (1, 1), &ask, inner.width.saturating_sub(1), theme.key());
    put(buffer, inner, (1, 2), "> ", 2, theme.key());
    put(buffer, inner, (3, 2), input.value(), inner.width.saturating_sub(4), Style::new());
    let x = u16::try_from(input.visual_cursor()).unwrap_or(0).min(inner.width.saturating_sub(4));
    Some(Position { x: inner.x + 3 + x, y: inner.y + 2.min(inner.height.saturating_sub(1)) })
}
