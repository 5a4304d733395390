//! A gateway that is linked, and what its bridge tells.

use std::time::Duration;

use pilothouse::clock::{Mono, Now, Timestamp};
use pilothouse::protocol::Event;
use pilothouse::state::{
    BridgeNotice, FEED_CAPACITY, HostSample, Incarnation, Input, Known, Outcome, Snapshot, State, decide, lookup,
};
use serde_json::json;

/// What people write: most of it is short, some has more than a line, some is no ASCII.
const BODIES: [&str; 5] = [
    "on my way",
    "Hola, ¿qué tal? ¿Nos vemos mañana a las nueve? 😀",
    "the shipment has arrived, see you at nine",
    "A message that is longer than a line is wide is broken at its spaces, so that it can be read in full without being \
     scrolled to the side, and it does not push the columns of others about.",
    "Danke!\nBis morgen, schöne Grüße",
];

/// The only run of the bridge.
pub(crate) const RUN: Incarnation = Incarnation(1);

/// How many turns of anything make its inputs come round.
pub(crate) const ROUND: u64 = BODIES.len() as u64;

/// The time at which the message with this number comes: a thousand in a second.
pub(crate) fn time(n: u64) -> Now {
    let since = Duration::from_millis(n);
    Now { wall: Timestamp::from_millis(1_790_000_000_000).plus(since), mono: Mono::new(since) }
}

/// The person with this number writes; a hundred of them do in turn.
pub(crate) fn phone(n: u64) -> String {
    format!("+1555111{:04}", n % 100)
}

/// A message, with its fields in the order in which the bundled bridge writes them.
pub(crate) fn line(n: u64) -> Vec<u8> {
    let (phone, person, at) = (phone(n), n % 100, time(n).wall.as_millis());
    let (digits, body) = (&phone[1..], json!(BODIES[usize::try_from(n % ROUND).unwrap_or(0)]));
    let line = format!(
        r#"{{"type":"message","from":"{phone}","body":{body},"messageId":"3A{n:018X}","kind":"text","fromMe":false,"timestampMs":{at},"name":"Contact {person}","chat":{{"kind":"person","id":"{digits}@s.whatsapp.net","phone":"{phone}","lid":"{person:015}@lid"}},"seq":{n}}}"#
    );
    line.into_bytes()
}

/// The event of a line.
#[expect(clippy::expect_used, reason = "the lines are those of this file")]
pub(crate) fn event(line: &[u8]) -> Event {
    Event::decode(line).expect("a line of the fixture is an event")
}

/// Something about a message of ours.
pub(crate) fn told(event: serde_json::Value) -> Input {
    input(self::event(event.to_string().as_bytes()))
}

/// An event about something that is not known before.
pub(crate) fn input(event: Event) -> Input {
    Input::Event { incarnation: RUN, event, known: Known::No }
}

/// A gateway that is linked, with the last messages in its feed.
pub(crate) struct Gateway {
    pub(crate) state: State,
    /// The number of the next message.
    pub(crate) next: u64,
}

impl Gateway {
    pub(crate) fn linked() -> Self {
        let mut snapshot = Snapshot::new(time(0).wall);
        snapshot.host = HostSample { rss_bytes: Some(7_900_000), ..HostSample::default() };
        let mut state = State::restored(snapshot, Vec::new());
        decide(&mut state, Input::Bridge(BridgeNotice::Started { incarnation: RUN, pid: 4711 }), time(0));
        let capabilities = ["ids", "receipts", "connection", "ack"];
        let protocol = json!({"major": 1, "minor": 0});
        for event in [
            json!({"type": "hello", "protocol": protocol, "bridge": "baileys", "capabilities": capabilities}),
            json!({"type": "connection", "state": "open", "account": {"phone": "+15550009999", "name": "Office"}}),
        ] {
            decide(&mut state, told(event), time(0));
        }
        let mut gateway = Self { state, next: 0 };
        for _ in 0..FEED_CAPACITY {
            let line = gateway.line();
            gateway.take(event(&line));
        }
        gateway
    }

    /// The next message that the bridge tells.
    pub(crate) fn line(&mut self) -> Vec<u8> {
        self.next += 1;
        line(self.next)
    }

    /// What follows from an event.
    pub(crate) fn take(&mut self, event: Event) -> Outcome {
        std::hint::black_box(lookup(&self.state, &event));
        decide(&mut self.state, input(event), time(self.next))
    }
}
