//! A frame of the console at 120×40: linked, its feed full, and something to see in its graphs.

use std::io::{Sink, sink};
use std::sync::Arc;

use pilothouse::clock::Now;
use pilothouse::protocol::Event;
use pilothouse::state::{Change, Outcome};
use pilothouse::tui::lean::{Drawn as Picture, Painter};
use pilothouse::tui::model::Model;
use pilothouse::tui::theme::Theme;
use pilothouse::tui::view::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::Benchmark;
use crate::fixture::{Gateway, event, time};

const SCREEN: Rect = Rect::new(0, 0, 120, 40);

/// How many messages have come while this console looked.
const SEEN: usize = 50;

/// A console and the gateway that it looks at.
struct Console {
    gateway: Gateway,
    model: Model,
}

impl Console {
    fn linked() -> Self {
        let gateway = Gateway::linked();
        let snapshot = gateway.state.snapshot().clone();
        let now = time(gateway.next);
        let mut model = Model::new(snapshot, "http://127.0.0.1:7007".to_owned(), jiff::tz::TimeZone::UTC, now);
        model.ui.size = (SCREEN.width, SCREEN.height);
        let mut console = Self { gateway, model };
        for _ in 0..SEEN {
            let changes = console.changes();
            console.told(&changes);
        }
        console
    }

    fn now(&self) -> Now {
        time(self.gateway.next)
    }

    /// What the engine tells of the next message.
    fn changes(&mut self) -> Vec<Arc<Change>> {
        let event: Event = event(&self.gateway.line());
        let Outcome { changes, .. } = self.gateway.take(event);
        changes.into_iter().map(Arc::new).collect()
    }

    fn told(&mut self, changes: &[Arc<Change>]) {
        let now = self.now();
        for change in changes {
            self.model.apply(change, now);
        }
    }
}

/// The panes are drawn into a buffer.
pub struct Frame {
    console: Console,
    buffer: Buffer,
}

impl Benchmark for Frame {
    const NAME: &'static str = "frame";
    type Input = ();
    type Output = ();

    fn new() -> Self {
        Self { console: Console::linked(), buffer: Buffer::empty(SCREEN) }
    }

    fn input(&mut self) {}

    fn run(&mut self, (): ()) {
        view(&self.console.model, Theme::new(true), SCREEN, &mut self.buffer, self.console.now());
    }
}

/// A console on a terminal that takes whatever is written.
struct Drawn {
    console: Console,
    painter: Painter<Sink>,
}

impl Drawn {
    fn new() -> Self {
        let mut drawn = Self { console: Console::linked(), painter: Painter::new(sink()) };
        drawn.draw();
        drawn
    }

    /// Draws what is new. Returns how many bytes that took.
    #[expect(clippy::expect_used, reason = "this terminal takes whatever is written")]
    fn draw(&mut self) -> usize {
        let Self { console, painter } = self;
        let painted = painter.paint(SCREEN, |buffer| {
            let cursor = view(&console.model, Theme::new(true), SCREEN, buffer, console.now());
            Picture { cursor, moving: Some(console.model.ui.look.moving.get()) }
        });
        painted.expect("it takes whatever is written")
    }
}

/// A frame that is the same as the one before.
pub struct Still(Drawn);

impl Benchmark for Still {
    const NAME: &'static str = "frame-still";
    type Input = ();
    type Output = usize;

    fn new() -> Self {
        Self(Drawn::new())
    }

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> usize {
        self.0.draw()
    }
}

/// A message is taken into the console's model, and drawn: to the bytes that go to the terminal.
pub struct News(Drawn);

impl Benchmark for News {
    const NAME: &'static str = "frame-news";
    type Input = Vec<Arc<Change>>;
    type Output = usize;

    fn new() -> Self {
        Self(Drawn::new())
    }

    fn input(&mut self) -> Vec<Arc<Change>> {
        self.0.console.changes()
    }

    fn run(&mut self, changes: Vec<Arc<Change>>) -> usize {
        self.0.console.told(&changes);
        self.0.draw()
    }
}
