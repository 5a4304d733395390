//! Every action by every one of its keys: what it does, that this can be told from nothing, and that a console that is
//! read-only refuses what changes something.

use super::console::busy;
use super::*;
use crate::state::{Found, LookUp, Page, Request as R};
use crate::tui::keymap::{Action as A, Binding, Context, KEYS};
use crate::tui::layout::present_sizes;
use crate::tui::model::Overlay;
use crate::tui::update::{Confirmed, context};

/// Where an action can do something, and how that is told from before. A new action does not compile without one.
struct Case {
    before: Model,
    done: fn(&Model, &Model, &Outcome) -> bool,
}

/// Presses a key. What is looked up then is answered: there is no more than what the console has.
fn pressed(model: &mut Model, name: &str) -> Outcome {
    let outcome = update(model, Msg::Key(event(name)), now());
    let mut asked = outcome.look_ups.clone();
    while let Some((id, what)) = asked.pop() {
        let found = match what {
            LookUp::Messages { .. } => Found::Messages(Page { items: Vec::new(), next: None, complete: true }),
            LookUp::Chats { .. } => Found::Chats(Page { items: Vec::new(), next: None, complete: true }),
            LookUp::Message { .. } => Found::Message { message: None, about: Vec::new() },
        };
        asked.append(&mut update(model, Msg::Update(Update::Found { id, found }), now()).look_ups);
    }
    outcome
}

fn after(mut model: Model, keys: &str) -> Model {
    drawn(&mut model, (120, 40));
    for name in keys.split_whitespace() {
        pressed(&mut model, name);
        drawn(&mut model, (120, 40));
    }
    model
}

fn writing(text: &str) -> Model {
    let mut model = after(busy(), "i");
    typed(&mut model, text);
    model
}

fn replaced() -> Snapshot {
    ended(ReasonClass::Replaced, 440, "another program took over")
}

fn with_history(keys: &str) -> Model {
    let mut model = busy();
    model.ui.history.push_back("sent before".to_owned());
    after(model, keys)
}

fn searching(keys: &str) -> Model {
    let mut model = after(busy(), "/ u n d e r Enter");
    press(&mut model, KeyCode::Esc);
    after(model, keys)
}

fn asks(outcome: &Outcome, what: fn(&R) -> bool) -> bool {
    outcome.requests.len() == 1 && outcome.requests.iter().all(|ask| what(&ask.request))
}

