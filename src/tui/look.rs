//! How this console looks: which panes, how large, of what time, by which keys. Nothing of it goes to the engine.

use std::cell::Cell;

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use super::keymap::Keymap;
use super::log_view::LogView;
use super::model::Focus;
use super::series::Range;
use super::theme::Palette;
use super::within::Within;

/// How the console looks.
#[derive(Clone, Debug)]
pub struct Look {
    /// The keys in use.
    pub keys: Keymap,
    /// Nothing can be changed from here.
    pub read_only: bool,
    /// The pane that keys went to before the input box.
    pub behind: Focus,
    /// The focused pane has the room of all.
    pub zoomed: bool,
    /// The arrows resize panes.
    pub resizing: bool,
    /// How large panes are.
    pub sizes: Sizes,
    /// The time that graphs show.
    pub range: Range,
    /// The log is shown below the messages where there is room for both.
    pub log: bool,
    /// The colours.
    pub theme: Palette,
    /// Frames, marks and graphs are of ASCII, and the QR of spaces.
    pub ascii: bool,
    /// What the terminal is within.
    pub within: Within,
    /// The mouse is for the console.
    pub mouse: bool,
    /// What of the log is shown.
    pub log_view: LogView,
    /// How often everything had to be told anew, since this console was too slow.
    pub resyncs: u64,
    /// Where rows moved up or down together, if any did, since it was drawn last.
    pub moving: Cell<Rect>,
    /// How far panes that are too long are scrolled, in lines, and how far they can be.
    pub scroll: [Scroll; 3],
}

impl Default for Look {
    fn default() -> Self {
        Self {
            keys: Keymap::default(),
            read_only: false,
            behind: Focus::Feed,
            zoomed: false,
            resizing: false,
            sizes: Sizes::default(),
            range: Range::FiveMinutes,
            log: false,
            theme: Palette::default(),
            ascii: false,
            within: Within::default(),
            mouse: false,
            log_view: LogView::default(),
            resyncs: 0,
            moving: Cell::default(),
            scroll: Default::default(),
        }
    }
}

impl Look {
    /// How far this pane is scrolled. None: it looks after that itself.
    pub fn scroll(&self, pane: Focus) -> Option<&Scroll> {
        match pane {
            Focus::Status => Some(&self.scroll[0]),
            Focus::Metrics => Some(&self.scroll[1]),
            Focus::Log => Some(&self.scroll[2]),
            Focus::Feed | Focus::Compose => None,
        }
    }

    /// Scrolls this pane by so many lines, as far as it goes. Returns whether it is one that can be scrolled here.
    pub fn scroll_by(&mut self, pane: Focus, by: i32) -> bool {
        let Some(Scroll { at, most }) = self.scroll(pane) else { return false };
        let to = i32::from(at.get()).saturating_add(by).clamp(0, i32::from(most.get()));
        at.set(u16::try_from(to).unwrap_or(0));
        true
    }
}

/// Where a pane is scrolled to, in lines.
#[derive(Clone, Debug, Default)]
pub struct Scroll {
    /// How far.
    pub at: Cell<u16>,
    /// How far it can be: known since it was drawn last.
    pub most: Cell<u16>,
}

impl Scroll {
    /// The first line that is drawn of so many, in so many rows.
    pub fn first(&self, lines: usize, rows: u16) -> usize {
        let most = lines.saturating_sub(usize::from(rows));
        self.most.set(u16::try_from(most).unwrap_or(u16::MAX));
        self.at.set(self.at.get().min(self.most.get()));
        usize::from(self.at.get())
    }
}

/// How large panes are. Zero: as large as the design has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// The columns of status and metrics, when they stand beside the messages.
    pub side: u16,
    /// The rows of the status, above the metrics.
    pub status: u16,
    /// The rows of the log, below the messages.
    pub log: u16,
}
