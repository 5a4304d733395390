//! Linking: a code for a number, how the QR is drawn, and a new start of the bridge.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

use super::super::keymap::Action;
use super::super::model::{Model, Overlay};
use super::super::panes::pairing;
use super::super::passing::Passing;
use super::super::recipients::as_people_write;
use super::console::refused;
use super::{Outcome, edit, request};
use crate::state::{BridgeState, ConnectionState, Linking, Phone, Request, StoreState};

/// A key while the number is asked for.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits the number")]
pub(super) fn number_key(model: &mut Model, mut input: Box<Input>, key: &KeyEvent) -> Outcome {
    match key.code {
        KeyCode::Esc => return Outcome::redraw(),
        KeyCode::Enter => match as_people_write(input.value()) {
            Ok(number) => return ask_for_code(model, number),
            Err(error) => model.ui.notice = Some(error.to_string()),
        },
        _ => edit(&mut input, key),
    }
    model.ui.overlay = Some(Overlay::Number(input));
    Outcome::redraw()
}

/// A restart breaks off what goes well: a connection, or the step with the passkey. One letter in the wrong place is not
/// to do that.
pub(super) fn restart_interrupts(model: &Model) -> bool {
    let s = &model.snapshot;
    let runs = s.bridge.state == BridgeState::Running && s.store.state == StoreState::Ok;
    runs && matches!(s.connection.state, ConnectionState::Open | ConnectionState::Passkey)
}

/// It was asked whether the bridge is to be started anew.
pub(super) fn restart_key(model: &mut Model, key: KeyCode) -> Outcome {
    // The console may have become read-only while it asked.
    if !matches!(key, KeyCode::Char('y' | 'Y')) || refused(model, Action::Restart) {
        return Outcome::redraw();
    }
    restart(model)
}

/// The bridge is started anew.
pub(super) fn restart(model: &mut Model) -> Outcome {
    model.ui.passing = Some(Passing::restart(&model.snapshot));
    request(model, Request::RestartBridge)
}

/// The number for a pairing code is asked for.
pub(super) fn pairing_code(model: &mut Model) -> Outcome {
    if model.snapshot.connection.state.is_up() {
        model.ui.notice = Some("an account is linked already".to_owned());
        return Outcome::redraw();
    }
    // The number of before may be the wrong one: it is offered, not taken.
    let number = model.snapshot.linking.phone_number.as_ref().map(ToString::to_string).unwrap_or_default();
    model.ui.overlay = Some(Overlay::Number(Box::new(Input::new(number))));
    Outcome::redraw()
}

pub(super) fn ask_for_code(model: &mut Model, number: Phone) -> Outcome {
    let text = format!("asking for a pairing code for {number}");
    model.ui.passing = Some(Passing::code(&model.snapshot, text));
    request(model, Request::SetLinking(Linking { use_pairing_code: true, phone_number: Some(number) }))
}

/// The next drawing for which there is room, and after the last the one that is chosen by itself.
pub(super) fn cycle_drawing(model: &mut Model) {
    let possible = pairing::possible(model);
    let place = |drawing| possible.iter().position(|one| *one == drawing);
    let drawn = model.ui.qr_drawn.get();
    let next = match (model.ui.drawing.and_then(place), drawn.and_then(place)) {
        (Some(chosen), _) => chosen + 1,
        // The first change is to another than the one that is drawn already.
        (None, Some(drawn)) => (drawn + 1) % possible.len().max(1),
        (None, None) => 0,
    };
    model.ui.drawing = possible.get(next).copied();
    model.ui.notice = Some(match model.ui.drawing {
        _ if possible.iter().all(|one| Some(*one) == drawn) => "no other drawing of the QR fits".to_owned(),
        Some(drawing) => format!("drawing: {}", drawing.name()),
        None => "drawing: the most robust that fits".to_owned(),
    });
}
