//! The last line: what just happened, or the keys that work now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::{Action, Context, KEYS};
use super::super::model::{Focus, Model};
use super::super::theme::Theme;
use super::super::update::{context, detail};
use super::put;
use crate::clock::Now;
use crate::protocol::ReasonClass;
use crate::state::{ConnectionState, Pairing};

pub(in super::super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    if let Some(notice) = model.ui.notice.as_ref().or(model.ui.greeting.as_ref().map(|(text, _)| text)) {
        put(buffer, area, (0, 0), notice, area.width, theme.busy());
        return;
    }
    let (context, keys) = (context(model), &model.ui.look.keys);
    // Help and the way out are always there; the others as far as there is room.
    let (always, others): (Vec<_>, Vec<_>) = KEYS
        .iter()
        .filter(|b| b.context == context && works(b.action, model, now))
        .filter_map(|b| {
            let always = matches!(b.action, Action::Help | Action::Quit | Action::Resized)
                || (b.action == Action::Leave && context == Context::Compose);
            Some((keys.of(b).next()?, b.footer?, always))
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
    let look = &model.ui.look;
    if (look.read_only || model.ui.lost.is_some()) && action.changes() {
        return false;
    }
    let shown = |pane| crate::tui::shows(model, pane, now);
    let in_feed = matches!(model.ui.focus, Focus::Feed | Focus::Compose);
    match action {
        Action::CycleDrawing | Action::WholeScreen => model.qr.is_some() && model.pairing(now).is_some(),
        Action::TakeOver => {
            let connection = &model.snapshot.connection;
            connection.state == ConnectionState::Closed
                && connection.reason.as_ref().is_some_and(|reason| reason.class == ReasonClass::Replaced)
        }
        Action::PairingCode => model.snapshot.connection.state == ConnectionState::Linking,
        Action::Answer => in_feed && !model.rows().is_empty(),
        Action::Down | Action::Up | Action::Top | Action::Bottom | Action::PageDown | Action::PageUp => {
            match model.ui.look.scroll(model.ui.focus) {
                Some(scroll) => scroll.most.get() > 0,
                None => !model.snapshot.feed.is_empty(),
            }
        }
        Action::HistoryBack | Action::HistoryForward => {
            !model.ui.history.is_empty() || model.ui.input.value().contains('\n')
        }
        Action::Cancel => in_feed && model.chosen_and_waiting().is_some(),
        Action::Passkey => match model.pairing(now) {
            Some(Pairing::Passkey { .. }) => true,
            Some(Pairing::PasskeyCode { confirm, .. }) => *confirm,
            Some(Pairing::Qr { .. } | Pairing::Code { .. }) | None => false,
        },
        Action::Detail => in_feed && !model.rows().is_empty(),
        Action::Json => in_feed && model.ui.detail.is_some(),
        Action::Copy => in_feed && (model.ui.detail.is_some() || model.chosen().is_some()),
        Action::Resend => in_feed && detail::to_resend(model).is_some(),
        Action::SearchOlder | Action::SearchNewer => in_feed && model.ui.feed.searched().is_some(),
        Action::ShorterRange => shown(Focus::Metrics) && look.range != look.range.shorter(),
        Action::LongerRange => shown(Focus::Metrics) && look.range != look.range.longer(),
        Action::LogLevel | Action::LogTarget => look.log_view.ring.is_some() && shown(Focus::Log),
        Action::ShowFeed => model.ui.focus != Focus::Feed,
        Action::ShowStatus => !shown(Focus::Status),
        Action::ShowMetrics => !shown(Focus::Metrics),
        Action::FocusOther
        | Action::FocusBack
        | Action::Palette
        | Action::Zoom
        | Action::Resize
        | Action::ShowLog
        | Action::ReadOnly
        | Action::Redraw
        | Action::Narrower
        | Action::Wider
        | Action::Shorter
        | Action::Taller
        | Action::EvenOut
        | Action::Resized
        | Action::Theme
        | Action::Mouse
        | Action::Suspend
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
