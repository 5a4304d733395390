//! Tables and properties of `decide` and `apply`.

mod connection;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::{Mono, Now, Timestamp};
use crate::protocol::{BadLine, Command, Event};

const ANA: &str = "+15551112222";
const ID: &str = "3EB0000000000000000000";

/// A state with a hand on it: inputs go in, outcomes are kept.
struct World {
    state: State,
    now: Now,
    requests: u64,
    changes: Vec<Change>,
}

impl World {
    fn new() -> Self {
        let now = Now { wall: Timestamp::from_millis(1_790_000_000_000), mono: Mono::default() };
        Self { state: State::restored(Snapshot::new(now.wall), vec![]), now, requests: 0, changes: vec![] }
    }

    /// A world in which a bridge that can do everything is open.
    fn open() -> Self {
        let mut world = Self::new();
        world.start(1);
        world.line(
            r#"{"type":"hello","protocol":{"major":1},"bridge":"b","capabilities":["ids","receipts","connection","heartbeat"]}"#,
        );
        world.line(r#"{"type":"connection","state":"open","account":{"phone":"+15550009999"}}"#);
        world
    }

    /// A world in which a bridge of the base level is ready.
    fn base() -> Self {
        let mut world = Self::new();
        world.start(1);
        world.line(r#"{"type":"ready"}"#);
        world
    }

    fn put(&mut self, input: Input) -> Outcome {
        let outcome = decide(&mut self.state, input, self.now);
        self.changes.extend(outcome.changes.iter().cloned());
        outcome
    }

    fn start(&mut self, run: u64) -> Outcome {
        self.put(Input::Bridge(BridgeNotice::Started { incarnation: Incarnation(run), pid: 7 }))
    }

    fn exit(&mut self, run: u64) -> Outcome {
        let exit = LastExit { at: self.now.wall, text: "was killed by signal 9".into(), class: ExitClass::Crash };
        self.put(Input::Bridge(BridgeNotice::Exited { incarnation: Incarnation(run), exit }))
    }

    fn line(&mut self, line: &str) -> Outcome {
        self.line_known(line, Known::No)
    }

    fn line_known(&mut self, line: &str, known: Known) -> Outcome {
        let incarnation = self.state.snapshot().bridge.incarnation;
        let event = Event::decode(line.as_bytes()).unwrap();
        self.put(Input::Event { incarnation, event, known })
    }

    fn ask(&mut self, request: Request) -> Outcome {
        self.requests += 1;
        let mut random = [0; 9];
        random[8] = u8::try_from(self.requests - 1).unwrap();
        self.put(Input::Request { id: RequestId(self.requests), request, random })
    }

    fn send(&mut self, text: &str) -> Outcome {
        self.ask(Request::Send { chat: Chat::with_person(ANA.parse().unwrap()), text: text.into() })
    }

    fn delivery(&self) -> DeliveryState {
        self.state.snapshot().delivery(&ID.into()).unwrap().state
    }
}

fn sends(outcome: &Outcome) -> Vec<(String, Option<String>)> {
    let of = |effect: &Effect| match effect {
        Effect::Dispatch { command: Command::Send { text, message_id, .. }, .. } => {
            Some((text.to_string(), message_id.clone()))
        }
        _ => None,
    };
    outcome.effects.iter().filter_map(of).collect()
}

fn answer(outcome: &Outcome) -> Answer {
    let of = |e: &Effect| if let Effect::Reply { answer, .. } = e { Some(answer.clone()) } else { None };
    outcome.effects.iter().find_map(of).expect("an answer")
}

fn sent(ok: bool, rest: &str) -> String {
    format!(r#"{{"type":"sent","to":"{ANA}","ok":{ok},"messageId":"{ID}"{rest}}}"#)
}

fn receipt(status: &str) -> String {
    format!(r#"{{"type":"receipt","messageId":"{ID}","status":"{status}"}}"#)
}

#[test]
fn a_text_is_written_answered_and_dispatched_in_this_order() {
    let outcome = World::open().send("hola");
    assert!(matches!(outcome.writes[0], Write::Message(_)));
    assert!(
        matches!(&outcome.writes[1], Write::Delivery { delivery, .. } if delivery.state == DeliveryState::Dispatched)
    );
    assert!(matches!(answer(&outcome), Answer::Accepted { id, .. } if id.as_str() == ID));
    assert_eq!(sends(&outcome), [("hola".to_owned(), Some(ID.to_owned()))]);
}

#[test]
fn a_text_waits_while_there_is_no_connection_and_goes_out_when_there_is() {
    let mut world = World::new();
    assert_eq!(sends(&world.send("hola")), []);
    assert_eq!(world.delivery(), DeliveryState::Queued);
    world.start(1);
    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids","connection"]}"#);
    assert_eq!(sends(&world.line(r#"{"type":"ready"}"#)).len(), 1);
}

#[test]
fn points_on_the_way_are_counted_once_whatever_the_order_of_the_news() {
    for news in [
        [sent(true, ""), receipt("delivered"), receipt("read")],
        [receipt("read"), receipt("delivered"), sent(true, "")],
        [receipt("delivered"), sent(true, ""), receipt("played")],
    ] {
        let mut world = World::open();
        world.send("hola");
        for line in news.iter().chain(&news) {
            let known = world.state.snapshot().delivery(&ID.into()).cloned().map_or(Known::No, Known::Ours);
            world.line_known(line, known);
        }
        assert_eq!(world.delivery(), DeliveryState::Read);
        let counters = world.state.snapshot().counters;
        assert_eq!((counters.messages_sent, counters.messages_delivered, counters.messages_read), (1, 1, 1));
        assert_eq!(world.state.snapshot().queue, 0);
    }
}

#[test]
fn a_refusal_fails_the_message_with_its_code_and_words() {
    let mut world = World::open();
    world.send("hola");
    world.line(&sent(false, r#","code":463,"error":"restricted""#));
    let failure = world.state.snapshot().delivery(&ID.into()).unwrap().failure.clone().unwrap();
    assert_eq!((failure.code, &*failure.text, failure.retryable), (Some(463), "restricted", false));
    assert_eq!(world.state.snapshot().queue, 0);
}

#[test]
fn a_refusal_that_may_be_retried_is_retried_under_the_same_id_after_a_pause() {
    let mut world = World::open();
    world.send("hola");
    let outcome = world.line(&sent(false, r#","code":428,"retryable":true"#));
    assert_eq!((sends(&outcome), world.delivery()), (vec![], DeliveryState::Queued));
    let Some(Effect::SetTimer { timer, .. }) = outcome.effects.last().cloned() else { panic!("{outcome:?}") };
    assert_eq!(sends(&world.put(Input::TimerFired(timer))), [("hola".to_owned(), Some(ID.to_owned()))]);
}

#[test]
fn after_the_bridge_died_what_was_in_flight_goes_out_again_under_its_old_id() {
    let mut world = World::open();
    world.send("hola");
    world.exit(1);
    assert_eq!(world.delivery(), DeliveryState::Queued);
    world.start(2);
    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids","connection"]}"#);
    let outcome = world.line(r#"{"type":"connection","state":"open"}"#);
    assert_eq!(sends(&outcome), [("hola".to_owned(), Some(ID.to_owned()))]);
}

#[test]
fn a_bridge_without_ids_is_never_given_an_uncertain_message_twice() {
    let mut world = World::base();
    world.send("hola");
    world.exit(1);
    world.start(2);
    let outcome = world.line(r#"{"type":"ready"}"#);
    assert_eq!(sends(&outcome), []);
    let delivery = world.state.snapshot().delivery(&ID.into()).unwrap().clone();
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert!(delivery.failure.unwrap().text.contains("may have been sent"));
}

#[test]
fn an_answer_without_an_id_is_about_the_message_in_flight_to_its_recipient() {
    let mut world = World::base();
    assert_eq!(sends(&world.send("one")), [("one".to_owned(), None)]);
    assert_eq!(sends(&world.send("two")), [], "one at a time for each chat");
    let outcome = world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":true}}"#));
    assert_eq!(sends(&outcome), [("two".to_owned(), None)]);
    world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":true}}"#));
    world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":true}}"#));
    assert_eq!(world.state.snapshot().counters.protocol_errors, 1, "an answer to nothing");
    assert_eq!(world.state.snapshot().counters.messages_sent, 2);
}

#[test]
fn the_window_bounds_what_is_in_flight() {
    let mut world = World::open();
    let mut dispatched = 0;
    for n in 0..=WINDOW {
        let chat = Chat::with_person(format!("+1555000{n:04}").parse().unwrap());
        dispatched += sends(&world.ask(Request::Send { chat, text: "x".into() })).len();
    }
    assert_eq!(dispatched, WINDOW);
    assert_eq!(world.state.snapshot().queue, WINDOW + 1);
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_reason() {
    let mut world = World::open();
    assert_eq!(answer(&world.send(" \n")), Answer::Refused(Refusal::EmptyText));
    let long = "x".repeat(65_537);
    assert!(matches!(answer(&world.send(&long)), Answer::Refused(Refusal::TextTooLong { length: 65_537, .. })));
    let linking = Linking { use_pairing_code: true, phone_number: None };
    assert_eq!(answer(&world.ask(Request::SetLinking(linking))), Answer::Refused(Refusal::NumberMissing));
    assert!(world.state.snapshot().feed.is_empty());
}

#[test]
fn a_message_that_was_seen_is_counted_and_not_shown_again() {
    let mut world = World::open();
    let line = r#"{"type":"message","from":"+15551112222","body":"hi","messageId":"A1","chat":{"kind":"person","id":"15551112222@s.whatsapp.net","phone":"+15551112222"}}"#;
    assert!(matches!(
        lookup(&world.state, &Event::decode(line.as_bytes()).unwrap()),
        Some(Lookup::Incoming(chat, id)) if chat.as_str() == "15551112222@s.whatsapp.net" && id.as_str() == "A1"
    ));
    world.line(line);
    assert!(world.line_known(line, Known::Seen).writes.is_empty());
    let snapshot = world.state.snapshot();
    assert_eq!((snapshot.feed.len(), snapshot.counters.messages_received, snapshot.counters.duplicates), (1, 1, 1));
}

#[test]
fn messages_of_a_base_level_bridge_are_all_kept() {
    let mut world = World::base();
    for _ in 0..2 {
        world.line(r#"{"type":"message","from":"+15551112222","body":"same"}"#);
    }
    let ids: std::collections::BTreeSet<_> = world.state.snapshot().feed.iter().map(|m| m.id.clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(world.state.snapshot().feed[0].chat.phone, ANA.parse().ok());
}

#[test]
fn messages_sent_from_another_device_are_not_counted_as_received() {
    let mut world = World::open();
    world.line(r#"{"type":"message","from":"+15550009999","body":"hi","messageId":"A1","fromMe":true,"chat":{"kind":"person","id":"x@s.whatsapp.net"}}"#);
    let snapshot = world.state.snapshot();
    assert_eq!((snapshot.feed[0].direction, snapshot.counters.messages_received), (Direction::OutElsewhere, 0));
}

#[test]
fn a_bridge_is_told_how_to_connect_at_its_start_and_when_the_operator_chooses() {
    let connects = |o: &Outcome| {
        let of = |e: &Effect| match e {
            Effect::Dispatch { command: Command::Connect { use_pairing_code, phone_number, .. }, .. } => {
                Some((*use_pairing_code, phone_number.clone()))
            }
            _ => None,
        };
        o.effects.iter().filter_map(of).collect::<Vec<_>>()
    };
    let mut world = World::new();
    assert_eq!(connects(&world.start(1)), [(false, None)]);
    let linking = Linking { use_pairing_code: true, phone_number: ANA.parse().ok() };
    let outcome = world.ask(Request::SetLinking(linking.clone()));
    assert_eq!(connects(&outcome), [(true, Some(ANA.to_owned()))]);
    assert_eq!(outcome.writes, [Write::Linking(linking)]);
    assert_eq!(connects(&world.start(2)), [(true, Some(ANA.to_owned()))]);
}

#[test]
fn a_qr_is_shown_until_it_runs_out_or_the_account_is_linked() {
    let mut world = World::new();
    world.start(1);
    let outcome = world.line(r#"{"type":"qr","qr":"2@one","expiresInMs":60000}"#);
    assert_eq!(world.state.snapshot().connection.state, ConnectionState::Linking);
    let first = TimerId::PairingExpires { expires_at: world.now.wall.plus(Duration::from_secs(60)) };
    assert!(outcome.effects.contains(&Effect::SetTimer { timer: first.clone(), after: Duration::from_secs(60) }));
    world.now.wall = world.now.wall.plus(Duration::from_secs(1));
    world.line(r#"{"type":"qr","qr":"2@two","expiresInMs":20000}"#);
    world.put(Input::TimerFired(first));
    assert!(world.state.snapshot().pairing.is_some(), "the timer of the first QR is stale");
    let second = TimerId::PairingExpires { expires_at: world.now.wall.plus(Duration::from_secs(20)) };
    world.put(Input::TimerFired(second));
    assert_eq!(world.state.snapshot().pairing, None);
    world.line(r#"{"type":"qr","qr":"2@three"}"#);
    world.line(r#"{"type":"ready"}"#);
    assert_eq!(world.state.snapshot().pairing, None);
    assert!(world.state.snapshot().connected());
}

#[test]
fn the_end_of_a_connection_is_shown_with_its_reason_until_it_is_open_again() {
    let mut world = World::open();
    world.line(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost","code":428,"text":"lost"},"retryInMs":2000}"#);
    let connection = world.state.snapshot().connection.clone();
    assert_eq!(
        (connection.state, connection.retry_at),
        (ConnectionState::Closed, Some(world.now.wall.plus(Duration::from_secs(2))))
    );
    world.line(r#"{"type":"connection","state":"connecting"}"#);
    assert_eq!(world.state.snapshot().connection.reason.as_ref().unwrap().text, "lost");
    world.line(r#"{"type":"connection","state":"open"}"#);
    assert_eq!(world.state.snapshot().connection.reason, None);
}

#[test]
fn logged_out_takes_the_account_away() {
    let mut world = World::open();
    assert!(world.state.snapshot().account.is_some());
    world.line(r#"{"type":"connection","state":"logged_out","reason":{"class":"logged_out","code":401,"text":"x"}}"#);
    assert_eq!(world.state.snapshot().account, None);
    assert_eq!(world.state.snapshot().connection.state, ConnectionState::LoggedOut);
    // What helps now is to connect anew, in the same process.
    let outcome = world.ask(Request::RestartBridge);
    assert!(outcome.effects.iter().any(|e| matches!(e, Effect::Dispatch { command: Command::Connect { .. }, .. })));
    assert!(!outcome.effects.contains(&Effect::RestartBridge));
}

#[test]
fn another_major_version_is_refused_with_the_way_out() {
    let mut world = World::new();
    world.start(1);
    let outcome = world.line(r#"{"type":"hello","protocol":{"major":2},"bridge":"b"}"#);
    assert!(outcome.effects.iter().any(|e| matches!(e, Effect::RefuseBridge { why, .. } if why.contains("version 2"))));
}

#[test]
fn a_hello_counts_only_as_the_first_line() {
    let mut world = World::base();
    world.line(r#"{"type":"hello","protocol":{"major":1},"bridge":"b","capabilities":["ids"]}"#);
    assert_eq!(world.state.snapshot().counters.protocol_errors, 1);
    assert_eq!(sends(&world.send("x")), [("x".to_owned(), None)], "still at base level");
}

#[test]
fn what_an_earlier_run_says_about_itself_is_ignored_and_about_messages_is_taken() {
    let mut world = World::open();
    world.send("hola");
    world.exit(1);
    world.start(2);
    let event = |line: &str| Event::decode(line.as_bytes()).unwrap();
    let late = |event| Input::Event { incarnation: Incarnation(1), event, known: Known::No };
    world.put(late(event(r#"{"type":"ready"}"#)));
    assert!(!world.state.snapshot().connected());
    world.put(late(event(&sent(true, ""))));
    assert_eq!(world.delivery(), DeliveryState::Sent);
}

#[test]
fn stale_timers_are_ignored() {
    let mut world = World::open();
    let first = world.send("hola");
    let timer = first.effects.iter().find_map(|e| match e {
        Effect::SetTimer { timer: timer @ TimerId::Unanswered { .. }, .. } => Some(timer.clone()),
        _ => None,
    });
    world.line(&sent(true, ""));
    for timer in [
        timer.unwrap(),
        TimerId::Unanswered { incarnation: Incarnation(1), id: "nobody's".into(), attempt: 1 },
        TimerId::Heartbeat { incarnation: Incarnation(0) },
        TimerId::Retry { incarnation: Incarnation(0) },
        TimerId::Drained { incarnation: Incarnation(1) },
        TimerId::PairingExpires { expires_at: world.now.wall },
    ] {
        let outcome = world.put(Input::TimerFired(timer.clone()));
        assert_eq!(outcome, Outcome::default(), "{timer:?}");
    }
}

#[test]
fn a_send_without_an_answer_is_tried_again_and_given_up_in_the_end() {
    let mut world = World::open();
    world.send("hola");
    for attempt in 1..10 {
        let timer = TimerId::Unanswered { incarnation: Incarnation(1), id: ID.into(), attempt };
        assert_eq!(sends(&world.put(Input::TimerFired(timer))).len(), 1, "attempt {attempt}");
    }
    world.put(Input::TimerFired(TimerId::Unanswered { incarnation: Incarnation(1), id: ID.into(), attempt: 10 }));
    assert_eq!(world.delivery(), DeliveryState::Failed);
}

#[test]
fn figures_that_look_the_same_change_nothing() {
    let mut world = World::open();
    let sampled =
        |mb: u64| Input::Sampled(Sampled { host_rss: Some(mb << 20), bridge_rss: None, api: ApiSample::default() });
    assert_eq!(world.put(sampled(64)).changes.len(), 1);
    assert_eq!(world.put(sampled(66)).changes.len(), 0);
    assert_eq!(world.put(sampled(80)).changes.len(), 1);
}

/// A world with a limit of 64 MiB for its bridge, which is open.
fn limited() -> World {
    let mut world = World::open();
    world.state = world.state.with_limits(BridgeLimits { rss_bytes: Some(64 << 20), ..BridgeLimits::default() });
    world
}

fn pong(mb: u64) -> String {
    format!(r#"{{"type":"pong","id":1,"rssBytes":{}}}"#, mb << 20)
}

fn replaced(outcome: &Outcome) -> bool {
    let replace = Effect::ReplaceBridge { incarnation: Incarnation(1), class: ExitClass::Memory };
    outcome.effects.contains(&replace)
}

#[test]
fn a_bridge_that_uses_too_much_memory_is_replaced_when_what_is_in_flight_is_answered() {
    let mut world = limited();
    assert_eq!(sends(&world.send("one")).len(), 1);
    assert!(!replaced(&world.line(&pong(64))), "as much as it may");
    let outcome = world.line(&pong(65));
    assert!(!replaced(&outcome));
    assert_eq!(world.state.snapshot().bridge.state, BridgeState::Draining);
    assert!(outcome.effects.iter().any(|e| matches!(e, Effect::SetTimer { timer: TimerId::Drained { .. }, .. })));
    assert_eq!(sends(&world.send("two")), [], "nothing new is given to it");
    let outcome = world.line(&sent(true, ""));
    assert!(replaced(&outcome));
    assert_eq!(sends(&outcome), []);
    assert!(!replaced(&world.line(&pong(70))), "once is enough");
    let exit = LastExit { at: world.now.wall, text: String::new(), class: ExitClass::Memory };
    world.put(Input::Bridge(BridgeNotice::Exited { incarnation: Incarnation(1), exit }));
    world.start(2);
    assert_eq!(sends(&world.line(r#"{"type":"ready"}"#)), [("two".to_owned(), None)], "the next one goes on");
}

#[test]
fn a_draining_bridge_is_not_waited_for_longer_than_a_bound() {
    let mut world = limited();
    world.send("one");
    let over = Sampled { bridge_rss: Some(65 << 20), ..Sampled::default() };
    assert!(!replaced(&world.put(Input::Sampled(over))), "the system's figure counts as well");
    let stale = TimerId::Drained { incarnation: Incarnation(0) };
    assert!(!replaced(&world.put(Input::TimerFired(stale))));
    let timer = TimerId::Drained { incarnation: Incarnation(1) };
    assert!(replaced(&world.put(Input::TimerFired(timer.clone()))));
    assert!(!replaced(&world.put(Input::TimerFired(timer))));
}

#[test]
fn a_bridge_that_always_needs_more_is_left_running_and_the_operator_is_told() {
    let mut world = limited();
    for run in 2..=4 {
        world.line(&pong(100));
        assert_eq!(world.state.snapshot().bridge.state, BridgeState::Draining);
        let exit = LastExit { at: world.now.wall, text: String::new(), class: ExitClass::Memory };
        world.put(Input::Bridge(BridgeNotice::Exited { incarnation: Incarnation(run - 1), exit }));
        world.start(run);
    }
    assert_eq!(world.state.snapshot().bridge.restarts_by_reason, [(ExitClass::Memory, 3)].into());
    world.line(&pong(100));
    assert_eq!(world.state.snapshot().bridge.state, BridgeState::Running);
    let error = world.state.snapshot().last_error.clone().unwrap();
    assert!(error.text.contains("bridge_rss_limit_mb"), "{error:?}");
    world.now.mono = Mono::new(Duration::from_secs(2 * 60 * 60));
    world.line(&pong(100));
    assert_eq!(world.state.snapshot().bridge.state, BridgeState::Draining);
}

#[test]
fn a_silent_bridge_is_shown_until_it_speaks() {
    let mut world = World::new();
    world.start(1);
    world.put(Input::Bridge(BridgeNotice::Silent { incarnation: Incarnation(1) }));
    assert!(world.state.snapshot().bridge.silent);
    world.line(r#"{"type":"ready"}"#);
    assert!(!world.state.snapshot().bridge.silent);
    world.put(Input::Bridge(BridgeNotice::Silent { incarnation: Incarnation(1) }));
    assert!(!world.state.snapshot().bridge.silent, "late news");
}

#[test]
fn pending_messages_of_the_last_process_go_out_in_their_order() {
    let now = Timestamp::from_millis(1);
    let pending = |id: &str, delivery: Delivery| Pending {
        id: id.into(),
        chat: Chat::with_person(ANA.parse().unwrap()),
        text: id.into(),
        delivery,
    };
    let rows = vec![pending("a", Delivery::queued(now).dispatched(now)), pending("b", Delivery::queued(now))];
    let mut world = World { state: State::restored(Snapshot::new(now), rows), ..World::new() };
    assert_eq!(world.state.snapshot().queue, 2);
    world.start(1);
    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids"]}"#);
    let outcome = world.line(r#"{"type":"ready"}"#);
    assert_eq!(sends(&outcome), [("a".to_owned(), Some("a".to_owned()))]);
}

/// Anything that can happen, well-formed or not.
fn any_step() -> impl Strategy<Value = u8> {
    0_u8..22
}

fn step(world: &mut World, step: u8, run: &mut u64) -> Outcome {
    let id = format!("3EB000000000000000000{}", step % 3);
    match step {
        0 | 1 => world.send("text"),
        2 => {
            *run += 1;
            world.start(*run)
        }
        3 => world.exit(*run),
        4 => world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids","connection"]}"#),
        5 | 6 => world.line(r#"{"type":"ready"}"#),
        7 => world.line(r#"{"type":"connection","state":"closed"}"#),
        8 => world.line(r#"{"type":"qr","qr":"x"}"#),
        9 | 10 => world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":true,"messageId":"{id}"}}"#)),
        11 => world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":false,"messageId":"{id}","retryable":true}}"#)),
        12 => world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":false}}"#)),
        13 => world.line(&format!(r#"{{"type":"receipt","messageId":"{id}","status":"delivered"}}"#)),
        14 => world.line(r#"{"type":"message","from":"?","body":"x"}"#),
        15 => world.line(r#"{"type":"something"}"#),
        16 => world.put(Input::TimerFired(TimerId::Retry { incarnation: Incarnation(*run) })),
        17 => world.put(Input::TimerFired(TimerId::Unanswered {
            incarnation: Incarnation(*run),
            id: id.as_str().into(),
            attempt: 1,
        })),
        18 => world.put(Input::Bridge(BridgeNotice::BadLine {
            incarnation: Incarnation(*run),
            error: BadLine::NotAnEvent { bytes: 1 },
        })),
        19 => world.put(Input::Bridge(BridgeNotice::Refused { why: "x".into() })),
        20 => world.line(r#"{"type":"connection","state":"logged_out"}"#),
        _ => world.ask(Request::RestartBridge),
    }
}

proptest! {
    #[test]
    fn the_snapshot_is_the_fold_of_the_changes(steps in proptest::collection::vec(any_step(), 0..120)) {
        let mut world = World::new();
        let mut run = 0;
        for s in steps {
            step(&mut world, s, &mut run);
        }
        let mut folded = Snapshot::new(Timestamp::from_millis(1_790_000_000_000));
        for change in &world.changes {
            apply(&mut folded, change);
        }
        prop_assert_eq!(&folded, world.state.snapshot());
    }

    #[test]
    fn no_accepted_message_is_lost_and_none_is_in_flight_twice(steps in proptest::collection::vec(any_step(), 0..120)) {
        let mut world = World::new();
        let mut run = 0;
        for s in steps {
            step(&mut world, s, &mut run);
            let snapshot = world.state.snapshot();
            let pending = snapshot.feed.iter().filter(|m| m.delivery.as_ref().is_some_and(|d| d.state.is_pending()));
            prop_assert_eq!(pending.count(), world.state.outbox().len(), "pending messages are in the outbox");
            prop_assert_eq!(snapshot.queue, world.state.outbox().len());
            let in_flight = world.state.outbox().all_in_flight();
            let unique: std::collections::BTreeSet<_> = in_flight.iter().collect();
            prop_assert_eq!(unique.len(), in_flight.len());
            prop_assert!(in_flight.len() <= 1, "all go to one chat");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_holds_nothing_up() {
    let mut world = World::open();
    let hour = Duration::from_secs(60 * 60);
    let before = world.now.wall;
    world.send("before");
    world.now = Now { wall: before.minus(hour), mono: Mono::new(Duration::from_secs(1)) };
    // What WhatsApp says lies in the future now: it is taken as of now.
    let told = format!(
        r#"{{"type":"message","from":"{ANA}","body":"Hola","messageId":"3A1","timestampMs":{}}}"#,
        before.as_millis()
    );
    world.line(&told);
    assert_eq!(world.state.snapshot().feed.back().unwrap().at, world.now.wall);
    world.line(&sent(true, ""));
    assert_eq!(world.delivery(), DeliveryState::Sent);
    let known = Known::Ours(world.state.snapshot().delivery(&ID.into()).unwrap().clone());
    world.line_known(&receipt("read"), known);
    assert_eq!(world.delivery(), DeliveryState::Read);
    assert_eq!(world.state.snapshot().queue, 0);
    // Timers go by the time since the start, which never goes back.
    let outcome = world.send("after");
    assert_eq!(sends(&outcome).len(), 1);
    assert!(outcome.effects.iter().all(|e| !matches!(e, Effect::SetTimer { after, .. } if *after > hour)));
}
