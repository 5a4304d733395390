//! A frame of the console at 120×40: linked, its feed full, and something to see in its graphs.

use std::cell::Cell;
use std::io::{BufWriter, Write};
use std::rc::Rc;
use std::sync::Arc;

use pilothouse::clock::Now;
use pilothouse::protocol::Event;
use pilothouse::state::{Change, Outcome};
use pilothouse::tui::model::Model;
use pilothouse::tui::theme::Theme;
use pilothouse::tui::view::view;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

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

/// A line to a terminal, on which bytes are only counted.
struct Wire(Rc<Cell<usize>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A console on a terminal that takes whatever is written.
struct Drawn {
    console: Console,
    terminal: Terminal<CrosstermBackend<BufWriter<Wire>>>,
    written: Rc<Cell<usize>>,
}

impl Drawn {
    #[expect(clippy::expect_used, reason = "this terminal takes whatever is written")]
    fn new() -> Self {
        let written = Rc::new(Cell::new(0));
        let out = BufWriter::with_capacity(32 << 10, Wire(Rc::clone(&written)));
        let options = TerminalOptions { viewport: Viewport::Fixed(SCREEN) };
        let terminal = Terminal::with_options(CrosstermBackend::new(out), options).expect("nothing is asked of it");
        let mut drawn = Self { console: Console::linked(), terminal, written };
        drawn.draw();
        drawn
    }

    /// Draws what is new. Returns how many bytes that took.
    #[expect(clippy::expect_used, reason = "this terminal takes whatever is written")]
    fn draw(&mut self) -> usize {
        let Self { console, terminal, written } = self;
        let before = written.get();
        let frame = terminal.draw(|frame| {
            let cursor = view(&console.model, Theme::new(true), frame.area(), frame.buffer_mut(), console.now());
            if let Some(position) = cursor {
                frame.set_cursor_position(position);
            }
        });
        frame.expect("it takes whatever is written");
        written.get() - before
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
