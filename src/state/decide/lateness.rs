//! How late messages come in: how long after WhatsApp took them they get here.
//!
//! A message carries the time at which WhatsApp's server took it, by the server's clock. That alone says little, so:
//!
//! * The clocks of the server and of this machine may differ. What counts is how much later a message comes than the
//!   one that came soonest, of the last one to two hours and since the clock was last set: a difference between the
//!   clocks is in both. (A clock that is set right by and by, at 500 ppm as NTP does, moves less in two hours than
//!   [`LATE`].) So a clock that is off makes it too little at most.
//! * What was written while there was no connection is old by nature. Only what was written after it opened counts.
//! * One message can be old for a reason of its own. Only a row of [`ROW`] messages, over at least [`LASTING`] and
//!   without a long gap, each of which came late, is told of; it is over with the first that does not, and when no more
//!   come.

use std::time::Duration;

use super::super::{Change, Effect, LatenessView, TimerId};
use super::Turn;
use crate::clock::{Mono, Now, Timestamp};

/// This is late.
const LATE: Duration = Duration::from_secs(5);

/// So many messages in a row have to be late.
const ROW: u32 = 5;

/// The row has to last so long.
const LASTING: Duration = Duration::from_secs(2);

/// After so long without a message nothing is said any more.
const QUIET: Duration = Duration::from_secs(10);

/// The clock was set when it has moved so many milliseconds against the time since the start.
const SET: u64 = 1_000;

/// So long one looks back for the message that came soonest, and up to twice that.
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug, Default)]
pub(super) struct Lateness {
    soonest: Option<Soonest>,
    row: Option<Row>,
    /// A timer is set that looks whether messages still come.
    watched: bool,
}

/// The least age that a message came with, in milliseconds, by the two clocks.
#[derive(Clone, Copy, Debug)]
struct Soonest {
    /// In this hour, which began then, and in the one before.
    age: i64,
    hour: Mono,
    before: Option<i64>,
    /// The wall's time when the process started, by what the clock says in this hour.
    started: i64,
}

impl Soonest {
    fn age(self) -> i64 {
        self.before.map_or(self.age, |before| before.min(self.age))
    }

    /// With a message of this age.
    fn with(self, age: i64, now: Now) -> Self {
        match now.mono.since(self.hour) {
            time if time < HOUR => Self { age: self.age.min(age), ..self },
            time => Self { age, hour: now.mono, before: (time < 2 * HOUR).then_some(self.age), ..self },
        }
    }
}

/// Messages of which each came late.
#[derive(Clone, Copy, Debug)]
struct Row {
    since: Mono,
    last: Mono,
    messages: u32,
}

/// When the process started, in milliseconds, by what the clock says now.
fn started(now: Now) -> i64 {
    now.wall.minus(now.mono.elapsed()).as_millis()
}

impl Turn<'_> {
    /// A message came in that WhatsApp took at this time, by its clock.
    pub(super) fn came_in(&mut self, taken: Option<Timestamp>) {
        let (connection, now) = (&self.state.snapshot.connection, self.now);
        let Some(taken) = taken.filter(|_| connection.state.is_up()) else { return };
        let lateness = &mut self.state.lateness;
        if lateness.soonest.is_some_and(|soonest| soonest.started.abs_diff(started(now)) > SET) {
            *lateness = Lateness { watched: lateness.watched, ..Lateness::default() };
        }
        let age = now.wall.as_millis().saturating_sub(taken.as_millis());
        // When it was written by this machine's clock, as far as that can be known. WhatsApp tells whole seconds.
        let offset = lateness.soonest.map_or(0, Soonest::age);
        let written = taken.as_millis().saturating_add(offset).saturating_add(999);
        if written < connection.since.as_millis() {
            return;
        }
        let first = Soonest { age, hour: now.mono, before: None, started: started(now) };
        let soonest = lateness.soonest.map_or(first, |soonest| soonest.with(age, now));
        lateness.soonest = Some(soonest);
        let late = age.saturating_sub(soonest.age());
        let late = Duration::from_millis(u64::try_from(late).unwrap_or(0));
        if late < LATE {
            return self.in_time();
        }
        let goes_on = lateness.row.filter(|row| now.mono.since(row.last) < QUIET);
        let row = goes_on.unwrap_or(Row { since: now.mono, last: now.mono, messages: 0 });
        let row = Row { last: now.mono, messages: row.messages.saturating_add(1), ..row };
        lateness.row = Some(row);
        if row.messages < ROW || now.mono.since(row.since) < LASTING {
            return;
        }
        // Once a second is enough for whoever reads it.
        let shown = self.state.snapshot.lateness;
        let view = LatenessView { seconds: late.as_secs(), at: now.wall };
        if shown.is_none_or(|old| old.seconds != view.seconds && now.wall.since(old.at) >= Duration::from_secs(1)) {
            self.change(Change::Lateness(Some(view)));
        }
        self.watch_lateness(QUIET);
    }

    fn watch_lateness(&mut self, after: Duration) {
        if !std::mem::replace(&mut self.state.lateness.watched, true) {
            self.effect(Effect::SetTimer { timer: TimerId::Lateness, after });
        }
    }

    /// Looks whether messages still come.
    pub(super) fn lateness_timer(&mut self) {
        self.state.lateness.watched = false;
        match self.state.lateness.row {
            Some(row) if self.now.mono.since(row.last) < QUIET => {
                self.watch_lateness(QUIET.saturating_sub(self.now.mono.since(row.last)));
            }
            Some(_) | None => self.in_time(),
        }
    }

    /// Messages do not come late, or none comes.
    pub(super) fn in_time(&mut self) {
        self.state.lateness.row = None;
        if self.state.snapshot.lateness.is_some() {
            self.change(Change::Lateness(None));
        }
    }
}
