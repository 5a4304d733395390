//! What the console knows: the engine's snapshot, and what only this console has.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tui_input::Input;

use super::chats::Chats;
use super::detail::Detail;
use super::drafts::Drafts;
use super::feed::sieve::Sieve;
use super::feed::{Feed, Rows};
use super::look::Look;
use super::own::Own;
use super::palette::Palette;
use super::passing::{End, Passing};
use super::recipients::Picker;
use super::series::{Traffic, kib};
use super::update::Confirmed;
use crate::clock::{Mono, Now};
use crate::link::Lost;
use crate::qr::{Drawing, Modules};
use crate::state::{
    Change, Chat, ConnectionState, ConnectionView, DeliveryState, Message, MessageId, Pairing, RequestId, Snapshot,
    apply,
};

/// How many lines the history of the input box holds.
const HISTORY: usize = 100;

/// Everything that is drawn.
#[derive(Debug)]
pub struct Model {
    /// What the engine tells.
    pub snapshot: Snapshot,
    /// What only this console has.
    pub ui: Ui,
    /// The linking code as modules, made once for each code.
    pub qr: Option<Modules>,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The messages.
    Feed,
    /// The input box.
    Compose,
    /// The connection, and what happened to it.
    Status,
    /// Figures.
    Metrics,
    /// The log.
    Log,
}

/// What lies over the screen.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The keys.
    Help {
        /// From which line on.
        scroll: u16,
    },
    /// All actions, to be found.
    Palette(Box<Palette>),
    /// A word is to be typed before this is done.
    Confirm(Confirmed, Box<Input>),
    /// The number for a pairing code.
    Number(Box<Input>),
    /// Whether the phone shows the same code.
    Compare,
    /// What the messages are filtered by.
    Filter(Box<Input>),
    /// Whether this message is to be sent again, as a new one.
    Resend(Arc<Message>),
    /// To whom is written.
    Recipient(Box<Picker>),
    /// Whether the bridge is to be started anew, though all is well.
    Restart,
    /// How the webhooks do.
    Webhooks {
        /// Which is chosen.
        chosen: usize,
    },
}

/// What only this console has.
#[derive(Debug)]
pub struct Ui {
    /// Where keys go.
    pub focus: Focus,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Which messages are shown.
    pub feed: Feed,
    /// With whom there are messages.
    pub chats: Chats,
    /// The message that is looked at closely.
    pub detail: Option<Box<Detail>>,
    /// The line that is written.
    pub input: Input,
    /// To whom a line without a number goes.
    pub recipient: Option<Chat>,
    /// What was begun to be written, for whom.
    pub drafts: Drafts,
    /// Lines sent before, oldest first.
    pub history: VecDeque<String>,
    /// Where in the history we are, counted from its end; none: not there.
    pub history_at: Option<usize>,
    /// One line that says what just happened or why something did not.
    pub notice: Option<String>,
    /// What is said until what was asked for shows itself, unless a key comes first.
    pub passing: Option<Passing>,
    /// What is said at the start, and until when, unless a key comes first.
    pub greeting: Option<(String, Mono)>,
    /// Where the gateway is that this console is attached to. None: in this process.
    pub attached: Option<String>,
    /// The line to the gateway is broken: all that is shown is as it was.
    pub lost: Option<Lost>,
    /// Lines that were given to the engine and not yet answered for.
    pub sending: HashMap<RequestId, String>,
    /// The message that was written here last.
    pub own: Option<Own>,
    /// The number of the next request.
    pub next_request: RequestId,
    /// The way of drawing the QR that was chosen; none: the most robust that fits.
    pub drawing: Option<Drawing>,
    /// How the QR was drawn last.
    pub qr_drawn: Cell<Option<Drawing>>,
    /// The columns and rows that there were for it.
    pub qr_room: Cell<(u16, u16)>,
    /// The QR takes the whole screen.
    pub whole_screen: bool,
    /// Ctrl-C was pressed once.
    pub interrupted: bool,
    /// The screen: columns, rows.
    pub size: (u16, u16),
    /// Figures over time.
    pub traffic: Traffic,
    /// Where the HTTP API is.
    pub api: String,
    /// Times are shown in this zone.
    pub zone: jiff::tz::TimeZone,
    /// How the console looks.
    pub look: Look,
}

impl Model {
    /// The model of a console that has just been linked to an engine.
    pub fn new(snapshot: Snapshot, api: String, zone: jiff::tz::TimeZone, now: Now) -> Self {
        let mut traffic = Traffic::default();
        traffic.host.set(kib(snapshot.host.rss_bytes), now.wall);
        traffic.bridge.set(kib(snapshot.bridge.rss_bytes), now.wall);
        traffic.since = now.wall;
        let ui = Ui {
            focus: Focus::Feed,
            overlay: None,
            feed: Feed::default(),
            chats: Chats::default(),
            detail: None,
            input: Input::default(),
            recipient: None,
            drafts: Drafts::default(),
            history: VecDeque::new(),
            history_at: None,
            notice: None,
            passing: None,
            greeting: None,
            attached: None,
            lost: None,
            sending: HashMap::new(),
            own: None,
            next_request: RequestId(1),
            drawing: None,
            qr_drawn: Cell::default(),
            qr_room: Cell::default(),
            whole_screen: false,
            interrupted: false,
            size: (80, 24),
            traffic,
            api,
            zone,
            look: Look::default(),
        };
        let mut model = Self { snapshot, ui, qr: None };
        model.ui.chats.told(&model.snapshot.feed, &model.snapshot.groups);
        model.pairing_changed();
        model
    }

