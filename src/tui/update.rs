//! What follows from keys and updates.

mod chats;
mod compose;
mod console;
pub(super) mod detail;
mod editing;
mod feed;
mod linking;
mod mouse;
pub(super) mod passkey;
mod recipient;
mod webhooks;
mod words;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent};
use tui_input::Input;

use super::feed::window::Side;
use super::keymap::{Action, Context};
use super::model::{Focus, Model, Overlay};
use super::own::Own;
use crate::clock::Now;
use crate::link::{Ask, Update};
use crate::state::{Answer, Change, Chat, LookUp, Request, RequestId, Secret, SendOptions};
pub use compose::{Line, read_line};
pub use console::Confirmed;
pub(super) use console::{context, focus};
pub(super) use editing::edit;
use editing::paste;
pub(super) use words::refusal;

/// What comes to the console.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// Pasted text.
    Paste(String),
    /// The text as the editor left it; or why it didn't.
    Edited(Result<String, String>),
    /// The terminal's new size.
    Resized(u16, u16),
    /// Something was done with the mouse.
    Mouse(MouseEvent),
    /// News from the engine.
    Update(Update),
    /// The process was stopped and goes on: the terminal may show anything.
    Continued,
    /// The time has come that was asked for.
    Woken,
    /// Something was logged.
    Logged,
}

/// What follows.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// For the engine.
    pub requests: Vec<Ask>,
    /// To be looked up.
    pub look_ups: Vec<(RequestId, LookUp)>,
    /// Something visible changed.
    pub redraw: bool,
    /// It is only what streams by, and may be drawn when the line has room for it.
    pub streams: bool,
    /// For the operator's own editor.
    pub edit: Option<String>,
    /// For the file of the drafts.
    pub drafts: Option<String>,
    /// For the clipboard.
    pub copy: Option<Secret>,
    /// All is to be drawn anew.
    pub clear: bool,
    /// The shell is to get the terminal, until it gives it back.
    pub suspend: bool,
    /// The console is to end, and the gateway with it when it is in this process.
    pub quit: bool,
}

impl Outcome {
    fn redraw() -> Self {
        Self { redraw: true, ..Self::default() }
    }
}

/// Takes one thing in.
pub fn update(model: &mut Model, msg: Msg, now: Now) -> Outcome {
    let mut outcome = take(model, msg, now);
    compose::keep(model, now.mono);
    outcome.drafts = model.ui.drafts.to_write(now.mono);
    feed::look_up(model, &mut outcome);
    outcome
}

fn take(model: &mut Model, msg: Msg, now: Now) -> Outcome {
    match msg {
        Msg::Key(key) if key.kind == KeyEventKind::Release => Outcome::default(),
        Msg::Key(key) => on_key(model, &key),
        Msg::Paste(text) => {
            paste(model, &text);
            Outcome::redraw()
        }
        Msg::Edited(Ok(text)) => {
            compose::edited(model, &text);
            Outcome::redraw()
        }
        Msg::Edited(Err(why)) => {
            model.ui.notice = Some(why);
            Outcome::redraw()
        }
        Msg::Resized(columns, rows) => {
            model.ui.size = (columns, rows);
            model.ui.chats.keys = true;
            Outcome::redraw()
        }
        Msg::Mouse(event) => mouse::on_mouse(model, event, now),
        Msg::Update(update) => on_update(model, update, now),
        Msg::Continued => Outcome { clear: true, ..Outcome::redraw() },
        Msg::Logged => Outcome { streams: true, ..Outcome::redraw() },
        Msg::Woken => {
            model.ui.greeting.take_if(|(_, until)| *until <= now.mono);
            Outcome::redraw()
        }
    }
}

fn on_update(model: &mut Model, update: Update, now: Now) -> Outcome {
    match update {
        Update::Snapshot(snapshot) => {
            model.replace(*snapshot);
            feed::named(model);
        }
        Update::Changes(changes) => {
            let mut redraw = false;
            for change in &changes {
                redraw |= model.apply(change, now);
                if matches!(**change, Change::Groups(_)) {
                    feed::named(model);
                }
            }
            let streams = changes.iter().all(|change| streams(change));
            return Outcome { redraw, streams, ..Outcome::default() };
        }
        Update::Found { id, found } => return feed::found(model, id, found),
        Update::Unanswered { id, why } => {
            let line = model.ui.sending.remove(&id);
            model.ui.own.take_if(|own| own.is_of(id));
            not_done(model, why.to_string(), line);
        }
        Update::Lost(lost) => model.ui.lost = Some(lost),
        Update::Logged(part) => {
            // Whoever shows the log follows its ring, and is told by that.
            if let Some(ring) = &model.ui.look.log_view.ring {
                ring.take(part);
            }
            return Outcome::default();
        }
        Update::Answer { id, answer } => {
            let line = model.ui.sending.remove(&id);
            model.ui.own.take_if(|own| !own.answered(id, &answer, &model.snapshot));
            match (answer, line) {
                (Answer::Accepted { .. } | Answer::AcceptedBefore { .. }, Some(line)) => model.remember(line),
                (Answer::Refused(refusal), line) => not_done(model, words::refusal(&refusal), line),
                (Answer::Accepted { .. } | Answer::AcceptedBefore { .. } | Answer::Done, _) => {}
            }
        }
    }
    Outcome::redraw()
}

