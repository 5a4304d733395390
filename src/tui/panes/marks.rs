//! How far a message of ours has come, as a mark and in a word. Each mark has a shape of its own.

use ratatui::style::Style;

use super::super::theme::Theme;
use crate::state::DeliveryState;

/// The mark of this state.
pub(super) fn mark(state: DeliveryState, theme: Theme) -> (&'static str, Style) {
    match state {
        DeliveryState::Queued => ("…", theme.busy()),
        DeliveryState::Dispatched => ("›", theme.busy()),
        DeliveryState::Sent => ("✓", Style::new()),
        DeliveryState::Delivered => ("✓✓", Style::new()),
        DeliveryState::Read => ("◉", theme.good()),
        DeliveryState::Failed => ("✗", theme.bad()),
        DeliveryState::Expired => ("⊖", theme.bad()),
        DeliveryState::Cancelled => ("⊘", theme.dim()),
    }
}

/// What the mark means.
pub(super) const fn word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => "waits",
        DeliveryState::Dispatched => "with the bridge",
        DeliveryState::Sent => "sent",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        DeliveryState::Failed => "not sent",
        DeliveryState::Expired => "not sent in time",
        DeliveryState::Cancelled => "taken back",
    }
}

/// All marks with their words, in the order in which a message gets them.
pub(super) fn legend() -> impl Iterator<Item = (&'static str, &'static str)> {
    use DeliveryState::{Cancelled, Delivered, Dispatched, Expired, Failed, Queued, Read, Sent};
    let all = [Queued, Dispatched, Sent, Delivered, Read, Failed, Expired, Cancelled];
    all.into_iter().map(|state| (mark(state, Theme::new(false)).0, word(state)))
}
