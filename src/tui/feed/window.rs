//! The messages that the console holds while it does not simply follow: a part of what is kept, with two ends that can
//! be moved on.
//!
//! * It never holds more than [`CAPACITY`] messages: what comes in at one end pushes out at the other.
//! * Each message has a number that it keeps while it is here. The next older one has the number before.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::state::{ChatId, Delivery, Direction, FindError, Listed, Message, MessageId, Page, Place};

/// How many messages a window holds at most: some screenfuls of the largest terminal.
pub const CAPACITY: usize = 400;

/// How many messages are taken in at once at most: so many that none is pushed out that is still needed.
pub const TAKEN: usize = 100;

/// A message that the console holds.
#[derive(Clone, Debug)]
pub struct Row {
    /// The message.
    pub message: Arc<Message>,
    /// Where it is kept, where that is known.
    place: Option<Place>,
    /// Its text has more.
    pub truncated: bool,
}

impl Row {
    /// A message with all of its text, as the engine tells it.
    pub fn told(message: Arc<Message>) -> Self {
        Self { message, place: None, truncated: false }
    }

    fn is(&self, other: &Message) -> bool {
        self.message.id == other.id && self.message.chat.id == other.chat.id
    }

    fn start(&self) -> Start {
        match self.place {
            Some(place) => Start::Place(place),
            None => Start::Message(self.message.chat.id.clone(), self.message.id.clone()),
        }
    }
}

impl From<Listed> for Row {
    fn from(Listed { message, truncated, place }: Listed) -> Self {
        Self { message: Arc::new(message), place: Some(place), truncated }
    }
}

/// From where one looks on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the beginning, or from the end.
    Outside,
    /// From this place.
    Place(Place),
    /// From this message.
    Message(ChatId, MessageId),
}

/// What is beyond an end of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Nothing.
    End,
    /// Perhaps more, to be looked for from here.
    More(Start),
    /// It could not be found out; tried again when somebody asks for it.
    Failed(Start, FindError),
}

impl Edge {
    /// From where to look on; none: there is nothing, or nothing that is to be tried by itself.
    pub fn more(&self) -> Option<&Start> {
        match self {
            Self::More(start) => Some(start),
            Self::End | Self::Failed(..) => None,
        }
    }
}

/// An end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What came before.
    Older,
    /// What came after.
    Newer,
}

/// A part of what is kept.
#[derive(Clone, Debug)]
pub struct Window {
    rows: VecDeque<Row>,
    /// The number of the first row.
    first: i64,
    /// What is before the first row.
    pub older: Edge,
    /// What is after the last row.
    pub newer: Edge,
}

impl Window {
    /// What the engine told last, of which more may be kept.
    pub fn of_newest(messages: impl Iterator<Item = Arc<Message>>, before: Start) -> Self {
        let rows = messages.map(Row::told).collect();
        Self { rows, first: 0, older: Edge::More(before), newer: Edge::End }
    }

    /// Nothing yet, to be filled from the oldest message on.
    pub fn of_oldest() -> Self {
        Self { rows: VecDeque::new(), first: 0, older: Edge::End, newer: Edge::More(Start::Outside) }
    }

    /// This message with all that is kept around it.
    pub fn around(row: Row) -> Self {
        let start = row.start();
        Self { rows: [row].into(), first: 0, older: Edge::More(start.clone()), newer: Edge::More(start) }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, oldest first.
    pub fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// The numbers of the first row and of the one after the last.
    pub fn numbers(&self) -> std::ops::Range<i64> {
        self.first..self.first.saturating_add_unsigned(self.rows.len() as u64)
    }

    /// Which row has this number.
    pub fn index(&self, number: i64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok().filter(|at| *at < self.rows.len())
    }

    /// The edge of this side.
    pub fn edge(&mut self, side: Side) -> &mut Edge {
        match side {
            Side::Older => &mut self.older,
            Side::Newer => &mut self.newer,
        }
    }

    /// Adds a message that has just come, when it is the next one. What is twice is taken once.
    pub fn push(&mut self, message: &Arc<Message>) {
        if self.newer == Edge::End && !self.rows.iter().rev().any(|row| row.is(message)) {
            self.rows.push_back(Row::told(Arc::clone(message)));
            self.cut(Side::Older);
        }
    }

    /// Takes in a page that was looked for on one side: those of its messages that are wanted, as many as
    /// fit. Returns how many were looked at.
    pub fn extend(&mut self, side: Side, page: Page<Listed>, wanted: impl Fn(&Message) -> bool) -> usize {
        let (mut taken, mut looked) = (0, 0);
        let all = page.items.len();
        let mut beyond = page.next.map(Start::Place);
        for listed in page.items {
            looked += 1;
            // What was told before it was found is here already.
            let known = side == Side::Newer && self.rows.iter().rev().any(|row| row.is(&listed.message));
            if known || !wanted(&listed.message) {
                continue;
            }
            taken += 1;
            if taken == TAKEN && looked < all {
                beyond = Some(Start::Place(listed.place));
            }
            match side {
                Side::Older => {
                    self.rows.push_front(listed.into());
                    self.first -= 1;
                }
                Side::Newer => self.rows.push_back(listed.into()),
            }
            if taken == TAKEN {
                break;
            }
        }
        *self.edge(side) = beyond.map_or(Edge::End, Edge::More);
        self.cut(match side {
            Side::Older => Side::Newer,
            Side::Newer => Side::Older,
        });
        looked
    }

    /// Brings what has become of a message of ours up to date. Returns where it is.
    pub fn progressed(&mut self, id: &MessageId, delivery: &Delivery) -> Option<usize> {
        let is_meant = |row: &Row| row.message.id == *id && row.message.direction == Direction::Out;
        let at = self.rows.iter().rposition(is_meant)?;
        let row = self.rows.get_mut(at)?;
        Arc::make_mut(&mut row.message).delivery = Some(Box::new(delivery.clone()));
        Some(at)
    }

    /// Takes a row out.
    pub fn remove(&mut self, at: usize) {
        self.rows.remove(at);
    }

    /// Puts a message in by its time, which was not to be here until now.
    pub fn insert(&mut self, message: &Arc<Message>) {
        let at = self.rows.iter().rposition(|row| row.message.at <= message.at).map_or(0, |at| at + 1);
        if at > 0 || self.older == Edge::End || self.rows.is_empty() {
            self.rows.insert(at, Row::told(Arc::clone(message)));
            self.cut(Side::Older);
        }
    }

    /// There may be more after the last row than was told.
    pub fn missed(&mut self) {
        if self.newer == Edge::End {
            self.newer = Edge::More(self.rows.back().map_or(Start::Outside, Row::start));
        }
    }

    /// Lets rows go at this side until it holds no more than it may.
    fn cut(&mut self, side: Side) {
        while self.rows.len() > CAPACITY {
            match side {
                Side::Older => {
                    self.rows.pop_front();
                    self.first += 1;
                    self.older = Edge::More(self.rows.front().map_or(Start::Outside, Row::start));
                }
                Side::Newer => {
                    self.rows.pop_back();
                    self.newer = Edge::More(self.rows.back().map_or(Start::Outside, Row::start));
                }
            }
        }
    }
}
