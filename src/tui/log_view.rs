//! Which lines of the log are shown.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tracing::Level;

use crate::telemetry::{Line, Ring};

/// Levels, the most important first.
const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// What of the log is shown.
#[derive(Clone, Debug)]
pub struct LogView {
    /// The last lines.
    pub ring: Option<Arc<Ring>>,
    /// Lines that are less important are not shown.
    pub level: Level,
    /// Only lines of this origin are shown.
    pub target: Option<Cow<'static, str>>,
}

impl Default for LogView {
    fn default() -> Self {
        Self { ring: None, level: Level::TRACE, target: None }
    }
}

impl LogView {
    /// The lines that are shown, the newest first, as far as they are taken.
    pub fn look<T>(&self, take: impl FnOnce(&mut dyn Iterator<Item = &Line>) -> T) -> Option<T> {
        let wanted =
            |line: &Line| line.level <= self.level && self.target.as_ref().is_none_or(|target| *target == line.target);
        // What is missing may have been of any level and origin.
        let shown = |line: &&Line| line.is_gap() || wanted(line);
        self.ring.as_ref().map(|ring| ring.look(|lines| take(&mut lines.iter().rev().filter(shown))))
    }

    /// Only lines that are more important; after the most important, all.
    pub fn next_level(&mut self) {
        self.level = match self.level {
            Level::ERROR => Level::TRACE,
            // What is not logged at all need not be chosen.
            Level::TRACE | Level::DEBUG => Level::INFO,
            level => LEVELS.iter().rev().copied().find(|other| *other < level).unwrap_or(Level::TRACE),
        };
    }

    /// Only lines of the next origin that there are lines of; after the last, all.
    pub fn next_target(&mut self) {
        let targets = |lines: &VecDeque<Line>| {
            lines.iter().filter(|line| !line.is_gap()).map(|line| line.target.clone()).collect()
        };
        let targets: BTreeSet<_> = self.ring.as_ref().map(|ring| ring.look(targets)).unwrap_or_default();
        let present = self.target.take();
        self.target = targets.into_iter().find(|target| present.as_ref().is_none_or(|present| target > present));
    }

    /// What is shown, in words.
    pub fn name(&self) -> String {
        let level = match self.level {
            Level::TRACE | Level::DEBUG => "all levels".to_owned(),
            Level::ERROR => "errors".to_owned(),
            level => format!("{} and above", level.as_str().to_lowercase()),
        };
        format!("{level}, {}", self.target.as_deref().unwrap_or("all origins"))
    }
}
