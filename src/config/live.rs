//! What the API changes while the gateway runs, and where that is kept.
//!
//! What it sets is one more layer, a file in the data folder: stronger than `pilothouse.toml`, weaker than `.env`, the
//! environment and flags. Who set a value there means it for this computer, and it can't be changed from outside.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::layers::{self, Layers};
use super::{Changeable, Config, ConfigError, Origin, SETTINGS};

/// The name of the file in the data folder.
pub(super) const FILE: &str = "settings.json";

/// The settings that may be changed. Those with `true` hold from the next start on.
const CHANGEABLE: [(&str, bool); 10] = [
    ("bridge_memory_mb", true),
    ("bridge_patience_seconds", true),
    ("bridge_rss_limit_mb", false),
    ("log", false),
    ("proof_seconds", false),
    ("retention_days", false),
    ("retention_mb", false),
    ("send_burst", false),
    ("queue_limit", false),
    ("send_rate_per_minute", false),
];

/// Whether a setting may be changed while running, unless something stronger fixes it.
pub(super) fn is_changeable(key: &str) -> bool {
    CHANGEABLE.iter().any(|(name, _)| *name == key)
}

/// A field of a change that can't be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which.
    pub field: String,
    /// What is wrong, and what would be right.
    pub why: String,
}

/// A change that can be made.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What holds once it is made.
    pub values: Changeable,
    /// The settings that are others then, at once.
    pub at_once: Vec<&'static str>,
    /// Those that are others from the next start on.
    pub at_restart: Vec<&'static str>,
    set: BTreeMap<&'static str, Value>,
}

/// The settings as they are, and what the API has changed.
#[derive(Debug)]
pub struct Live {
    file: PathBuf,
    /// Each as it was at the start.
    start: Vec<Origin>,
    /// Each as it would be without the API.
    below: Vec<Origin>,
    bridges: BTreeMap<Arc<str>, PathBuf>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// What the API has set.
    set: BTreeMap<&'static str, Value>,
    /// The name of the bridge in use.
    bridge: Arc<str>,
}

impl Live {
    /// Of a gateway that starts with these settings, and with the bridge of this name.
    pub fn new(config: &Config, bridge: Arc<str>) -> Self {
        let by_api = |origin: &&Origin| origin.by_api;
        let set = config.origins.iter().filter(by_api).filter_map(|o| Some((o.key, typed(o.key, &o.value)?))).collect();
        Self {
            file: config.data_dir.join(FILE),
            start: config.origins.clone(),
            below: config.below.clone(),
            bridges: config.bridges.clone(),
            held: Mutex::new(Held { set, bridge }),
        }
    }

    /// Whether there is a bridge of this name, as it is configured.
    pub fn bridge(&self, name: &str) -> Option<Arc<str>> {
        self.bridges.get_key_value(name).map(|(name, _)| Arc::clone(name))
    }

    /// The names of all bridges that are configured.
    pub fn bridges(&self) -> impl Iterator<Item = &str> {
        self.bridges.keys().map(AsRef::as_ref)
    }

