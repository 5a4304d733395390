//! Settings: flags, environment, `.env`, what the API has set, `pilothouse.toml` and defaults, in that order of strength.
//!
//! [`load`] takes everything it looks at as an argument and makes one validated [`Config`]. Where each value came from
//! is kept, and every error names it.

mod bridge;
mod changeable;
mod layers;
mod live;
mod web;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use bridge::CommandLine;
pub use changeable::Changeable;
pub use live::{Live, Planned, Wrong};

use serde::Deserialize;
use tracing_subscriber::filter::Targets;

use crate::cli::Cli;
use crate::state::{Phone, Secret};

/// What the settings are made from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The command line.
    pub cli: Cli,
    /// The environment.
    pub env: BTreeMap<OsString, OsString>,
    /// The working directory.
    pub folder: PathBuf,
    /// This program's own file, beside or above which the bundled bridge is looked for.
    pub exe: Option<PathBuf>,
}

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// No terminal.
    pub headless: bool,
    /// In a terminal: the gateway is started on its own, and outlives its consoles.
    pub keep: bool,
    /// This process is a gateway that was started so.
    pub detached: bool,
    /// The console changes nothing until a key allows it.
    pub read_only: bool,
    /// Lines instead of a console.
    pub plain: bool,
    /// The console draws frames, marks and graphs in ASCII.
    pub ascii: bool,
    /// The name of the console's colours: `terminal`, `contrast` or `soft`.
    pub theme: String,
    /// Whether the console asks for the mouse.
    pub mouse: Mouse,
    /// How the console tells that things turned: `off`, `bell`, `osc9` or `osc777`.
    pub notify: String,
    /// The console sets the terminal's title.
    pub title: bool,
    /// Other keys for actions of the console, by the actions' names.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Names by which the API may be asked besides localhost and its address, in lower case.
    pub allowed_hosts: Vec<String>,
    /// The origins of web pages that may use the API, in lower case.
    pub cors_origins: Vec<String>,
    /// Where the API's Unix socket is.
    pub socket: SocketPlaces,
    /// Where database and logs are.
    pub data_dir: PathBuf,
    /// The bridges that may be chosen, by name.
    pub bridges: BTreeMap<Arc<str>, PathBuf>,
    /// The name of the bridge that is run.
    pub bridge: Arc<str>,
    /// Where the bridge keeps its credentials.
    pub session_dir: PathBuf,
    /// The WhatsApp server's address, when it is not the real one.
    pub websocket_url: Option<String>,
    /// Link by a pairing code for this number.
    pub pairing_code: Option<Phone>,
    /// The memory cap of a bridge that is a Node script in MiB, kept by Node itself; 0 is none.
    pub bridge_memory_mb: u32,
    /// A bridge that uses more resident memory in MiB is replaced; 0: none is.
    pub bridge_rss_limit_mb: u32,
    /// How long a bridge may give no sign of life; zero is for ever.
    pub bridge_patience: Duration,
    /// So many messages a minute are sent in the long run; 0: as fast as they come.
    pub send_rate_per_minute: u32,
    /// So many are sent at once after a pause.
    pub send_burst: u32,
    /// So many messages may wait to be sent.
    pub queue_limit: u32,
    /// How long an answer of WhatsApp's server proves that the connection lives; zero: for ever.
    pub proof: Duration,
    /// For how many days messages and journal are kept; 0 is for ever.
    pub retention_days: u32,
    /// How many MiB of messages and journal are kept; 0 is no limit.
    pub retention_mb: u32,
    /// Webhooks may reach this computer and private networks.
    pub webhooks_allow_private: bool,
    /// The webhooks of the settings file, not checked.
    pub webhooks: Vec<WebhookSetting>,
    /// What is logged.
    pub log: Targets,
    /// The program that runs Node scripts.
    pub node: PathBuf,
    /// Each setting as it was given.
    pub origins: Vec<Origin>,
    /// Those that the API may change, each as it would be if it had set nothing.
    pub below: Vec<Origin>,
    env: BTreeMap<OsString, OsString>,
}

/// Whether the console asks the terminal for the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// It does.
    On,
    /// It does not.
    Off,
    /// It does, but not over ssh, where what a mouse sends may outlive the console.
    Auto,
}

/// Where the Unix socket may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPlaces {
    /// The first one that is free is taken; empty: there is to be none.
    pub places: Vec<PathBuf>,
    /// The operator chose the place: it is an error when the socket can't be there.
    pub required: bool,
}

