//! The last line: what just happened, or the keys that work now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::keymap::{Action, Context, KEYS};
use super::super::layout;
use super::super::model::{Focus, Model};
use super::super::sanitize;
use super::super::theme::Theme;
use super::super::update::{context, detail};
use super::status::{Standing, standing};
use super::{by_word, metrics, pairing, put};
use crate::clock::Now;
use crate::protocol::ReasonClass;
use crate::state::{ConnectionState, Pairing, WebhookState};

/// The most rows of what is said.
const MOST: usize = 3;

/// What just happened, or is under way.
fn said(model: &Model) -> Option<&str> {
    let passing = model.ui.passing.as_ref().map(|passing| &passing.text);
    let greeting = model.ui.greeting.as_ref().map(|(text, _)| text);
    model.ui.notice.as_ref().or(passing).or(greeting).map(String::as_str)
}

/// How many rows the last line needs: what is to be done about something stands at the end, and has to be read.
pub(in super::super) fn rows(model: &Model, columns: u16) -> u16 {
    let rows = said(model).map_or(1, |text| sanitize::wrap(text, columns.into(), MOST).len());
    u16::try_from(rows.max(1)).unwrap_or(1)
}

pub(in super::super) fn draw(model: &Model, theme: Theme, area: Rect, buffer: &mut Buffer, now: Now) {
    if let Some(text) = said(model) {
        for (y, line) in (0..).zip(sanitize::wrap(text, area.width.into(), usize::from(area.height).min(MOST))) {
            put(buffer, area, (0, y), &line, area.width, theme.busy());
        }
        return;
    }
    let (context, keys) = (context(model), &model.ui.look.keys);
    let mut hints: Vec<_> = KEYS
        .iter()
        .filter(|b| b.context == context && works(b.action, model, now) && hinted(b.action, context, model, now))
        .filter_map(|b| Some((rank(b.action, model), keys.of(b).next()?, b.footer?)))
        .collect();
    let webhooks = by_word("webhooks", keys);
    if context == Context::Browse && metrics::behind_hand(model) {
        // A parked one needs somebody, another may get on by itself.
        let parked = model.snapshot.webhooks.iter().any(|one| one.state == WebhookState::Parked);
        hints.push((if parked { 2 } else { 5 }, &webhooks, "see why"));
    }
    let columns = |text: &str| u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
    let width = |key: &str, text: &str| columns(key).saturating_add(columns(text)).saturating_add(1 + GAP);
    // Who matters most gets the room; what is drawn stands in the order of the table, with what is always there last.
    let mut places: Vec<_> = hints.iter().map(|(rank, ..)| *rank).enumerate().collect();
    places.sort_by_key(|(_, rank)| *rank);
    // No gap is needed behind the last.
    let mut left = area.width.saturating_add(GAP);
    let mut fits = vec![false; hints.len()];
    for (at, _) in places {
        if let (Some((_, key, text)), Some(fits)) = (hints.get(at), fits.get_mut(at)) {
            *fits = width(key, text) <= left;
            left = left.saturating_sub(if *fits { width(key, text) } else { 0 });
        }
    }
    let mut fits = fits.into_iter();
    hints.retain(|_| fits.next().unwrap_or(false));
    hints.sort_by_key(|(rank, ..)| *rank == ALWAYS);
    let mut x = 0;
    for (_, key, text) in hints {
        x += put(buffer, area, (x, 0), key, area.width, theme.key());
        x += put(buffer, area, (x + 1, 0), text, area.width, Style::new()) + 1 + GAP;
    }
}

/// The columns between two hints.
const GAP: u16 = 2;

/// The rank of what is never left out.
const ALWAYS: u8 = 0;

