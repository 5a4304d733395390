//! The passkey step of linking.

use super::*;
use crate::protocol::PasskeyResponse;
use crate::state::Secret;

/// As a browser shows it.
pub(super) const ANSWER: &str = r#"{"authenticatorAttachment":"platform","clientExtensionResults":{},"id":"q1w2","rawId":"q1w2","response":{"authenticatorData":"SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ","clientDataJSON":"eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0","signature":"MEUCIQ","userHandle":null},"type":"public-key"}"#;

/// The begin of the bundled bridge's, and its length.
fn snippet() -> Secret {
    let begin = r#"(() => { const options = JSON.parse("{\"challenge\":\"mJ2Zr0b0t3sN1Z1lqkq7YtV3a9Yk2bq1nX8oQ0yJx5c\",\"timeout\":600000,\"rpId\":\"whatsapp.com\"}");"#;
    format!("{begin:-<1214}").into()
}

pub(super) fn demanded() -> Snapshot {
    let mut snapshot = started();
    snapshot.connection.state = ConnectionState::Passkey;
    snapshot.pairing = Some(Pairing::Passkey {
        options: serde_json::json!({"challenge": "mJ2Z"}).into(),
        snippet: snippet(),
        answered: false,
        fault: None,
        shown_at: ago(15),
        expires_at: now().wall.plus(Duration::from_secs(585)),
    });
    snapshot
}

pub(super) fn refused() -> Snapshot {
    let mut snapshot = demanded();
    let text = "the passkey's answer was refused: WhatsApp does not accept it. Run the snippet that is shown now and give \
                its answer";
    if let Some(Pairing::Passkey { fault, .. }) = &mut snapshot.pairing {
        *fault = Some(text.into());
    }
    snapshot.last_error = Some(LastError { at: ago(2), text: format!("bridge: {text}").into() });
    snapshot
}

pub(super) fn answered() -> Snapshot {
    let mut snapshot = demanded();
    if let Some(Pairing::Passkey { answered, .. }) = &mut snapshot.pairing {
        *answered = true;
    }
    snapshot
}

fn code(code: &str, confirm: bool) -> Snapshot {
    let mut snapshot = demanded();
    let expires_at = now().wall.plus(Duration::from_secs(300));
    snapshot.pairing =
        Some(Pairing::PasskeyCode { code: code.to_owned().into(), confirm, shown_at: ago(1), expires_at });
    snapshot
}

pub(super) fn with_code() -> Snapshot {
    code("ABCD-1234", false)
}

pub(super) fn to_compare() -> Snapshot {
    code("ABCD-1234", true)
}

fn paste(model: &mut Model, text: &str) {
    assert_eq!(update(model, Msg::Paste(text.to_owned()), now()).requests, []);
}

fn changed(model: &mut Model, snapshot: Snapshot) {
    let change = Arc::new(Change::Pairing(snapshot.pairing));
    update(model, Msg::Update(Update::Changes(vec![change])), now());
}

#[test]
fn c_copies_the_snippet() {
    let mut model = model(demanded());
    let outcome = press(&mut model, KeyCode::Char('c'));
    assert_eq!(outcome.copy, Some(snippet()));
    assert!(!format!("{outcome:?}").contains("challenge"));
    assert!(model.ui.notice.as_ref().unwrap().contains("copied"));
    for snapshot in [with_qr(), linked(), with_code()] {
        let mut model = super::model(snapshot);
        assert_eq!(press(&mut model, KeyCode::Char('c')).copy, None);
        assert!(model.ui.notice.as_ref().unwrap().contains("no passkey"));
    }
    if let Some(Pairing::Passkey { snippet, .. }) = &mut model.snapshot.pairing {
        *snippet = "x".repeat(super::super::clipboard::MAX_BYTES + 1).into();
    }
    assert_eq!(press(&mut model, KeyCode::Char('c')).copy, None);
    assert!(model.ui.notice.as_ref().unwrap().contains("/pairing"));
}

#[test]
fn the_pasted_answer_is_given_by_enter_and_never_sent() {
    // Also as terminals wrap it, and with a recipient chosen.
    for text in [ANSWER.to_owned(), format!("{}\r\n{}\n", &ANSWER[..80], &ANSWER[80..])] {
        let mut model = model(demanded());
        model.ui.recipient = Some(Chat::with_person(ANA.parse().unwrap()));
        paste(&mut model, &text);
        let outcome = press(&mut model, KeyCode::Enter);
        let expected = PasskeyResponse(serde_json::from_str(ANSWER).unwrap());
        assert_eq!(outcome.requests[0].request, Request::AnswerPasskey(expected));
        assert_eq!((model.ui.input.value(), model.ui.focus), ("", Focus::Feed));
        let id = outcome.requests[0].id;
        update(&mut model, Msg::Update(Update::Answer { id, answer: Answer::Done }), now());
        assert!(model.ui.history.is_empty(), "it is no line to be sent again");
    }
}

