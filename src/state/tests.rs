//! Tables and properties of `decide` and `apply`.

mod about;
mod connection;
mod journal;
mod lateness;
mod link;
mod passkey;
mod webhook;

use std::sync::Arc;
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
            r#"{"type":"hello","protocol":{"major":1},"bridge":"b","capabilities":["ids","receipts","connection","heartbeat","logout"]}"#,
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
        let background = Background::default();
        self.put(Input::Request { id: RequestId(self.requests), request, random, background })
    }

    fn send(&mut self, text: &str) -> Outcome {
        self.ask(Request::Send {
            chat: Chat::with_person(ANA.parse().unwrap()),
            text: text.into(),
            options: SendOptions::default(),
        })
    }

    /// What the store knows of the message, as far as the snapshot has it.
    fn known(&self) -> Known {
        let delivery = self.state.snapshot().delivery(&ID.into());
        delivery.map_or(Known::No, |delivery| Known::Ours(Box::new(delivery.clone())))
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
            world.line_known(line, world.known());
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
    world.line(&sent(false, r#","code":479,"error":"refused""#));
    let failure = world.state.snapshot().delivery(&ID.into()).unwrap().failure.clone().unwrap();
    assert_eq!((failure.code, &*failure.text, failure.retryable), (Some(479), "refused", false));
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
        dispatched +=
            sends(&world.ask(Request::Send { chat, text: "x".into(), options: SendOptions::default() })).len();
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
fn a_key_is_written_with_its_message_and_makes_later_requests_the_same() {
    let mut world = World::open();
    let key = IdempotencyKey::of_header("k").unwrap();
    let mut ask = |text: &str, used: Option<Used>| {
        let options = SendOptions { key: Some(key.clone()), expires_in: None };
        let request = Request::Send { chat: Chat::with_person(ANA.parse().unwrap()), text: text.into(), options };
        world.put(Input::Request {
            id: RequestId(1),
            request,
            random: [0; 9],
            background: Background { used, ..Background::default() },
        })
    };
    let outcome = ask("hola", None);
    let fingerprint = outcome.writes.iter().find_map(|w| match w {
        Write::Key { fingerprint, id, .. } if id.as_str() == ID => Some(*fingerprint),
        _ => None,
    });
    let used = Used { fingerprint: fingerprint.unwrap(), id: ID.into() };
    let again = ask("hola", Some(used.clone()));
    assert_eq!((answer(&again), again.writes.len()), (Answer::AcceptedBefore { id: ID.into() }, 0));
    let other = ask("adiós", Some(used));
    assert_eq!((answer(&other), other.writes.len()), (Answer::Refused(Refusal::KeyReused), 0));
}

/// A text that may wait so many seconds.
fn brief(world: &mut World, seconds: u32) -> Outcome {
    let options = SendOptions { expires_in: Some(seconds), ..SendOptions::default() };
    world.ask(Request::Send { chat: Chat::with_person(ANA.parse().unwrap()), text: "brief".into(), options })
}

fn expiries(outcome: &Outcome) -> Vec<(Timestamp, Duration)> {
    let of = |e: &Effect| match e {
        Effect::SetTimer { timer: TimerId::Expiry { at }, after } => Some((*at, *after)),
        _ => None,
    };
    outcome.effects.iter().filter_map(of).collect()
}

impl World {
    fn later(&mut self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.now = Now { wall: self.now.wall.plus(by), mono: self.now.mono.plus(by) };
    }
}

#[test]
fn a_message_that_waited_too_long_expires_and_is_never_sent() {
    let mut world = World::new();
    let end = world.now.wall.plus(Duration::from_secs(60));
    assert_eq!(expiries(&brief(&mut world, 60)), [(end, Duration::from_secs(60))]);
    world.later(59);
    assert_eq!(world.put(Input::TimerFired(TimerId::Retry { incarnation: Incarnation(0) })), Outcome::default());
    world.later(1);
    let outcome = world.put(Input::TimerFired(TimerId::Expiry { at: end }));
    assert!(
        matches!(&outcome.writes[..], [Write::Delivery { delivery, .. }] if delivery.times.expired_at == Some(end)),
        "{outcome:?}"
    );
    assert_eq!((world.delivery(), world.state.snapshot().queue), (DeliveryState::Expired, 0));
    assert_eq!(world.put(Input::TimerFired(TimerId::Expiry { at: end })), Outcome::default(), "it is stale");
    assert_eq!(world.state.snapshot().counters.messages_expired, 1);
}

#[test]
fn a_message_does_not_expire_while_it_is_in_flight_but_when_it_comes_back_too_late() {
    let mut world = World::open();
    assert_eq!(sends(&brief(&mut world, 10)).len(), 1);
    world.later(11);
    let none = world.put(Input::TimerFired(TimerId::Expiry { at: world.now.wall }));
    assert_eq!((none, world.delivery()), (Outcome::default(), DeliveryState::Dispatched));
    world.line(&sent(false, r#","code":428,"retryable":true"#));
    assert_eq!(world.delivery(), DeliveryState::Expired);
    // The attempt came through after all: what is proven counts.
    world.line_known(&receipt("delivered"), world.known());
    let delivery = world.state.snapshot().delivery(&ID.into()).unwrap().clone();
    assert_eq!((delivery.state, delivery.times.expired_at), (DeliveryState::Delivered, None));
}

#[test]
fn after_a_restart_expiry_goes_on_and_an_early_timer_is_set_again() {
    let mut world = World::new();
    let end = world.now.wall.plus(Duration::from_secs(60));
    let row = Pending {
        id: ID.into(),
        chat: Chat::with_person(ANA.parse().unwrap()),
        text: "x".into(),
        delivery: Delivery::queued(world.now.wall).expiring(Some(end)),
        warm: true,
    };
    world.state = State::restored(Snapshot::new(world.now.wall), vec![row]);
    let sampled = Input::Sampled(Box::default());
    assert_eq!(expiries(&world.put(sampled.clone())), [(end, Duration::from_secs(60))]);
    assert_eq!(expiries(&world.put(sampled)), [], "once");
    // The clock was set back by half a minute.
    world.now.wall = Timestamp::from_millis(end.as_millis() - 30_000);
    let early = world.put(Input::TimerFired(TimerId::Expiry { at: end }));
    assert_eq!(expiries(&early), [(end, Duration::from_secs(30))]);
}

#[test]
fn how_long_a_message_may_wait_is_bounded() {
    let mut world = World::new();
    for seconds in [0, 7 * 24 * 60 * 60 + 1] {
        assert!(matches!(answer(&brief(&mut world, seconds)), Answer::Refused(Refusal::BadExpiry { .. })));
    }
    assert!(matches!(answer(&brief(&mut world, 7 * 24 * 60 * 60)), Answer::Accepted { .. }));
}

#[test]
fn only_a_message_that_waits_can_be_cancelled() {
    let cancel = || Request::Cancel { id: ID.into() };
    let mut world = World::new();
    assert_eq!(answer(&world.ask(cancel())), Answer::Refused(Refusal::NoSuchMessage));
    let mut world = World::new();
    world.send("hola");
    let outcome = world.ask(cancel());
    assert_eq!((answer(&outcome), world.delivery()), (Answer::Done, DeliveryState::Cancelled));
    let delivery = world.state.snapshot().delivery(&ID.into()).cloned().unwrap();
    assert_eq!(delivery.times.cancelled_at, Some(world.now.wall));
    world.start(1);
    assert_eq!(sends(&world.line(r#"{"type":"ready"}"#)), []);
    let background = Background { state: Some(delivery.state), ..Background::default() };
    let again = Input::Request { id: RequestId(9), request: cancel(), random: [0; 9], background };
    let state = DeliveryState::Cancelled;
    assert_eq!(answer(&world.put(again)), Answer::Refused(Refusal::TooLateToCancel { state }));
    let mut world = World::open();
    world.send("hola");
    let state = DeliveryState::Dispatched;
    assert_eq!(answer(&world.ask(cancel())), Answer::Refused(Refusal::TooLateToCancel { state }));
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
fn a_bridge_with_ids_does_not_send_again_what_one_without_may_have_sent() {
    let mut world = World::base();
    world.send("x");
    world.exit(1);
    world.start(2);
    world.line(r#"{"type":"hello","protocol":{"major":1},"bridge":"b","capabilities":["ids","connection"]}"#);
    assert_eq!(sends(&world.line(r#"{"type":"connection","state":"open"}"#)), []);
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
        TimerId::Expiry { at: world.now.wall },
        TimerId::Paced { at: world.now.mono },
        TimerId::RestrictionEnds { until: world.now.wall },
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
    let of_memory = |mb: u64| crate::state::HostSample { rss_bytes: Some(mb << 20), ..Default::default() };
    let sampled = |mb: u64| Input::Sampled(Box::new(Sampled { host: of_memory(mb), bridge_rss: None }));
    assert_eq!(world.put(sampled(64)).changes.len(), 1);
    assert_eq!(world.put(sampled(66)).changes.len(), 0);
    assert_eq!(world.put(sampled(80)).changes.len(), 1);
    let ended = Sampled { host: of_memory(80), bridge_rss: Some(0) };
    assert_eq!(world.put(Input::Sampled(Box::new(ended))).changes.len(), 0);
}

#[test]
fn a_webhook_is_resumed_when_there_is_one_with_this_name() {
    use crate::state::{Refusal, WebhookRequest, WebhookState, WebhookView};
    let mut world = World::open();
    let resume = || Request::ResumeWebhook("crm".into());
    assert_eq!(answer(&world.ask(resume())), Answer::Refused(Refusal::NoSuchWebhook));
    let (name, state) = ("crm".into(), WebhookState::Parked);
    let view = WebhookView { name, state, behind: 1, waiting_since: None, retry_at: None, why: None };
    world.ask(Request::Webhook(WebhookRequest::Show(vec![view])));
    let outcome = world.ask(resume());
    assert_eq!(answer(&outcome), Answer::Done);
    assert!(outcome.effects.contains(&Effect::ResumeWebhook("crm".into())));
}

#[test]
fn memory_of_a_bridge_that_has_not_said_a_word_is_not_shown() {
    let sampled = |mb: u64| Input::Sampled(Box::new(Sampled { bridge_rss: Some(mb << 20), ..Sampled::default() }));
    let mut world = World::new();
    world.start(1);
    // It may be what starts it.
    world.put(sampled(1));
    assert_eq!(world.state.snapshot().bridge.rss_bytes, None);
    world.line(r#"{"type":"ready"}"#);
    world.put(sampled(90));
    assert_eq!(world.state.snapshot().bridge.rss_bytes, Some(90 << 20));
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
    assert!(!replaced(&world.put(Input::Sampled(Box::new(over)))), "the system's figure counts as well");
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
        warm: true,
    };
    let rows = vec![pending("a", Delivery::queued(now).dispatched(now)), pending("b", Delivery::queued(now))];
    let mut world = World { state: State::restored(Snapshot::new(now), rows), ..World::new() };
    assert_eq!(world.state.snapshot().queue, 2);
    world.start(1);
    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids"]}"#);
    let outcome = world.line(r#"{"type":"ready"}"#);
    assert_eq!(sends(&outcome), [("a".to_owned(), Some("a".to_owned()))]);
}

#[test]
fn messages_go_out_at_the_pace_and_the_wait_is_shown() {
    let mut world = World::open();
    world.state = world.state.with_pace(Pace { per_minute: 30, burst: 2 }, world.now.wall);
    let to = |world: &mut World, n: u64| {
        let chat = Chat::with_person(format!("+1555000000{n}").parse().unwrap());
        world.ask(Request::Send { chat, text: format!("{n}").into(), options: SendOptions::default() })
    };
    assert_eq!((sends(&to(&mut world, 0)).len(), sends(&to(&mut world, 1)).len()), (1, 1));
    assert_eq!(world.state.snapshot().pacing, None);
    let third = to(&mut world, 2);
    let at = Mono::new(Duration::from_secs(2));
    assert_eq!(sends(&third), []);
    let timer =
        |o: &Outcome| o.effects.iter().any(|e| matches!(e, Effect::SetTimer { timer: TimerId::Paced { .. }, .. }));
    assert!(third.effects.contains(&Effect::SetTimer { timer: TimerId::Paced { at }, after: Duration::from_secs(2) }));
    assert!(!timer(&to(&mut world, 3)), "one timer for one wait");
    let pacing = PacingView { next_send_at: world.now.wall.plus(Duration::from_secs(2)), waiting: 2 };
    assert_eq!(world.state.snapshot().pacing, Some(pacing));
    world.later(1);
    assert_eq!(sends(&world.put(Input::TimerFired(TimerId::Paced { at: Mono::default() }))), [], "a stale timer");
    world.later(1);
    let outcome = world.put(Input::TimerFired(TimerId::Paced { at }));
    assert_eq!((sends(&outcome)[0].0.as_str(), sends(&outcome).len()), ("2", 1));
    assert_eq!(world.state.snapshot().pacing.map(|p| p.waiting), Some(1));
    world.later(2);
    assert_eq!(sends(&world.put(Input::Sampled(Box::default()))).len(), 1, "whatever wakes it");
    assert_eq!(world.state.snapshot().pacing, None);
    // A wait that is not by the pace is not shown as one.
    world.line(r#"{"type":"connection","state":"closed"}"#);
    to(&mut world, 4);
    assert_eq!(world.state.snapshot().pacing, None);
}

#[test]
fn attempts_again_after_a_lost_connection_are_paced_as_well() {
    let mut world = World::open();
    world.state = world.state.with_pace(Pace { per_minute: 30, burst: 1 }, world.now.wall);
    assert_eq!(sends(&world.send("hola")).len(), 1);
    world.exit(1);
    world.start(2);
    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids","connection"]}"#);
    assert_eq!(sends(&world.line(r#"{"type":"connection","state":"open"}"#)), []);
    world.later(2);
    assert_eq!(sends(&world.put(Input::Sampled(Box::default()))).len(), 1);
}

/// Sends a text to a chat in which somebody wrote to us, or nobody did.
fn send_to(world: &mut World, n: u64, warm: bool) -> Outcome {
    let chat = Chat::with_person(format!("+1555000000{n}").parse().unwrap());
    let request = Request::Send { chat, text: format!("{n}").into(), options: SendOptions::default() };
    world.requests += 1;
    let mut random = [0; 9];
    random[8] = u8::try_from(world.requests - 1).unwrap();
    let background = Background { warm, ..Background::default() };
    world.put(Input::Request { id: RequestId(world.requests), request, random, background })
}

fn restriction(world: &World) -> RestrictionView {
    world.state.snapshot().restriction.clone().unwrap()
}

#[test]
fn a_time_lock_holds_messages_to_new_chats_until_its_end_and_others_go_on() {
    let mut world = World::open();
    assert_eq!(sends(&send_to(&mut world, 0, false)).len(), 1);
    let until = world.now.wall.plus(Duration::from_secs(3_600));
    let refused = sent(false, &format!(r#","code":463,"error":"restricted","retryAtMs":{}"#, until.as_millis()));
    let outcome = world.line(&refused);
    assert_eq!((sends(&outcome), world.delivery()), (vec![], DeliveryState::Queued));
    assert!(outcome.writes.iter().any(|w| matches!(w, Write::Restriction(Some(r)) if r.until == until)));
    let timer = TimerId::RestrictionEnds { until };
    assert!(outcome.effects.contains(&Effect::SetTimer { timer: timer.clone(), after: Duration::from_secs(3_600) }));
    assert_eq!(sends(&send_to(&mut world, 1, false)), [], "accepted, and held");
    assert_eq!(sends(&send_to(&mut world, 2, true)).len(), 1);
    let view = restriction(&world);
    assert_eq!((view.held, view.until, view.until_told, &*view.text), (2, until, true, "restricted"));
    world.later(3_599);
    assert_eq!(sends(&world.put(Input::TimerFired(timer.clone()))), []);
    world.later(1);
    assert_eq!(sends(&world.put(Input::TimerFired(timer))).len(), 2);
    assert_eq!(world.state.snapshot().restriction, None);
}

#[test]
fn without_a_time_it_is_some_hours_and_the_bridges_word_ends_it() {
    let mut world = World::open();
    send_to(&mut world, 0, false);
    world.line(&sent(false, r#","code":463"#));
    assert_eq!(
        (restriction(&world).until, restriction(&world).until_told),
        (world.now.wall.plus(Duration::from_secs(6 * 3_600)), false)
    );
    // What is told later counts; that there is one, without a time, changes nothing.
    let until = world.now.wall.plus(Duration::from_secs(600));
    world.line(&format!(
        r#"{{"type":"restriction","class":"reachout_timelock","active":true,"untilMs":{},"text":"t"}}"#,
        until.as_millis()
    ));
    world.line(r#"{"type":"restriction","class":"reachout_timelock","active":true,"text":"t"}"#);
    assert_eq!((restriction(&world).until, restriction(&world).until_told), (until, true));
    let outcome = world.line(r#"{"type":"restriction","class":"reachout_timelock","active":false}"#);
    assert_eq!(sends(&outcome).len(), 1);
    assert!(outcome.writes.contains(&Write::Restriction(None)));
}

#[test]
fn who_writes_to_us_can_be_answered_during_a_time_lock() {
    let mut world = World::open();
    world.line(r#"{"type":"restriction","class":"reachout_timelock","active":true,"text":"t"}"#);
    assert_eq!(sends(&send_to(&mut world, 0, false)), []);
    let outcome = world.line(r#"{"type":"message","from":"+15550000000","body":"hi","messageId":"A1","chat":{"kind":"person","id":"15550000000@s.whatsapp.net"}}"#);
    assert_eq!((sends(&outcome).len(), restriction(&world).held), (1, 0));
    let group = Chat { id: "1@g.us".into(), kind: crate::protocol::ChatKind::Group, phone: None, lid: None };
    assert_eq!(
        sends(&world.ask(Request::Send { chat: group, text: "x".into(), options: SendOptions::default() })).len(),
        1
    );
}

#[test]
fn a_time_lock_outlives_a_restart_and_no_time_is_too_long_or_too_short() {
    let mut world = World::open();
    let word = |until: i64| {
        format!(r#"{{"type":"restriction","class":"reachout_timelock","active":true,"untilMs":{until},"text":"t"}}"#)
    };
    world.line(&word(i64::MIN));
    assert_eq!(restriction(&world).until, world.now.wall.plus(Duration::from_secs(60)));
    let outcome = world.line(&word(i64::MAX));
    let day = Duration::from_secs(24 * 3_600);
    assert!(outcome.effects.iter().any(|e| matches!(e, Effect::SetTimer { after, .. } if *after == day)));
    let snapshot = Snapshot { restriction: Some(restriction(&world)), ..Snapshot::new(world.now.wall) };
    world.state = State::restored(snapshot, vec![]);
    let first = world.put(Input::Sampled(Box::default()));
    assert!(first.effects.iter().any(|e| matches!(e, Effect::SetTimer { timer: TimerId::RestrictionEnds { .. }, .. })));
    world.start(1);
    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids"]}"#);
    world.line(r#"{"type":"ready"}"#);
    assert_eq!(sends(&send_to(&mut world, 0, false)), []);
}

#[test]
fn the_queue_is_bounded_and_has_room_again_when_a_message_has_left() {
    let now = Timestamp::from_millis(1);
    let row = |n: usize| Pending {
        id: format!("{n}").into(),
        chat: Chat::with_person(format!("+1555{n:07}").parse().unwrap()),
        text: "x".into(),
        delivery: Delivery::queued(now),
        warm: true,
    };
    let rows = (0..QUEUE_CAPACITY).map(row).collect();
    let mut world = World { state: State::restored(Snapshot::new(now), rows), ..World::new() };
    let full = Answer::Refused(Refusal::QueueFull { limit: QUEUE_CAPACITY });
    assert_eq!(answer(&world.send("one too many")), full);
    assert_eq!(world.state.outbox().len(), QUEUE_CAPACITY);
    world.ask(Request::Cancel { id: "5".into() });
    assert!(matches!(answer(&world.send("fits")), Answer::Accepted { .. }));
    assert_eq!(answer(&world.send("one too many")), full);
}

#[test]
fn the_queue_is_bounded_in_bytes_too() {
    let mut world = World::new();
    let long = "🦀".repeat(65_536);
    let full = Answer::Refused(Refusal::QueueTooLarge { limit_mib: 32 });
    let mut ids = vec![];
    while let Answer::Accepted { id, .. } = answer(&world.send(&long)) {
        ids.push(id);
    }
    assert_eq!(ids.len(), 32 * 1024 / 256);
    assert_eq!(answer(&world.send("x")), full);
    world.ask(Request::Cancel { id: ids.remove(0) });
    assert!(matches!(answer(&world.send("x")), Answer::Accepted { .. }));
}

/// Anything that can happen, well-formed or not.
fn any_step() -> impl Strategy<Value = u8> {
    0_u8..34
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
        4 => world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids","connection","logout"]}"#),
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
        21 => world.ask(Request::RestartBridge),
        22 => world.ask(Request::Cancel { id: id.as_str().into() }),
        23 => brief(world, 5),
        24 => world.line(&format!(r#"{{"type":"sent","to":"{ANA}","ok":false,"messageId":"{id}","code":463}}"#)),
        26 => world.line(&format!(
            r#"{{"type":"message","from":"?","body":"x","kind":"edit","target":{{"messageId":"{id}"}}}}"#
        )),
        25 => world.line(r#"{"type":"restriction","class":"reachout_timelock","active":false}"#),
        28 => world.line(passkey::DEMAND),
        29 => world.line(r#"{"type":"passkey_code","code":"ABCD-1234","confirm":true}"#),
        30 => world.ask(Request::AnswerPasskey(passkey::right())),
        31 => world.ask(Request::ConfirmPasskey { same: true }),
        32 => world.ask(Request::RequestCode(ANA.parse().unwrap())),
        33 => world.ask(Request::LogOut { local: false }),
        _ => {
            world.later(4);
            let at = world.now.wall;
            world.put(Input::TimerFired(TimerId::Expiry { at }))
        }
    }
}

proptest! {
    /// A later message of a chat is handed out only when all earlier ones are settled: also on retries, and whatever is
    /// refused, cancelled, expired or lost.
    #[test]
    fn no_message_overtakes_an_earlier_one_of_its_chat(steps in proptest::collection::vec((0_u8..13, 0_usize..8), 0..150)) {
        let mut world = World::open();
        let mut run = 1;
        let mut accepted: Vec<(ChatId, MessageId)> = vec![];
        for (step, n) in steps {
            let in_flight = world.state.outbox().all_in_flight();
            let id = in_flight.get(n % in_flight.len().max(1)).cloned().unwrap_or_else(|| ID.into());
            let outcome = match step {
                0..4 => {
                    let chat = Chat::with_person(format!("+1555000000{}", n % 3).parse().unwrap());
                    let options = SendOptions { expires_in: (n > 5).then_some(4), ..SendOptions::default() };
                    let request = Request::Send { chat: chat.clone(), text: "x".into(), options };
                    let outcome = world.ask(request);
                    if let Answer::Accepted { id, .. } = answer(&outcome) {
                        accepted.push((chat.id, id));
                    }
                    outcome
                }
                4 | 5 => world.line(&format!(r#"{{"type":"sent","to":"x","ok":true,"messageId":"{id}"}}"#)),
                6 => world.line(&format!(r#"{{"type":"sent","to":"x","ok":false,"code":479,"messageId":"{id}"}}"#)),
                7 => world.line(&format!(r#"{{"type":"sent","to":"x","ok":false,"messageId":"{id}","retryable":true}}"#)),
                8 => world.put(Input::TimerFired(TimerId::Retry { incarnation: Incarnation(run) })),
                9 => match accepted.get(n) {
                    Some((_, id)) => world.ask(Request::Cancel { id: id.clone() }),
                    None => Outcome::default(),
                },
                10 => {
                    world.later(3);
                    world.put(Input::Sampled(Box::default()))
                }
                11 => world.line(r#"{"type":"connection","state":"closed"}"#),
                _ => {
                    world.exit(run);
                    run += 1;
                    world.start(run);
                    world.line(r#"{"type":"hello","protocol":{"major":1},"capabilities":["ids"]}"#);
                    world.line(r#"{"type":"ready"}"#)
                }
            };
            for effect in &outcome.effects {
                let Effect::Dispatch { command: Command::Send { message_id: Some(id), .. }, .. } = effect else { continue };
                let at = accepted.iter().position(|(_, a)| a.as_str() == id).unwrap();
                for (chat, earlier) in &accepted[..at] {
                    prop_assert!(*chat != accepted[at].0 || world.state.outbox().get(earlier).is_none(), "{} before {}", id, earlier);
                }
            }
            prop_assert!(world.state.outbox().in_flight() <= WINDOW);
            let waiting = world.state.outbox().len() - world.state.outbox().in_flight();
            prop_assert!(world.state.outbox().cold() <= waiting);
        }
    }

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
    world.line_known(&receipt("read"), world.known());
    assert_eq!(world.delivery(), DeliveryState::Read);
    assert_eq!(world.state.snapshot().queue, 0);
    // Timers go by the time since the start, which never goes back.
    let outcome = world.send("after");
    assert_eq!(sends(&outcome).len(), 1);
    assert!(outcome.effects.iter().all(|e| !matches!(e, Effect::SetTimer { after, .. } if *after > hour)));
}
