//! How a bridge is started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Config;

/// A program with its arguments and all of its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The executable.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// All of its environment.
    pub env: Vec<(OsString, OsString)>,
    /// It is a Node script, in this folder, and may need packages.
    pub script_folder: Option<PathBuf>,
}

/// The names that a bridge sees of the environment, besides those that start with one of [`PREFIXES`].
const NAMES: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
];

const PREFIXES: &[&str] = &["LC_", "NODE_", "WA_"];

const HEAP_FLAG: &str = "--max-old-space-size";

pub(super) fn command_line(config: &Config, env: &BTreeMap<OsString, OsString>, path: &Path) -> CommandLine {
    let script = path.extension().is_some_and(|ext| ["mjs", "cjs", "js"].iter().any(|e| ext == *e));
    let mut seen: BTreeMap<OsString, OsString> =
        env.iter().filter(|(name, _)| passes(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    seen.insert("WA_SESSION_DIR".into(), config.session_dir.clone().into());
    if let Some(url) = &config.websocket_url {
        seen.insert("WA_WEBSOCKET_URL".into(), url.into());
    }
    let (program, args) = if script {
        if let Some(options) = node_options(seen.get(OsStr::new("NODE_OPTIONS")), config.bridge_memory_mb) {
            seen.insert("NODE_OPTIONS".into(), options);
        }
        (config.node.clone().into(), vec![path.into()])
    } else {
        (path.into(), vec![])
    };
    let script_folder = script.then(|| path.parent().unwrap_or(Path::new(".")).to_owned());
    CommandLine { program, args, env: seen.into_iter().collect(), script_folder }
}

fn passes(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    NAMES.contains(&name.as_ref()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The operator's options with the memory cap added, unless he set one himself. None: there is nothing to set.
fn node_options(own: Option<&OsString>, cap_mb: u32) -> Option<OsString> {
    let mut options = own.cloned().unwrap_or_default();
    if cap_mb == 0 || options.to_string_lossy().contains(HEAP_FLAG) {
        return None;
    }
    if !options.is_empty() {
        options.push(" ");
    }
    options.push(format!("{HEAP_FLAG}={cap_mb}"));
    Some(options)
}
