//! A WhatsApp server for tests: real clients link, log in, send and receive, on loopback.
//!
//! It plays the server, the account owner's phone, and contacts, as far as the real client Baileys needs them: the Noise
//! handshake, linking by QR and by code, the queries of a login, end-to-end encrypted messages with real Signal sessions,
//! acknowledgements, receipts, what waits while the client is away, and faults on demand.
//!
//! * Clients are told to trust it by a preload for Node ([`Simulator::bridge_env`]), never by a switch in the client.
//! * Whatever a client sends, the simulator does not panic: it logs and closes that connection.
//! * Nothing sleeps: whoever waits, waits for a change.

mod connection;
mod contact;
mod contents;
mod group;
mod group_messages;
mod groups;
mod iq;
mod linking;
mod messages;
mod nodes;
mod noise;
mod passkey;
mod sender_keys;
mod signal;
mod world;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wacore_binary::builder::NodeBuilder;

pub use contact::Contact;
pub use contents::{Author, edit, image, reaction, revoke, text};
pub use group::{Group, Members};
pub use messages::Addressing;
pub use world::{Receipts, Received};

use noise::ServerKeys;
use passkey::{Ceremony, Passkey};
use sender_keys::SenderKeys;
use signal::Party;
use world::{Account, Faults, Out, Person, Shared, World};

/// The number of the account that is linked.
pub const OWNER: &str = "+15550009999";

/// How long a client has to close after a stream error.
const CLIENT_CLOSES: Duration = Duration::from_secs(5);

/// How long a request to link by a code may take to come, once the client shows the code.
const ASKED_WITHIN: Duration = Duration::from_secs(10);

/// A server that runs until it is dropped. Clones mean the same server.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    root: Vec<u8>,
    _accepting: Arc<Accepting>,
}

