//! What consoles and callers ask for.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::{
    Answer, Change, Chat, ConnectionState, Delivery, Direction, Effect, Linking, Message, MessageId, Pending,
    QUEUE_CAPACITY, Refusal, Request, RequestId, Write,
};
use super::Turn;
use crate::protocol::ReasonClass;

/// The longest text that WhatsApp takes, in characters.
const MAX_TEXT_CHARS: usize = 65_536;

impl Turn<'_> {
    pub(super) fn request(&mut self, id: RequestId, request: Request, random: [u8; 9]) {
        let answer = match request {
            Request::Send { chat, text } => self.send(chat, text, random),
            Request::SetLinking(linking) => self.set_linking(linking),
            Request::UseBridge(name) => {
                self.write(Write::Bridge(Arc::clone(&name)));
                self.effect(Effect::UseBridge(name));
                Answer::Done
            }
            Request::RestartBridge => {
                self.restart_bridge();
                Answer::Done
            }
            Request::TakeOver => self.take_over(),
        };
        self.effect(Effect::Reply { id, answer });
    }

    fn send(&mut self, chat: Chat, text: Arc<str>, random: [u8; 9]) -> Answer {
        if text.trim().is_empty() {
            return Answer::Refused(Refusal::EmptyText);
        }
        let length = text.chars().count();
        if length > MAX_TEXT_CHARS {
            return Answer::Refused(Refusal::TextTooLong { length, limit: MAX_TEXT_CHARS });
        }
        if self.state.outbox.len() >= QUEUE_CAPACITY {
            return Answer::Refused(Refusal::QueueFull { limit: QUEUE_CAPACITY });
        }
        let id = MessageId::from_random(random);
        let delivery = Delivery::queued(self.now.wall);
        self.message_added(Message {
            id: id.clone(),
            direction: Direction::Out,
            chat: chat.clone(),
            from: self.own_number(),
            name: None,
            kind: "text".into(),
            body: Arc::clone(&text),
            at: self.now.wall,
            delivery: Some(Box::new(delivery.clone())),
        });
        self.state.outbox.push(Pending { id: id.clone(), chat, text, delivery: delivery.clone() });
        self.queue_changed();
        Answer::Accepted { id, delivery }
    }

    fn own_number(&self) -> CompactString {
        let phone = self.state.snapshot.account.as_ref().and_then(|a| a.phone.as_deref());
        phone.unwrap_or_default().into()
    }

    /// After the end of the link another process would find the same void credentials: what helps is to link anew.
    fn restart_bridge(&mut self) {
        let running = self.state.bridge_runs();
        if running && self.state.snapshot.connection.state == ConnectionState::LoggedOut {
            self.ask_to_connect(false);
        } else {
            self.effect(Effect::RestartBridge);
        }
    }

    /// Two programs that each take the link back would do so for ever: only the operator may want it.
    fn take_over(&mut self) -> Answer {
        let connection = &self.state.snapshot.connection;
        let taken = connection.reason.as_ref().is_some_and(|reason| reason.class == ReasonClass::Replaced);
        if connection.state != ConnectionState::Closed || !taken || !self.state.bridge_runs() {
            return Answer::Refused(Refusal::NotTakenOver);
        }
        self.ask_to_connect(true);
        Answer::Done
    }

    fn set_linking(&mut self, linking: Linking) -> Answer {
        if linking.use_pairing_code && linking.phone_number.is_none() {
            return Answer::Refused(Refusal::NumberMissing);
        }
        if linking != self.state.snapshot.linking {
            self.write(Write::Linking(linking.clone()));
            self.change(Change::Linking(linking));
        }
        let running = self.state.bridge_runs();
        if running && !self.state.snapshot.connection.state.is_up() {
            self.ask_to_connect(false);
        }
        Answer::Done
    }
}
