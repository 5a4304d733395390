//! What is said in words instead of by a key.

use super::super::keymap::Action;
use super::super::model::{Focus, Model, Overlay};
use super::super::passing::Passing;
use super::super::verbs::{Meaning, Verb};
use super::console::{refused_if, set_read_only, set_theme};
use super::linking::ask_for_code;
use super::{Confirmed, Outcome, feed, focus, request, send, webhooks};
use crate::state::{ConnectionState, Linking, Refusal, Request};

/// Does it, asks first, or says why not.
pub(super) fn act(model: &mut Model, verb: &Verb, meaning: Meaning) -> Outcome {
    if refused_if(model, verb.changes) {
        return Outcome::redraw();
    }
    match meaning {
        Meaning::Send(to, text) => {
            let chat = model.ui.chats.as_known(to);
            let line = format!("{} {text}", chat.address());
            return send(model, chat, text.into(), Some(line));
        }
        Meaning::Pair(number) => return ask_for_code(model, number),
        Meaning::Link => return link(model),
        Meaning::LogOut { .. } if is_unlinked(model) => model.ui.notice = Some(Refusal::NotLinked.to_string()),
        Meaning::LogOut { local } => {
            model.ui.overlay = Some(Overlay::Confirm(Confirmed::LogOut { local }, Box::default()));
        }
        Meaning::Filter(text) => {
            focus(model, Focus::Feed);
            feed::filter(model, &text);
        }
        Meaning::Webhooks => model.ui.overlay = Some(Overlay::Webhooks { chosen: 0 }),
        Meaning::Resume(name) => return webhooks::resume(model, name),
        Meaning::Theme(theme) => set_theme(model, theme),
        Meaning::ReadOnly(read_only) => set_read_only(model, read_only),
        Meaning::Status => focus(model, Focus::Status),
        Meaning::Help => return super::act(model, Action::Help),
        Meaning::Restart => return super::act(model, Action::Restart),
        Meaning::TakeOver => return super::act(model, Action::TakeOver),
        Meaning::Quit => return super::act(model, Action::Quit),
    }
    Outcome::redraw()
}

/// A QR is asked for: in place of a pairing code, or since the link has ended.
fn link(model: &mut Model) -> Outcome {
    if model.snapshot.connection.state.is_up() {
        model.ui.notice = Some("an account is linked already; :log out unlinks it".to_owned());
        return Outcome::redraw();
    }
    if model.qr.is_some() {
        focus(model, Focus::Feed);
        return Outcome::redraw();
    }
    if model.snapshot.linking.use_pairing_code {
        model.ui.passing = Some(Passing::qr(&model.snapshot));
        let phone_number = model.snapshot.linking.phone_number.clone();
        return request(model, Request::SetLinking(Linking { use_pairing_code: false, phone_number }));
    }
    super::act(model, Action::Restart)
}

/// There is no link that could end; what else stands in the way the engine says.
fn is_unlinked(model: &Model) -> bool {
    let state = model.snapshot.connection.state;
    matches!(state, ConnectionState::Linking | ConnectionState::Passkey | ConnectionState::LoggedOut)
}

/// It was confirmed that the link is to end.
pub(super) fn log_out(model: &mut Model, local: bool) -> Outcome {
    // The console may have become read-only while it asked.
    if refused_if(model, true) {
        return Outcome::redraw();
    }
    model.ui.passing = Some(Passing::log_out(&model.snapshot));
    request(model, Request::LogOut { local })
}

/// Why something was not done, with what an operator at the console can do about it.
#[expect(clippy::wildcard_enum_match_arm, reason = "all else says what to do anywhere")]
pub(in super::super) fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotConnected => "WhatsApp is not connected, and can't be told; :log out local forgets the link here \
             alone"
            .to_owned(),
        Refusal::AlreadyLinked => "an account is linked already; :log out unlinks it".to_owned(),
        other => other.to_string(),
    }
}
