//! The console's loop, on a thread of its own.
//!
//! Keys come from a second thread: see [`input`](super::input). Drawing happens at most 60 times a second, see
//! [`pace`](super::pace); after a quiet period a lone key is drawn at once. While nothing visible changes, nothing wakes and
//! nothing is written.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use tokio::sync::watch;

use super::attention::{Attention, Notify};
use super::drafts_file::DraftsFile;
use super::editor::{self, Edited};
use super::input::{Input, Keys};
use super::keymap::Keymap;
use super::lean::Drawn;
use super::look::Sizes;
use super::model::{Focus, Model};
use super::pace::{News, Pace};
use super::terminal::{Screen, restore};
use super::theme::{Palette, Theme};
use super::update::{Msg, Outcome, update};
use super::within::Within;
use super::{clipboard, next_wake, plain, shows, suspend, view};
use crate::clock::{Clock, Mono};
use crate::link::{Link, Update};
use crate::state::{Answer, FindError, Found, Refusal};
use crate::telemetry::Ring;

/// How often a console without its terminal looks whether it has it back: not every shell says so.
const LOOK_FOR_SHELL: Duration = Duration::from_millis(300);

/// How many keys may wait.
const KEYS: usize = 256;

/// For how long it is said at the start what becomes of the gateway, unless a key comes first.
const GREETING: Duration = Duration::from_secs(5);

