//! A message's way through the program, in steps and as a whole. The disk is left out.

use std::hint::black_box;
use std::sync::Arc;

use pilothouse::clock::Timestamp;
use pilothouse::engine::Feed;
use pilothouse::protocol::Event;
use pilothouse::state::{
    Background, Change, Chat, Delivery, Input, JournalKind, Known, Message, MessageEvent, MessageId, Outcome, Request,
    RequestId, SendOptions, Snapshot, StatusEvent, Write, apply, decide, stream_text,
};
use serde_json::json;

use crate::Benchmark;
use crate::fixture::{Gateway, event, phone, time, told};

/// A line of the bridge becomes an event.
pub struct Decode(Gateway);

impl Benchmark for Decode {
    const NAME: &'static str = "decode";
    type Input = Vec<u8>;
    type Output = (Event, Vec<u8>);

    fn new() -> Self {
        Self(Gateway::linked())
    }

    fn input(&mut self) -> Vec<u8> {
        self.0.line()
    }

    fn run(&mut self, line: Vec<u8>) -> Self::Output {
        (event(&line), line)
    }
}

/// What follows from a message that comes in.
pub struct Decide(Gateway);

impl Benchmark for Decide {
    const NAME: &'static str = "decide";
    type Input = Event;
    type Output = Outcome;

    fn new() -> Self {
        Self(Gateway::linked())
    }

    fn input(&mut self) -> Event {
        event(&self.0.line())
    }

    fn run(&mut self, event: Event) -> Outcome {
        self.0.take(event)
    }
}

/// A message is taken into a snapshot that is full.
pub struct Apply {
    gateway: Gateway,
    snapshot: Snapshot,
}

impl Benchmark for Apply {
    const NAME: &'static str = "apply";
    type Input = Change;
    type Output = Change;

    fn new() -> Self {
        let gateway = Gateway::linked();
        Self { snapshot: gateway.state.snapshot().clone(), gateway }
    }

    fn input(&mut self) -> Change {
        Change::MessageAdded(next_message(&mut self.gateway))
    }

    fn run(&mut self, change: Change) -> Change {
        apply(&mut self.snapshot, &change);
        change
    }
}

/// A message becomes the text of its row in the journal.
pub struct Row(Gateway);

impl Benchmark for Row {
    const NAME: &'static str = "row";
    type Input = Arc<Message>;
    type Output = (String, Arc<Message>);

    fn new() -> Self {
        Self(Gateway::linked())
    }

    fn input(&mut self) -> Arc<Message> {
        next_message(&mut self.0)
    }

    fn run(&mut self, message: Arc<Message>) -> Self::Output {
        (row(&message), message)
    }
}

/// A row of the journal becomes what a stream of events sends.
pub struct Encode(Gateway);

impl Benchmark for Encode {
    const NAME: &'static str = "encode";
    type Input = (u64, Arc<Message>, String);
    type Output = (String, Self::Input);

    fn new() -> Self {
        Self(Gateway::linked())
    }

    fn input(&mut self) -> Self::Input {
        let message = next_message(&mut self.0);
        let row = row(&message);
        (self.0.next, message, row)
    }

    fn run(&mut self, input: Self::Input) -> Self::Output {
        let (seq, message, row) = &input;
        (encode(*seq, message.at, JournalKind::of(message), row), input)
    }
}

/// All of it: a line of the bridge is decided on, its row is made, it is published, and a stream of events is told.
pub struct Incoming {
    gateway: Gateway,
    feed: Feed,
}

impl Benchmark for Incoming {
    const NAME: &'static str = "incoming";
    type Input = Vec<u8>;
    type Output = usize;

    fn new() -> Self {
        let gateway = Gateway::linked();
        Self { feed: Feed::new(gateway.state.snapshot().clone()), gateway }
    }

    fn input(&mut self) -> Vec<u8> {
        self.gateway.line()
    }

    fn run(&mut self, line: Vec<u8>) -> usize {
        let outcome = self.gateway.take(event(&line));
        go_on(&self.feed, self.gateway.next, outcome)
    }
}

