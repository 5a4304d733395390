//! What lies over the screen: the keys, a question, a number to be typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use tui_input::Input;

use super::super::keymap::{Context, KEYS};
use super::super::model::{Focus, Model, Overlay};
use super::super::theme::Theme;
use super::footer::works;
use super::passkey::spaced;
use super::{compose, framed, put, recipient};
use crate::clock::Now;
use crate::state::Pairing;

pub(in super::super) fn draw(
    model: &Model,
    overlay: &Overlay,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
    now: Now,
) -> Option<Position> {
    match overlay {
        Overlay::Help => {
            help(model, theme, area, buffer, now);
            None
        }
        Overlay::Quit => {
            let inner = window("Quit?", (56, 4), theme, area, buffer);
            let waiting = format!("{} messages wait to be sent; they stay on disk.", model.snapshot.queue);
            put(buffer, inner, (1, 0), &waiting, inner.width, Style::new());
            put(buffer, inner, (1, 1), "y quits, any other key stays", inner.width, theme.key());
            None
        }
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
            let to = format!("To {}", message.chat.address());
            put(buffer, inner, (1, 0), &to, inner.width.saturating_sub(2), theme.title());
            put(buffer, inner, (1, 1), &message.body, inner.width.saturating_sub(2), Style::new());
            put(buffer, inner, (1, 2), "y sends it, any other key doesn't", inner.width, theme.key());
            None
        }
        Overlay::Recipient(picker) => Some(recipient::draw(picker, model, theme, area, buffer)),
        Overlay::Filter(input) => Some(filter(input, theme, area, buffer)),
        Overlay::Number(input) => {
            let inner = window("Number of the phone to be linked", (56, 4), theme, area, buffer);
            put(buffer, inner, (1, 0), input.value(), inner.width.saturating_sub(1), Style::new());
            let line = model.ui.notice.as_deref().unwrap_or("as in +584244370180; Enter asks for a code, Esc leaves");
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
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    let at = Rect { x, y, width, height };
    Clear.render(at, buffer);
    framed(title, true, theme, at, buffer)
}

/// The keys that work now where the focus is. What is said below them goes first where there is no room.
fn help(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    let (context, title) = match model.ui.focus {
        Focus::Feed => (Context::Browse, "Keys (any key closes)"),
        Focus::Compose => (Context::Compose, "Keys in the input box (any key closes)"),
    };
    let keys: Vec<_> = KEYS.iter().filter(|b| b.context == context && works(b.action, model, now)).collect();
    let rows = u16::try_from(keys.len()).unwrap_or(u16::MAX).saturating_add(5);
    let inner = window(title, (62, rows), theme, area, buffer);
    let mut y = 0;
    for binding in keys {
        put(buffer, inner, (1, y), &binding.keys.join(" "), 14, theme.key());
        put(buffer, inner, (16, y), binding.help, inner.width, Style::new());
        y += 1;
    }
    put(buffer, inner, (1, y + 1), "Ctrl-C twice quits from anywhere.", inner.width, theme.dim());
    let more = match context {
        Context::Browse => "In the input box F1 shows the keys that work there.",
        Context::Compose => "A line that starts with +NUMBER goes to that number.",
    };
    put(buffer, inner, (1, y + 2), more, inner.width, theme.dim());
}
