//! Where values come from, strongest last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::{ConfigError as LibraryError, Map, Source, Value, ValueKind};

use super::{BRIDGES, ConfigError, Inputs, KEYS, Origin, SETTINGS, Setting, WEBHOOKS, WebhookSetting, live};
use crate::access;

/// The merged values.
pub(super) struct Layers {
    values: Map<String, Value>,
    /// The table of further bridges.
    pub(super) bridges: BTreeMap<String, String>,
    /// The table of other keys, by the names of actions.
    pub(super) keys: BTreeMap<String, Vec<String>>,
    /// The tables of webhooks.
    pub(super) webhooks: Vec<WebhookSetting>,
    /// Each setting as it would be if the API had set nothing.
    pub(super) below: Vec<Origin>,
    /// The settings that are fixed by something stronger than the API.
    fixed: BTreeSet<&'static str>,
    by_api: BTreeSet<&'static str>,
}

/// Layers with these values alone.
pub(super) fn known(values: Vec<Origin>) -> Layers {
    let mut known = Known::default();
    values.iter().for_each(|value| known.set(value.key, value.value.clone(), &value.origin));
    let (bridges, keys, webhooks, below, fixed) =
        (BTreeMap::new(), BTreeMap::new(), Vec::new(), Vec::new(), BTreeSet::new());
    Layers { values: known.0, bridges, keys, webhooks, below, fixed, by_api: BTreeSet::new() }
}

/// A layer whose values are known already, with the origin of each.
#[derive(Clone, Debug, Default)]
struct Known(Map<String, Value>);

impl Source for Known {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, LibraryError> {
        Ok(self.0.clone())
    }
}

impl Known {
    fn set(&mut self, key: &str, value: String, origin: &str) {
        self.0.insert(key.to_owned(), Value::new(Some(&origin.to_owned()), ValueKind::String(value)));
    }
}

/// Reads all layers. What the API has set is in the data folder, which `data_dir` knows from the other ones.
pub(super) fn read(
    inputs: &Inputs,
    data_dir: impl FnOnce(&Layers) -> Result<PathBuf, ConfigError>,
) -> Result<Layers, ConfigError> {
    let below = merged(inputs, &[])?;
    let set = live::read(&data_dir(&below)?)?;
    let layers = if set.is_empty() { merged(inputs, &[])? } else { merged(inputs, &set)? };
    Ok(Layers { below: below.origins(), ..layers })
}