/// A message of ours: accepted, handed to the bridge, sent, delivered, read.
pub struct Outgoing {
    gateway: Gateway,
    feed: Feed,
}

impl Benchmark for Outgoing {
    const NAME: &'static str = "outgoing";
    type Input = (u64, [Input; 4]);
    type Output = usize;

    fn new() -> Self {
        let gateway = Gateway::linked();
        Self { feed: Feed::new(gateway.state.snapshot().clone()), gateway }
    }

    fn input(&mut self) -> Self::Input {
        self.gateway.next += 1;
        let n = self.gateway.next;
        let random = [u8::try_from(n % 256).unwrap_or(0); 9];
        let (id, to) = (MessageId::from_random(random), phone(n));
        let request = Request::Send {
            chat: chat(&to),
            text: "order 17 has left the warehouse".into(),
            options: SendOptions::default(),
        };
        let background = Background { warm: true, ..Background::default() };
        let receipt = |status| told(json!({"type": "receipt", "messageId": id, "status": status}));
        let inputs = [
            Input::Request { id: RequestId(n), request, random, background },
            told(json!({"type": "sent", "to": to, "ok": true, "messageId": id})),
            receipt("delivered"),
            receipt("read"),
        ];
        (n, inputs)
    }

    fn run(&mut self, (n, inputs): Self::Input) -> usize {
        let (mut bytes, mut last) = (0, None);
        for mut input in inputs {
            // What is looked up of a message that is settled already.
            if let (Input::Event { known, .. }, Some(delivery)) = (&mut input, last.take()) {
                *known = Known::Ours(delivery);
            }
            let outcome = decide(&mut self.gateway.state, input, time(n));
            last = outcome.writes.iter().rev().find_map(progress).map(|(_, delivery)| Box::new(delivery.clone()));
            bytes += go_on(&self.feed, n, outcome);
        }
        bytes
    }
}

/// What becomes of an outcome: rows, what is published, and what streams of events are told. Returns the bytes of that.
fn go_on(feed: &Feed, seq: u64, outcome: Outcome) -> usize {
    let Outcome { changes, writes, effects } = outcome;
    let mut bytes = 0;
    for write in &writes {
        if let Write::Message(message) = write {
            bytes += encode(seq, message.at, JournalKind::of(message), &row(message)).len();
        } else if let Some((id, delivery)) = progress(write) {
            let row = text(&StatusEvent::new(id, None, None, delivery));
            bytes += encode(seq, time(seq).wall, JournalKind::MessageStatus, &row).len();
        }
    }
    feed.publish(changes.into_iter().map(Arc::new));
    black_box(effects);
    bytes
}

/// How far a message of ours has come, when that is what is written.
fn progress(write: &Write) -> Option<(&MessageId, &Delivery)> {
    if let Write::Delivery { id, delivery } = write { Some((id, delivery)) } else { None }
}

fn row(message: &Message) -> String {
    match &message.delivery {
        Some(delivery) => text(&StatusEvent::new(&message.id, Some(&message.chat), Some(&message.body), delivery)),
        None => text(&MessageEvent::from(message)),
    }
}

fn text(event: &impl serde::Serialize) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

fn encode(seq: u64, at: Timestamp, kind: JournalKind, row: &str) -> String {
    stream_text(seq, kind.as_str(), kind.version(), at, row)
}

#[expect(clippy::expect_used, reason = "the numbers are those of the fixture")]
fn chat(to: &str) -> Chat {
    Chat::with_person(to.parse().expect("a number of the fixture is a number"))
}

/// The message of the next line.
#[expect(clippy::expect_used, reason = "each line of the fixture is a message that is not known")]
fn next_message(gateway: &mut Gateway) -> Arc<Message> {
    let line = gateway.line();
    let outcome = gateway.take(event(&line));
    let message = outcome
        .writes
        .into_iter()
        .find_map(|write| if let Write::Message(message) = write { Some(message) } else { None });
    message.expect("a line of the fixture becomes a message")
}
