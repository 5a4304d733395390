//! Which lines of the log are shown.

use std::sync::Arc;

use tracing::Level;

use crate::telemetry::{Line, Ring};

/// Levels, the most important first.
const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// What of the log is shown.
#[derive(Clone, Debug)]
pub struct LogView {
    /// The last lines. None: the gateway is not in this process.
    pub ring: Option<Arc<Ring>>,
    /// Lines that are less important are not shown.
    pub level: Level,
    /// Only lines of this origin are shown.
    pub target: Option<&'static str>,
}

impl Default for LogView {
    fn default() -> Self {
        Self { ring: None, level: Level::TRACE, target: None }
    }
}

impl LogView {
    /// The lines that are shown, the newest first, as far as they are taken.
    pub fn look<T>(&self, take: impl FnOnce(&mut dyn Iterator<Item = &Line>) -> T) -> Option<T> {
        let shown = |line: &&Line| line.level <= self.level && self.target.is_none_or(|target| target == line.target);
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
        let mut targets: Vec<&'static str> = self
            .ring
            .as_ref()
            .map(|ring| ring.look(|lines| lines.iter().map(|line| line.target).collect()))
            .unwrap_or_default();
        targets.sort_unstable();
        targets.dedup();
        self.target = match self.target {
            None => targets.first().copied(),
            Some(present) => targets.into_iter().find(|target| *target > present),
        };
    }

    /// What is shown, in words.
    pub fn name(&self) -> String {
        let level = match self.level {
            Level::TRACE | Level::DEBUG => "all levels".to_owned(),
            Level::ERROR => "errors".to_owned(),
            level => format!("{} and above", level.as_str().to_lowercase()),
        };
        format!("{level}, {}", self.target.unwrap_or("all origins"))
    }
}
