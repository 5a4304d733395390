//! What is told in lines, and what a line asks for.

use std::fmt::Write as _;

use super::super::Keymap;
use super::super::model::Model;
use super::super::panes::{said, status, webhooks};
use super::super::people;
use super::super::run::Options;
use super::super::sanitize;
use super::super::theme::Theme;
use super::super::update;
use super::super::verbs::{self, Meaning, PLAIN, VERBS, Verb};
use crate::clock::{Now, Timestamp};
use crate::link::{Ask, Update};
use crate::protocol::{ChatKind, Reason};
use crate::state::{
    Answer, Change, Chat, DeliveryState, Direction, Linking, Message, MessageId, Pairing, Request, SendOptions,
    Snapshot,
};

/// The most columns of one line's text.
const COLUMNS: usize = 8_000;

/// The columns by which a message is called again, when it got further.
const CALLED: usize = 30;

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub(in super::super) enum Step {
    /// What it asked for was told already, or was nothing.
    Nothing,
    /// This of the engine.
    Ask(Ask),
    /// The end.
    Quit,
}

/// Folds what the engine tells, and puts it into words.
pub(in super::super) struct Teller {
    model: Model,
    /// Codes may be told.
    secrets: bool,
    lines: Vec<String>,
    /// How things stood when it was told last: the words, and the reason.
    told: (&'static str, Option<Reason>),
    /// A QR was told since something else was.
    qr_told: bool,
}

impl Teller {
    pub(in super::super) fn new(snapshot: Snapshot, options: &Options, secrets: bool, now: Now) -> Self {
        let mut model = Model::new(snapshot, options.api.clone(), jiff::tz::TimeZone::system(), now);
        // Where the console names a key, this names the command.
        model.ui.look.keys = Keymap::without_keys();
        model.ui.look.read_only = options.read_only;
        let mut teller = Self { model, secrets, lines: Vec::new(), told: ("", None), qr_told: false };
        let api = teller.model.ui.api.clone();
        teller.tell(now.wall, &format!("Pilothouse, at {api}. Commands are lines: help lists them."));
        teller.standing(now);
        teller.pairing(now);
        teller
    }

    /// What is to be written.
    pub(in super::super) fn lines(&mut self) -> impl Iterator<Item = String> {
        self.lines.drain(..)
    }

    fn tell(&mut self, at: Timestamp, text: &str) {
        let time = at.clock_time(&self.model.ui.zone);
        let time = time.get(..5).unwrap_or(&time);
        self.lines.push(format!("{time} {}", sanitize::line(text, COLUMNS)));
    }

    /// Takes in what the engine tells.
    pub(in super::super) fn take(&mut self, update: Update, now: Now) {
        match update {
            Update::Snapshot(snapshot) => {
                let was_away = self.model.ui.lost.is_some();
                self.model.replace(*snapshot);
                let why = if was_away {
                    "the gateway is there again; what came meanwhile is not told here"
                } else {
                    "some lines are missing: this was too slow"
                };
                self.tell(now.wall, &format!("{why}; pilothouse messages lists all"));
            }
            Update::Lost(lost) => {
                let known = self.model.ui.lost.as_ref().is_some_and(|before| before.since == lost.since);
                if !known {
                    self.tell(lost.since, &format!("no connection to the gateway: {}; it is tried again", lost.why));
                }
                self.model.ui.lost = Some(lost);
                return;
            }
            Update::Unanswered { why, .. } => self.tell(now.wall, &why),
            Update::Changes(changes) => {
                for change in changes {
                    self.model.apply(&change, now);
                    self.change(&change, now);
                }
            }
            Update::Answer { answer: Answer::Refused(refusal), .. } => {
                self.tell(now.wall, &format!("not done: {}", update::refusal(&refusal)));
            }
            Update::Answer { answer: Answer::Done, .. } => self.tell(now.wall, "done"),
            // The message itself is told.
            Update::Answer { answer: Answer::Accepted { .. } | Answer::AcceptedBefore { .. }, .. } => {}
            Update::Found { .. } | Update::Logged(_) => {}
        }
        self.standing(now);
    }