struct Accepting(JoinHandle<()>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Simulator {
    /// Starts a server on a free loopback port.
    ///
    /// # Errors
    /// When there is no port or no randomness to be had.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a server on this address.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start_on(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        let address = listener.local_addr()?;
        let keys = ServerKeys::generate()?;
        let root = noise::public(&keys.root);
        let world = World {
            keys,
            account: Account {
                pn: OWNER[1..].to_owned(),
                lid: "199900000000001".to_owned(),
                party: Party::generate()?,
                passkey: Passkey::generate(),
                demands_passkey: false,
            },
            contacts: BTreeMap::new(),
            groups: BTreeMap::new(),
            notifications: 0,
            device: None,
            next_device: 1,
            linking: None,
            passkey_step: None,
            online: None,
            waiting: VecDeque::new(),
            faults: Faults::default(),
            connections: 0,
            logins: 0,
            counts: HashMap::new(),
        };
        let shared = Arc::new(Shared::new(world));
        let accepting = tokio::spawn(accept(Arc::clone(&shared), listener));
        Ok(Self { shared, address, root, _accepting: Arc::new(Accepting(accepting)) })
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}/ws/chat", self.address)
    }

    /// What a Node client needs in its environment to find this server and to trust it.
    pub fn bridge_env(&self) -> Vec<(String, String)> {
        let root: String = self.root.iter().map(|byte| format!("{byte:02x}")).collect();
        vec![
            ("WA_WEBSOCKET_URL".to_owned(), self.url()),
            ("WA_SIMULATOR_ROOT".to_owned(), root),
            ("NODE_OPTIONS".to_owned(), format!("--import=file://{}", preload().display())),
        ]
    }

    /// The owner scans a linking QR. Returns when the device is linked, or the passkey demanded.
    ///
    /// # Errors
    /// When the code is not of a client that waits here.
    pub async fn scan(&self, qr: &str) -> anyhow::Result<()> {
        linking::scan(&mut *self.shared.lock().await, qr).await?;
        self.shared
            .wait(|world| {
                let demanded = world.linking.as_ref().is_some_and(|linking| linking.passkey.is_some());
                (world.device.is_some() || demanded).then_some(())
            })
            .await;
        Ok(())
    }

    /// The owner types a pairing code. Returns whether it was the right one; when it was, the device is linked, or the
    /// passkey demanded.
    ///
    /// # Errors
    /// When no client asked for a code.
    pub async fn enter_code(&self, code: &str) -> anyhow::Result<bool> {
        // Clients show the code before their request for it is here.
        let asked = |world: &mut World| world.linking.as_ref()?.wrapped.as_ref().map(|_| ());
        let _ = tokio::time::timeout(ASKED_WITHIN, self.shared.wait(asked)).await;
        linking::enter_code(&mut *self.shared.lock().await, code).await?;
        let verdict = |world: &mut World| match (&world.device, &world.linking) {
            (Some(_), _) => Some(true),
            (None, Some(linking)) if linking.passkey.is_some() => Some(true),
            (None, Some(linking)) => linking.code.as_ref().and_then(|c| c.verdict).filter(|right| !right),
            (None, None) => Some(false),
        };
        Ok(self.shared.wait(verdict).await)
    }

    /// From now on the account demands its passkey before it links a device.
    pub async fn require_passkey(&self, demands: bool) {
        self.shared.lock().await.account.demands_passkey = demands;
    }

    /// The demand for the passkey comes with options that can't be read: clients have to ask for them.
    pub async fn garble_passkey_options(&self, garbled: bool) {
        self.shared.lock().await.faults.unreadable_passkey = garbled;
    }

    /// The owner answers a passkey's challenge in a browser on `https://web.whatsapp.com`. Returns the credential as JSON.
    ///
    /// # Errors
    /// When these are no options.
    pub async fn answer_passkey(&self, options: &Value) -> anyhow::Result<Value> {
        self.shared.lock().await.account.passkey.answer(options, "https://web.whatsapp.com")
    }

    /// Waits for the code that the phone shows in the passkey step, as `ABCD-1234`.
    pub async fn passkey_code(&self) -> String {
        self.shared.wait(|world| passkey_step(world)?.code()).await
    }

    /// What was checked, and found right, in the passkey step of the newest linking: `assertion`, `identity`, `proof`,
    /// `nonce`, `request`.
    pub async fn passkey_checks(&self) -> Vec<&'static str> {
        let mut world = self.shared.lock().await;
        passkey_step(&mut world).map(|step| step.checked()).unwrap_or_default()
    }

    /// Waits until a client is logged in and takes messages.
    pub async fn wait_online(&self) {
        self.shared.wait(|world| world.online.as_ref().is_some_and(|o| o.active).then_some(())).await;
    }

    /// Waits until no client is logged in.
    pub async fn wait_offline(&self) {
        self.shared.wait(|world| world.online.is_none().then_some(())).await;
    }

    /// How often a client has logged in.
    pub async fn logins(&self) -> u64 {
        self.shared.lock().await.logins
    }

    /// A device is linked.
    pub async fn is_linked(&self) -> bool {
        self.shared.lock().await.device.is_some()
    }

    /// How many stanzas the client has not confirmed yet.
    pub async fn unconfirmed(&self) -> usize {
        self.shared.lock().await.waiting.len()
    }

    /// Waits until the client has confirmed everything.
    pub async fn wait_confirmed(&self) {
        self.shared.wait(|world| world.waiting.is_empty().then_some(())).await;
    }

    /// Somebody to write with, by E.164 number; made when there is nobody yet.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub async fn contact(&self, number: &str, name: &str) -> anyhow::Result<Contact> {
        let pn = number.trim_start_matches('+').to_owned();
        let mut world = self.shared.lock().await;
        if !world.contacts.contains_key(&pn) {
            let person = Person {
                pn: pn.clone(),
                lid: format!("2{pn:0>14}"),
                name: name.to_owned(),
                party: Party::generate()?,
                sender_keys: SenderKeys::default(),
                received: Vec::new(),
                receipts: Receipts::Delivered,
            };
            world.contacts.insert(pn.clone(), person);
        }
        Ok(Contact { shared: Arc::clone(&self.shared), pn })
    }

    /// All contacts, by number.
    pub async fn contacts(&self) -> Vec<Contact> {
        let world = self.shared.lock().await;
        world.contacts.keys().map(|pn| Contact { shared: Arc::clone(&self.shared), pn: pn.clone() }).collect()
    }

    /// Closes the client's connection without a word.
    pub async fn drop_connection(&self) {
        let mut world = self.shared.lock().await;
        if let Some(online) = world.online.take() {
            let _ = online.out.send(Out::Close);
        }
        drop(world);
        self.shared.changed();
    }

    /// Closes the connection of whoever waits to be linked.
    pub async fn abandon_linking(&self) {
        let mut world = self.shared.lock().await;
        if let Some(linking) = world.linking.take() {
            let _ = linking.out.send(Out::Close);
        }
        drop(world);
        self.shared.changed();
    }

    /// Ends the connection with `<stream:error code="…"/>`.
    pub async fn stream_error(&self, code: u16) {
        self.end(nodes::stream_error(Some(code), None)).await;
    }

    /// Another program takes the link over.
    pub async fn replace(&self) {
        let conflict = NodeBuilder::new("conflict").attr("type", "replaced").build();
        self.end(nodes::stream_error(None, Some(conflict))).await;
    }

    async fn end(&self, node: wacore_binary::Node) {
        let mut world = self.shared.lock().await;
        if let Some(online) = world.online.take() {
            let _ = online.out.send(Out::Node(Box::new(node)));
            // The client closes when it has read it. A socket that is gone before would be all that it sees.
            tokio::spawn(async move {
                tokio::time::sleep(CLIENT_CLOSES).await;
                let _ = online.out.send(Out::Close);
            });
        }
        drop(world);
        self.shared.changed();
    }

    /// The owner removes the device on the phone.
    pub async fn unlink(&self) {
        iq::unlink(&mut *self.shared.lock().await);
        self.shared.changed();
    }

    /// Answers nothing any more, though the connection stays.
    pub async fn set_silent(&self, silent: bool) {
        self.shared.lock().await.faults.silent = silent;
    }

    /// From now on every stanza takes so long to the client, as over a real line.
    pub async fn set_delay(&self, delay: Duration) {
        self.shared.delay.send_replace(delay);
    }

    /// Takes messages without acknowledging them; no receipt of the contacts comes through either.
    pub async fn withhold_acks(&self, withhold: bool) {
        self.shared.lock().await.faults.withhold_acks = withhold;
    }

    /// Refuses the next sends with this code.
    pub async fn refuse_sends(&self, code: u16, count: usize) {
        self.shared.lock().await.faults.refuse_sends = Some((code, count));
    }

    /// Loses the next sends: nobody ever gets them.
    pub async fn lose_sends(&self, count: usize) {
        self.shared.lock().await.faults.lose_sends = count;
    }

    /// Waits until so many sends were lost.
    pub async fn wait_lost(&self, count: u64) {
        self.shared.wait(|world| (world.counts.get("lost").copied().unwrap_or_default() >= count).then_some(())).await;
    }

    /// How often somebody could have read a message of a group that he isn't in any more.
    pub async fn leaked(&self) -> u64 {
        self.shared.lock().await.counts.get("leaked").copied().unwrap_or_default()
    }

    /// Says, when it is asked, that the account may not start chats until then, in seconds since the Unix epoch.
    pub async fn restrict_until(&self, seconds: Option<u64>) {
        self.shared.lock().await.faults.timelock = seconds;
    }

    /// How often the client asked a contact to write a message again, since it could not read it.
    pub async fn retries(&self) -> u64 {
        self.shared.lock().await.counts.get("retries").copied().unwrap_or_default()
    }

    /// How many of the client's messages a contact could not read.
    pub async fn unreadable(&self) -> u64 {
        self.shared.lock().await.counts.get("unreadable").copied().unwrap_or_default()
    }

    /// Answers logins with `<failure reason="…"/>`.
    pub async fn fail_logins(&self, code: Option<u16>) {
        self.shared.lock().await.faults.fail_logins = code;
    }

    /// Answers the upgrade to a WebSocket with this HTTP status.
    pub async fn refuse_upgrades(&self, code: Option<u16>) {
        self.shared.lock().await.faults.refuse_upgrades = code;
    }
}

/// Where the preload is that makes Baileys trust a simulator.
pub fn preload() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("trust-simulator.mjs")
}

/// The passkey step of whoever is being linked, or was linked last.
fn passkey_step(world: &mut World) -> Option<&mut Ceremony> {
    match &mut world.linking {
        Some(linking) => linking.passkey.as_mut(),
        None => world.passkey_step.as_mut(),
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting");
                continue;
            }
        };
        let shared = Arc::clone(&shared);
        let number = {
            let mut world = shared.lock().await;
            world.connections += 1;
            world.connections
        };
        tokio::spawn(async move {
            if let Err(error) = connection::serve(shared, stream, number).await {
                tracing::debug!(number, %error, "a connection ended");
            }
        });
    }
}