/// What a console is given besides its link.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the HTTP API is, to be shown.
    pub api: String,
    /// Colours are wanted.
    pub colors: bool,
    /// What the terminal is within.
    pub within: Within,
    /// The folder where what was begun to be written is kept.
    pub folder: PathBuf,
    /// Frames, marks and graphs are of ASCII.
    pub ascii: bool,
    /// The colours.
    pub theme: Palette,
    /// The mouse is asked for.
    pub mouse: bool,
    /// How the operator is told that things turned.
    pub notify: Notify,
    /// The terminal's title says how things stand.
    pub title: bool,
    /// The keys in use.
    pub keys: Keymap,
    /// The console changes nothing until a key allows it.
    pub read_only: bool,
    /// The last lines of the log.
    pub log: Arc<Ring>,
    /// Where the gateway is that this console is attached to. None: in this process, and ends with the console, so
    /// quitting is confirmed by typing.
    pub attached: Option<String>,
    /// The file that keeps the sizes of panes.
    pub remember: PathBuf,
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
        Self::on_a_thread(async move |stop| run(screen, link, clock, &options, stop).await)
    }

    /// Starts the line mode, which leaves the terminal as it is and needs none.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn plain(link: Link, clock: Clock, options: Options) -> std::io::Result<Self> {
        Self::on_a_thread(async move |stop| plain::run(link, clock, &options, stop).await)
    }

    fn on_a_thread(
        work: impl AsyncFnOnce(watch::Receiver<bool>) -> std::io::Result<()> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let thread = std::thread::Builder::new().name("console".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let result = runtime.block_on(work(stopping));
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

/// Gives the terminal to the shell, which takes it when this process has stopped for a moment.
fn suspend(keys: &mut Keys) -> std::io::Result<()> {
    keys.pause(true);
    restore();
    // The shell says that it has stopped, which is so for a moment only.
    let _ = writeln!(std::io::stdout(), "pilothouse still runs, whatever the shell says; fg brings it back");
    suspend::stop()
}

/// Takes the terminal again.
fn resume(screen: &mut Screen, keys: &mut Keys) -> std::io::Result<()> {
    screen.enter()?;
    keys.pause(false);
    Ok(())
}

/// What becomes of the gateway when this console ends.
fn greeting(attached: Option<&str>) -> String {
    match attached {
        Some(at) => format!("q leaves this console, and the gateway goes on; attached to {at}"),
        None => "quitting or closing this terminal stops the gateway; --keep lets it go on".to_owned(),
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
    model.ui.look.keys = options.keys.clone();
    model.ui.look.read_only = options.read_only;
    model.ui.look.log_view.ring = Some(Arc::clone(&options.log));
    model.ui.greeting = Some((greeting(options.attached.as_deref()), clock.now().mono.plus(GREETING)));
    model.ui.attached.clone_from(&options.attached);
    model.ui.look.theme = options.theme;
    model.ui.look.within = options.within;
    model.ui.look.mouse = options.mouse;
    model.ui.look.ascii = options.ascii;
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
    let mut remembered = remembered(&options.remember);
    model.ui.look.sizes = remembered;
    let mut log = options.log.watch();
    model.ui.size = Screen::size()?;
    let theme = Theme::new(options.colors).ascii(options.ascii);
    let mut keys = Keys::read(KEYS)?;
    let mut attention = Attention::default();
    let mut suspended = false;
    let mut news = News::Urgent;
    let mut pace = Pace::default();
    let mut updates = Vec::new();
    loop {
        let now = clock.now();
        if suspended && suspend::is_in_front() {
            resume(screen, &mut keys)?;
            attention.forget_title();
            model.ui.size = Screen::size()?;
            (suspended, news) = (false, News::Urgent);
        }
        let drawing = !suspended;
        let draw_at = pace.at(news).filter(|_| drawing);
        if draw_at.is_some_and(|at| at <= now.mono) {
            let turned = attention.news(model, options.title, options.notify, options.within);
            if !turned.is_empty() {
                screen.send(&turned)?;
            }
            screen.mouse(model.ui.look.mouse)?;
            let whole = pace.has_room(now.mono);
            model.ui.feed.draw_all(whole);
            let bytes = screen.draw(|buffer| {
                let cursor = view::view(model, theme, buffer.area, buffer, now);
                Drawn { cursor, moving: Some(model.ui.look.moving.get()) }
            })?;
            news = if whole || model.ui.feed.behind() == 0 { News::Nothing } else { News::Streaming };
            pace.drawn(bytes, clock.now().mono);
            continue;
        }
        let wake = if drawing { next_wake(model, now) } else { Some(LOOK_FOR_SHELL) };
        let mut messages = VecDeque::new();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            () = until(clock, draw_at), if draw_at.is_some() => continue,
            input = keys.next() => {
                let Some(input) = input else { return Ok(()) };
                messages.extend(message(input));
                while let Some(input) = keys.try_next() {
                    messages.extend(message(input));
                }
            }
            n = link.updates.recv_many(&mut updates, 16) => {
                if n == 0 {
                    return Ok(());
                }
                messages.extend(updates.drain(..).map(Msg::Update));
            }
            Ok(()) = log.changed(), if drawing && shows(model, Focus::Log, now) => messages.push_back(Msg::Logged),
            () = tokio::time::sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => messages.push_back(Msg::Woken),
        }
        while let Some(msg) = messages.pop_front() {
            let Outcome { requests, look_ups, redraw, streams, edit, drafts, copy, clear, suspend: ask_shell, quit } =
                update(model, msg, clock.now());
            news = news.max(match (redraw, streams) {
                (false, _) => News::Nothing,
                (true, true) => News::Streaming,
                (true, false) => News::Urgent,
            });
            if let Some(drafts) = drafts {
                file.write(drafts);
            }
            if clear && !suspended {
                screen.clear();
            }
            if ask_shell && !suspended {
                if suspend::is_possible() {
                    suspended = true;
                    suspend(&mut keys)?;
                } else {
                    model.ui.notice = Some("no shell is waiting to go back to; in tmux or screen, detach".to_owned());
                }
            }
            if let Some(text) = copy {
                screen.send(&clipboard::sequence(text.reveal(), options.within))?;
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
            if let Some(text) = edit.filter(|_| !suspended) {
                match editor::edit(screen, &mut keys, &options.folder, &text, &mut stop).await? {
                    Edited::Text(text) => messages.push_back(Msg::Edited(Ok(text))),
                    Edited::Not(why) => messages.push_back(Msg::Edited(Err(why))),
                    Edited::Stopped => return Ok(()),
                }
                attention.forget_title();
                let (columns, rows) = Screen::size()?;
                messages.push_back(Msg::Resized(columns, rows));
            }
            if quit {
                return Ok(());
            }
        }
        if !model.ui.look.resizing && model.ui.look.sizes != remembered {
            remembered = model.ui.look.sizes;
            remember(&options.remember, remembered);
        }
    }
}

/// Waits until then.
async fn until(clock: Clock, at: Option<Mono>) {
    if let Some(at) = at {
        tokio::time::sleep_until(clock.instant(at).into()).await;
    }
}

/// The sizes that were kept; those of the design when there are none that can be read.
fn remembered(path: &Path) -> Sizes {
    std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Keeps the sizes. They are not worth more than a line in the log.
fn remember(path: &Path, sizes: Sizes) {
    let text = serde_json::to_vec(&sizes).unwrap_or_default();
    if let Err(error) = std::fs::write(path, text) {
        tracing::warn!(%error, path = %path.display(), "the sizes of panes can't be kept");
    }
}

/// What an input means. After this process was stopped the terminal may show anything: it is drawn anew.
fn message(input: Input) -> Option<Msg> {
    match input {
        Input::Event(Event::Key(key)) => Some(Msg::Key(key)),
        Input::Event(Event::Paste(text)) => Some(Msg::Paste(text)),
        Input::Event(Event::Resize(columns, rows)) => Some(Msg::Resized(columns, rows)),
        Input::Event(Event::Mouse(event)) => Some(Msg::Mouse(event)),
        Input::Event(Event::FocusGained | Event::FocusLost) => None,
        Input::Continued => Some(Msg::Continued),
    }
}
