//! Settings: flags, environment, `.env`, `pilothouse.toml` and defaults, in that order of strength.
//!
//! [`load`] takes everything it looks at as an argument and makes one validated [`Config`]. Where each value came from
//! is kept, and every error names it.

mod bridge;
mod layers;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use bridge::CommandLine;

use tracing::Level;
use tracing_subscriber::filter::Targets;

use crate::cli::Cli;
use crate::state::Phone;

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
    /// The console changes nothing until a key allows it.
    pub read_only: bool,
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
    /// How long an answer of WhatsApp's server proves that the connection lives; zero: for ever.
    pub proof: Duration,
    /// For how many days messages and journal are kept; 0 is for ever.
    pub retention_days: u32,
    /// How many MiB of messages and journal are kept; 0 is no limit.
    pub retention_mb: u32,
    /// What is logged.
    pub log: Targets,
    /// The program that runs Node scripts.
    pub node: PathBuf,
    /// Each setting as it was given.
    pub origins: Vec<Origin>,
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

/// A setting, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its name in `pilothouse.toml`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// Where it came from.
    pub origin: String,
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
    setting("read_only", "PILOTHOUSE_READ_ONLY", "false"),
    setting("ascii", "PILOTHOUSE_ASCII", "false"),
    setting("theme", "PILOTHOUSE_THEME", "terminal"),
    setting("mouse", "PILOTHOUSE_MOUSE", "auto"),
    setting("notify", "PILOTHOUSE_NOTIFY", "off"),
    setting("title", "PILOTHOUSE_TITLE", "true"),
    setting("listen", "PILOTHOUSE_LISTEN", "127.0.0.1:7007"),
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
    setting("proof_seconds", "PILOTHOUSE_PROOF_SECONDS", "60"),
    setting("retention_days", "PILOTHOUSE_RETENTION_DAYS", "30"),
    setting("retention_mb", "PILOTHOUSE_RETENTION_MB", "1024"),
    setting("log", "RUST_LOG", "info"),
    setting("node", "PILOTHOUSE_NODE", "node"),
];

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
    let layers = layers::read(&inputs)?;
    let text = |key| layers.text(key);
    let data_dir = match text("data_dir") {
        Some(folder) => inputs.folder.join(folder),
        None => state_home(&inputs.env).ok_or(ConfigError::NoHome)?,
    };
    let bundled = bundled_bridge(inputs.exe.as_deref(), &inputs.folder);
    let bridge = text("bridge").map_or_else(|| bundled.clone(), |path| inputs.folder.join(path));
    let session_dir = match text("session_dir") {
        Some(folder) => inputs.folder.join(folder),
        None => bundled.parent().unwrap_or(&inputs.folder).join("sessions-bridge"),
    };
    let mut bridges: BTreeMap<Arc<str>, PathBuf> =
        layers.bridges.iter().map(|(name, path)| (name.as_str().into(), inputs.folder.join(path))).collect();
    bridges.insert(DEFAULT_BRIDGE.into(), bridge.clone());
    let mut origins = layers.origins();
    for (key, value) in [("data_dir", &data_dir), ("bridge", &bridge), ("session_dir", &session_dir)] {
        if let Some(origin) = origins.iter_mut().find(|o| o.key == key) {
            origin.value = value.display().to_string();
        }
    }
    Ok(Config {
        headless: layers.parsed("headless", "true or false")?.unwrap_or(false),
        read_only: layers.parsed("read_only", "true or false")?.unwrap_or(false),
        ascii: layers.parsed("ascii", "true or false")?.unwrap_or(false),
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
            .parsed("listen", "an address and a port, as in 127.0.0.1:7007")?
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7007))),
        data_dir,
        bridges,
        bridge: DEFAULT_BRIDGE.into(),
        session_dir,
        websocket_url: layers.checked("websocket_url", |url| {
            let valid = url.starts_with("ws://") || url.starts_with("wss://");
            valid.then(|| url.to_owned()).ok_or_else(|| "it starts with ws:// or wss://".to_owned())
        })?,
        pairing_code: layers.checked("pairing_code", |n| n.parse::<Phone>().map_err(|e| e.to_string()))?,
        bridge_memory_mb: layers.parsed("bridge_memory_mb", "a number of MiB; 0 is no cap")?.unwrap_or(256),
        bridge_rss_limit_mb: layers.parsed("bridge_rss_limit_mb", "a number of MiB; 0 is no limit")?.unwrap_or(512),
        proof: Duration::from_secs(
            layers.parsed::<u32>("proof_seconds", "a number of seconds; 0 is for ever")?.unwrap_or(60).into(),
        ),
        bridge_patience: Duration::from_secs(
            layers.parsed::<u32>("bridge_patience_seconds", "a number of seconds; 0 is for ever")?.unwrap_or(60).into(),
        ),
        send_rate_per_minute: layers
            .parsed("send_rate_per_minute", "a number of messages; 0 is as fast as they come")?
            .unwrap_or(30),
        send_burst: layers
            .checked("send_burst", |text| match text.parse() {
                Ok(0) | Err(_) => Err("it is a number of messages, at least 1".to_owned()),
                Ok(burst) => Ok(burst),
            })?
            .unwrap_or(10),
        retention_days: layers.parsed("retention_days", "a number of days; 0 is for ever")?.unwrap_or(30),
        retention_mb: layers.parsed("retention_mb", "a number of MiB; 0 is no limit")?.unwrap_or(1024),
        log: layers
            .checked("log", |filter| {
                let parsed = filter.parse::<Targets>();
                parsed.map_err(|error| format!("{error}; it is as in info or pilothouse=debug,bridge=info"))
            })?
            .unwrap_or_else(|| Targets::new().with_default(Level::INFO)),
        node: text("node").map_or_else(|| PathBuf::from("node"), PathBuf::from),
        origins,
        env: inputs.env,
    })
}

impl Config {
    /// The settings as lines of a table: name, value, origin.
    pub fn table(&self) -> String {
        let width = |f: fn(&Origin) -> usize| self.origins.iter().map(f).max().unwrap_or_default();
        let (keys, values) = (width(|o| o.key.len()), width(|o| o.value.chars().count()).min(60));
        let mut out = String::new();
        for Origin { key, value, origin } in &self.origins {
            let _ = writeln!(out, "{key:keys$}  {value:values$}  {origin}");
        }
        out
    }

    /// How the bridge with this name is started. None: there is none of this name.
    pub fn command_line(&self, name: &str) -> Option<CommandLine> {
        self.bridges.get(name).map(|path| bridge::command_line(self, &self.env, path))
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
