//! What the feed looks up, and what it does with the answers.

use std::collections::VecDeque;
use std::sync::Arc;

use super::window::{Edge, Side, Start, TAKEN, Window};
use super::{BUDGET, Feed};
use crate::state::{Find, Found, Listed, LookUp, Message, Order, Page, RequestId};

/// How many messages are to be held beyond the chosen one before more are looked up.
const MARGIN: usize = 100;

/// How many messages are looked at for each page, when only some of them are wanted.
const SIEVED: usize = 300;

/// A look-up under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    id: RequestId,
    pub(super) goal: Goal,
    /// Something came meanwhile that the answer may lack.
    pub(super) came: bool,
}

/// What an answer is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// More of what is shown.
    More(Side),
    /// The oldest message.
    Top,
    /// The next that is searched for.
    Next(Side),
    /// Nothing any more.
    Nothing,
}

impl Goal {
    const fn side(self) -> Side {
        match self {
            Self::More(side) | Self::Next(side) => side,
            Self::Top | Self::Nothing => Side::Newer,
        }
    }
}

impl Feed {
    /// Something is being looked up that is waited for.
    pub fn is_looking(&self) -> bool {
        let at_the_edge = self.chosen().is_none_or(|at| at == 0);
        let more = self.asked.is_some_and(|asked| asked.goal == Goal::More(Side::Older));
        self.to_top || self.is_seeking() || (self.window.is_some() && at_the_edge && more)
    }

    fn is_seeking(&self) -> bool {
        self.seeking.is_some() && self.budget > 0
    }

    /// To the next message on this side that the last filter lets through. What is around it is shown as well.
    /// Returns what is to be said of it.
    pub fn search(&mut self, side: Side, told: &VecDeque<Arc<Message>>) -> Option<String> {
        let Some(sieve) = self.last_sieve.clone() else {
            return Some("nothing to search for yet; / takes it".to_owned());
        };
        if self.selected.is_none() && !self.freeze(told) {
            return Some(nothing(side, sieve.text()));
        }
        if self.sieve.is_some() {
            // The first step shows the chosen one among the others.
            self.unfilter(told);
            return None;
        }
        if self.seeking.as_ref().is_some_and(|(seeking, _)| *seeking == side) {
            // On from where it stopped.
            self.budget = BUDGET;
            return None;
        }
        self.try_again();
        let (window, chosen) = (self.window.as_ref()?, self.chosen()?);
        let is_meant = |at: &usize| window.rows().get(*at).is_some_and(|row| sieve.lets_through(&row.message));
        let (found, edge) = match side {
            Side::Older => ((0..chosen).rev().find(is_meant), &window.older),
            Side::Newer => ((chosen + 1..window.len()).find(is_meant), &window.newer),
        };
        match (found, edge.more()) {
            (Some(at), _) => self.selected = Some(window.numbers().start.saturating_add_unsigned(at as u64)),
            (None, Some(start)) => {
                self.looked = 0;
                self.seeking = Some((side, start.clone()));
                self.forget_asked();
            }
            (None, None) => return Some(nothing(side, sieve.text())),
        }
        None
    }

    /// What is to be looked up now, under the number `id`.
    pub fn look_up(&mut self, id: RequestId) -> Option<LookUp> {
        if self.asked.is_some() {
            return None;
        }
        let (goal, start) = if self.to_top {
            (Goal::Top, Start::Outside)
        } else if let Some((side, start)) = self.seeking.as_ref().filter(|_| self.budget > 0) {
            (Goal::Next(*side), start.clone())
        } else {
            let (side, start) = self.wanted()?;
            (Goal::More(side), start)
        };
        self.asked = Some(Asked { id, goal, came: false });
        let order = match goal.side() {
            Side::Older => Order::NewestFirst,
            Side::Newer => Order::OldestFirst,
        };
        let sieve = if matches!(goal, Goal::Next(_)) { &self.last_sieve } else { &self.sieve };
        let filter = sieve.as_ref().map(|sieve| sieve.narrowed()).unwrap_or_default();
        let limit = if sieve.as_ref().is_some_and(|sieve| sieve.is_finer()) { SIEVED } else { TAKEN };
        let find = Find { filter, order, limit, ..Find::default() };
        Some(match start {
            Start::Outside => LookUp::after(&find, None),
            Start::Place(place) => LookUp::after(&find, Some(place)),
            Start::Message(chat, message) => LookUp::Messages { find, behind: Some((chat, message)) },
        })
    }

    /// On which side there is too little beyond the chosen message, and from where to look on.
    fn wanted(&self) -> Option<(Side, Start)> {
        let window = self.window.as_ref().filter(|_| self.budget > 0)?;
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

    /// Takes the answer in. Returns what is to be said of it.
    pub fn found(&mut self, found: Found) -> Option<String> {
        let asked = self.asked.take()?;
        if asked.goal == Goal::Nothing {
            return None;
        }
        match found {
            Found::Message { .. } | Found::Chats(_) => None,
            Found::Messages(page) => {
                self.incomplete = !page.complete;
                if let Goal::Next(side) = asked.goal {
                    return self.sought(side, page);
                }
                if asked.goal == Goal::Top {
                    self.window = Some(Window::of_oldest());
                    self.selected = Some(0);
                    self.to_top = false;
                }
                let window = self.window.as_mut()?;
                let looked = window.extend(asked.goal.side(), page, |message| {
                    self.sieve.as_ref().is_none_or(|sieve| sieve.keeps(message))
                });
                if self.sieve.is_some() {
                    self.looked += looked;
                    self.budget = self.budget.saturating_sub(looked);
                }
                if asked.goal.side() == Side::Newer && asked.came {
                    window.missed();
                }
                None
            }
            Found::Failed(error) => {
                let searched =
                    matches!(asked.goal, Goal::Next(_)).then(|| format!("it could not be searched: {error}"));
                self.to_top = false;
                self.seeking = None;
                if searched.is_none()
                    && let Some(window) = &mut self.window
                {
                    let edge = window.edge(if asked.goal == Goal::Top { Side::Older } else { asked.goal.side() });
                    let start = edge.more().cloned().unwrap_or(Start::Outside);
                    *edge = Edge::Failed(start, error);
                }
                searched
            }
        }
    }

    /// Looks for what is searched for in a page, and on when it is not there.
    fn sought(&mut self, side: Side, page: Page<Listed>) -> Option<String> {
        let sieve = self.last_sieve.as_ref()?;
        self.looked += page.items.len();
        self.budget = self.budget.saturating_sub(page.items.len());
        self.seeking = None;
        if let Some(listed) = page.items.into_iter().find(|listed| sieve.keeps(&listed.message)) {
            self.show(listed.into());
            return None;
        }
        let (text, looked) = (sieve.text().to_owned(), self.looked);
        self.seeking = page.next.map(|place| (side, Start::Place(place)));
        match &self.seeking {
            None => Some(nothing(side, &text)),
            Some(_) if self.budget == 0 => {
                Some(format!("{looked} messages looked at, none is like {text}; press it again to look on"))
            }
            Some(_) => None,
        }
    }
}

fn nothing(side: Side, text: &str) -> String {
    let way = if side == Side::Older { "older" } else { "newer" };
    format!("nothing {way} is like {text}")
}

const _: () = assert!(SIEVED < BUDGET);
