//! The last line: what just happened, or the keys that work now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::{Action, Context, KEYS};
use super::super::model::{Focus, Model};
use super::super::theme::Theme;
use super::super::update::detail;
use super::put;
use crate::clock::Now;
use crate::protocol::ReasonClass;
use crate::state::{ConnectionState, Pairing};

pub(in super::super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    if let Some(notice) = &model.ui.notice {
        put(buffer, area, (0, 0), notice, area.width, theme.busy());
        return;
    }
    let context = match model.ui.focus {
        Focus::Feed => Context::Browse,
        Focus::Compose => Context::Compose,
    };
    // Help and the way out are always there; the others as far as there is room.
    let (always, others): (Vec<_>, Vec<_>) = KEYS
        .iter()
        .filter(|b| b.context == context && works(b.action, model, now))
        .filter_map(|b| {
            Some((b.keys.first()?, b.footer?, matches!(b.action, Action::Help | Action::Quit | Action::Leave)))
        })
        .partition(|(_, _, always)| *always);
    let width =
        |key: &str, text: &str| u16::try_from(key.chars().count() + text.chars().count() + 3).unwrap_or(u16::MAX);
    let mut left = always.iter().fold(area.width, |left, (key, text, _)| left.saturating_sub(width(key, text)));
    let mut x = 0;
    let others = others.into_iter().take_while(|(key, text, _)| {
        let fits = width(key, text) <= left;
        left = left.saturating_sub(width(key, text));
        fits
    });
    for (key, text, _) in others.chain(always) {
        x += put(buffer, area, (x, 0), key, area.width, theme.key());
        x += put(buffer, area, (x + 1, 0), text, area.width, Style::new()) + 3;
    }
}

/// Whether a key does anything at present.
pub(super) fn works(action: Action, model: &Model, now: Now) -> bool {
    match action {
        Action::CycleDrawing | Action::WholeScreen => model.qr.is_some() && model.pairing(now).is_some(),
        Action::TakeOver => {
            let connection = &model.snapshot.connection;
            connection.state == ConnectionState::Closed
                && connection.reason.as_ref().is_some_and(|reason| reason.class == ReasonClass::Replaced)
        }
        Action::PairingCode => !model.snapshot.connection.state.is_up(),
        Action::Answer | Action::Down | Action::Up | Action::Top | Action::Bottom => !model.snapshot.feed.is_empty(),
        Action::PageDown | Action::PageUp => !model.snapshot.feed.is_empty(),
        Action::HistoryBack | Action::HistoryForward => {
            !model.ui.history.is_empty() || model.ui.input.value().contains('\n')
        }
        Action::Cancel => model.chosen_and_waiting().is_some(),
        Action::Passkey => match model.pairing(now) {
            Some(Pairing::Passkey { .. }) => true,
            Some(Pairing::PasskeyCode { confirm, .. }) => *confirm,
            Some(Pairing::Qr { .. } | Pairing::Code { .. }) | None => false,
        },
        Action::Detail => !model.rows().is_empty(),
        Action::Json => model.ui.detail.is_some(),
        Action::Copy => model.ui.detail.is_some() || model.chosen().is_some(),
        Action::Resend => detail::to_resend(model).is_some(),
        Action::SearchOlder | Action::SearchNewer => model.ui.feed.searched().is_some(),
        Action::FocusOther
        | Action::Filter
        | Action::Chats
        | Action::NewLine
        | Action::Editor
        | Action::Recipient
        | Action::Compose
        | Action::Leave
        | Action::Help
        | Action::Restart
        | Action::Quit
        | Action::Send => true,
    }
}