/// A setting, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its name in `pilothouse.toml`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// Where it came from.
    pub origin: String,
    /// It comes from something that the API can't change: a flag, the environment, `.env`.
    pub fixed: bool,
    /// The API has set it.
    pub by_api: bool,
}

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read or is not TOML.
    #[error("can't read the settings in {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There is no such setting.
    #[error("{path} has an unknown setting {key:?}; there are: {known}")]
    UnknownKey {
        /// In which file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The keys that there are.
        known: String,
    },
    /// A value is wrong.
    #[error("the setting {key} = {value:?} (from {origin}) is not valid: {why}")]
    Value {
        /// Which.
        key: &'static str,
        /// Its value.
        value: String,
        /// Where it came from.
        origin: String,
        /// What is wrong and what is right.
        why: String,
    },
    /// There is no place for the data.
    #[error("neither HOME nor XDG_STATE_HOME is set; say with --data-dir where to keep the data")]
    NoHome,
}

/// One setting: its name in the file, its variable, its flag, its default.
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    pub(crate) env: &'static str,
    pub(crate) default: &'static str,
    /// It may hold a secret and is masked when shown.
    pub(crate) secret: bool,
}

const fn setting(key: &'static str, env: &'static str, default: &'static str) -> Setting {
    Setting { key, env, default, secret: false }
}

/// All settings. An empty default means that it depends on other things, or that there is none.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("headless", "PILOTHOUSE_HEADLESS", "false"),
    setting("keep", "PILOTHOUSE_KEEP", "false"),
    setting("read_only", "PILOTHOUSE_READ_ONLY", "false"),
    setting("plain", "PILOTHOUSE_PLAIN", "false"),
    setting("ascii", "PILOTHOUSE_ASCII", ""),
    setting("theme", "PILOTHOUSE_THEME", "terminal"),
    setting("mouse", "PILOTHOUSE_MOUSE", "auto"),
    setting("notify", "PILOTHOUSE_NOTIFY", "off"),
    setting("title", "PILOTHOUSE_TITLE", "true"),
    setting("listen", "PILOTHOUSE_LISTEN", "127.0.0.1:7007"),
    setting("listen_without_tls", "PILOTHOUSE_LISTEN_WITHOUT_TLS", "false"),
    setting("allowed_hosts", "PILOTHOUSE_ALLOWED_HOSTS", ""),
    setting("cors_origins", "PILOTHOUSE_CORS_ORIGINS", ""),
    setting("socket", "PILOTHOUSE_SOCKET", ""),
    setting("data_dir", "PILOTHOUSE_DATA_DIR", ""),
    setting("bridge", "WA_BRIDGE", ""),
    setting("session_dir", "WA_SESSION_DIR", ""),
    Setting { secret: true, ..setting("websocket_url", "WA_WEBSOCKET_URL", "") },
    setting("pairing_code", "PILOTHOUSE_PAIRING_CODE", ""),
    setting("bridge_memory_mb", "PILOTHOUSE_BRIDGE_MEMORY_MB", "256"),
    setting("bridge_rss_limit_mb", "PILOTHOUSE_BRIDGE_RSS_LIMIT_MB", "512"),
    setting("bridge_patience_seconds", "PILOTHOUSE_BRIDGE_PATIENCE_SECONDS", "60"),
    setting("send_rate_per_minute", "PILOTHOUSE_SEND_RATE_PER_MINUTE", "30"),
    setting("send_burst", "PILOTHOUSE_SEND_BURST", "10"),
    setting("queue_limit", "PILOTHOUSE_QUEUE_LIMIT", "10000"),
    setting("proof_seconds", "PILOTHOUSE_PROOF_SECONDS", "60"),
    setting("retention_days", "PILOTHOUSE_RETENTION_DAYS", "30"),
    setting("retention_mb", "PILOTHOUSE_RETENTION_MB", "1024"),
    setting("webhooks_allow_private", "PILOTHOUSE_WEBHOOKS_ALLOW_PRIVATE", "false"),
    setting("log", "RUST_LOG", "info"),
    setting("node", "PILOTHOUSE_NODE", "node"),
];

/// A webhook of the settings file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSetting {
    /// What it is called.
    pub name: String,
    /// Where it sends.
    pub url: Secret,
    /// Its key.
    pub secret: Option<Secret>,
    /// Types of events; none: all.
    #[serde(default)]
    pub types: Vec<String>,
    /// Chats; none: all.
    #[serde(default)]
    pub chats: Vec<String>,
}

/// The tables of webhooks in the file.
const WEBHOOKS: &str = "webhooks";

