//! What keys do to the console itself: its panes, its help, its palette, and what it may change.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

use super::super::keymap::{Action, Context};
use super::super::layout;
use super::super::model::{Focus, Model, Overlay};
use super::super::palette::{Palette, Step};
use super::super::theme::Palette as Colours;
use super::{Outcome, act, edit, words};

/// The panes in the order of the key for the next one.
const PANES: [Focus; 5] = [Focus::Feed, Focus::Compose, Focus::Status, Focus::Metrics, Focus::Log];

/// By how many columns or rows a key resizes.
const STEP: u16 = 2;

/// What has to be confirmed by typing a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The gateway ends.
    Stop,
    /// The link ends.
    LogOut {
        /// Also when WhatsApp can't be told.
        local: bool,
    },
}

impl Confirmed {
    /// The word that is to be typed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::LogOut { .. } => "log out",
        }
    }
}

/// Where keys are pressed at present.
pub(in super::super) fn context(model: &Model) -> Context {
    match model.ui.focus {
        _ if model.ui.look.resizing => Context::Resize,
        Focus::Compose => Context::Compose,
        Focus::Feed | Focus::Status | Focus::Metrics | Focus::Log => Context::Browse,
    }
}

/// Whether this is refused since the console is read-only, or has lost its gateway; then it is said.
pub(super) fn refused(model: &mut Model, action: Action) -> bool {
    refused_if(model, action.changes())
}

/// The same for anything that changes something.
pub(super) fn refused_if(model: &mut Model, changes: bool) -> bool {
    let refused = model.ui.look.read_only && changes;
    if refused {
        let key = model.ui.look.keys.key(Action::ReadOnly);
        // In the input box the key is a letter like any other.
        let leave = if model.ui.focus == Focus::Compose { "Esc and then " } else { "" };
        model.ui.notice = Some(format!("read-only: nothing was done; {leave}{key} lets this console change things"));
    }
    refused || (changes && away(model))
}

/// Whether nothing can be asked since the line to the gateway is broken; then it is said.
pub(super) fn away(model: &mut Model) -> bool {
    let away = model.ui.lost.is_some();
    if away {
        model.ui.notice = Some("no connection to the gateway: nothing was done; try again when it is back".to_owned());
    }
    away
}

/// Scrolls the focused pane, when it is one that does no more than that. Returns whether it was.
#[expect(clippy::wildcard_enum_match_arm, reason = "all else does not scroll")]
pub(super) fn scrolled(model: &mut Model, action: Action) -> bool {
    let pane = model.ui.focus;
    let page = i32::from(model.ui.size.1.saturating_sub(8).max(1));
    // The log is followed: its lines are counted from the newest.
    let down = if pane == Focus::Log { -1 } else { 1 };
    let by = match action {
        Action::Down => down,
        Action::Up => -down,
        Action::PageDown => down * page,
        Action::PageUp => -down * page,
        Action::Bottom => down * i32::from(u16::MAX),
        Action::Top => -down * i32::from(u16::MAX),
        _ => return false,
    };
    model.ui.look.scroll_by(pane, by)
}

/// Leaves what is nearest: the input box, the single pane, a pane that is not the messages. Returns whether anything was.
pub(super) fn left(model: &mut Model, action: Action) -> bool {
    if action != Action::Leave || model.ui.whole_screen {
        return false;
    }
    match model.ui.focus {
        Focus::Compose => focus(model, model.ui.look.behind),
        // The message that is looked at closely lies in the pane.
        Focus::Feed if model.ui.detail.is_some() => return false,
        _ if model.ui.look.zoomed => model.ui.look.zoomed = false,
        Focus::Status | Focus::Metrics | Focus::Log => focus(model, Focus::Feed),
        Focus::Feed => return false,
    }
    true
}

/// Does what only concerns the console.
#[expect(clippy::wildcard_enum_match_arm, reason = "all else concerns more, and does not come here")]
pub(super) fn act_on_panes(model: &mut Model, action: Action) -> Outcome {
    let look = &mut model.ui.look;
    match action {
        Action::FocusOther => focus(model, step(model.ui.focus, 1)),
        Action::FocusBack => focus(model, step(model.ui.focus, PANES.len() - 1)),
        Action::ShowFeed => focus(model, Focus::Feed),
        Action::ShowStatus => focus(model, Focus::Status),
        Action::ShowMetrics => focus(model, Focus::Metrics),
        Action::ShowLog if model.ui.focus == Focus::Log => {
            look.log = false;
            focus(model, Focus::Feed);
        }
        Action::ShowLog => {
            look.log = true;
            focus(model, Focus::Log);
        }
        Action::Palette => model.ui.overlay = Some(Overlay::Palette(Box::default())),
        Action::Zoom => look.zoomed = !look.zoomed,
        Action::Resize => match layout::resizable(model) {
            (false, false) => model.ui.notice = Some("only one pane here: nothing to resize".to_owned()),
            _ => model.ui.look.resizing = true,
        },
        Action::ShorterRange => look.range = look.range.shorter(),
        Action::LongerRange => look.range = look.range.longer(),
        Action::LogLevel => look.log_view.next_level(),
        Action::LogTarget => look.log_view.next_target(),
        Action::ReadOnly => {
            let read_only = !look.read_only;
            set_read_only(model, read_only);
        }
        Action::Theme => {
            let theme = look.theme.next();
            set_theme(model, theme);
        }
        Action::Mouse => {
            look.mouse = !look.mouse;
            let text = match look.mouse {
                true => "the mouse chooses and scrolls panes; with Shift the terminal selects text",
                false => "the mouse is the terminal's",
            };
            model.ui.notice = Some(text.to_owned());
        }
        Action::Suspend => return Outcome { suspend: true, ..Outcome::redraw() },
        Action::Redraw => return Outcome { clear: true, ..Outcome::redraw() },
        Action::Narrower | Action::Wider | Action::Shorter | Action::Taller => resize(model, action),
        Action::EvenOut => look.sizes = Default::default(),
        Action::Resized => look.resizing = false,
        _ => {}
    }
    Outcome::redraw()
}