/// All layers, with these values of the API.
fn merged(inputs: &Inputs, by_api: &[Origin]) -> Result<Layers, ConfigError> {
    let mut builder = config::Config::builder();
    for Setting { key, default, .. } in SETTINGS {
        if !default.is_empty() {
            let mut known = Known::default();
            known.set(key, (*default).to_owned(), "default");
            builder = builder.add_source(known);
        }
    }
    let file = settings_file(inputs);
    if let Some(path) = &file {
        builder = builder.add_source(config::File::from(path.as_path()).format(config::FileFormat::Toml));
    }
    let mut api = Known::default();
    by_api.iter().for_each(|value| api.set(value.key, value.value.clone(), &value.origin));
    let stronger = [dot_env(&inputs.folder)?, environment(inputs), flags(inputs)];
    let is_fixed = |setting: &&Setting| stronger.iter().any(|layer| layer.0.contains_key(setting.key));
    let fixed: BTreeSet<_> = SETTINGS.iter().filter(is_fixed).map(|setting| setting.key).collect();
    let by_api = by_api.iter().map(|value| value.key).filter(|key| !fixed.contains(key)).collect();
    builder = builder.add_source(api);
    for layer in stronger {
        builder = builder.add_source(layer);
    }
    let path = file.unwrap_or_default();
    let merged = builder.build().map_err(|error| ConfigError::File { path: path.clone(), why: error.to_string() })?;
    let mut values = merged.collect().map_err(|e| ConfigError::File { path: path.clone(), why: e.to_string() })?;
    let bridges = match values.remove(BRIDGES) {
        Some(table) => table.try_deserialize().map_err(|error| ConfigError::File {
            path: path.clone(),
            why: format!("[{BRIDGES}] has a name and a path in each line: {error}"),
        })?,
        None => BTreeMap::new(),
    };
    let webhooks = match values.remove(WEBHOOKS) {
        Some(tables) => tables.try_deserialize().map_err(|error| ConfigError::File {
            path: path.clone(),
            why: format!("each [[{WEBHOOKS}]] has name, url and secret, and may have types and chats: {error}"),
        })?,
        None => Vec::new(),
    };
    let mut keys = BTreeMap::new();
    if let Some(table) = values.remove(KEYS) {
        read_keys("", table, &mut keys).map_err(|name| ConfigError::File {
            path: path.clone(),
            why: format!("[{KEYS}] {name} is neither a key nor a list of keys, as in quit = [\"q\", \"F10\"]"),
        })?;
    }
    if let Some(key) = values.keys().find(|key| SETTINGS.iter().all(|s| s.key != *key)) {
        let known = SETTINGS.iter().map(|s| s.key).chain([BRIDGES, KEYS, WEBHOOKS]).collect::<Vec<_>>().join(", ");
        return Err(ConfigError::UnknownKey { path, key: key.clone(), known });
    }
    Ok(Layers { values, bridges, keys, webhooks, below: Vec::new(), fixed, by_api })
}

/// Reads keys by the names of actions; a table in the table makes names with a dot. The error is the name that is wrong.
fn read_keys(prefix: &str, table: Value, keys: &mut BTreeMap<String, Vec<String>>) -> Result<(), String> {
    let table = table.into_table().map_err(|_| prefix.trim_end_matches('.').to_owned())?;
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        if matches!(value.kind, ValueKind::Table(_)) {
            read_keys(&format!("{name}."), value, keys)?;
        } else if matches!(value.kind, ValueKind::String(_) | ValueKind::I64(_)) {
            keys.insert(name.clone(), vec![value.into_string().map_err(|_| name)?]);
        } else {
            let list = value.into_array().ok();
            let list = list.and_then(|list| list.into_iter().map(|key| key.into_string().ok()).collect());
            keys.insert(name.clone(), list.ok_or(name)?);
        }
    }
    Ok(())
}

/// The file that was asked for, else the one in the working directory, else the user's.
fn settings_file(inputs: &Inputs) -> Option<PathBuf> {
    if let Some(path) = &inputs.cli.config {
        return Some(inputs.folder.join(path));
    }
    let set = |name: &str| inputs.env.get(std::ffi::OsStr::new(name)).filter(|v| !v.is_empty()).map(PathBuf::from);
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let candidates =
        [Some(inputs.folder.join("pilothouse.toml")), user.map(|folder| folder.join("pilothouse/pilothouse.toml"))];
    candidates.into_iter().flatten().find(|path| path.is_file())
}

/// `.env` in the working directory. It is read, not put into the environment.
fn dot_env(folder: &Path) -> Result<Known, ConfigError> {
    let path = folder.join(".env");
    let mut known = Known::default();
    if !path.is_file() {
        return Ok(known);
    }
    let broken = |error: dotenvy::Error| ConfigError::File { path: path.clone(), why: error.to_string() };
    for pair in dotenvy::from_path_iter(&path).map_err(broken)? {
        let (name, value) = pair.map_err(broken)?;
        if let Some(setting) = SETTINGS.iter().find(|s| s.env == name && !value.is_empty()) {
            known.set(setting.key, value, &format!("{name} in .env"));
        }
    }
    Ok(known)
}

