//! The console's loop, on a thread of its own.
//!
//! Keys come from a second thread: see [`keys`](super::keys). Drawing
//! happens at most 60 times a second; after a quiet period a lone key is drawn at once. While nothing visible changes,
//! nothing wakes and nothing is written.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::Event;
use tokio::sync::watch;

use super::drafts_file::DraftsFile;
use super::editor::{self, Edited};
use super::keys::Keys;
use super::model::Model;
use super::terminal::Screen;
use super::theme::Theme;
use super::update::{Msg, Outcome, update};
use super::{clipboard, next_wake, view};
use crate::clock::{Clock, Mono};
use crate::link::{Link, Update};
use crate::state::{Answer, FindError, Found, Refusal};

/// The shortest time from one drawing to the next.
const FRAME: Duration = Duration::from_millis(16);

/// What a console is given besides its link.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the HTTP API is, to be shown.
    pub api: String,
    /// Colours are wanted.
    pub colors: bool,
    /// The terminal is one of tmux.
    pub in_tmux: bool,
    /// Where what was begun to be written is kept.
    pub folder: PathBuf,
}

/// A console that runs.
#[derive(Debug)]
pub struct Console {
    thread: std::thread::JoinHandle<std::io::Result<()>>,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Console {
    /// Takes the terminal and starts a console.
    ///
    /// # Errors
    /// What the terminal or the operating system says.
    pub fn start(link: Link, clock: Clock, options: Options) -> std::io::Result<Self> {
        let screen = Screen::take()?;
        let (stop, stopping) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let thread = std::thread::Builder::new().name("console".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let result = runtime.block_on(run(screen, link, clock, &options, stopping));
            end.send_replace(true);
            result
        })?;
        Ok(Self { thread, stop, ended })
    }

    /// Waits until the operator quits or the console ends otherwise.
    pub async fn ended(&mut self) {
        let _ = self.ended.wait_for(|ended| *ended).await;
    }

    /// Ends the console and gives the terminal back. A terminal that takes no more writing is not waited for.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(patience, self.ended()).await.is_ok() {
            let result = tokio::task::spawn_blocking(|| self.thread.join()).await;
            if let Ok(Ok(Err(error))) = result {
                tracing::warn!(%error, "the console ended");
            }
        }
    }
}

async fn run(
    mut screen: Screen,
    mut link: Link,
    clock: Clock,
    options: &Options,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let Some(Update::Snapshot(snapshot)) = link.updates.recv().await else { return Ok(()) };
    let zone = jiff::tz::TimeZone::system();
    let mut model = Model::new(*snapshot, options.api.clone(), zone, clock.now());
    let mut file = DraftsFile::new(options.folder.clone());
    model.resume(file.read());
    let result = follow(&mut screen, &mut link, clock, options, stop, &mut model, &mut file).await;
    // What was begun is not lost, however it ends.
    file.write(model.ui.drafts.file());
    file.finish();
    result
}

async fn follow(
    screen: &mut Screen,
    link: &mut Link,
    clock: Clock,
    options: &Options,
    mut stop: watch::Receiver<bool>,
    model: &mut Model,
    file: &mut DraftsFile,
) -> std::io::Result<()> {
    let size = screen.terminal.size()?;
    model.ui.size = (size.width, size.height);
    let theme = Theme::new(options.colors);
    let mut keys = Keys::read();
    let mut dirty = true;
    let mut frame_at = Mono::default();
    let mut updates = Vec::new();
    loop {
        let now = clock.now();
        if dirty && now.mono >= frame_at {
            screen.terminal.draw(|frame| {
                let cursor = view::view(model, theme, frame.area(), frame.buffer_mut(), now);
                if let Some(position) = cursor {
                    frame.set_cursor_position(position);
                }
            })?;
            dirty = false;
            frame_at = clock.now().mono.plus(FRAME);
        }
        let wake = next_wake(model, now);
        let mut messages = VecDeque::new();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep_until(clock.instant(frame_at).into()), if dirty => continue,
            event = keys.events.recv() => {
                let Some(event) = event else { return Ok(()) };
                messages.extend(message(event));
                while let Ok(event) = keys.events.try_recv() {
                    messages.extend(message(event));
                }
            }
            n = link.updates.recv_many(&mut updates, 16) => {
                if n == 0 {
                    return Ok(());
                }
                messages.extend(updates.drain(..).map(Msg::Update));
            }
            () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => messages.push_back(Msg::Woken),
        }
        while let Some(msg) = messages.pop_front() {
            let Outcome { requests, look_ups, redraw, edit, drafts, copy, quit } = update(model, msg, clock.now());
            dirty |= redraw;
            if let Some(drafts) = drafts {
                file.write(drafts);
            }
            if let Some(text) = copy {
                screen.send(&clipboard::sequence(text.reveal(), options.in_tmux))?;
            }
            for ask in requests {
                let id = ask.id;
                if link.requests.try_send(ask).is_err() {
                    let answer = Answer::Refused(Refusal::Unavailable);
                    update(model, Msg::Update(Update::Answer { id, answer }), clock.now());
                }
            }
            for (id, what) in look_ups {
                if link.look_ups.try_send((id, what)).is_err() {
                    let found = Found::Failed(FindError::Store("the gateway is busy or stopping".to_owned()));
                    update(model, Msg::Update(Update::Found { id, found }), clock.now());
                }
            }
            if let Some(text) = edit {
                match editor::edit(screen, &keys, &options.folder, &text, &mut stop).await? {
                    Edited::Text(text) => messages.push_back(Msg::Edited(Ok(text))),
                    Edited::Not(why) => messages.push_back(Msg::Edited(Err(why))),
                    Edited::Stopped => return Ok(()),
                }
                let size = screen.terminal.size()?;
                messages.push_back(Msg::Resized(size.width, size.height));
            }
            if quit {
                return Ok(());
            }
        }
    }
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(columns, rows) => Some(Msg::Resized(columns, rows)),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}
