//! Which messages are shown, and which one is chosen.
//!
//! * While it follows, it shows what the engine told last, and holds nothing of its own.
//! * Whoever goes up is left in peace: what is shown then is a [`Window`] that moves only with the keys. More of it is
//!   looked up as it is needed, never waited for.
//! * One page is looked up at a time. An answer that nobody waits for any more is dropped.

pub mod window;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::state::{Change, Find, FindError, Found, LookUp, Message, Order, RequestId};
use window::{Edge, Row, Side, Start, Window};

/// How many messages are to be held beyond the chosen one before more are looked up.
const MARGIN: usize = 100;

/// How many messages are looked up at once, and taken in at most.
const PAGE: usize = 100;

/// The messages, as this console shows them.
#[derive(Debug, Default)]
pub struct Feed {
    /// What is held; none: what the engine told last is shown.
    window: Option<Window>,
    /// The number of the chosen message; none: the newest is followed.
    selected: Option<i64>,
    /// How many messages came since the newest was left.
    unseen: u64,
    /// What is being looked up.
    asked: Option<Asked>,
    /// To the oldest message as soon as it is found.
    to_top: bool,
    /// The columns and rows in which the messages were drawn last: a screenful depends on them.
    pub size: Cell<(u16, u16)>,
}

/// A look-up under way.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: RequestId,
    goal: Goal,
    /// Something came meanwhile that the answer may lack.
    came: bool,
}

