//! Restrictions of the account: what would be refused waits until it won't be.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::{Change, Effect, JournalKind, MessageId, RestrictionEvent, RestrictionView, TimerId, Write};
use super::Turn;
use crate::clock::Timestamp;
use crate::protocol::Restriction;

/// WhatsApp's number for a refusal since the account may start no new chats.
pub(super) const REACHOUT_TIMELOCK: u32 = 463;

/// The name of this restriction.
const CLASS: &str = "reachout_timelock";

/// After how long a new chat is tried again when WhatsApp does not say. Refusals in a row make matters worse.
const HOLD: Duration = Duration::from_secs(6 * 60 * 60);

/// The shortest hold, whatever is told: a refusal at once is not followed by the next at once.
const SHORTEST: Duration = Duration::from_secs(60);

/// The longest sleep until it is looked again. The time that is told may be any.
const LONGEST_TIMER: Duration = Duration::from_secs(24 * 60 * 60);

impl Turn<'_> {
    /// WhatsApp restricts the account, or does so no more.
    pub(super) fn restriction(&mut self, told: Restriction) {
        match (told.class == CLASS, told.active) {
            (true, true) => self.restrict(told.until_ms, Some(told.text)),
            (true, false) => self.unrestrict(),
            (false, true) => self.error(format!("WhatsApp restricts this account: {}", told.text)),
            (false, false) => {}
        }
    }

    /// A send was refused since the account may start no new chats: the message waits, and others like it.
    pub(super) fn hold(&mut self, id: MessageId, retry_at_ms: Option<i64>, text: Option<String>) {
        let Some(row) = self.state.outbox.get(&id) else { return };
        let (chat, from, delivery) = (row.chat.id.clone(), row.delivery.state, row.delivery.clone().requeued());
        self.state.outbox.set_cold(&chat, true);
        self.state.outbox.requeue(&id, delivery.clone(), false);
        self.progressed(id, from, delivery);
        self.restrict(retry_at_ms, text);
    }

    fn restrict(&mut self, until_ms: Option<i64>, text: Option<String>) {
        let (now, old) = (self.now.wall, self.state.snapshot.restriction.clone());
        let told = until_ms.map(|ms| Timestamp::from_millis(ms).max(now.plus(SHORTEST)));
        let known = old.as_ref().filter(|_| told.is_none()).map(|old| (old.until, old.until_told));
        let (until, until_told) = known.unwrap_or_else(|| (told.unwrap_or_else(|| now.plus(HOLD)), told.is_some()));
        let text = text.filter(|text| !text.is_empty()).map_or_else(
            || "WhatsApp restricts this account: for some time it may not start new chats".into(),
            Arc::from,
        );
        if old.is_none() {
            self.error(format!("{text}; messages to people who never wrote are held until {until}, others go on"));
        }
        let since = old.as_ref().map_or(now, |old| old.since);
        let held = self.state.outbox.cold();
        self.set_restriction(Some(RestrictionView { class: CLASS.into(), since, until, until_told, text, held }));
    }

    fn unrestrict(&mut self) {
        if self.state.snapshot.restriction.is_some() {
            self.set_restriction(None);
        }
    }

    fn set_restriction(&mut self, view: Option<RestrictionView>) {
        let old = self.state.snapshot.restriction.clone();
        if old != view {
            self.write(Write::Restriction(view.clone()));
            // How many messages are held is no event.
            let told = |active, view| json!(RestrictionEvent::new(active, view));
            let before = old.as_ref().map(|view| told(true, view));
            let now = view.as_ref().map(|view| told(true, view));
            if let Some(payload) = now.or_else(|| old.as_ref().map(|view| told(false, view)))
                && before.as_ref() != Some(&payload)
            {
                self.journal(JournalKind::AccountRestricted, payload);
            }
            self.change(Change::Restriction(view));
        }
    }

    /// Ends a restriction whose time is over, counts what is held, and sees to it that the end is noticed.
    pub(super) fn watch_restriction(&mut self) {
        let Some(view) = self.state.snapshot.restriction.clone() else { return };
        let (until, held) = (view.until, self.state.outbox.cold());
        if until <= self.now.wall {
            return self.unrestrict();
        }
        if self.state.restriction_timer != Some(until) {
            self.state.restriction_timer = Some(until);
            let after = until.since(self.now.wall).min(LONGEST_TIMER);
            self.effect(Effect::SetTimer { timer: TimerId::RestrictionEnds { until }, after });
        }
        if view.held != held {
            self.change(Change::Restriction(Some(RestrictionView { held, ..view })));
        }
    }
}