/// Nothing can be changed from here, or again everything.
pub(super) fn set_read_only(model: &mut Model, read_only: bool) {
    model.ui.look.read_only = read_only;
    let text = if read_only { "read-only: nothing can be changed" } else { "changes are allowed" };
    model.ui.notice = Some(text.to_owned());
}

/// Other colours.
pub(super) fn set_theme(model: &mut Model, theme: Colours) {
    model.ui.look.theme = theme;
    model.ui.notice = Some(format!("colours: {}", theme.name()));
}

fn step(from: Focus, by: usize) -> Focus {
    let at = PANES.iter().position(|pane| *pane == from).unwrap_or(0);
    PANES.get((at + by) % PANES.len()).copied().unwrap_or(Focus::Feed)
}

/// Keys go there from now on.
pub(in super::super) fn focus(model: &mut Model, pane: Focus) {
    if pane != Focus::Compose {
        model.ui.look.behind = pane;
    }
    model.ui.focus = pane;
}

/// Changes the sizes from what they are at present; the layout keeps them within the screen.
fn resize(model: &mut Model, action: Action) {
    let mut sizes = layout::present_sizes(model);
    match (action, model.ui.look.behind) {
        (Action::Narrower, _) => sizes.side = sizes.side.saturating_sub(STEP),
        (Action::Wider, _) => sizes.side = sizes.side.saturating_add(STEP),
        (Action::Taller, Focus::Status) | (Action::Shorter, Focus::Metrics) => {
            sizes.status = sizes.status.saturating_add(STEP);
        }
        (Action::Shorter, Focus::Status) | (Action::Taller, Focus::Metrics) => {
            sizes.status = sizes.status.saturating_sub(STEP);
        }
        (Action::Taller, Focus::Log) => sizes.log = sizes.log.saturating_add(STEP),
        (Action::Shorter, Focus::Log) => sizes.log = sizes.log.saturating_sub(STEP),
        // The log stands below the messages: what the one gets the other loses.
        (Action::Taller, _) => sizes.log = sizes.log.saturating_sub(STEP),
        (Action::Shorter, _) => sizes.log = sizes.log.saturating_add(STEP),
        _ => {}
    }
    model.ui.look.sizes = layout::possible(sizes, model.ui.size);
}

/// A key while the help is shown: it scrolls, or goes.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key closes it")]
pub(super) fn help_key(model: &mut Model, scroll: u16, key: KeyCode) -> Outcome {
    let by = match key {
        KeyCode::Down | KeyCode::Char('j') => 1,
        KeyCode::Up | KeyCode::Char('k') => -1,
        KeyCode::PageDown | KeyCode::Char(' ') => 10,
        KeyCode::PageUp => -10,
        _ => return Outcome::redraw(),
    };
    model.ui.overlay = Some(Overlay::Help { scroll: scroll.saturating_add_signed(by) });
    Outcome::redraw()
}

/// A key while an action is searched.
pub(super) fn palette_key(model: &mut Model, mut palette: Box<Palette>, key: &KeyEvent) -> Outcome {
    let step = palette.key(key);
    palette_step(model, palette, step)
}

/// What the palette says is done.
pub(super) fn palette_step(model: &mut Model, palette: Box<Palette>, step: Step) -> Outcome {
    match step {
        Step::Close => Outcome::redraw(),
        Step::Run(row) => {
            if row.context == Context::Compose && row.action != Action::Send {
                focus(model, Focus::Compose);
            }
            act(model, row.action)
        }
        Step::Do(verb, meaning) => words::act(model, verb, meaning),
        Step::Stay => {
            model.ui.overlay = Some(Overlay::Palette(palette));
            Outcome::redraw()
        }
    }
}

/// A key while a word is asked for.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits the word")]
pub(super) fn confirm_key(model: &mut Model, what: Confirmed, mut input: Box<Input>, key: &KeyEvent) -> Outcome {
    match key.code {
        KeyCode::Esc => return Outcome::redraw(),
        KeyCode::Enter if input.value().trim().eq_ignore_ascii_case(what.word()) => {
            return match what {
                Confirmed::Stop => Outcome { quit: true, ..Outcome::redraw() },
                Confirmed::LogOut { local } => words::log_out(model, local),
            };
        }
        KeyCode::Enter => input.reset(),
        _ => edit(&mut input, key),
    }
    model.ui.overlay = Some(Overlay::Confirm(what, input));
    Outcome::redraw()
}