/// What an answer is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    More(Side),
    Top,
    /// Not any more.
    Nothing,
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

    /// The newest message is not followed.
    pub fn is_frozen(&self) -> bool {
        self.selected.is_some()
    }

    /// How many messages came since the newest was left.
    pub fn unseen(&self) -> u64 {
        self.unseen
    }

    /// Something is being looked up that is waited for.
    pub fn is_looking(&self) -> bool {
        self.to_top
            || (self.chosen() == Some(0) && self.asked.is_some_and(|asked| asked.goal == Goal::More(Side::Older)))
    }

    /// The first row is the oldest message that is kept.
    pub fn begins(&self) -> bool {
        self.window.as_ref().is_some_and(|window| window.older == Edge::End)
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
    pub fn follow(&mut self) {
        *self = Self { asked: self.asked.take(), size: self.size.clone(), ..Self::default() };
        self.forget_asked();
    }

    /// The answer to what was looked up is not wanted any more.
    fn forget_asked(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.goal = Goal::Nothing;
        }
    }

    /// Moves the choice so many rows up or, when negative, down. Beyond the newest message it is followed again.
    pub fn scroll(&mut self, told: &VecDeque<Arc<Message>>, up: i64) {
        let Some(at) = self.selected else {
            if up > 0 && self.freeze(told) {
                self.scroll(told, up - 1);
            }
            return;
        };
        self.try_again();
        let Some(window) = &self.window else { return };
        let (numbers, newest) = (window.numbers(), window.newer == Edge::End);
        let at = at.clamp(numbers.start, numbers.end);
        let to = at.saturating_sub(up);
        if to >= numbers.end && newest {
            return self.follow();
        }
        self.selected = Some(to.min(numbers.end - 1).max(numbers.start));
    }

    /// Stays where it is: what is shown now is held, and its newest message is chosen. False: there is none.
    fn freeze(&mut self, told: &VecDeque<Arc<Message>>) -> bool {
        let window = self.window.get_or_insert_with(|| Window::of_newest(told.iter().cloned(), before(told)));
        if window.len() == 0 {
            self.window = None;
            return false;
        }
        self.selected = Some(window.numbers().end - 1);
        true
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

    /// What could not be looked up may be tried again.
    fn try_again(&mut self) {
        let Some(window) = &mut self.window else { return };
        for side in [Side::Older, Side::Newer] {
            let edge = window.edge(side);
            if let Edge::Failed(start, _) = edge {
                *edge = Edge::More(start.clone());
            }
        }
    }

    /// Takes a change in that the engine told.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::MessageAdded(message) => {
                self.unseen += u64::from(self.is_frozen());
                if let Some(asked) = &mut self.asked {
                    asked.came = true;
                }
                let Some(window) = &mut self.window else { return };
                if window.len() < window::CAPACITY {
                    window.push(message);
                } else {
                    window.missed();
                }
            }
            Change::MessageProgressed { .. } => {
                if let Some(window) = &mut self.window {
                    window.progressed(change);
                }
            }
            Change::Bridge(_)
            | Change::Connection(_)
            | Change::Pairing(_)
            | Change::Linking(_)
            | Change::Account(_)
            | Change::Queue(_)
            | Change::Pacing(_)
            | Change::Restriction(_)
            | Change::Counted(_)
            | Change::Error(_)
            | Change::Store(_)
            | Change::Host(_) => {}
        }
    }

    /// Changes were missed: there may be messages that nobody told.
    pub fn missed(&mut self) {
        if let Some(window) = &mut self.window {
            window.missed();
        }
        if let Some(asked) = &mut self.asked {
            asked.came = true;
        }
    }

    /// What is to be looked up now, under the number `id`.
    pub fn look_up(&mut self, id: RequestId) -> Option<LookUp> {
        if self.asked.is_some() {
            return None;
        }
        let (goal, start) = if self.to_top {
            (Goal::Top, Start::Outside)
        } else {
            let (side, start) = self.wanted()?;
            (Goal::More(side), start)
        };
        self.asked = Some(Asked { id, goal, came: false });
        let order = match goal {
            Goal::More(Side::Older) => Order::NewestFirst,
            Goal::More(Side::Newer) | Goal::Top | Goal::Nothing => Order::OldestFirst,
        };
        let find = Find { order, limit: PAGE, ..Find::default() };
        Some(match start {
            Start::Outside => LookUp::after(&find, None),
            Start::Place(place) => LookUp::after(&find, Some(place)),
            Start::Message(chat, message) => LookUp::Messages { find, behind: Some((chat, message)) },
        })
    }

    /// On which side there is too little beyond the chosen message, and from where to look on.
    fn wanted(&self) -> Option<(Side, Start)> {
        let window = self.window.as_ref()?;
        let chosen = self.chosen().unwrap_or(window.len());
        let below = window.len().saturating_sub(chosen + 1);
        let older = window.older.more().filter(|_| chosen < MARGIN).map(|start| (Side::Older, start.clone()));
        let newer = || window.newer.more().filter(|_| below < MARGIN).map(|start| (Side::Newer, start.clone()));
        older.or_else(newer)
    }

    /// This is the number of a look-up of the feed.
    pub fn awaits(&self, id: RequestId) -> bool {
        self.asked.is_some_and(|asked| asked.id == id)
    }

    /// Takes the answer in.
    pub fn found(&mut self, found: Found) {
        let Some(asked) = self.asked.take() else { return };
        let side = match asked.goal {
            Goal::Nothing => return,
            Goal::More(side) => side,
            Goal::Top => Side::Newer,
        };
        match found {
            Found::Messages(page) => {
                if asked.goal == Goal::Top {
                    self.window = Some(Window::of_oldest());
                    self.selected = Some(0);
                    self.to_top = false;
                }
                let Some(window) = &mut self.window else { return };
                window.extend(side, page, |_| true);
                if side == Side::Newer && asked.came {
                    window.missed();
                }
            }
            Found::Failed(error) => {
                self.to_top = false;
                let Some(window) = &mut self.window else { return };
                let edge = window.edge(if asked.goal == Goal::Top { Side::Older } else { side });
                let start = edge.more().cloned().unwrap_or(Start::Outside);
                *edge = Edge::Failed(start, error);
            }
        }
    }
}

/// Where to look for what was before these.
fn before(told: &VecDeque<Arc<Message>>) -> Start {
    told.front().map_or(Start::Outside, |first| Start::Message(first.chat.id.clone(), first.id.clone()))
}
