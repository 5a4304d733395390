//! What callers do, and the bridge.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::bridge::{Fact, Given, Told};
use super::super::operation::{Op, Verdict, Which};
use super::super::toy::Ask;
use super::{Question, World};
use crate::engine::Notice;
use crate::engine::handle::Envelope;
use crate::protocol::{AccountInfo, Capabilities, Connection, ConnectionPhase, Event, Hello, Version};
use crate::state::{
    BridgeNotice, Chat, DeliveryState, ExitClass, IdempotencyKey, LastExit, MessageId, Request, SendOptions,
};

fn chat(number: u8) -> Chat {
    Chat::with_person(format!("+15550000{number:03}").parse().unwrap())
}

/// The connection is in this state.
pub(super) fn connection(state: ConnectionPhase) -> Event {
    let account = AccountInfo { phone: Some("+15550009999".into()), lid: None, name: None };
    let account = Some(account).filter(|_| state == ConnectionPhase::Open);
    Event::Connection(Box::new(Connection { state, account, reason: None, retry_in_ms: None }))
}

impl World {
    /// A caller asks.
    pub(super) fn calls(&mut self, op: &Op) {
        match *op {
            Op::Send { chat: number, text, key, expires_in } => {
                let text = match key {
                    Some(key) => format!("text {text} with key {key}"),
                    None => self.new_text(),
                };
                self.send(Ask { chat: chat(number), text: text.into(), key, expires_in });
            }
            Op::Burst { chats } => {
                for number in 0..chats {
                    let text = self.new_text().into();
                    self.send(Ask { chat: chat(100 + number), text, key: None, expires_in: None });
                }
            }
            Op::Cancel(which) => {
                let (id, _) = self.which(which);
                self.toy.cancelled(&id);
                let state = self.toy.state(&id).filter(|_| self.is_quiet());
                self.ask(Question::Cancel { id: id.clone(), state }, Request::Cancel { id });
            }
            _ => {}
        }
    }

    /// A text that no other message has.
    fn new_text(&mut self) -> String {
        self.texts += 1;
        format!("text {}", self.texts)
    }

    pub(super) fn send(&mut self, ask: Ask) {
        self.toy.asked(&ask);
        let key = ask.key.map(|key| IdempotencyKey::of_header(&format!("key {key}")).unwrap());
        let options = SendOptions { key, expires_in: ask.expires_in };
        let request = Request::Send { chat: ask.chat.clone(), text: Arc::clone(&ask.text), options };
        let waiting = self.is_quiet().then(|| self.toy.pending());
        self.ask(Question::Send { ask, waiting }, request);
    }

    fn ask(&mut self, question: Question, request: Request) {
        let (reply, answer) = oneshot::channel();
        self.asked.push(Envelope { request, reply });
        self.questions.push((question, answer));
    }

    /// A message of ours, and its address.
    fn which(&self, which: Which) -> (MessageId, String) {
        let found = match which {
            Which::Last(nth) => self.toy.last(nth.into()),
            Which::Unknown => None,
        };
        found.map_or_else(|| ("3EB0FF".into(), "+15550000999".into()), |(id, to)| (id.clone(), to.to_owned()))
    }

    /// The bridge is started, unless it runs.
    pub(super) fn starts(&mut self) {
        if let Some(incarnation) = self.bridge.start() {
            self.notices.push(Notice::Bridge(BridgeNotice::Started { incarnation, pid: 7 }));
            if self.setup.extended {
                self.says(self.hello());
            }
        }
    }

    pub(super) fn dies(&mut self) {
        if let Some(incarnation) = self.bridge.die() {
            let exit = LastExit { at: self.now.wall, text: "was killed".into(), class: ExitClass::Crash };
            self.notices.push(Notice::Bridge(BridgeNotice::Exited { incarnation, exit }));
        }
    }

    pub(super) fn hello(&self) -> Event {
        let all = self.setup.extended;
        let capabilities = Capabilities { ids: all, receipts: all, connection: all, heartbeat: all, logout: all };
        let protocol = Version { major: 1, minor: 0 };
        Event::Hello(Hello { protocol, bridge: "toy".into(), version: None, capabilities })
    }

    pub(super) fn says(&mut self, event: Event) {
        if let Some(incarnation) = self.bridge.run {
            self.notices.push(Notice::Event { incarnation, event });
        }
    }

    pub(super) fn tell(&mut self, told: Told) {
        self.toy.told(&told.fact);
        self.says(told.event);
    }

    /// What a bridge that was told to connect tells, if it would tell such a thing. One of the base level can't name
    /// messages.
    pub(super) fn news(&mut self, op: &Op) -> Option<Told> {
        if !self.bridge.connects {
            return None;
        }
        let extended = self.setup.extended;
        Some(match *op {
            Op::Answers { nth, with } => {
                let given = self.given(nth.into())?;
                self.answer(given, with)
            }
            Op::Stray { of, with } if extended => {
                let (id, to) = self.which(of);
                self.answer(Given { id, to }, with)
            }
            Op::Receipt { of, status } if extended => {
                let (id, _) = self.which(of);
                self.bridge.receipt(&id, status)
            }
            Op::Incoming { chat: number, id, own } => {
                let id = if extended { format!("3A{id}") } else { self.new_text() };
                let fact = Fact::Message(chat(number), id.clone());
                self.bridge.message(&chat(number), &id, own, fact)
            }
            Op::Echo(which) if extended => {
                let (id, to) = self.which(which);
                self.toy.state(&id)?;
                let chat = Chat::with_person(to.parse().unwrap());
                self.bridge.message(&chat, id.as_str(), true, Fact::Nothing)
            }
            Op::Again { nth } => self.bridge.again(nth.into())?,
            _ => return None,
        })
    }

    /// The nth message that was given and is not answered. Without ids an answer is about what is in flight to its
    /// recipient: it comes only while it is known what that is.
    pub(super) fn given(&mut self, nth: usize) -> Option<Given> {
        if !self.setup.extended {
            let quiet = self.is_quiet();
            let Self { bridge, toy, .. } = self;
            bridge.given.retain(|given| quiet && toy.state(&given.id) == Some(DeliveryState::Dispatched));
        }
        let count = self.bridge.given.len();
        (count > 0).then(|| self.bridge.given.remove(nth % count))
    }

    fn answer(&mut self, given: Given, with: Verdict) -> Told {
        if self.is_quiet() {
            self.toy.expect(&given.id, with, self.now.wall);
        }
        let in_two_minutes = self.now.wall.plus(Duration::from_secs(120)).as_millis();
        self.bridge.answer(&given, with, in_two_minutes)
    }
}