/// How soon a hint is left out where there is no room for all: the higher, the sooner.
#[expect(clippy::wildcard_enum_match_arm, reason = "all else is left out first")]
fn rank(action: Action, model: &Model) -> u8 {
    let restart_helps = standing(model) == Standing::Ill;
    match action {
        Action::Help | Action::Palette | Action::Quit | Action::Resized => ALWAYS,
        Action::Leave => ALWAYS,
        // These are there only when there is something for them to do.
        Action::TakeOver | Action::Passkey | Action::Cancel | Action::Resend | Action::PairingCode => 1,
        Action::CycleDrawing | Action::WholeScreen | Action::Json => 1,
        Action::Restart if restart_helps => 1,
        Action::Compose | Action::Detail | Action::Send => 2,
        Action::Filter | Action::Chats | Action::Answer => 3,
        Action::Restart => 4,
        // In their pane they matter more than what leads out of it.
        Action::ShorterRange | Action::LongerRange if model.ui.focus == Focus::Metrics => 2,
        Action::LogLevel | Action::LogTarget if model.ui.focus == Focus::Log => 2,
        Action::ShorterRange | Action::LongerRange | Action::LogLevel | Action::LogTarget => 5,
        Action::ShowFeed | Action::ShowStatus | Action::ShowMetrics | Action::ShowLog => 6,
        _ => 7,
    }
}

/// Whether what a key does is worth the room. The way back is where something lies in the place of something else.
#[expect(clippy::wildcard_enum_match_arm, reason = "all else is, as far as there is room")]
fn hinted(action: Action, context: Context, model: &Model, now: Now) -> bool {
    let ui = &model.ui;
    match action {
        Action::Leave if context == Context::Browse => {
            let aside = ui.focus != Focus::Feed && !crate::tui::shows(model, Focus::Feed, now);
            ui.look.zoomed || ui.detail.is_some() || ui.chats.open || aside
        }
        Action::Detail => ui.detail.is_none(),
        _ => true,
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
        Action::CycleDrawing => {
            let other = |drawing: &_| Some(*drawing) != model.ui.qr_drawn.get();
            model.pairing(now).is_some() && pairing::possible(model).iter().any(other)
        }
        Action::WholeScreen => {
            model.pairing(now).is_some() && (model.ui.whole_screen || pairing::whole_screen_helps(model))
        }
        Action::TakeOver => {
            let connection = &model.snapshot.connection;
            connection.state == ConnectionState::Closed
                && connection.reason.as_ref().is_some_and(|reason| reason.class == ReasonClass::Replaced)
        }
        Action::PairingCode => model.snapshot.connection.state == ConnectionState::Linking,
        Action::Answer => in_feed && shown(Focus::Feed) && !model.rows().is_empty(),
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
        Action::Detail => in_feed && shown(Focus::Feed) && !model.rows().is_empty(),
        Action::Filter | Action::Chats => !in_feed || shown(Focus::Feed),
        Action::Json => in_feed && model.ui.detail.is_some(),
        Action::Copy => in_feed && (model.ui.detail.is_some() || model.chosen().is_some()),
        Action::Resend => in_feed && detail::to_resend(model).is_some(),
        Action::SearchOlder | Action::SearchNewer => in_feed && model.ui.feed.searched().is_some(),
        Action::ShorterRange => shown(Focus::Metrics) && look.range != look.range.shorter(),
        Action::LongerRange => shown(Focus::Metrics) && look.range != look.range.longer(),
        Action::LogLevel | Action::LogTarget => look.log_view.ring.is_some() && shown(Focus::Log),
        Action::Narrower | Action::Wider => layout::resizable(model).0,
        Action::Shorter | Action::Taller => layout::resizable(model).1,
        Action::Resize | Action::EvenOut => layout::resizable(model) != (false, false),
        Action::ShowFeed => model.ui.focus != Focus::Feed,
        Action::ShowStatus => !shown(Focus::Status),
        Action::ShowMetrics => !shown(Focus::Metrics),
        Action::FocusOther
        | Action::FocusBack
        | Action::Palette
        | Action::Zoom
        | Action::ShowLog
        | Action::ReadOnly
        | Action::Redraw
        | Action::Resized
        | Action::Theme
        | Action::Mouse
        | Action::Suspend
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
