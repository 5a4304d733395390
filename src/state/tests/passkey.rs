//! The passkey step of linking.

use serde_json::json;

use super::*;
use crate::protocol::PasskeyResponse;

pub(super) const DEMAND: &str =
    r#"{"type":"passkey","options":{"challenge":"AA"},"snippet":"(() => {})();","expiresInMs":600000}"#;
const CODE: &str = r#"{"type":"passkey_code","code":"ABCD-1234","confirm":false}"#;
const COMPARE: &str = r#"{"type":"passkey_code","code":"ABCD-1234","confirm":true}"#;

/// What has the shape of an answer.
pub(super) fn right() -> PasskeyResponse {
    let response = json!({"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"});
    PasskeyResponse(json!({"id": "a", "rawId": "a", "type": "public-key", "response": response}))
}

/// A world whose QR was scanned.
fn demanded() -> World {
    let mut world = World::new();
    world.start(1);
    world.line(r#"{"type":"qr","qr":"2@one","expiresInMs":60000}"#);
    world.line(DEMAND);
    world
}

fn pairing(world: &World) -> Option<Pairing> {
    world.state.snapshot().pairing.clone()
}

fn state(world: &World) -> ConnectionState {
    world.state.snapshot().connection.state
}

/// Whether an answer is being looked at, and why the last one was not taken.
fn progress(world: &World) -> (bool, Option<String>) {
    let Some(Pairing::Passkey { answered, fault, .. }) = pairing(world) else { panic!("{:?}", pairing(world)) };
    (answered, fault.map(|fault| fault.to_string()))
}

fn commands(outcome: &Outcome) -> Vec<Command> {
    let of = |effect: &Effect| match effect {
        Effect::Dispatch { command, .. } => Some(command.clone()),
        _ => None,
    };
    outcome.effects.iter().filter_map(of).collect()
}

fn refusal(outcome: &Outcome) -> Refusal {
    assert_eq!(commands(outcome), []);
    let Answer::Refused(refusal) = answer(outcome) else { panic!("{outcome:?}") };
    refusal
}

#[test]
fn the_demand_is_a_state_of_its_own_and_nothing_of_it_is_unknown() {
    let world = demanded();
    assert_eq!((state(&world), world.state.snapshot().counters.unknown_events), (ConnectionState::Passkey, 0));
    let Some(Pairing::Passkey { options, snippet, expires_at, .. }) = pairing(&world) else { panic!() };
    assert_eq!((options.reveal(), snippet.reveal()), (&json!({"challenge": "AA"}), "(() => {})();"));
    assert_eq!(expires_at, world.now.wall.plus(Duration::from_secs(600)));
    assert_eq!(progress(&world), (false, None));
}

#[test]
fn an_answer_is_given_the_code_is_shown_and_the_account_is_linked() {
    let mut world = demanded();
    let outcome = world.ask(Request::AnswerPasskey(right()));
    assert_eq!((answer(&outcome), commands(&outcome)), (Answer::Done, vec![Command::Passkey { response: right() }]));
    assert_eq!(progress(&world), (true, None));
    world.line(CODE);
    let Some(Pairing::PasskeyCode { code, confirm: false, .. }) = pairing(&world) else { panic!() };
    assert_eq!((code.reveal(), state(&world)), ("ABCD-1234", ConnectionState::Passkey));
    assert_eq!(refusal(&world.ask(Request::ConfirmPasskey { same: true })), Refusal::NothingToCompare);
    world.line(r#"{"type":"connection","state":"closed","reason":{"class":"restart_required"},"retryInMs":0}"#);
    assert_eq!(pairing(&world), None);
    world.line(r#"{"type":"ready"}"#);
    assert_eq!((pairing(&world), state(&world)), (None, ConnectionState::Open));
}

#[test]
fn the_owner_says_once_whether_the_codes_are_the_same() {
    let mut world = demanded();
    world.line(COMPARE);
    let outcome = world.ask(Request::ConfirmPasskey { same: true });
    assert_eq!((answer(&outcome), commands(&outcome)), (Answer::Done, vec![Command::PasskeyConfirm { same: true }]));
    assert!(matches!(pairing(&world), Some(Pairing::PasskeyCode { confirm: false, .. })), "it is still shown");
    assert_eq!(refusal(&world.ask(Request::ConfirmPasskey { same: false })), Refusal::NothingToCompare);

    let mut world = demanded();
    world.line(COMPARE);
    let outcome = world.ask(Request::ConfirmPasskey { same: false });
    assert_eq!(commands(&outcome), [Command::PasskeyConfirm { same: false }]);
    assert_eq!(pairing(&world), None, "the attempt ends");
}

#[test]
fn an_answer_that_is_not_taken_is_told_and_another_may_be_given() {
    let mut world = demanded();
    world.ask(Request::AnswerPasskey(right()));
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::PasskeyAnswered);
    world.line(r#"{"type":"error","error":"it answers another challenge"}"#);
    assert_eq!(progress(&world), (false, Some("it answers another challenge".to_owned())));
    assert_eq!(answer(&world.ask(Request::AnswerPasskey(right()))), Answer::Done);
    assert_eq!(progress(&world), (true, None));

    // WhatsApp's own refusal: the new demand comes before the error.
    world.line(&DEMAND.replace("AA", "BB"));
    world.line(r#"{"type":"error","error":"it was refused"}"#);
    let Some(Pairing::Passkey { options, .. }) = pairing(&world) else { panic!() };
    assert_eq!(options.reveal()["challenge"], "BB");
    assert_eq!(progress(&world), (false, Some("it was refused".to_owned())));
    assert_eq!(world.state.snapshot().last_error.as_ref().unwrap().text.as_ref(), "bridge: it was refused");
    assert_eq!(answer(&world.ask(Request::AnswerPasskey(right()))), Answer::Done);
}

#[test]
fn what_is_not_an_answer_or_not_asked_for_does_not_reach_the_bridge() {
    let mut world = World::new();
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::BridgeDown);
    assert_eq!(refusal(&world.ask(Request::ConfirmPasskey { same: true })), Refusal::BridgeDown);
    world.start(1);
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::NoPasskeyAsked);
    world.line(r#"{"type":"qr","qr":"2@one"}"#);
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::NoPasskeyAsked);
    world.line(DEMAND);
    assert_eq!(refusal(&world.ask(Request::ConfirmPasskey { same: true })), Refusal::NothingToCompare);
    let fault = PasskeyFault::NotACredential;
    let wrong = world.ask(Request::AnswerPasskey(PasskeyResponse(json!({}))));
    assert_eq!(refusal(&wrong), Refusal::NotThePasskeysAnswer { fault });
    assert_eq!(progress(&world), (false, None));
    world.line(CODE);
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::NoPasskeyAsked);
}

#[test]
fn whatever_ends_the_step_takes_it_away() {
    let ends = [
        r#"{"type":"connection","state":"connecting"}"#,
        r#"{"type":"connection","state":"closed","reason":{"class":"link_expired"},"retryInMs":0}"#,
        r#"{"type":"connection","state":"logged_out"}"#,
        r#"{"type":"qr","qr":"2@two"}"#,
        r#"{"type":"pairing_code","code":"WXYZ6789"}"#,
        r#"{"type":"ready"}"#,
    ];
    let over = |world: &World| {
        let offered = !matches!(pairing(world), Some(Pairing::Passkey { .. } | Pairing::PasskeyCode { .. }));
        offered && state(world) != ConnectionState::Passkey
    };
    for begins in [DEMAND, CODE, COMPARE] {
        for ends in ends {
            let mut world = demanded();
            world.line(begins);
            world.line(ends);
            assert!(over(&world), "{begins} {ends}");
        }
        let mut world = demanded();
        world.line(begins);
        world.exit(1);
        assert!(over(&world), "{begins}");
    }
}

#[test]
fn the_step_runs_out_with_its_challenge_and_stale_timers_are_ignored() {
    let mut world = demanded();
    let first = TimerId::PairingExpires { expires_at: world.now.wall.plus(Duration::from_secs(600)) };
    world.later(5);
    let outcome = world.line(DEMAND);
    let second = TimerId::PairingExpires { expires_at: world.now.wall.plus(Duration::from_secs(600)) };
    assert!(outcome.effects.contains(&Effect::SetTimer { timer: second.clone(), after: Duration::from_secs(600) }));
    world.later(595);
    world.put(Input::TimerFired(first));
    assert_eq!(progress(&world), (false, None), "the timer of the first demand is stale");
    // The code does not prolong it.
    world.line(CODE);
    world.later(5);
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::NoPasskeyAsked);
    world.put(Input::TimerFired(second));
    assert_eq!(pairing(&world), None);
}

