//! The bridge's memory: shown, and bounded by replacing a bridge that uses too much.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{BridgeState, BridgeView, Change, Effect, ExitClass, Incarnation, TimerId};
use super::Turn;
use super::budget::{Budget, TIMES};
use crate::state::sample::visibly_different;

/// How long what is in flight is waited for before a bridge is replaced. The default bridge answers within 20 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What the host asks of a bridge that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeLimits {
    /// How often it is asked for a sign of life.
    pub heartbeat: Duration,
    /// The most resident memory, in bytes; none: as much as it likes.
    pub rss_bytes: Option<u64>,
    /// How long the connection counts as proven by an answer of WhatsApp's server; zero: for ever.
    pub proof: Duration,
}

impl Default for BridgeLimits {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(20), rss_bytes: None, proof: Duration::from_secs(60) }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// One that needs more than it may would otherwise be replaced for ever.
    replaced: Budget,
    /// The run that drains.
    draining: Option<Incarnation>,
    /// The last run for which it was told that it is left as it is.
    told: Incarnation,
}

impl Turn<'_> {
    pub(super) fn bridge_memory(&mut self, rss_bytes: Option<u64>) {
        // A process that has just begun, or has ended, has none: that says nothing.
        let Some(used) = rss_bytes.filter(|used| *used > 0) else { return };
        // Before its first word it may not be the program yet that was started, but what starts it.
        if self.state.heard && visibly_different(self.state.snapshot.bridge.rss_bytes, rss_bytes) {
            let view = BridgeView { rss_bytes, ..self.state.snapshot.bridge.clone() };
            self.change(Change::Bridge(view));
        }
        if let Some(limit) = self.state.limits.rss_bytes.filter(|limit| used > *limit) {
            self.too_much_memory(used >> 20, limit >> 20);
        }
    }

    /// Begins to replace the bridge, unless that was done too often already.
    fn too_much_memory(&mut self, used_mb: u64, limit_mb: u64) {
        let bridge = &self.state.snapshot.bridge;
        let incarnation = bridge.incarnation;
        if bridge.state != BridgeState::Running {
            return;
        }
        let (now, memory) = (self.now.mono, &mut self.state.memory);
        let over = format!("the bridge uses {used_mb} MiB of memory and may use {limit_mb}");
        if !memory.replaced.take(now) {
            if std::mem::replace(&mut memory.told, incarnation) != incarnation {
                self.error(format!(
                    "{over}; it was restarted {TIMES} times in an hour and is left running: raise \
                     bridge_rss_limit_mb, or see what it does"
                ));
            }
            return;
        }
        memory.draining = Some(incarnation);
        self.error(format!("{over}; it is restarted once the messages in flight are answered"));
        let view = BridgeView { state: BridgeState::Draining, ..self.state.snapshot.bridge.clone() };
        self.change(Change::Bridge(view));
        self.effect(Effect::SetTimer { timer: TimerId::Drained { incarnation }, after: DRAIN_TIMEOUT });
    }

    /// Replaces a draining bridge when nothing is in flight any more.
    pub(super) fn replace_when_drained(&mut self) {
        if self.state.outbox.in_flight() == 0 {
            self.replace_draining(self.state.snapshot.bridge.incarnation);
        }
    }

    /// Replaces this run of the bridge if it drains.
    pub(super) fn replace_draining(&mut self, incarnation: Incarnation) {
        let bridge = &self.state.snapshot.bridge;
        let drains = bridge.state == BridgeState::Draining && self.state.memory.draining == Some(incarnation);
        if drains && bridge.incarnation == incarnation {
            self.state.memory.draining = None;
            self.effect(Effect::ReplaceBridge { incarnation, class: ExitClass::Memory });
        }
    }
}