fn case(row: &Binding) -> Case {
    let there = |keys: &str, done| Case { before: after(busy(), keys), done };
    let resizing = |done| Case { before: after(busy(), "2 Ctrl-w"), done };
    let box_ = row.context == Context::Compose;
    match row.action {
        A::FocusOther if box_ => there("i", |_, m, _| m.ui.focus == Focus::Status),
        A::FocusOther => there("", |_, m, _| m.ui.focus == Focus::Compose),
        A::FocusBack if box_ => there("i", |_, m, _| m.ui.focus == Focus::Feed),
        A::FocusBack => there("", |_, m, _| m.ui.focus == Focus::Log),
        A::Compose => there("", |_, m, _| m.ui.focus == Focus::Compose),
        A::Leave if box_ => there("i", |_, m, _| m.ui.focus == Focus::Feed),
        A::Leave => there("z", |_, m, _| !m.ui.look.zoomed),
        A::Down => there("k k", |b, m, _| m.ui.feed.chosen() > b.ui.feed.chosen()),
        A::Up => there("k", |b, m, _| m.ui.feed.chosen() < b.ui.feed.chosen()),
        A::Top => there("k", |_, m, _| m.ui.feed.chosen() == Some(0)),
        A::Bottom => there("k", |_, m, _| m.ui.feed.chosen().is_none()),
        // Further than one message, and here to the newest.
        A::PageDown => there("k k k k k k k k k", |_, m, _| m.ui.feed.chosen().is_none()),
        A::PageUp => there("k", |b, m, _| m.ui.feed.chosen().map(|n| n + 1) < b.ui.feed.chosen()),
        A::Filter => there("", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Filter(_)))),
        A::SearchOlder => Case {
            before: searching(""),
            done: |_, m, _| m.chosen().is_some_and(|message| message.body.contains("under")),
        },
        A::SearchNewer => Case {
            before: searching("n g"),
            done: |_, m, _| m.chosen().is_some_and(|message| message.body.contains("under")),
        },
        A::Detail => there("k", |_, m, _| m.ui.detail.is_some()),
        A::Json => there("k Enter", |_, m, _| m.ui.detail.as_ref().is_some_and(|detail| detail.json)),
        A::Copy => there("k", |_, _, o| o.copy.as_ref().is_some_and(|text| text.reveal() == "waits")),
        A::Resend => there("k k k", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Resend(_)))),
        A::Chats => there("", |_, m, _| m.ui.chats.open),
        A::Answer => there("k", |_, m, _| m.ui.focus == Focus::Compose && m.ui.recipient.is_some()),
        A::Cancel => there("k", |_, _, o| asks(o, |request| matches!(request, R::Cancel { .. }))),
        A::Help if box_ => there("i", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Help { .. }))),
        A::Help => there("", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Help { .. }))),
        A::PairingCode => Case {
            before: after(model(with_qr()), ""),
            done: |_, m, _| matches!(m.ui.overlay, Some(Overlay::Number(_))),
        },
        A::CycleDrawing => Case { before: after(model(with_qr()), ""), done: |b, m, _| m.ui.drawing != b.ui.drawing },
        A::WholeScreen => Case { before: after(model(with_qr()), ""), done: |_, m, _| m.ui.whole_screen },
        A::Passkey => Case { before: after(model(passkey::demanded()), ""), done: |_, _, o| o.copy.is_some() },
        A::Restart => Case {
            before: after(model(logged_out()), ""),
            done: |_, _, o| asks(o, |request| matches!(request, R::RestartBridge)),
        },
        A::TakeOver => Case {
            before: after(model(replaced()), ""),
            done: |_, _, o| asks(o, |request| matches!(request, R::TakeOver)),
        },
        A::Quit => there("", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Confirm(Confirmed::Stop, _)))),
        A::Send => Case {
            before: writing("+15551112222 Hola"),
            done: |_, _, o| asks(o, |request| matches!(request, R::Send { text, .. } if &**text == "Hola")),
        },
        A::NewLine => Case { before: writing("one"), done: |_, m, _| m.ui.input.value() == "one\n" },
        A::Editor => Case { before: writing("one"), done: |_, _, o| o.edit.as_deref() == Some("one") },
        A::Recipient => there("i", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Recipient(_)))),
        A::HistoryBack => Case { before: with_history("i"), done: |_, m, _| m.ui.input.value() == "sent before" },
        A::HistoryForward => Case { before: with_history("i Up"), done: |_, m, _| m.ui.input.value().is_empty() },
        A::Palette => there("", |_, m, _| matches!(m.ui.overlay, Some(Overlay::Palette(_)))),
        A::Zoom => there("", |_, m, _| m.ui.look.zoomed),
        A::Resize => there("", |_, m, _| m.ui.look.resizing),
        A::ShowFeed => there("2", |_, m, _| m.ui.focus == Focus::Feed),
        A::ShowStatus => there("", |_, m, _| m.ui.focus == Focus::Status),
        A::ShowMetrics => there("", |_, m, _| m.ui.focus == Focus::Metrics),
        A::ShowLog => there("", |_, m, _| m.ui.focus == Focus::Log && m.ui.look.log),
        A::ShorterRange => there("]", |_, m, _| m.ui.look.range == Range::FiveMinutes),
        A::LongerRange => there("", |_, m, _| m.ui.look.range == Range::Hour),
        A::LogLevel => there("4", |b, m, _| m.ui.look.log_view.level < b.ui.look.log_view.level),
        A::LogTarget => there("4", |_, m, _| m.ui.look.log_view.target.is_some()),
        A::ReadOnly => there("", |_, m, _| m.ui.look.read_only),
        A::Redraw => there("", |_, _, o| o.clear),
        A::Narrower => resizing(|b, m, _| present_sizes(m).side < present_sizes(b).side),
        A::Wider => resizing(|b, m, _| present_sizes(m).side > present_sizes(b).side),
        A::Shorter => resizing(|b, m, _| present_sizes(m).status < present_sizes(b).status),
        A::Taller => resizing(|b, m, _| present_sizes(m).status > present_sizes(b).status),
        A::EvenOut => {
            Case { before: after(busy(), "2 Ctrl-w Right"), done: |_, m, _| m.ui.look.sizes == Default::default() }
        }
        A::Resized => resizing(|_, m, _| !m.ui.look.resizing),
        A::Theme => there("", |b, m, _| m.ui.look.theme != b.ui.look.theme),
        A::Mouse => there("", |b, m, _| m.ui.look.mouse != b.ui.look.mouse),
        A::Suspend if box_ => there("i", |_, _, o| o.suspend),
        A::Suspend => there("", |_, _, o| o.suspend),
    }
}

/// The key that the table calls so.
fn event(name: &str) -> KeyEvent {
    let (mut modifiers, mut rest) = (KeyModifiers::NONE, name);
    for (word, modifier) in [("Ctrl-", KeyModifiers::CONTROL), ("Alt-", KeyModifiers::ALT)] {
        if let Some(after) = rest.strip_prefix(word) {
            (modifiers, rest) = (modifiers | modifier, after);
        }
    }
    let code = match rest {
        "Enter" => KeyCode::Enter,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Esc" => KeyCode::Esc,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "F1" => KeyCode::F(1),
        key if key.chars().count() == 1 => KeyCode::Char(key.chars().next().unwrap()),
        key => panic!("{key}"),
    };
    KeyEvent::new(code, modifiers)
}

#[test]
fn every_key_of_the_table_does_what_its_action_is_for() {
    for row in KEYS {
        for name in row.keys {
            let Case { before, done } = case(row);
            let mut model = case(row).before;
            assert_eq!(context(&model), row.context, "{row:?}");
            assert!(!done(&before, &model, &Outcome::default()), "{row:?}: this can't be told from nothing");
            let outcome = pressed(&mut model, name);
            assert!(done(&before, &model, &outcome) && outcome.redraw, "{name} of {row:?}: {outcome:?}");
            assert!(outcome.requests.is_empty() || row.action.changes(), "{row:?} asks for a change: {outcome:?}");
            drawn(&mut model, (80, 24));
        }
    }
}

#[test]
fn a_console_that_is_read_only_refuses_every_action_that_changes_something_and_no_other() {
    for row in KEYS {
        let Case { before, done } = case(row);
        let mut model = case(row).before;
        model.ui.look.read_only = true;
        let outcome = pressed(&mut model, row.keys[0]);
        assert_eq!(outcome.requests, [], "{row:?}");
        let refused = model.ui.notice.as_ref().is_some_and(|notice| notice.starts_with("read-only: nothing was done"));
        assert_eq!(refused, row.action.changes(), "{row:?}: {:?}", model.ui.notice);
        let toggle = row.action == A::ReadOnly;
        assert_eq!(done(&before, &model, &outcome), !refused && !toggle, "{row:?}");
    }
}