/// The table of further bridges in the file.
const BRIDGES: &str = "bridges";

/// The table of other keys in the file.
const KEYS: &str = "keys";

/// The name of the bridge that the setting `bridge` gives.
pub const DEFAULT_BRIDGE: &str = "default";

/// Makes the settings.
///
/// # Errors
/// A [`ConfigError`] that names the setting, where it came from, and what would be right.
pub fn load(inputs: Inputs) -> Result<Config, ConfigError> {
    let data_dir = |layers: &layers::Layers| match layers.text("data_dir") {
        Some(folder) => Ok(inputs.folder.join(folder)),
        None => state_home(&inputs.env).ok_or(ConfigError::NoHome),
    };
    let layers = layers::read(&inputs, data_dir)?;
    let data_dir = data_dir(&layers)?;
    let text = |key| layers.text(key);
    let bundled = bundled_bridge(inputs.exe.as_deref(), &inputs.folder);
    let bridge = text("bridge").map_or_else(|| bundled.clone(), |path| inputs.folder.join(path));
    let session_dir = match text("session_dir") {
        Some(folder) => inputs.folder.join(folder),
        None => bundled.parent().unwrap_or(&inputs.folder).join("sessions-bridge"),
    };
    let mut bridges: BTreeMap<Arc<str>, PathBuf> =
        layers.bridges.iter().map(|(name, path)| (name.as_str().into(), inputs.folder.join(path))).collect();
    bridges.insert(DEFAULT_BRIDGE.into(), bridge.clone());
    let changeable = Changeable::read(&layers)?;
    let mut origins = layers.origins();
    for (key, value) in [("data_dir", &data_dir), ("bridge", &bridge), ("session_dir", &session_dir)] {
        if let Some(origin) = origins.iter_mut().find(|o| o.key == key) {
            origin.value = value.display().to_string();
        }
    }
    let without_tls = layers.parsed("listen_without_tls", "true or false")?.unwrap_or(false);
    let socket = socket_places(text("socket"), &inputs, &data_dir);
    if let Some(origin) = origins.iter_mut().find(|o| o.key == "socket") {
        origin.value = socket.places.first().map_or("none".to_owned(), |place| place.display().to_string());
    }
    // The fonts of Linux's own console hold few of the signs that are drawn otherwise.
    let plain_console = inputs.env.get(std::ffi::OsStr::new("TERM")).is_some_and(|term| term == "linux");
    let ascii = layers.parsed("ascii", "true or false")?.unwrap_or(plain_console);
    if let Some(origin) = origins.iter_mut().find(|o| o.key == "ascii") {
        origin.value = ascii.to_string();
    }
    Ok(Config {
        headless: layers.parsed("headless", "true or false")?.unwrap_or(false),
        keep: layers.parsed("keep", "true or false")?.unwrap_or(false),
        detached: inputs.cli.detached,
        read_only: layers.parsed("read_only", "true or false")?.unwrap_or(false),
        plain: layers.parsed("plain", "true or false")?.unwrap_or(false),
        ascii,
        theme: layers.one_of("theme", &["terminal", "contrast", "soft"])?,
        mouse: match layers.one_of("mouse", &["auto", "on", "off"])?.as_str() {
            "on" => Mouse::On,
            "off" => Mouse::Off,
            _ => Mouse::Auto,
        },
        notify: layers.one_of("notify", &["off", "bell", "osc9", "osc777"])?,
        title: layers.parsed("title", "true or false")?.unwrap_or(true),
        keys: layers.keys.clone(),
        listen: layers
            .checked("listen", |text| listen_address(text, without_tls))?
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7007))),
        allowed_hosts: layers.checked("allowed_hosts", |text| web::list(text, web::host))?.unwrap_or_default(),
        cors_origins: layers.checked("cors_origins", |text| web::list(text, web::origin))?.unwrap_or_default(),
        socket,
        data_dir,
        bridges,
        bridge: DEFAULT_BRIDGE.into(),
        session_dir,
        websocket_url: layers.checked("websocket_url", |url| {
            let valid = url.starts_with("ws://") || url.starts_with("wss://");
            valid.then(|| url.to_owned()).ok_or_else(|| "it starts with ws:// or wss://".to_owned())
        })?,
        pairing_code: layers.checked("pairing_code", |n| n.parse::<Phone>().map_err(|e| e.to_string()))?,
        bridge_memory_mb: changeable.bridge_memory_mb,
        bridge_rss_limit_mb: changeable.bridge_rss_limit_mb,
        proof: changeable.proof,
        bridge_patience: changeable.bridge_patience,
        send_rate_per_minute: changeable.send_rate_per_minute,
        send_burst: changeable.send_burst,
        queue_limit: changeable.queue_limit,
        retention_days: changeable.retention_days,
        retention_mb: changeable.retention_mb,
        webhooks_allow_private: layers.parsed("webhooks_allow_private", "true or false")?.unwrap_or(false),
        webhooks: layers.webhooks.clone(),
        log: changeable.log,
        node: text("node").map_or_else(|| PathBuf::from("node"), PathBuf::from),
        origins,
        below: layers.below.into_iter().filter(|below| live::is_changeable(below.key)).collect(),
        env: inputs.env,
    })
}