    fn change(&mut self, change: &Change, now: Now) {
        match change {
            Change::MessageAdded(message) => self.message(message),
            Change::MessageProgressed { id, from, delivery } if *from != delivery.state => self.progress(id, now),
            Change::Pairing(_) => self.pairing(now),
            Change::Error(error) => self.tell(error.at, &format!("error: {}", error.text)),
            Change::Restriction(_) => {
                let text = status::restricted(&self.model, None);
                self.tell(now.wall, text.as_deref().unwrap_or("WhatsApp restricts the account no more"));
            }
            Change::MessageProgressed { .. }
            | Change::Connection(_)
            | Change::Bridge(_)
            | Change::Store(_)
            | Change::Account(_)
            | Change::Linking(_)
            | Change::Queue(_)
            | Change::Pacing(_)
            | Change::Lateness(_)
            | Change::Groups(_)
            | Change::Counted(_)
            | Change::Host(_)
            | Change::Webhooks(_) => {}
        }
    }

    /// Tells how things stand, when that is not what was told last.
    fn standing(&mut self, now: Now) {
        let (_, word, _) = status::headline(&self.model, Theme::new(false));
        let present = (word, self.model.snapshot.connection.reason.clone());
        if self.told != present {
            self.told = present;
            let line = self.standing_line(now);
            self.tell(now.wall, &line);
        }
    }

    fn standing_line(&self, now: Now) -> String {
        let (_, word, _) = status::headline(&self.model, Theme::new(false));
        let connected = self.model.snapshot.connected();
        let mut line = word.to_owned();
        if let Some(account) = status::account(&self.model).filter(|_| connected) {
            let _ = write!(line, ", {account}");
        }
        let reason = self.model.snapshot.connection.reason.as_ref().filter(|_| !connected);
        if let Some(reason) = reason.filter(|reason| !reason.text.is_empty()) {
            let _ = write!(line, ": {}", reason.text);
        }
        if let Some(advice) = status::advice(&self.model, now) {
            let _ = write!(line, "; {advice}");
        }
        line
    }

    fn pairing(&mut self, now: Now) {
        let Some(pairing) = self.model.pairing(now).cloned() else {
            self.qr_told &= self.model.snapshot.account.is_none();
            return;
        };
        let api = &self.model.ui.api;
        let until = pairing.expires_at().clock_time(&self.model.ui.zone);
        let spelled = |code: &str| code.chars().map(String::from).collect::<Vec<_>>().join(" ");
        let text = match &pairing {
            // A new one comes each 20 seconds: one line is enough.
            Pairing::Qr { .. } if self.qr_told => return,
            Pairing::Qr { .. } => format!(
                "there is a QR to scan: pilothouse qr --watch draws it elsewhere, {api} shows it, or pair +NUMBER asks for \
                 a code instead"
            ),
            Pairing::Code { code, .. } if self.secrets => {
                format!("the code to type on the phone is {}, until {until}", spelled(code.reveal()))
            }
            Pairing::Code { .. } => format!("there is a code to type on the phone, until {until}: {api} shows it"),
            Pairing::Passkey { .. } => format!("WhatsApp asks for the owner's passkey: {api} says what to do"),
            Pairing::PasskeyCode { code, .. } if self.secrets => {
                format!("the phone is to show the code {}; {api} confirms it", spelled(code.reveal()))
            }
            Pairing::PasskeyCode { .. } => format!("there is a code to compare with the phone's: {api} shows it"),
        };
        self.qr_told = matches!(pairing, Pairing::Qr { .. });
        self.tell(now.wall, &text);
    }

    fn message(&mut self, message: &Message) {
        let text = match message.about() {
            None => said::text(message),
            Some(_) => {
                let at = self.model.rows().len().saturating_sub(1);
                let lines = said::said(message, &self.model, at, Theme::new(false), COLUMNS);
                lines.into_iter().map(|(line, _)| line).collect::<Vec<_>>().join(", ")
            }
        };
        let line = match message.direction {
            Direction::In => format!("from {}: {text}", self.sender(message)),
            Direction::Out => format!("to {}: {text}", self.called(&message.chat)),
            Direction::OutElsewhere => format!("to {}, from another device: {text}", self.called(&message.chat)),
        };
        self.tell(message.at, &line);
    }

    fn progress(&mut self, id: &MessageId, now: Now) {
        let mut sent = self.model.snapshot.feed.iter().rev();
        let Some(message) = sent.find(|m| m.id == *id && m.direction == Direction::Out).cloned() else { return };
        let Some(delivery) = &message.delivery else { return };
        if matches!(delivery.state, DeliveryState::Queued | DeliveryState::Dispatched) {
            return;
        }
        let why = delivery.failure.as_ref().map(|failure| format!(", since {}", failure.text)).unwrap_or_default();
        let text = sanitize::line(&said::text(&message), CALLED);
        self.tell(now.wall, &format!("{} to {}: {text}{why}", delivery.state.as_str(), self.called(&message.chat)));
    }