    /// Another bridge is in use.
    pub fn uses(&self, bridge: Arc<str>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).bridge = bridge;
    }

    /// All settings: each under its name, and where they come from under `origins`. Secrets are masked.
    pub fn document(&self) -> Map<String, Value> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut document, mut origins, mut changeable, mut waiting) = (Map::new(), Map::new(), vec![], vec![]);
        for start in &self.start {
            let now = self.now(&held.set, start);
            if is_changeable(start.key) && self.below(start.key).is_some_and(|below| !below.fixed) {
                changeable.push(start.key);
            }
            if now.value != start.value && waits(start.key) {
                waiting.push(start.key);
            }
            document.insert(start.key.to_owned(), typed(start.key, &now.value).unwrap_or_default());
            origins.insert(start.key.to_owned(), now.origin.into());
        }
        let bridges: Map<_, _> =
            self.bridges.iter().map(|(name, path)| (name.to_string(), json!(path.to_string_lossy()))).collect();
        document.insert("bridge".to_owned(), json!(held.bridge));
        document.insert("bridges".to_owned(), bridges.into());
        document.insert("origins".to_owned(), origins.into());
        document.insert("changeable".to_owned(), json!(changeable));
        document.insert("needs_restart".to_owned(), json!(waiting));
        document
    }

    /// Looks whether all of a merge patch (RFC 7386) can be made. `null` takes back what the API has set.
    ///
    /// # Errors
    /// Each field that is wrong.
    pub fn plan(&self, patch: &Map<String, Value>) -> Result<Planned, Vec<Wrong>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut set = held.set.clone();
        let (mut wrong, mut at_once, mut at_restart) = (vec![], vec![], vec![]);
        for (field, value) in patch {
            match self.checked(field, value) {
                Err(why) => wrong.push(Wrong { field: field.clone(), why }),
                Ok(key) if value.is_null() => drop(set.remove(key)),
                Ok(key) => drop(set.insert(key, value.clone())),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut texts = Vec::new();
        for (key, waits) in CHANGEABLE {
            let Some(start) = self.start.iter().find(|start| start.key == key) else { continue };
            let (before, after) = (self.now(&held.set, start), self.now(&set, start));
            if before.value != after.value {
                if waits { at_restart.push(key) } else { at_once.push(key) }
            }
            // What waits for a restart holds as it was at the start until then.
            texts.push(if waits { start.clone() } else { after });
        }
        let read = Changeable::read(&Layers::of(texts));
        let values = read.map_err(|error| vec![Wrong { field: String::new(), why: error.to_string() }])?;
        Ok(Planned { values, at_once, at_restart, set })
    }

    /// Keeps a change over restarts.
    ///
    /// # Errors
    /// What is in the way of writing the file, which is as it was then.
    pub fn keep(&self, planned: &Planned) -> io::Result<()> {
        write(&self.file, &planned.set)?;
        self.held.lock().unwrap_or_else(PoisonError::into_inner).set = planned.set.clone();
        Ok(())
    }

    /// What the API has set, as a change that can be made again.
    pub fn as_it_is(&self) -> BTreeMap<&'static str, Value> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).set.clone()
    }

    /// Puts back what [`Live::as_it_is`] gave.
    ///
    /// # Errors
    /// As [`Live::keep`].
    pub fn put_back(&self, set: BTreeMap<&'static str, Value>) -> io::Result<()> {
        write(&self.file, &set)?;
        self.held.lock().unwrap_or_else(PoisonError::into_inner).set = set;
        Ok(())
    }

    fn below(&self, key: &str) -> Option<&Origin> {
        self.below.iter().find(|below| below.key == key)
    }

    /// A setting with what the API has set.
    fn now(&self, set: &BTreeMap<&'static str, Value>, start: &Origin) -> Origin {
        let below = self.below(start.key).unwrap_or(start);
        match set.get(start.key).filter(|_| !below.fixed) {
            Some(value) => Origin { value: text(value), origin: origin(&self.file), by_api: true, ..start.clone() },
            None => below.clone(),
        }
    }

    /// The setting, when it can have this value.
    fn checked(&self, field: &str, value: &Value) -> Result<&'static str, String> {
        let Some((key, _)) = CHANGEABLE.into_iter().find(|(key, _)| *key == field) else {
            let all = CHANGEABLE.map(|(key, _)| key).join(", ");
            let known = SETTINGS.iter().any(|setting| setting.key == field);
            return Err(if known {
                "it can't be changed while the gateway runs; set it where it comes from and start the gateway anew"
                    .to_owned()
            } else {
                format!("there is no such setting; these can be changed: {all}, use_pairing_code, phone_number, bridge")
            });
        };
        if let Some(Origin { origin, .. }) = self.below(key).filter(|below| below.fixed) {
            return Err(format!("it is fixed by the {origin}; change it there"));
        }
        let fits = if key == "log" { value.is_string() } else { value.is_u64() };
        if !fits && !value.is_null() {
            return Err(if key == "log" { "it is a text, as in \"info\"" } else { "it is a whole number, 0 or more" }
                .to_owned());
        }
        if value == "" {
            return Err("it is empty; null takes back what was set".to_owned());
        }
        let given = Origin { key, value: text(value), origin: String::new(), fixed: false, by_api: true };
        let alone = Layers::of(if value.is_null() { vec![] } else { vec![given] });
        match Changeable::read(&alone) {
            Ok(_) => Ok(key),
            Err(ConfigError::Value { why, .. }) => Err(why),
            Err(error @ (ConfigError::File { .. } | ConfigError::UnknownKey { .. } | ConfigError::NoHome)) => {
                Err(error.to_string())
            }
        }
    }
}

fn waits(key: &str) -> bool {
    CHANGEABLE.iter().any(|(name, waits)| *name == key && *waits)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as JSON has it. None: it is not set.
fn typed(key: &str, text: &str) -> Option<Value> {
    let number = || (is_changeable(key) && key != "log").then(|| text.parse::<u64>().ok()).flatten().map(Value::from);
    let flag = || (key == "headless").then(|| text.parse::<bool>().ok()).flatten().map(Value::from);
    (!text.is_empty()).then(|| number().or_else(flag).unwrap_or_else(|| text.into()))
}

fn origin(file: &Path) -> String {
    format!("the API, in {}", file.display())
}

/// What the API has set, as a layer. Nothing when there is no such file.
pub(super) fn read(data_dir: &Path) -> Result<Vec<Origin>, ConfigError> {
    let path = data_dir.join(FILE);
    let broken = |why: String| ConfigError::File { path: path.clone(), why };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken(error.to_string())),
    };
    let set: BTreeMap<String, Value> = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    let layer = set.into_iter().map(|(key, value)| {
        let known = CHANGEABLE.iter().find(|(name, _)| *name == key);
        let (key, _) = known.ok_or_else(|| broken(format!("{key:?} is none that the API can set; take it out")))?;
        Ok(Origin { key, value: text(&value), origin: origin(&path), fixed: false, by_api: true })
    });
    layer.collect()
}

/// Replaces the file at one stroke.
fn write(path: &Path, set: &BTreeMap<&'static str, Value>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".settings").tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, set)?;
    writeln!(file)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(folder)?.sync_all()
}

impl Layers {
    /// Only these values.
    fn of(values: Vec<Origin>) -> Self {
        layers::known(values)
    }
}