#[test]
fn nothing_of_the_step_is_written_or_shown_to_debuggers() {
    let mut world = World::new();
    world.start(1);
    let secret = "SECRET-9";
    let lines = [
        format!(r#"{{"type":"passkey","options":{{"challenge":"{secret}"}},"snippet":"{secret}"}}"#),
        format!(r#"{{"type":"passkey_code","code":"{secret}","confirm":true}}"#),
    ];
    for line in lines {
        let mut outcome = world.line(&line);
        outcome.effects.extend(world.ask(Request::AnswerPasskey(PasskeyResponse(json!(secret)))).effects);
        assert!(!format!("{outcome:?}").contains(secret), "{outcome:?}");
        assert!(!format!("{:?}", world.state.snapshot()).contains(secret));
    }
}

#[test]
fn a_patience_beyond_all_times_does_not_panic() {
    let mut world = World::new();
    world.start(1);
    world.line(&DEMAND.replace("600000", &u64::MAX.to_string()));
    assert_eq!(progress(&world), (false, None));
    world.line(&DEMAND.replace("600000", "0"));
    assert_eq!(refusal(&world.ask(Request::AnswerPasskey(right()))), Refusal::NoPasskeyAsked);
}

#[test]
fn the_step_is_the_same_after_it_went_over_a_network() {
    for line in [DEMAND, COMPARE] {
        let mut world = demanded();
        world.line(line);
        let change = Change::Pairing(pairing(&world));
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
    }
}