    /// Who wrote it, and where, when that is not with him alone.
    fn sender(&self, message: &Message) -> String {
        if message.chat.kind == ChatKind::Person {
            return self.called(&message.chat);
        }
        let who = match people::writer_and_address(message, &self.model) {
            (Some(name), address) => format!("{name} ({address})"),
            (None, address) => address,
        };
        format!("{who} in {}", self.called(&message.chat))
    }

    /// A chat by its name and address.
    fn called(&self, chat: &Chat) -> String {
        match self.model.ui.chats.row(&chat.id).and_then(|row| row.own_name()) {
            Some(name) => format!("{name} ({})", chat.address()),
            None => chat.address().to_owned(),
        }
    }

    /// Does what a line asks for.
    pub(in super::super) fn asked(&mut self, line: &str, now: Now) -> Step {
        let line = line.trim();
        if line.is_empty() {
            return Step::Nothing;
        }
        let Some((verb, words)) = verbs::find(verbs(), line) else {
            self.tell(now.wall, "there is no such command; help lists them");
            return Step::Nothing;
        };
        if verb.changes && self.model.ui.look.read_only {
            self.tell(now.wall, "read-only: nothing was done; read only off lets this console change things");
            return Step::Nothing;
        }
        let meaning = match verbs::meaning(verb, words) {
            Ok(meaning) => meaning,
            Err(wrong) => {
                self.tell(now.wall, &wrong);
                return Step::Nothing;
            }
        };
        self.meant(meaning, now)
    }

    fn meant(&mut self, meaning: Meaning, now: Now) -> Step {
        let phone_number = self.model.snapshot.linking.phone_number.clone();
        let request = match meaning {
            Meaning::Send(to, text) => {
                let chat = self.model.ui.chats.as_known(to);
                Request::Send { chat, text: text.into(), options: SendOptions::default() }
            }
            Meaning::Pair(number) => Request::RequestCode(number),
            Meaning::Link if self.model.snapshot.linking.use_pairing_code => {
                self.qr_told = false;
                Request::SetLinking(Linking { use_pairing_code: false, phone_number })
            }
            Meaning::Link | Meaning::Restart => Request::RestartBridge,
            Meaning::TakeOver => Request::TakeOver,
            Meaning::LogOut { local } => Request::LogOut { local },
            Meaning::ReadOnly(read_only) => {
                self.model.ui.look.read_only = read_only;
                self.tell(
                    now.wall,
                    if read_only { "read-only: nothing can be changed" } else { "changes are allowed" },
                );
                return Step::Nothing;
            }
            Meaning::Status => {
                let line = self.status(now);
                self.tell(now.wall, &line);
                return Step::Nothing;
            }
            Meaning::Help => {
                for verb in verbs() {
                    self.lines.push(format!("{} {}: {}", verb.name, verb.args, verb.help).replace(" :", ":"));
                }
                return Step::Nothing;
            }
            Meaning::Resume(name) => Request::ResumeWebhook(name),
            Meaning::Webhooks => {
                let lines = webhooks::lines(&self.model, now);
                lines.iter().for_each(|(_, line)| self.tell(now.wall, line));
                return Step::Nothing;
            }
            Meaning::Quit => return Step::Quit,
            // They are of no use here, and so are not offered.
            Meaning::Filter(_) | Meaning::Theme(_) => return Step::Nothing,
        };
        let id = self.model.ui.next_request;
        self.model.ui.next_request = id.next();
        Step::Ask(Ask { id, request })
    }

    /// How things stand, with the figures that matter.
    fn status(&self, now: Now) -> String {
        let snapshot = &self.model.snapshot;
        let counted = &snapshot.counters;
        format!(
            "{}; since the start {} received, {} sent, {} failed; {} wait to be sent",
            self.standing_line(now),
            counted.messages_received,
            counted.messages_sent,
            counted.messages_failed,
            snapshot.queue
        )
    }
}

/// The verbs that are of use where nothing is drawn.
fn verbs() -> impl Iterator<Item = &'static Verb> {
    VERBS.iter().chain(PLAIN).filter(|verb| verb.plain)
}