#[test]
fn what_is_not_the_answer_is_told_and_stays() {
    let cut = &ANSWER[..ANSWER.len() - 3];
    let other = r#"{"hello":"world"}"#;
    for wrong in [cut, other, snippet().reveal(), "hello", "\u{1b}]52;c;AAAA\u{7}"] {
        let mut model = model(demanded());
        model.ui.recipient = Some(Chat::with_person(ANA.parse().unwrap()));
        paste(&mut model, wrong);
        let line = model.ui.input.value().to_owned();
        assert_eq!(press(&mut model, KeyCode::Enter).requests, [], "{wrong}");
        assert!(model.ui.notice.as_ref().unwrap().starts_with("this is not the passkey's answer: "), "{wrong}");
        assert_eq!(model.ui.input.value(), line, "nothing is lost");
        assert!(text(&drawn(&mut model, (80, 24))).contains("✗ it is not"), "{wrong}");
    }
}

#[test]
fn an_answer_is_never_a_message() {
    for snapshot in [linked(), answered(), with_code(), with_qr()] {
        for before in ["", "+15551112222 ", "look: "] {
            let mut model = model(snapshot.clone());
            model.ui.recipient = Some(Chat::with_person(ANA.parse().unwrap()));
            paste(&mut model, &format!("{before}{ANSWER}"));
            let outcome = press(&mut model, KeyCode::Enter);
            let sends = outcome.requests.iter().any(|ask| matches!(ask.request, Request::Send { .. }));
            assert!(!sends, "{before}: {outcome:?}");
        }
    }
}

#[test]
fn a_refused_answer_comes_back() {
    let mut model = model(demanded());
    paste(&mut model, ANSWER);
    let id = press(&mut model, KeyCode::Enter).requests[0].id;
    let answer = Answer::Refused(Refusal::NoPasskeyAsked);
    update(&mut model, Msg::Update(Update::Answer { id, answer }), now());
    assert_eq!(model.ui.input.value(), ANSWER);
    assert!(model.ui.notice.as_ref().unwrap().contains("no passkey"));
}

#[test]
fn the_line_that_was_being_written_is_kept_when_the_answer_is_pasted() {
    let mut model = model(demanded());
    typed(&mut model, "i+15551112222 Hola");
    paste(&mut model, ANSWER);
    assert_eq!(model.ui.input.value(), ANSWER);
    assert!(matches!(press(&mut model, KeyCode::Enter).requests[0].request, Request::AnswerPasskey(_)));
    typed(&mut model, "i");
    press(&mut model, KeyCode::Up);
    assert_eq!(model.ui.input.value(), "+15551112222 Hola");
    // A line with a number is a message at all times.
    assert!(matches!(press(&mut model, KeyCode::Enter).requests[0].request, Request::Send { .. }));
}

#[test]
fn a_wrong_paste_is_replaced_by_the_next_answer() {
    let mut model = model(demanded());
    paste(&mut model, &ANSWER[..100]);
    paste(&mut model, ANSWER);
    assert!(matches!(press(&mut model, KeyCode::Enter).requests[0].request, Request::AnswerPasskey(_)));
    assert!(model.ui.history.is_empty());
}

#[test]
fn the_owner_is_asked_whether_the_codes_are_the_same() {
    for (key, same) in [('y', true), ('n', false)] {
        let mut model = model(to_compare());
        assert_eq!(press(&mut model, KeyCode::Char(key)).requests, [], "not asked yet");
        press(&mut model, KeyCode::Char('c'));
        let outcome = press(&mut model, KeyCode::Char(key));
        assert_eq!(outcome.requests[0].request, Request::ConfirmPasskey { same });
    }
    let mut model = model(to_compare());
    press(&mut model, KeyCode::Char('c'));
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    assert_eq!(press(&mut model, KeyCode::Char('y')).requests, [], "the question is closed");
}

#[test]
fn a_new_code_closes_the_question_about_the_old_one() {
    let mut model = model(to_compare());
    press(&mut model, KeyCode::Char('c'));
    changed(&mut model, code("WXYZ-6789", true));
    assert_eq!(press(&mut model, KeyCode::Char('y')).requests, []);
}

#[test]
fn a_step_that_ran_out_is_not_shown() {
    for mut snapshot in [demanded(), with_code()] {
        if let Some(Pairing::Passkey { expires_at, .. } | Pairing::PasskeyCode { expires_at, .. }) =
            &mut snapshot.pairing
        {
            *expires_at = now().wall;
        }
        let picture = text(&drawn(&mut model(snapshot), (80, 24)));
        assert!(picture.contains("The passkey step is over"), "{picture}");
        assert!(!picture.contains("const options") && !picture.contains("A B C D"), "{picture}");
    }
}

#[test]
fn a_hostile_snippet_and_code_control_nothing_and_fit() {
    let hostile = "\u{1b}]0;PWNED\u{7}\u{202e}".repeat(10_000);
    let mut snapshot = demanded();
    if let Some(Pairing::Passkey { snippet, fault, .. }) = &mut snapshot.pairing {
        *snippet = hostile.clone().into();
        *fault = Some(hostile.clone().into());
    }
    for snapshot in [snapshot, code(&hostile, true)] {
        for size in SIZES {
            let mut model = model(snapshot.clone());
            press(&mut model, KeyCode::Char('c'));
            for cell in &drawn(&mut model, size).content {
                assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn a_line_of_a_million_characters_is_drawn_around_its_end() {
    let mut model = model(linked());
    paste(&mut model, &format!("{}end", "日".repeat(1_000_000)));
    let picture = text(&drawn(&mut model, (80, 24)));
    assert!(picture.contains("日日end"), "{picture}");
}