    /// Goes on with what was begun to be written.
    pub fn resume(&mut self, drafts: Drafts) {
        if let Some((to, text)) = drafts.last() {
            self.ui.recipient = to;
            self.ui.input = Input::new(text.to_owned());
        }
        self.ui.drafts = drafts;
    }

    /// Takes a snapshot over in place of what was known.
    pub fn replace(&mut self, snapshot: Snapshot) {
        match self.ui.lost.take() {
            Some(_) => self.ui.notice = Some("the connection to the gateway is back".to_owned()),
            None => self.ui.look.resyncs += 1,
        }
        self.snapshot = snapshot;
        self.ui.feed.missed(&self.snapshot.feed);
        self.ui.chats.told(&self.snapshot.feed, &self.snapshot.groups);
        self.ui.own.take_if(|own| !own.replaced(&self.snapshot));
        self.pairing_changed();
        self.passed();
    }

    /// Folds a change in. Returns whether it can be seen: a newer proof of what is proven can't.
    pub fn apply(&mut self, change: &Change, now: Now) -> bool {
        let old = &self.snapshot.connection;
        let visible = !matches!(change, Change::Connection(view) if view.state == ConnectionState::Open
            && *old == ConnectionView { proven_at: old.proven_at, ..view.clone() });
        let requests = self.snapshot.host.api.requests;
        apply(&mut self.snapshot, change);
        self.ui.feed.apply(change, &self.snapshot.feed);
        let looked_at = self.ui.feed.filter().and_then(Sieve::chat).filter(|_| !self.ui.feed.is_frozen());
        self.ui.chats.apply(change, looked_at, &self.snapshot.groups);
        if let Some(detail) = &mut self.ui.detail {
            detail.apply(change);
        }
        if let Some(own) = &mut self.ui.own {
            own.apply(change);
        }
        self.passed();
        match change {
            Change::MessageAdded(message) => {
                if message.is_received() {
                    self.ui.traffic.received.count(1, now.wall);
                }
            }
            Change::MessageProgressed { from, delivery, .. } => {
                if *from < DeliveryState::Sent && delivery.state >= DeliveryState::Sent {
                    self.ui.traffic.sent.count(1, now.wall);
                }
            }
            Change::Pairing(_) => self.pairing_changed(),
            Change::Bridge(view) => self.ui.traffic.bridge.set(kib(view.rss_bytes), now.wall),
            Change::Host(sample) => {
                let more = sample.api.requests.saturating_sub(requests);
                self.ui.traffic.requests.count(u32::try_from(more).unwrap_or(u32::MAX), now.wall);
                self.ui.traffic.host.set(kib(sample.rss_bytes), now.wall);
            }
            Change::Connection(_)
            | Change::Linking(_)
            | Change::Account(_)
            | Change::Queue(_)
            | Change::Pacing(_)
            | Change::Lateness(_)
            | Change::Restriction(_)
            | Change::Groups(_)
            | Change::Counted(_)
            | Change::Error(_)
            | Change::Store(_)
            | Change::Webhooks(_) => {}
        }
        visible
    }

    /// What was asked for has come, or went wrong: it is not said any more to be under way.
    fn passed(&mut self) {
        let Some(end) = self.ui.passing.as_ref().and_then(|passing| passing.end(&self.snapshot)) else { return };
        self.ui.passing = None;
        if let End::Failed(why) = end {
            self.ui.notice = Some(why);
        }
    }

    fn pairing_changed(&mut self) {
        self.qr = match &self.snapshot.pairing {
            Some(Pairing::Qr { qr, .. }) => Modules::encode(qr.reveal()).ok(),
            Some(Pairing::Code { .. } | Pairing::Passkey { .. } | Pairing::PasskeyCode { .. }) | None => None,
        };
        // The question was about another code.
        self.ui.overlay.take_if(|overlay| matches!(overlay, Overlay::Compare));
        if self.qr.is_none() {
            self.ui.whole_screen = false;
        }
    }

    /// The messages that are shown.
    pub fn rows(&self) -> Rows<'_> {
        self.ui.feed.rows(&self.snapshot.feed)
    }

    /// The chosen message; none: the newest is followed.
    pub fn chosen(&self) -> Option<&Arc<Message>> {
        self.rows().get(self.ui.feed.chosen()?)
    }

    /// The chosen message, when it is ours and waits to be sent.
    pub fn chosen_and_waiting(&self) -> Option<MessageId> {
        let message = self.chosen()?;
        let state = message.delivery.as_ref()?.state;
        (state == DeliveryState::Queued).then(|| message.id.clone())
    }

    /// Something is offered to link with, and has not run out.
    pub fn pairing(&self, now: Now) -> Option<&Pairing> {
        self.snapshot.pairing.as_ref().filter(|p| p.expires_at() > now.wall)
    }

    /// Keeps a line in the history.
    pub fn remember(&mut self, line: String) {
        if self.ui.history.back() != Some(&line) {
            self.ui.history.push_back(line);
        }
        while self.ui.history.len() > HISTORY {
            self.ui.history.pop_front();
        }
        self.ui.history_at = None;
    }
}
