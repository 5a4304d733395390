//! Which module may use which: the direction of the dependencies, as the crate's documentation draws it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each module of the crate, and the modules that it may use. `app` puts everything together; nothing uses it but
/// `main`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("access", &["clock"]),
    ("clock", &[]),
    ("protocol", &[]),
    ("qr", &[]),
    ("telemetry", &["clock"]),
    ("metrics", &[]),
    ("packages", &[]),
    ("cli", &["access"]),
    ("state", &["clock", "protocol"]),
    ("config", &["access", "cli", "state"]),
    ("supervisor", &["clock", "protocol", "state"]),
    ("store", &["clock", "metrics", "protocol", "state"]),
    ("link", &["clock", "state", "telemetry"]),
    ("engine", &["clock", "link", "metrics", "protocol", "state", "store", "supervisor"]),
    ("webhooks", &["clock", "engine", "state"]),
    (
        "api",
        &["access", "clock", "config", "engine", "link", "metrics", "protocol", "qr", "state", "telemetry", "webhooks"],
    ),
    ("tui", &["clock", "link", "protocol", "qr", "state", "telemetry"]),
    ("attach", &["client", "clock", "link", "state"]),
    (
        "app",
        &[
            "access",
            "api",
            "attach",
            "cli",
            "client",
            "clock",
            "config",
            "engine",
            "link",
            "packages",
            "state",
            "store",
            "supervisor",
            "systemd",
            "telemetry",
            "tui",
            "webhooks",
        ],
    ),
    ("backup", &["clock", "store"]),
    ("systemd", &["engine", "state"]),
    ("client", &["cli", "clock", "config", "qr", "tui"]),
    ("doctor", &["cli", "client", "clock", "config", "packages", "qr", "store"]),
    ("main", &["access", "app", "backup", "cli", "client", "clock", "config", "doctor"]),
];

/// Crates that reach outside, and the modules that alone may use them.
const RESERVED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("axum", &["api"]),
    ("hyper", &["api", "client", "webhooks"]),
    ("hyper_util", &["api", "client", "webhooks"]),
    ("tokio_rustls", &["webhooks"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("signal_hook", &["tui"]),
    ("clap", &["cli", "main"]),
    ("tar", &["backup"]),
    (
        "tokio",
        &[
            "api",
            "app",
            "attach",
            "client",
            "doctor",
            "engine",
            "link",
            "packages",
            "protocol",
            "store",
            "supervisor",
            "systemd",
            "telemetry",
            "tui",
            "webhooks",
        ],
    ),
];

#[test]
fn modules_use_only_what_is_below_them() {
    let allowed: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let modules = modules();
    assert_eq!(modules.keys().map(String::as_str).collect::<BTreeSet<_>>(), allowed.keys().copied().collect());
    for (module, source) in &modules {
        for used in allowed.keys().filter(|used| **used != module) {
            let named = ["crate::", "pilothouse::"].iter().any(|root| names(source, root, used));
            assert!(!named || allowed[module.as_str()].contains(used), "src/{module} may not use {used}");
        }
        for (library, users) in RESERVED {
            let named = source.contains(&format!("{library}::"));
            assert!(!named || users.contains(&module.as_str()), "src/{module} may not use the crate {library}");
        }
    }
}

/// Whether the source names this module of the crate, alone or in braces.
fn names(source: &str, root: &str, module: &str) -> bool {
    source.split(root).skip(1).any(|rest| {
        let list = match rest.strip_prefix('{') {
            Some(inside) => inside.split('}').next().unwrap_or_default(),
            None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default(),
        };
        list.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == module)
    })
}

/// The source of each module without its tests and comments.
fn modules() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    for file in files(&root) {
        let inside = file.strip_prefix(&root).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        let is_test = inside.with_extension("").iter().any(|part| part == "tests" || part == "harness");
        if module == "lib" || is_test {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        modules.entry(module.to_owned()).or_insert_with(String::new).extend(lines.flat_map(|line| [line, "\n"]));
    }
    modules
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
