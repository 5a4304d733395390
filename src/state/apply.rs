//! Folds changes into a snapshot.

use std::sync::Arc;

use super::{
    Change, ConnectionState, DeliveryState, Direction, FEED_CAPACITY, Snapshot, TIMELINE_CAPACITY, Transition,
};
use crate::protocol::ReasonClass;

/// Folds one change into a snapshot. Total: any change fits any snapshot.
pub fn apply(snapshot: &mut Snapshot, change: &Change) {
    match change {
        Change::Bridge(view) => snapshot.bridge = view.clone(),
        Change::Connection(view) => {
            let ended_as_expected = view.reason.as_ref().is_some_and(|r| r.class == ReasonClass::RestartRequired);
            let new = snapshot.timeline.back().is_none_or(|last| last.state != view.state);
            // WhatsApp ends each connection once after linking: that is no outage.
            if new && !(view.state == ConnectionState::Closed && ended_as_expected) {
                if snapshot.timeline.len() >= TIMELINE_CAPACITY {
                    snapshot.timeline.pop_front();
                }
                let (at, reason) = (view.since, view.reason.clone().filter(|_| !ended_as_expected));
                snapshot.timeline.push_back(Transition { state: view.state, at, reason });
            }
            snapshot.connection = view.clone();
        }
        Change::Pairing(pairing) => snapshot.pairing.clone_from(pairing),
        Change::Linking(linking) => snapshot.linking = linking.clone(),
        Change::Account(account) => snapshot.account.clone_from(account),
        Change::MessageAdded(message) => {
            snapshot.counters.messages_received += u64::from(message.is_received());
            if snapshot.feed.len() >= FEED_CAPACITY {
                snapshot.feed.pop_front();
            }
            snapshot.feed.push_back(Arc::clone(message));
        }
        Change::MessageProgressed { id, from, delivery } => {
            let passed = |point: DeliveryState| u64::from(*from < point && delivery.state >= point);
            snapshot.counters.messages_sent += passed(DeliveryState::Sent);
            snapshot.counters.messages_delivered += passed(DeliveryState::Delivered);
            snapshot.counters.messages_read += passed(DeliveryState::Read);
            snapshot.counters.messages_failed += u64::from(delivery.state == DeliveryState::Failed);
            snapshot.counters.messages_expired += u64::from(delivery.state == DeliveryState::Expired);
            snapshot.counters.messages_cancelled += u64::from(delivery.state == DeliveryState::Cancelled);
            let found = snapshot.feed.iter_mut().rev().find(|m| m.id == *id && m.direction == Direction::Out);
            if let Some(message) = found {
                Arc::make_mut(message).delivery = Some(delivery.clone());
            }
        }
        Change::Queue(waiting) => snapshot.queue = *waiting,
        Change::Pacing(view) => snapshot.pacing = *view,
        Change::Lateness(view) => snapshot.lateness = *view,
        Change::Restriction(view) => snapshot.restriction.clone_from(view),
        Change::Groups(subjects) => snapshot.groups = subjects.clone(),
        Change::Counted(counters) => {
            snapshot.counters.duplicates = counters.duplicates;
            snapshot.counters.protocol_errors = counters.protocol_errors;
            snapshot.counters.unknown_events = counters.unknown_events;
            snapshot.counters.log_lines_dropped = counters.log_lines_dropped;
        }
        Change::Error(error) => snapshot.last_error = Some(error.clone()),
        Change::Store(view) => snapshot.store = view.clone(),
        Change::Webhooks(views) => snapshot.webhooks.clone_from(views),
        Change::Host(sample) => snapshot.host = **sample,
    }
}