fn environment(inputs: &Inputs) -> Known {
    let mut known = Known::default();
    for Setting { key, env, .. } in SETTINGS {
        if let Some(value) = inputs.env.get(std::ffi::OsStr::new(env)).filter(|v| !v.is_empty()) {
            known.set(key, value.to_string_lossy().into_owned(), &format!("environment {env}"));
        }
    }
    known
}

fn flags(inputs: &Inputs) -> Known {
    let cli = &inputs.cli;
    let path = |p: &Option<PathBuf>| p.as_ref().map(|p| p.to_string_lossy().into_owned());
    let given = [
        ("headless", (cli.headless || cli.detached).then(|| "true".to_owned()), "--headless"),
        ("keep", cli.keep.then(|| "true".to_owned()), "--keep"),
        ("read_only", cli.read_only.then(|| "true".to_owned()), "--read-only"),
        ("plain", cli.plain.then(|| "true".to_owned()), "--plain"),
        ("ascii", cli.ascii.then(|| "true".to_owned()), "--ascii"),
        ("listen", cli.listen.clone(), "--listen"),
        ("listen_without_tls", cli.listen_without_tls.then(|| "true".to_owned()), "--listen-without-tls"),
        ("socket", path(&cli.socket), "--socket"),
        ("data_dir", path(&cli.data_dir), "--data-dir"),
        ("bridge", path(&cli.bridge), "--bridge"),
        ("pairing_code", cli.pairing_code.clone(), "--pairing-code"),
        ("node", path(&cli.node), "--node"),
    ];
    let mut known = Known::default();
    for (key, value, flag) in given {
        if let Some(value) = value {
            known.set(key, value, &format!("flag {flag}"));
        }
    }
    known
}

impl Layers {
    /// The value as text; none when it is not set or empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let text = |value: &Value| value.clone().into_string().ok();
        let value = self.values.get(key)?;
        let text = if let ValueKind::Array(items) = &value.kind {
            // A list may be written as one in the file.
            Some(items.iter().filter_map(text).collect::<Vec<_>>().join(", "))
        } else {
            text(value)
        };
        text.filter(|text| !text.is_empty())
    }

    fn origin(&self, key: &str) -> String {
        self.values.get(key).and_then(|v| v.origin().map(str::to_owned)).unwrap_or_else(|| "default".to_owned())
    }

    /// The value, read by `check`, whose error says what would be right.
    pub(super) fn checked<T>(
        &self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(key) else { return Ok(None) };
        check(&value).map(Some).map_err(|why| {
            let value = access::masked(&value);
            ConfigError::Value { key, value, origin: self.origin(key), why }
        })
    }

    /// The value, parsed. `right` says how a right one looks.
    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        key: &'static str,
        right: &str,
    ) -> Result<Option<T>, ConfigError> {
        self.checked(key, |text| text.parse().map_err(|_| format!("it is {right}")))
    }

    /// The value, which is one of these words; the first without a value.
    pub(super) fn one_of(&self, key: &'static str, words: &[&str]) -> Result<String, ConfigError> {
        let value = self.checked(key, |text| match words.contains(&text) {
            true => Ok(text.to_owned()),
            false => Err(format!("it is one of {}", words.join(", "))),
        })?;
        Ok(value.unwrap_or_else(|| words.first().copied().unwrap_or_default().to_owned()))
    }

    /// Each setting with its value and origin; secrets are masked.
    pub(super) fn origins(&self) -> Vec<Origin> {
        let of = |Setting { key, secret, .. }: &Setting| {
            let value = self.text(key).unwrap_or_default();
            let value = if *secret { masked(&value) } else { value };
            Origin {
                key,
                value: access::masked(&value),
                origin: self.origin(key),
                fixed: self.fixed.contains(key),
                by_api: self.by_api.contains(key),
            }
        };
        SETTINGS.iter().map(of).collect()
    }
}

/// An address without the name and password that it may hold.
fn masked(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (_, host))) => format!("{scheme}://***@{host}"),
        None => url.to_owned(),
    }
}
