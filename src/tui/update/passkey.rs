//! The passkey step of linking: the snippet out, the browser's answer in, the codes compared.
//!
//! The answer is a secret and never a message: whatever looks like one is kept from being sent, also when none is asked
//! for.

use crossterm::event::KeyCode;
use tui_input::Input;

use super::super::clipboard;
use super::super::model::{Focus, Model, Overlay};
use super::{Outcome, focus, request};
use crate::protocol::PasskeyResponse;
use crate::state::{Pairing, PasskeyFault, Request, read_passkey};

/// What stands in every answer, and hardly in a message.
const MARKS: [&str; 3] = ["\"clientDataJSON\"", "\"authenticatorData\"", "\"rawId\""];

/// The browser's answer is awaited.
pub fn awaited(model: &Model) -> bool {
    matches!(model.snapshot.pairing, Some(Pairing::Passkey { answered: false, .. }))
}

/// A line is the answer, or meant as one: while it is awaited, everything but what names the number that it goes to.
pub(super) fn is_for(model: &Model, line: &str) -> bool {
    let empty = line.trim().is_empty();
    is_like_an_answer(line) || (awaited(model) && !empty && !line.trim_start().starts_with('+'))
}

pub(super) fn is_like_an_answer(text: &str) -> bool {
    MARKS.iter().any(|mark| text.contains(mark))
}

fn read(line: &str) -> Result<PasskeyResponse, PasskeyFault> {
    read_passkey(line)
}

/// What stands over the input box while it takes the answer.
pub fn title(model: &Model) -> Option<String> {
    let line = model.ui.input.value();
    if !is_for(model, line) {
        return awaited(model).then(|| "The passkey's answer (or +number text)".to_owned());
    }
    Some(match read(line) {
        _ if !awaited(model) => "✗ no passkey's answer is awaited at present".to_owned(),
        Ok(_) => "The passkey's answer is complete: Enter gives it".to_owned(),
        Err(fault) => format!("✗ {fault}"),
    })
}

/// Gives the answer. What is not one stays in the box.
pub(super) fn answer(model: &mut Model, line: String) -> Outcome {
    let response = match read(&line) {
        Ok(response) => response,
        Err(fault) => {
            model.ui.notice = Some(format!("this is not the passkey's answer: {fault}"));
            return Outcome::redraw();
        }
    };
    let outcome = request(model, Request::AnswerPasskey(response));
    if let Some(ask) = outcome.requests.first() {
        model.ui.sending.insert(ask.id, line);
    }
    model.ui.input.reset();
    // What comes next may be a code to be compared, by a key.
    focus(model, Focus::Feed);
    outcome
}

/// An answer that is pasted gets the box for itself; the line that was being written is kept.
pub(super) fn make_room(model: &mut Model, pasted: &str) {
    let line = model.ui.input.value().to_owned();
    if is_like_an_answer(pasted) && !line.is_empty() {
        model.ui.input = Input::default();
        if !is_for(model, &line) {
            model.remember(line);
            model.ui.notice = Some("the line that you wrote is kept: Up shows it".to_owned());
        }
    }
}

/// The snippet goes into the clipboard; with a code to compare, the owner is asked.
pub(super) fn copy_or_compare(model: &mut Model) -> Outcome {
    let api = &model.ui.api;
    let (copy, notice) = match &model.snapshot.pairing {
        Some(Pairing::PasskeyCode { confirm: true, .. }) => {
            model.ui.overlay = Some(Overlay::Compare);
            return Outcome::redraw();
        }
        Some(Pairing::Passkey { snippet, .. }) if snippet.reveal().len() > clipboard::MAX_BYTES => {
            (None, format!("the snippet is too long for a clipboard; it is at {api}/pairing"))
        }
        Some(Pairing::Passkey { snippet, .. }) => {
            let notice = clipboard::said(model.ui.look.within);
            (Some(snippet.clone()), notice.to_owned())
        }
        Some(Pairing::PasskeyCode { .. } | Pairing::Qr { .. } | Pairing::Code { .. }) | None => {
            (None, "WhatsApp asks for no passkey at present".to_owned())
        }
    };
    model.ui.notice = Some(notice);
    Outcome { copy, ..Outcome::redraw() }
}

/// The owner says whether the codes are the same, or not yet.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key is no answer")]
pub(super) fn compared(model: &mut Model, key: KeyCode) -> Outcome {
    match key {
        KeyCode::Char('y' | 'Y') => request(model, Request::ConfirmPasskey { same: true }),
        KeyCode::Char('n' | 'N') => request(model, Request::ConfirmPasskey { same: false }),
        _ => Outcome::redraw(),
    }
}