impl Config {
    /// What may be changed while the gateway runs, as it is now.
    pub fn changeable(&self) -> Changeable {
        Changeable {
            bridge_memory_mb: self.bridge_memory_mb,
            bridge_rss_limit_mb: self.bridge_rss_limit_mb,
            bridge_patience: self.bridge_patience,
            proof: self.proof,
            send_rate_per_minute: self.send_rate_per_minute,
            send_burst: self.send_burst,
            queue_limit: self.queue_limit,
            retention_days: self.retention_days,
            retention_mb: self.retention_mb,
            log: self.log.clone(),
        }
    }

    /// The settings as lines of a table: name, value, origin.
    pub fn table(&self) -> String {
        let width = |f: fn(&Origin) -> usize| self.origins.iter().map(f).max().unwrap_or_default();
        let (keys, values) = (width(|o| o.key.len()), width(|o| o.value.chars().count()).min(60));
        let mut out = String::new();
        for Origin { key, value, origin, .. } in &self.origins {
            let _ = writeln!(out, "{key:keys$}  {value:values$}  {origin}");
        }
        out
    }

    /// What the environment says; none: nothing, or it is empty.
    pub fn variable(&self, name: &str) -> Option<String> {
        let value = self.env.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())?;
        Some(value.to_string_lossy().into_owned())
    }

    /// How the bridge with this name is started. None: there is none of this name.
    pub fn command_line(&self, name: &str) -> Option<CommandLine> {
        self.bridges.get(name).map(|path| bridge::command_line(self, &self.env, path))
    }
}

/// An address at which nobody but this machine reaches the API, unless others are meant to.
fn listen_address(text: &str, without_tls: bool) -> Result<SocketAddr, String> {
    let right = "it is an address and a port, as in 127.0.0.1:7007";
    let address: SocketAddr = text.parse().map_err(|_| right.to_owned())?;
    if without_tls || address.ip().to_canonical().is_loopback() {
        return Ok(address);
    }
    Err("other machines reach this address, and the API has no TLS: tokens and messages could be read on the way. Listen \
         on 127.0.0.1 and put a proxy with TLS in front, or say --listen-without-tls (or listen_without_tls = true)"
        .to_owned())
}

/// Where the Unix socket is. Another gateway of this user may have the usual place; then it is in the data folder.
fn socket_places(chosen: Option<String>, inputs: &Inputs, data_dir: &Path) -> SocketPlaces {
    const FILE: &str = "pilothouse.sock";
    match chosen {
        Some(none) if none == "none" => SocketPlaces { places: vec![], required: false },
        Some(path) => SocketPlaces { places: vec![inputs.folder.join(path)], required: true },
        None => {
            let runtime = inputs.env.get(OsStr::new("XDG_RUNTIME_DIR")).map(PathBuf::from);
            // The specification says that one that is not absolute is none.
            let usual = runtime.filter(|folder| folder.is_absolute()).map(|folder| folder.join(FILE));
            SocketPlaces { places: usual.into_iter().chain([data_dir.join(FILE)]).collect(), required: false }
        }
    }
}

/// The XDG state folder. An empty variable counts as unset.
fn state_home(env: &BTreeMap<OsString, OsString>) -> Option<PathBuf> {
    let set = |name: &str| env.get(&OsString::from(name)).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("pilothouse"))
}

/// The bridge that comes with the program: beside or above the program's folder, else in the working directory.
fn bundled_bridge(exe: Option<&Path>, folder: &Path) -> PathBuf {
    let relative = Path::new("bridge/baileys-bridge.mjs");
    let mut above = exe.into_iter().flat_map(Path::ancestors).skip(1).map(|dir| dir.join(relative));
    above.find(|path| path.is_file()).unwrap_or_else(|| folder.join(relative))
}

#[cfg(test)]
mod tests;
