//! Which messages are shown, and which one is chosen.
//!
//! * While it follows everything, it shows what the engine told last, and holds nothing of its own.
//! * Whoever goes up is left in peace: what is shown then is a [`Window`] that moves only with the keys. More of it is
//!   looked up as it is needed, never waited for. So it is with a filter, whose window takes in what comes.
//! * One page is looked up at a time. An answer that nobody waits for any more is dropped.
//! * What a filter has to look through is bounded: it stops after [`BUDGET`] messages until a key asks for more.

mod looking;
pub mod sieve;
pub mod window;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::state::{Change, FindError, Message};
use looking::{Asked, Goal};
use sieve::Sieve;
use window::{Edge, Row, Side, Start, Window};

/// How many messages a filter looks through before it stops to be asked for more.
pub const BUDGET: usize = 20_000;

/// The same, when it has to begin anew though nobody asked.
const BUDGET_MISSED: usize = 2_000;

/// The messages, as this console shows them.
#[derive(Debug, Default)]
pub struct Feed {
    /// What is held; none: what the engine told last is shown.
    window: Option<Window>,
    /// The number of the chosen message; none: the newest is followed.
    selected: Option<i64>,
    /// How many messages came since the newest was left.
    unseen: u64,
    /// How many came since they were all drawn, while the newest is followed; and whether these are to be drawn later.
    behind: usize,
    held: bool,
    /// Only what it lets through is shown.
    sieve: Option<Sieve>,
    /// What was filtered by last: what `n` searches for.
    last_sieve: Option<Sieve>,
    /// How many messages the filter has looked at, and after how many more it stops.
    looked: usize,
    budget: usize,
    /// Not everything is sorted in for searches yet.
    incomplete: bool,
    /// What is being looked up.
    asked: Option<Asked>,
    /// To the oldest message as soon as it is found.
    to_top: bool,
    /// To the next message in this direction that the last filter lets through, from there on.
    seeking: Option<(Side, Start)>,
    /// The columns and rows in which the messages were drawn last: a screenful depends on them.
    pub size: Cell<(u16, u16)>,
}

/// The messages that are shown, oldest first.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// As the engine told them.
    Told(&'a VecDeque<Arc<Message>>),
    /// As the console holds them.
    Held(&'a VecDeque<Row>),
}

impl<'a> Rows<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Self::Told(messages) => messages.len(),
            Self::Held(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn get(self, index: usize) -> Option<&'a Arc<Message>> {
        match self {
            Self::Told(messages) => messages.get(index),
            Self::Held(rows) => rows.get(index).map(|row| &row.message),
        }
    }
}

impl Feed {
    /// The messages that are shown, given those that the engine told last.
    pub fn rows<'a>(&'a self, told: &'a VecDeque<Arc<Message>>) -> Rows<'a> {
        self.window.as_ref().map_or(Rows::Told(told), |window| Rows::Held(window.rows()))
    }

    /// Which of the rows is chosen; none: the newest is followed.
    pub fn chosen(&self) -> Option<usize> {
        let window = self.window.as_ref()?;
        let numbers = window.numbers();
        let last = numbers.end.checked_sub(1)?;
        window.index(self.selected?.clamp(numbers.start, last.max(numbers.start)))
    }

    /// The chosen row.
    pub fn chosen_row(&self) -> Option<&Row> {
        self.window.as_ref()?.rows().get(self.chosen()?)
    }

    /// The newest message is not followed.
    pub fn is_frozen(&self) -> bool {
        self.selected.is_some()
    }

    /// How many messages came since the newest was left.
    pub fn unseen(&self) -> u64 {
        self.unseen
    }

    /// How many of the newest rows are not drawn yet: the line to the terminal had no room for them.
    pub fn behind(&self) -> usize {
        if self.held { self.behind } else { 0 }
    }

    /// Has all rows drawn, or only those that were drawn before.
    pub fn draw_all(&mut self, all: bool) {
        self.held = !all;
        if all {
            self.behind = 0;
        }
    }

    /// What is filtered by.
    pub fn filter(&self) -> Option<&Sieve> {
        self.sieve.as_ref()
    }

    /// What is searched for.
    pub fn searched(&self) -> Option<&Sieve> {
        self.last_sieve.as_ref()
    }

    /// How many messages the filter has looked at, and whether it stopped there though there may be more.
    pub fn looked(&self) -> (usize, bool) {
        let more = self.window.as_ref().is_some_and(|window| window.older.more().is_some());
        (self.looked, more && self.budget == 0)
    }

    /// The first row is the oldest message that is kept.
    pub fn begins(&self) -> bool {
        self.window.as_ref().is_some_and(|window| window.older == Edge::End)
    }

