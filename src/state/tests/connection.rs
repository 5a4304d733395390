//! Proven, not claimed.

use super::*;
use crate::protocol::ReasonClass;

/// Time goes by, and every timer that was set for then fires.
fn pass(world: &mut World, seconds: u64) -> Outcome {
    let after = Duration::from_secs(seconds);
    world.now = Now { wall: world.now.wall.plus(after), mono: world.now.mono.plus(after) };
    let incarnation = world.state.snapshot().bridge.incarnation;
    world.put(Input::TimerFired(TimerId::Proof { incarnation, opening: 1 }))
}

fn state(world: &World) -> ConnectionState {
    world.state.snapshot().connection.state
}

fn answered(seconds_ago: u64) -> String {
    format!(r#"{{"type":"pong","id":1,"lastFrameAgeMs":1,"lastAnswerAgeMs":{}}}"#, seconds_ago * 1_000)
}

fn restarted(outcome: &Outcome) -> bool {
    let wanted = Effect::ReplaceBridge { incarnation: Incarnation(1), class: ExitClass::Unproven };
    outcome.effects.contains(&wanted)
}

#[test]
fn an_open_connection_without_an_answer_is_unverified_and_an_answer_proves_it() {
    let mut world = World::open();
    pass(&mut world, 59);
    assert_eq!(state(&world), ConnectionState::Open, "the login is an answer, and not too old");
    pass(&mut world, 1);
    assert_eq!(state(&world), ConnectionState::Unverified);
    assert!(!world.state.snapshot().connected());
    assert_eq!(sends(&world.send("one")).len(), 1, "what is to be sent is given to it: it may prove it");
    world.line(&answered(60));
    assert_eq!(state(&world), ConnectionState::Unverified, "an old answer proves nothing");
    let wall = world.now.wall;
    world.line(&answered(20));
    assert_eq!(state(&world), ConnectionState::Open);
    assert_eq!(world.state.snapshot().connection.proven_at, Some(wall));
}

#[test]
fn what_comes_from_whatsapp_is_a_proof_and_what_the_bridge_says_of_itself_is_none() {
    let message = r#"{"type":"message","from":"+15551112222","body":"x","messageId":"3A"}"#;
    let proofs = [message.to_owned(), sent(true, ""), receipt("delivered"), answered(1)];
    let claims = [
        r#"{"type":"connection","state":"open"}"#.to_owned(),
        r#"{"type":"ready"}"#.to_owned(),
        r#"{"type":"error","error":"x"}"#.to_owned(),
        sent(false, r#","code":428,"retryable":true"#),
        r#"{"type":"pong","id":1,"rssBytes":1}"#.to_owned(),
    ];
    for (line, proves) in proofs.iter().map(|l| (l, true)).chain(claims.iter().map(|l| (l, false))) {
        let mut world = World::open();
        world.send("one");
        pass(&mut world, 60);
        world.line(line);
        assert_eq!(state(&world) == ConnectionState::Open, proves, "{line}");
    }
}

#[test]
fn answers_keep_it_open_for_ever() {
    let mut world = World::open();
    for _ in 0..100 {
        world.line(&answered(5));
        pass(&mut world, 20);
        assert_eq!(state(&world), ConnectionState::Open);
    }
}

#[test]
fn a_connection_that_stays_unproven_gets_a_new_bridge_some_times_and_then_the_operator_is_told() {
    let mut world = World::open();
    for run in 0..4 {
        assert!(!restarted(&pass(&mut world, 60)), "first it is the bridge's turn");
        assert_eq!(restarted(&pass(&mut world, 60)), run < 3);
        let error = world.state.snapshot().last_error.clone().unwrap();
        assert_eq!(error.text.contains("check the network"), run == 3, "{error:?}");
        // It helps for a moment, and then the same again.
        world.line(&answered(0));
    }
}

#[test]
fn a_bridge_of_the_base_level_is_not_restarted_for_being_quiet() {
    let mut world = World::base();
    pass(&mut world, 60);
    assert_eq!(state(&world), ConnectionState::Unverified);
    for _ in 0..10 {
        assert!(!restarted(&pass(&mut world, 60)));
    }
    world.line(r#"{"type":"message","from":"+15551112222","body":"x"}"#);
    assert_eq!(state(&world), ConnectionState::Open);
}

#[test]
fn the_timer_of_an_earlier_opening_or_run_is_stale() {
    let mut world = World::open();
    world.line(
        r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost","text":"x"},"retryInMs":1}"#,
    );
    world.line(r#"{"type":"connection","state":"open"}"#);
    assert_eq!(pass(&mut world, 600), Outcome::default(), "opening 1 is over");
    world.start(2);
    assert_eq!(pass(&mut world, 600), Outcome::default());
}

const REPLACED: &str = r#"{"type":"connection","state":"closed","reason":{"class":"replaced","code":440,"text":"x"}}"#;

#[test]
fn only_a_link_that_was_taken_over_is_taken_back_and_only_when_the_operator_asks() {
    let take_over = |outcome: &Outcome| {
        let of = |e: &Effect| matches!(e, Effect::Dispatch { command: Command::Connect { take_over: true, .. }, .. });
        outcome.effects.iter().any(of)
    };
    let mut world = World::open();
    let outcome = world.ask(Request::TakeOver);
    assert_eq!((answer(&outcome), take_over(&outcome)), (Answer::Refused(Refusal::NotTakenOver), false));
    assert!(!take_over(&world.line(REPLACED)));
    let outcome = world.ask(Request::TakeOver);
    assert_eq!((answer(&outcome), take_over(&outcome)), (Answer::Done, true));
    assert!(!take_over(&world.ask(Request::SetLinking(Linking::default()))), "another attempt is not a takeover");
}

#[test]
fn the_timeline_tells_what_the_connection_went_through_and_is_bounded() {
    let mut world = World::open();
    let states = |world: &World| world.state.snapshot().timeline.iter().map(|t| t.state).collect::<Vec<_>>();
    assert_eq!(states(&world), [ConnectionState::Connecting, ConnectionState::Open]);
    let closed = |class: &str| {
        format!(r#"{{"type":"connection","state":"closed","reason":{{"class":"{class}","text":"x"}},"retryInMs":0}}"#)
    };
    world.line(&closed("restart_required"));
    world.line(r#"{"type":"connection","state":"open"}"#);
    assert_eq!(states(&world), [ConnectionState::Connecting, ConnectionState::Open], "normal after linking");
    world.line(&closed("connection_lost"));
    let last = world.state.snapshot().timeline.back().cloned().unwrap();
    assert_eq!((last.state, last.reason.unwrap().text.as_str()), (ConnectionState::Closed, "x"));
    for _ in 0..100 {
        world.line(r#"{"type":"connection","state":"open"}"#);
        world.line(&closed("unavailable"));
    }
    assert_eq!(states(&world).len(), TIMELINE_CAPACITY);
    assert_eq!(states(&world).last(), Some(&ConnectionState::Closed));
}

#[test]
fn with_a_short_proof_the_bridge_still_gets_the_time_to_ask_the_server_itself() {
    let mut world = World::open();
    world.state = world.state.with_limits(BridgeLimits { proof: Duration::from_secs(5), ..BridgeLimits::default() });
    for _ in 0..9 {
        assert!(!restarted(&pass(&mut world, 5)));
    }
    assert!(restarted(&pass(&mut world, 5)));
}

#[test]
fn another_time_for_the_proof_holds_at_once_and_the_timer_before_is_stale() {
    let tuned = |proof| {
        let limits = BridgeLimits { proof: Duration::from_secs(proof), ..BridgeLimits::default() };
        Request::Tune(Tuning { pace: Pace::default(), limits, queue_limit: QUEUE_CAPACITY, kept: Kept::default() })
    };
    let mut world = World::open();
    pass(&mut world, 10);
    let outcome = world.ask(tuned(5));
    let now =
        Effect::SetTimer { timer: TimerId::Proof { incarnation: Incarnation(1), opening: 2 }, after: Duration::ZERO };
    assert!(outcome.effects.contains(&now), "{outcome:?}");
    pass(&mut world, 60);
    assert_eq!(state(&world), ConnectionState::Open, "the timer of before says nothing");
    let timer = TimerId::Proof { incarnation: Incarnation(1), opening: 2 };
    world.put(Input::TimerFired(timer));
    assert_eq!(state(&world), ConnectionState::Unverified);
    world.ask(tuned(0));
    assert_eq!(state(&world), ConnectionState::Open, "it counts for ever");
}

#[test]
fn when_the_process_of_the_bridge_ends_that_is_why_the_connection_is_down() {
    let why = |world: &World| {
        let s = world.state.snapshot();
        let told = s.timeline.iter().rfind(|one| one.state == ConnectionState::Down).unwrap();
        assert_eq!(told.reason, s.connection.reason, "the status says what the timeline does");
        s.connection.reason.clone().map(|reason| (reason.class, reason.text))
    };
    let ended = |text: &str| Some((ReasonClass::BridgeEnded, text.to_owned()));
    let mut world = World::open();
    let outcome = world.exit(1);
    assert_eq!(why(&world), ended("the bridge was killed by signal 9"));
    let journaled = |write: &Write| match write {
        Write::Journal { payload, .. } => payload["reason"]["class"] == "bridge_ended",
        _ => false,
    };
    assert!(outcome.writes.iter().any(journaled), "programs are told as well");
    // While the next one connects it is still worth reading; after that it is over.
    world.start(2);
    assert_eq!(why(&world), ended("the bridge was killed by signal 9"));
    world.line(r#"{"type":"connection","state":"open"}"#);
    assert_eq!(world.state.snapshot().connection.reason, None);

    let exit = LastExit { at: world.now.wall, text: "was stopped as asked".into(), class: ExitClass::Operator };
    world.put(Input::Bridge(BridgeNotice::Exited { incarnation: Incarnation(2), exit }));
    assert_eq!(why(&world), ended("the bridge was stopped as asked"));
    world.put(Input::Bridge(BridgeNotice::Refused { why: "can't start the bridge x: no such file".into() }));
    assert_eq!(
        world.state.snapshot().connection.reason.as_ref().unwrap().text,
        "can't start the bridge x: no such file"
    );

    // The phone ended the link: the bridge had nothing to go on with, and that is not its doing.
    let mut world = World::open();
    let reason = r#"{"class":"logged_out","code":401,"text":"the phone ended the link"}"#;
    world.line(&format!(r#"{{"type":"connection","state":"logged_out","reason":{reason}}}"#));
    let exit = LastExit { at: world.now.wall, text: "exited with code 0".into(), class: ExitClass::LoggedOut };
    world.put(Input::Bridge(BridgeNotice::Exited { incarnation: Incarnation(1), exit }));
    assert_eq!(why(&world), Some((ReasonClass::LoggedOut, "the phone ended the link".to_owned())));
}
