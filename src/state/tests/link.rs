//! Asking for a code, and the end of the link on request.

use super::*;

const LOGGED_OUT: &str =
    r#"{"type":"connection","state":"logged_out","reason":{"class":"logged_out","code":401,"text":"as was asked"}}"#;

fn commands(outcome: &Outcome) -> Vec<Command> {
    let of = |effect: &Effect| match effect {
        Effect::Dispatch { command, .. } => Some(command.clone()),
        _ => None,
    };
    outcome.effects.iter().filter_map(of).collect()
}

fn refusal(outcome: &Outcome) -> Refusal {
    assert_eq!((commands(outcome), &outcome.writes), (vec![], &vec![]));
    let Answer::Refused(refusal) = answer(outcome) else { panic!("{outcome:?}") };
    refusal
}

fn connect(number: Option<&str>) -> Command {
    let phone_number = number.map(str::to_owned);
    Command::Connect { use_pairing_code: number.is_some(), phone_number, ack: true, take_over: false }
}

fn code(number: &str) -> Request {
    Request::RequestCode(number.parse().unwrap())
}

fn log_out(world: &mut World) -> Outcome {
    world.ask(Request::LogOut { local: false })
}

/// A world whose connection was lost and comes back.
fn lost() -> World {
    let mut world = World::open();
    world.line(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost"},"retryInMs":1000}"#);
    world
}

#[test]
fn a_code_is_asked_for_and_kept_as_the_way_to_link() {
    let mut world = World::new();
    assert_eq!(refusal(&world.ask(code(ANA))), Refusal::BridgeDown);
    world.start(1);
    world.line(r#"{"type":"qr","qr":"2@one"}"#);
    let outcome = world.ask(code(ANA));
    assert_eq!((answer(&outcome), commands(&outcome)), (Answer::Done, vec![connect(Some(ANA))]));
    let linking = Linking { use_pairing_code: true, phone_number: Some(ANA.parse().unwrap()) };
    assert!(outcome.writes.contains(&Write::Linking(linking.clone())));
    assert_eq!(world.state.snapshot().linking, linking);
}

#[test]
fn no_code_is_asked_for_while_an_account_is_linked() {
    assert_eq!(refusal(&World::open().ask(code(ANA))), Refusal::AlreadyLinked);
    assert_eq!(refusal(&lost().ask(code(ANA))), Refusal::AlreadyLinked, "it comes back by itself");
    let mut world = World::open();
    world.line(LOGGED_OUT);
    assert_eq!(commands(&world.ask(code(ANA))), [connect(Some(ANA))]);
}

#[test]
fn a_logout_ends_the_link_offers_the_next_and_keeps_what_waits() {
    let mut world = World::open();
    let outcome = log_out(&mut world);
    assert_eq!((answer(&outcome), commands(&outcome)), (Answer::Done, vec![Command::Logout { local: false }]));
    assert_eq!(sends(&world.send("one")), [], "nothing is handed to a link that ends");
    let outcome = world.line(LOGGED_OUT);
    assert_eq!(commands(&outcome), [connect(None)]);
    assert_eq!(world.state.snapshot().account, None);
    world.line(r#"{"type":"qr","qr":"2@two"}"#);
    let waits = world.state.snapshot().feed.back().unwrap().delivery.clone();
    assert_eq!(waits.unwrap().state, DeliveryState::Queued);
    let opened = world.line(r#"{"type":"ready","account":{"phone":"+15550008888"}}"#);
    assert_eq!(sends(&opened).len(), 1);
    assert_eq!(world.state.snapshot().last_error, None);
    // The phone's own logout is another matter: that waits for the operator.
    assert_eq!(commands(&world.line(LOGGED_OUT)), []);
}

#[test]
fn what_is_in_flight_at_a_logout_waits_as_well() {
    let mut world = World::open();
    world.send("one");
    log_out(&mut world);
    world.line(&sent(false, r#","code":428,"retryable":true"#));
    world.line(LOGGED_OUT);
    assert_eq!(world.delivery(), DeliveryState::Queued);
}

#[test]
fn a_logout_that_did_not_get_through_is_told_and_messages_go_on() {
    let mut world = World::open();
    log_out(&mut world);
    world.send("one");
    world.line(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost"},"retryInMs":0}"#);
    let opened = world.line(r#"{"type":"connection","state":"open"}"#);
    assert_eq!(sends(&opened).len(), 1);
    assert!(world.state.snapshot().last_error.as_ref().unwrap().text.contains("not logged out"));
    assert_eq!(commands(&world.line(LOGGED_OUT)), [], "it was given up");
}

#[test]
fn a_logout_that_did_get_through_before_the_bridge_ended_offers_the_next_link() {
    let mut world = World::open();
    log_out(&mut world);
    world.exit(1);
    world.start(2);
    assert_eq!(commands(&world.line(LOGGED_OUT)), [connect(None)]);
    world.line(r#"{"type":"qr","qr":"2@two"}"#);
    assert_eq!(commands(&world.line(LOGGED_OUT)), [], "once");
}

#[test]
fn a_logout_is_refused_where_it_can_not_be_done() {
    let mut world = World::new();
    assert_eq!(refusal(&log_out(&mut world)), Refusal::BridgeDown);
    assert_eq!(refusal(&log_out(&mut World::base())), Refusal::LogoutUnsupported);
    assert_eq!(refusal(&log_out(&mut lost())), Refusal::NotConnected);
    for line in [LOGGED_OUT, r#"{"type":"qr","qr":"2@one"}"#, passkey::DEMAND] {
        let mut world = World::open();
        world.line(line);
        for local in [false, true] {
            assert_eq!(refusal(&world.ask(Request::LogOut { local })), Refusal::NotLinked, "{line}");
        }
    }
    // Without WhatsApp's word, when that is what is wanted.
    let mut world = lost();
    let outcome = world.ask(Request::LogOut { local: true });
    assert_eq!(commands(&outcome), [Command::Logout { local: true }]);
    assert_eq!(commands(&world.line(LOGGED_OUT)), [connect(None)]);
}