/// Whether there may be many such changes in a second, none of which anybody waits for.
const fn streams(change: &Change) -> bool {
    match change {
        Change::MessageAdded(_)
        | Change::MessageProgressed { .. }
        | Change::Queue(_)
        | Change::Pacing(_)
        | Change::Lateness(_)
        | Change::Counted(_)
        | Change::Host(_)
        | Change::Webhooks(_) => true,
        Change::Bridge(_)
        | Change::Connection(_)
        | Change::Pairing(_)
        | Change::Linking(_)
        | Change::Account(_)
        | Change::Restriction(_)
        | Change::Groups(_)
        | Change::Error(_)
        | Change::Store(_) => false,
    }
}

/// Says why. Nothing is lost: the line comes back, unless another is being written already.
fn not_done(model: &mut Model, why: String, line: Option<String>) {
    model.ui.notice = Some(why);
    model.ui.passing = None;
    match line {
        Some(line) if model.ui.input.value().is_empty() => model.ui.input = Input::new(line),
        Some(line) => model.remember(line),
        None => {}
    }
}

fn on_key(model: &mut Model, key: &KeyEvent) -> Outcome {
    model.ui.greeting = None;
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if interrupt {
        let again = std::mem::replace(&mut model.ui.interrupted, true);
        model.ui.notice = Some("press Ctrl-C once more to quit".to_owned());
        return Outcome { quit: again, ..Outcome::redraw() };
    }
    model.ui.interrupted = false;
    (model.ui.notice, model.ui.passing) = (None, None);
    match model.ui.overlay.take() {
        Some(overlay) => on_overlay_key(model, overlay, key),
        None => {
            let context = context(model);
            match model.ui.look.keys.action(context, key) {
                Some(action) => act(model, action),
                None => {
                    model.ui.look.resizing = false;
                    if context == Context::Compose {
                        compose::edit(model, key);
                    }
                    Outcome::redraw()
                }
            }
        }
    }
}

fn on_overlay_key(model: &mut Model, overlay: Overlay, key: &KeyEvent) -> Outcome {
    match overlay {
        Overlay::Help { scroll } => console::help_key(model, scroll, key.code),
        Overlay::Palette(palette) => console::palette_key(model, palette, key),
        Overlay::Confirm(what, input) => console::confirm_key(model, what, input, key),
        Overlay::Compare => passkey::compared(model, key.code),
        Overlay::Resend(message) => detail::confirmed(model, &message, key.code),
        Overlay::Recipient(picker) => recipient::on_key(model, picker, key),
        Overlay::Filter(input) => feed::on_filter_key(model, input, key),
        Overlay::Restart => linking::restart_key(model, key.code),
        Overlay::Webhooks { chosen } => webhooks::on_key(model, chosen, key.code),
        Overlay::Number(input) => linking::number_key(model, input, key),
    }
}