    /// Not everything is sorted in for searches yet.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete && self.sieve.is_some()
    }

    /// Why more could not be looked up.
    pub fn failure(&self) -> Option<&FindError> {
        let window = self.window.as_ref()?;
        [&window.older, &window.newer].into_iter().find_map(|edge| match edge {
            Edge::Failed(_, error) => Some(error),
            Edge::End | Edge::More(_) => None,
        })
    }

    /// To the newest message, following it.
    pub fn follow(&mut self, told: &VecDeque<Arc<Message>>) {
        self.set_filter(self.sieve.clone(), told);
    }

    /// Shows only what a filter lets through, the newest first of all; none: everything.
    pub fn set_filter(&mut self, sieve: Option<Sieve>, told: &VecDeque<Arc<Message>>) {
        self.forget_asked();
        *self = Self {
            window: sieve.as_ref().map(|sieve| {
                let kept = told.iter().filter(|message| sieve.lets_through(message));
                Window::of_newest(kept.cloned(), before(told))
            }),
            last_sieve: sieve.clone().or_else(|| self.last_sieve.take()),
            sieve,
            looked: told.len(),
            budget: BUDGET,
            asked: self.asked.take(),
            size: self.size.clone(),
            ..Self::default()
        };
    }

    /// Filters by the same words, which mean other messages now. Who looks at one is left in peace.
    pub fn read_anew(&mut self, sieve: Sieve, told: &VecDeque<Arc<Message>>) {
        if self.is_frozen() {
            self.last_sieve = Some(sieve.clone());
            self.sieve = Some(sieve);
        } else {
            self.set_filter(Some(sieve), told);
        }
    }

    /// Shows everything again, around the chosen message.
    pub fn unfilter(&mut self, told: &VecDeque<Arc<Message>>) {
        let row = self.chosen_row().cloned();
        if self.sieve.is_some() {
            self.set_filter(None, told);
            if let Some(row) = row {
                self.show(row);
            }
        }
    }

    /// Shows this message and what is around it.
    fn show(&mut self, row: Row) {
        self.window = Some(Window::around(row));
        self.selected = Some(0);
    }

    /// The answer to what was looked up is not wanted any more.
    fn forget_asked(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.goal = Goal::Nothing;
        }
    }

    /// Moves the choice so many rows up or, when negative, down. Beyond the newest message it is followed again.
    pub fn scroll(&mut self, told: &VecDeque<Arc<Message>>, up: i64) {
        self.try_again();
        let Some(at) = self.selected else {
            if up > 0 && self.freeze(told) {
                self.scroll(told, up - 1);
            }
            return;
        };
        let Some(window) = &self.window else { return };
        let (numbers, newest) = (window.numbers(), window.newer == Edge::End);
        let at = at.clamp(numbers.start, numbers.end);
        let to = at.saturating_sub(up);
        if to >= numbers.end && newest {
            return self.follow(told);
        }
        self.selected = Some(to.min(numbers.end - 1).max(numbers.start));
    }

    /// Stays where it is: what is shown now is held, and its newest message is chosen. False: there is none.
    fn freeze(&mut self, told: &VecDeque<Arc<Message>>) -> bool {
        let window = self.window.get_or_insert_with(|| Window::of_newest(told.iter().cloned(), before(told)));
        if !window.is_empty() {
            self.selected = Some(window.numbers().end - 1);
        } else if self.sieve.is_none() {
            self.window = None;
        }
        self.selected.is_some()
    }

    /// To the oldest message that is kept.
    pub fn top(&mut self, told: &VecDeque<Arc<Message>>) {
        if self.selected.is_none() && !self.freeze(told) {
            return;
        }
        self.try_again();
        let Some(window) = &self.window else { return };
        if window.older == Edge::End {
            self.selected = Some(window.numbers().start);
        } else {
            self.to_top = true;
            self.forget_asked();
        }
    }

    /// What could not be looked up may be tried again, and a filter may look on.
    fn try_again(&mut self) {
        self.budget = BUDGET;
        self.seeking = None;
        let Some(window) = &mut self.window else { return };
        for side in [Side::Older, Side::Newer] {
            let edge = window.edge(side);
            if let Edge::Failed(start, _) = edge {
                *edge = Edge::More(start.clone());
            }
        }
    }

    /// Takes a change in that the engine told; `told` is what it told last, this included.
    pub fn apply(&mut self, change: &Change, told: &VecDeque<Arc<Message>>) {
        match change {
            Change::MessageAdded(message) => {
                if self.sieve.as_ref().is_some_and(|sieve| !sieve.lets_through(message)) {
                    return;
                }
                if let Some(asked) = &mut self.asked {
                    asked.came = true;
                }
                self.unseen += u64::from(self.is_frozen());
                self.behind += usize::from(!self.is_frozen());
                let Some(window) = &mut self.window else { return };
                if self.selected.is_none() || window.len() < window::CAPACITY {
                    window.push(message);
                } else {
                    window.missed();
                }
            }
            Change::MessageProgressed { id, delivery, .. } => {
                let Some(window) = &mut self.window else { return };
                let at = window.progressed(id, delivery);
                // Who looks at it is not to lose it.
                let Some(sieve) = self.sieve.as_ref().filter(|_| self.selected.is_none()) else { return };
                let message = told.iter().rev().find(|m| m.id == *id && m.delivery.is_some());
                match (at, message, message.is_some_and(|m| sieve.lets_through(m))) {
                    (Some(at), Some(_), false) => window.remove(at),
                    (None, Some(message), true) => window.insert(message),
                    (Some(_) | None, Some(_) | None, _) => {}
                }
            }
            Change::Bridge(_)
            | Change::Connection(_)
            | Change::Pairing(_)
            | Change::Linking(_)
            | Change::Account(_)
            | Change::Queue(_)
            | Change::Pacing(_)
            | Change::Lateness(_)
            | Change::Restriction(_)
            | Change::Groups(_)
            | Change::Counted(_)
            | Change::Error(_)
            | Change::Store(_)
            | Change::Host(_)
            | Change::Webhooks(_) => {}
        }
    }

    /// Changes were missed: there may be messages that nobody told.
    pub fn missed(&mut self, told: &VecDeque<Arc<Message>>) {
        if self.selected.is_none() {
            self.follow(told);
            // A slow terminal may miss changes again and again.
            self.budget = BUDGET_MISSED;
            return;
        }
        if let Some(window) = &mut self.window {
            window.missed();
        }
        if let Some(asked) = &mut self.asked {
            asked.came = true;
        }
    }
}

/// Where to look for what was before these.
fn before(told: &VecDeque<Arc<Message>>) -> Start {
    told.front().map_or(Start::Outside, |first| Start::Message(first.chat.id.clone(), first.id.clone()))
}
