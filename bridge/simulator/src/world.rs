//! Everything that the server knows: the account, its device, the contacts, what waits for the client, and the faults.
//!
//! One lock holds it; whoever changes something says so, and whoever waits for something looks again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, mpsc, watch};
use wacore_binary::Node;
use waproto::whatsapp as wa;

use crate::groups::Group;
use crate::noise::ServerKeys;
use crate::passkey::{Ceremony, Passkey};
use crate::sender_keys::SenderKeys;
use crate::signal::{Bundle, Party};

/// What a connection's writer is told.
#[derive(Debug)]
pub(crate) enum Out {
    /// Send a stanza.
    Node(Box<Node>),
    /// Close after what was sent.
    Close,
}

/// What contacts do with messages that reach them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// Nothing.
    None,
    /// They say that it was delivered.
    Delivered,
    /// They say that it was delivered, and read.
    Read,
}

/// A message that a contact has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The id that the sender gave.
    pub id: String,
    /// The text.
    pub text: String,
    /// How often it came: a phone shows it once all the same.
    pub copies: usize,
}

/// Somebody to write with.
pub(crate) struct Person {
    pub(crate) pn: String,
    pub(crate) lid: String,
    pub(crate) name: String,
    pub(crate) party: Party,
    pub(crate) sender_keys: SenderKeys,
    pub(crate) received: Vec<Received>,
    pub(crate) receipts: Receipts,
}

/// The account's owner.
pub(crate) struct Account {
    pub(crate) pn: String,
    pub(crate) lid: String,
    pub(crate) party: Party,
    pub(crate) passkey: Passkey,
    pub(crate) demands_passkey: bool,
}

/// A linked device.
pub(crate) struct Device {
    pub(crate) number: u16,
    pub(crate) noise_key: Vec<u8>,
    pub(crate) bundle: Bundle,
    pub(crate) prekeys: VecDeque<(u32, Vec<u8>)>,
}

/// A connection that waits to be linked.
pub(crate) struct Linking {
    pub(crate) connection: u64,
    pub(crate) noise_key: Vec<u8>,
    pub(crate) bundle: Bundle,
    pub(crate) refs: Vec<String>,
    pub(crate) out: mpsc::UnboundedSender<Out>,
    /// Linking by code: the client's wrapped ephemeral key.
    pub(crate) wrapped: Option<Vec<u8>>,
    /// Linking by code: the phone's keys while it waits for the client's last message.
    pub(crate) code: Option<CodeExchange>,
    /// What the phone signed: the client must sign it as well.
    pub(crate) details: Option<Vec<u8>>,
    /// The kind of device that the client says it is.
    pub(crate) platform: i32,
    /// The passkey step, once the phone demanded it.
    pub(crate) passkey: Option<Ceremony>,
}

/// The phone's side of linking by code.
pub(crate) struct CodeExchange {
    pub(crate) shared: [u8; 32],
    /// Whether the code was right, once that is known.
    pub(crate) verdict: Option<bool>,
}

/// A client that is logged in.
pub(crate) struct Online {
    pub(crate) connection: u64,
    pub(crate) out: mpsc::UnboundedSender<Out>,
    /// It asked to be given messages.
    pub(crate) active: bool,
}

/// A stanza that the client has not confirmed.
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) node: Node,
    /// The message inside and who wrote it, to be encrypted again when the client can't read it.
    pub(crate) message: Option<(String, wa::Message)>,
}

/// What is to go wrong.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) silent: bool,
    /// Neither the server nor the contact says that it has a message.
    pub(crate) withhold_acks: bool,
    pub(crate) refuse_upgrades: Option<u16>,
    pub(crate) fail_logins: Option<u16>,
    /// The code, and how many sends more are refused with it.
    pub(crate) refuse_sends: Option<(u16, usize)>,
    /// How many sends more are lost: the server never had them.
    pub(crate) lose_sends: usize,
    /// Until when, in seconds since the Unix epoch, the account may not start chats.
    pub(crate) timelock: Option<u64>,
    /// The options of the passkey step can't be read in the demand: the client has to ask for them.
    pub(crate) unreadable_passkey: bool,
}

pub(crate) struct World {
    pub(crate) keys: ServerKeys,
    pub(crate) account: Account,
    pub(crate) contacts: BTreeMap<String, Person>,
    /// By their ids.
    pub(crate) groups: BTreeMap<String, Group>,
    /// How many notifications there were.
    pub(crate) notifications: u64,
    pub(crate) device: Option<Device>,
    pub(crate) next_device: u16,
    pub(crate) linking: Option<Linking>,
    /// The passkey step of the device that is linked.
    pub(crate) passkey_step: Option<Ceremony>,
    pub(crate) online: Option<Online>,
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) faults: Faults,
    pub(crate) connections: u64,
    pub(crate) logins: u64,
    pub(crate) counts: HashMap<&'static str, u64>,
}

/// The world and the news of its changes.
pub(crate) struct Shared {
    world: Mutex<World>,
    changes: watch::Sender<u64>,
    /// How long each stanza takes to the client.
    pub(crate) delay: watch::Sender<Duration>,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Mutex::new(world), changes: watch::Sender::new(0), delay: watch::Sender::default() }
    }

    pub(crate) async fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().await
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    /// Waits until `look` finds something.
    pub(crate) async fn wait<T>(&self, mut look: impl FnMut(&mut World) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = look(&mut *self.world.lock().await) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }
}

impl World {
    /// The contact whom a jid means, by number or by LID.
    pub(crate) fn person(&mut self, jid: &str) -> Option<&mut Person> {
        let (user, server) = crate::nodes::user_of(jid);
        match server {
            "lid" => self.contacts.values_mut().find(|p| p.lid == user),
            _ => self.contacts.get_mut(user),
        }
    }

    /// Whether a jid means the account itself.
    pub(crate) fn is_own(&self, jid: &str) -> bool {
        let (user, _) = crate::nodes::user_of(jid);
        user == self.account.pn || user == self.account.lid
    }

    /// Keeps a stanza until the client confirms it, and sends it when the client is there.
    pub(crate) fn deliver(&mut self, waiting: Waiting) {
        let node = waiting.node.clone();
        self.waiting.push_back(waiting);
        if self.faults.silent {
            return;
        }
        if let Some(online) = self.online.as_ref().filter(|o| o.active) {
            let _ = online.out.send(Out::Node(Box::new(node)));
        }
    }

    /// Sends a stanza when the client is there. Whoever holds the world never waits for the client: its own stanzas
    /// could not be read meanwhile.
    pub(crate) fn send(&self, node: Node) {
        if let Some(online) = &self.online {
            let _ = online.out.send(Out::Node(Box::new(node)));
        }
    }
}
