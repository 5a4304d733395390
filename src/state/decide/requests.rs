//! What consoles and callers ask for.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use super::super::{
    Answer, Background, Change, Chat, ConnectionState, Delivery, DeliveryState, Direction, Effect, Fingerprint,
    Linking, Message, MessageId, Pending, Refusal, Request, RequestId, SendOptions, Tuning, Used, WebhookRequest,
    Write,
};
use super::Turn;
use crate::protocol::{ChatKind, ReasonClass};

/// The longest time that a message may wait, in seconds: a week.
pub const MAX_EXPIRES_IN: u32 = 7 * 24 * 60 * 60;

/// The longest text that WhatsApp takes, in characters.
pub const MAX_TEXT_CHARS: usize = 65_536;

/// How many bytes of text may wait: room for the whole queue when texts are as long as people's.
const QUEUE_BYTES: usize = 32 << 20;

impl Turn<'_> {
    pub(super) fn request(&mut self, id: RequestId, request: Request, random: [u8; 9], background: &Background) {
        let answer = match request {
            Request::Send { chat, text, options } => {
                let id = MessageId::from_random(random);
                self.send(id, chat, text, options, background)
            }
            Request::Cancel { id } => self.cancel(id, background),
            Request::SetLinking(linking) => self.set_linking(linking),
            Request::UseBridge(name) => {
                self.write(Write::Bridge(Arc::clone(&name)));
                self.effect(Effect::UseBridge(name));
                Answer::Done
            }
            Request::Tune(tuning) => {
                self.tune(tuning);
                Answer::Done
            }
            Request::RestartBridge => {
                self.restart_bridge();
                Answer::Done
            }
            Request::TakeOver => self.take_over(),
            Request::AnswerPasskey(response) => self.answer_passkey(response),
            Request::ConfirmPasskey { same } => self.confirm_passkey(same),
            Request::RequestCode(number) => self.request_code(number),
            Request::LogOut { local } => self.log_out(local),
            Request::Webhook(request) => self.webhook(request),
            Request::ResumeWebhook(name) => self.resume_webhook(name),
        };
        self.effect(Effect::Reply { id, answer });
    }

    fn send(
        &mut self,
        id: MessageId,
        chat: Chat,
        text: Arc<str>,
        options: SendOptions,
        background: &Background,
    ) -> Answer {
        let once = options.key.map(|key| (key, Fingerprint::of(&chat, &text, options.expires_in)));
        if let (Some((_, fingerprint)), Some(Used { fingerprint: before, id })) = (&once, &background.used) {
            return if before == fingerprint {
                Answer::AcceptedBefore { id: id.clone() }
            } else {
                Answer::Refused(Refusal::KeyReused)
            };
        }
        if text.trim().is_empty() {
            return Answer::Refused(Refusal::EmptyText);
        }
        let length = text.chars().count();
        if length > MAX_TEXT_CHARS {
            return Answer::Refused(Refusal::TextTooLong { length, limit: MAX_TEXT_CHARS });
        }
        if options.expires_in.is_some_and(|seconds| !(1..=MAX_EXPIRES_IN).contains(&seconds)) {
            return Answer::Refused(Refusal::BadExpiry { limit: MAX_EXPIRES_IN });
        }
        let limit = self.state.queue_capacity;
        if self.state.outbox.len() >= limit {
            return Answer::Refused(Refusal::QueueFull { limit });
        }
        // One text always fits: what waits is bounded in memory, and nothing is refused that could never be sent.
        if self.state.outbox.text_bytes() >= QUEUE_BYTES {
            return Answer::Refused(Refusal::QueueTooLarge { limit_mib: QUEUE_BYTES >> 20 });
        }
        let expires_at = options.expires_in.map(|s| self.now.wall.plus(Duration::from_secs(s.into())));
        let delivery = Delivery::queued(self.now.wall).expiring(expires_at);
        self.message_added(Message {
            id: id.clone(),
            direction: Direction::Out,
            chat: chat.clone(),
            from: self.own_number(),
            name: None,
            kind: "text".into(),
            target: None,
            body: Arc::clone(&text),
            at: self.now.wall,
            delivery: Some(Box::new(delivery.clone())),
        });
        if let Some((key, fingerprint)) = once {
            self.write(Write::Key { key, fingerprint, id: id.clone(), at: self.now.wall });
        }
        let warm = background.warm || chat.kind != ChatKind::Person;
        self.state.outbox.push(Pending { id: id.clone(), chat, text, delivery: delivery.clone(), warm });
        self.queue_changed();
        Answer::Accepted { id, delivery: Box::new(delivery) }
    }

    fn cancel(&mut self, id: MessageId, background: &Background) -> Answer {
        let row = self.state.outbox.get(&id).map(|row| row.delivery.state);
        match row.or(background.state) {
            Some(DeliveryState::Queued) => {
                self.settle(id, Delivery::cancelled);
                Answer::Done
            }
            Some(state) => Answer::Refused(Refusal::TooLateToCancel { state }),
            None => Answer::Refused(Refusal::NoSuchMessage),
        }
    }

    fn webhook(&mut self, request: WebhookRequest) -> Answer {
        match request {
            WebhookRequest::Keep(record) => self.write(Write::Webhook(record)),
            WebhookRequest::Forget(name) => self.write(Write::ForgetWebhook(name)),
            WebhookRequest::Show(views) if views != self.state.snapshot.webhooks => {
                self.change(Change::Webhooks(views));
            }
            WebhookRequest::Show(_) => {}
        }
        Answer::Done
    }

    fn resume_webhook(&mut self, name: Arc<str>) -> Answer {
        if !self.state.snapshot.webhooks.iter().any(|one| one.name == name) {
            return Answer::Refused(Refusal::NoSuchWebhook);
        }
        self.effect(Effect::ResumeWebhook(name));
        Answer::Done
    }

    fn tune(&mut self, Tuning { pace, limits, queue_limit, kept }: Tuning) {
        self.state.bucket.change(pace, self.now.mono);
        // The timer for the pace before is stale.
        self.state.paced = None;
        let proof = std::mem::replace(&mut self.state.limits, limits).proof;
        if proof != limits.proof {
            self.proof_limit_changed();
        }
        self.state.queue_capacity = queue_limit;
        self.write(Write::Kept(kept));
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

    pub(super) fn set_linking(&mut self, linking: Linking) -> Answer {
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