fn act(model: &mut Model, action: Action) -> Outcome {
    if console::refused(model, action) {
        return Outcome::redraw();
    }
    if model.ui.chats.has_keys()
        && model.ui.focus == Focus::Feed
        && let Some(outcome) = chats::act(model, action)
    {
        return outcome;
    }
    if console::scrolled(model, action) || console::left(model, action) {
        return Outcome::redraw();
    }
    if shown_in_feed(action) {
        focus(model, Focus::Feed);
    }
    match action {
        Action::Compose => focus(model, Focus::Compose),
        Action::Leave => leave(model),
        Action::Down => feed::scroll(model, -1),
        Action::Up => feed::scroll(model, 1),
        Action::PageDown => feed::page(model, false),
        Action::PageUp => feed::page(model, true),
        Action::Top => feed::top(model),
        Action::Bottom => feed::bottom(model),
        Action::Chats => model.ui.chats.toggle(),
        Action::Detail => detail::toggle(model),
        Action::Json => detail::toggle_json(model),
        Action::Copy => return detail::copy(model),
        Action::Resend => detail::resend(model),
        Action::Filter => feed::open_filter(model),
        Action::SearchOlder => feed::search(model, Side::Older),
        Action::SearchNewer => feed::search(model, Side::Newer),
        Action::Answer => answer(model),
        Action::Cancel => return cancel(model),
        Action::Help => model.ui.overlay = Some(Overlay::Help { scroll: 0 }),
        Action::PairingCode => return linking::pairing_code(model),
        Action::CycleDrawing => linking::cycle_drawing(model),
        Action::Passkey => return passkey::copy_or_compare(model),
        Action::WholeScreen => model.ui.whole_screen = model.qr.is_some() && !model.ui.whole_screen,
        Action::Restart if linking::restart_interrupts(model) => model.ui.overlay = Some(Overlay::Restart),
        Action::Restart => return linking::restart(model),
        Action::TakeOver => return request(model, Request::TakeOver),
        Action::Quit => {
            // The gateway that this console is attached to does not end with it.
            if model.ui.attached.is_some() {
                return Outcome { quit: true, ..Outcome::redraw() };
            }
            model.ui.overlay = Some(Overlay::Confirm(Confirmed::Stop, Box::default()));
        }
        Action::Send => return compose::send(model),
        Action::Editor => {
            return Outcome { edit: Some(model.ui.input.value().to_owned()), ..Outcome::redraw() };
        }
        Action::NewLine => compose::new_line(model),
        Action::Recipient => recipient::open(model),
        Action::HistoryBack => compose::vertical(model, true),
        Action::HistoryForward => compose::vertical(model, false),
        Action::FocusOther
        | Action::FocusBack
        | Action::Palette
        | Action::Zoom
        | Action::Resize
        | Action::ShowFeed
        | Action::ShowStatus
        | Action::ShowMetrics
        | Action::ShowLog
        | Action::ShorterRange
        | Action::LongerRange
        | Action::LogLevel
        | Action::LogTarget
        | Action::ReadOnly
        | Action::Redraw
        | Action::Narrower
        | Action::Wider
        | Action::Shorter
        | Action::Taller
        | Action::EvenOut
        | Action::Resized
        | Action::Theme
        | Action::Mouse
        | Action::Suspend => return console::act_on_panes(model, action),
    }
    Outcome::redraw()
}

/// What it does is seen in the messages' place.
fn shown_in_feed(action: Action) -> bool {
    matches!(
        action,
        Action::Chats | Action::Detail | Action::Json | Action::Filter | Action::SearchOlder | Action::SearchNewer
    )
}

fn request(model: &mut Model, request: Request) -> Outcome {
    if console::away(model) {
        model.ui.passing = None;
        return Outcome::redraw();
    }
    let id = model.ui.next_request;
    model.ui.next_request = id.next();
    Outcome { requests: vec![Ask { id, request }], ..Outcome::redraw() }
}

/// A text is asked to be sent. What becomes of it is shown from now on; the line comes back when nothing does.
fn send(model: &mut Model, chat: Chat, text: std::sync::Arc<str>, line: Option<String>) -> Outcome {
    let own = Own::given(model.ui.next_request, &chat, &text);
    let outcome = request(model, Request::Send { chat, text, options: SendOptions::default() });
    if let Some(ask) = outcome.requests.first() {
        model.ui.own = Some(own);
        model.ui.sending.extend(line.map(|line| (ask.id, line)));
    }
    outcome
}

fn leave(model: &mut Model) {
    if model.ui.whole_screen {
        model.ui.whole_screen = false;
    } else if model.ui.chats.open && !model.ui.feed.is_frozen() && model.ui.detail.is_none() {
        model.ui.chats.open = false;
    } else {
        feed::leave(model);
    }
}

/// The chosen message's chat becomes the recipient; without a choice, that of the newest message.
fn answer(model: &mut Model) {
    let message = model.chosen().or_else(|| model.rows().get(model.rows().len().checked_sub(1)?));
    match message.map(|message| message.chat.clone()) {
        Some(chat) => {
            compose::address(model, chat);
            model.ui.focus = Focus::Compose;
        }
        None => {
            let write = model.ui.look.keys.key(Action::Compose);
            model.ui.notice = Some(format!("there is no message to answer yet; press {write} to write one"));
        }
    }
}

/// The chosen message is taken back if it waits; whether it still does the engine decides.
fn cancel(model: &mut Model) -> Outcome {
    match model.chosen_and_waiting() {
        Some(id) => request(model, Request::Cancel { id }),
        None => {
            let [up, down, cancel] = [Action::Up, Action::Down, Action::Cancel].map(|key| model.ui.look.keys.key(key));
            let text = format!("choose a message that waits (…) with {up} and {down}, then {cancel} takes it back");
            model.ui.notice = Some(text);
            Outcome::redraw()
        }
    }
}
