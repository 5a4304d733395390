//! Running node and npm.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};

use tokio::process::Command;

use super::{OLDEST_NODE, PackagesError, Plan};

/// The codes by which npm says that it reaches nothing.
const NETWORK_CODES: &[&str] = &[
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "ERR_SOCKET_TIMEOUT",
];

fn command(plan: &Plan, program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        // Options for the bridge are not for npm.
        .envs(plan.env.iter().filter(|(name, _)| name != "NODE_OPTIONS").map(|(k, v)| (k, v)))
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Checks that Node is there and new enough, and gives its version.
pub(super) async fn check_node(plan: &Plan) -> Result<String, PackagesError> {
    let missing = || PackagesError::NoNode { program: plan.node.clone() };
    let output = command(plan, plan.node.as_os_str()).arg("--version").output().await.map_err(|_| missing())?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = found.strip_prefix('v').and_then(|v| v.split('.').next()).and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(major) if output.status.success() && major >= OLDEST_NODE => Ok(found),
        Some(_) => Err(PackagesError::OldNode { found }),
        None => Err(missing()),
    }
}

/// Installs what the lock file in `folder` names, there.
pub(super) async fn ci(plan: &Plan, folder: &Path) -> Result<(), PackagesError> {
    let output = command(plan, OsStr::new("npm"))
        .args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder)
        .output()
        .await
        .map_err(|_| PackagesError::NoNpm)?;
    if output.status.success() && folder.join("node_modules").is_dir() {
        return Ok(());
    }
    Err(explain(plan, &output))
}

fn explain(plan: &Plan, output: &Output) -> PackagesError {
    let said = String::from_utf8_lossy(&output.stderr);
    let folder = plan.folder.clone();
    match NETWORK_CODES.iter().find(|code| said.contains(*code)) {
        Some(code) => PackagesError::NoNetwork { code: (*code).to_owned(), folder },
        None => {
            let words = said.lines().map(|line| line.trim_start_matches("npm error").trim());
            let why: Vec<_> =
                words.filter(|line| !line.is_empty() && !line.starts_with("A complete log")).take(3).collect();
            let why = if why.is_empty() { output.status.to_string() } else { why.join(" ") };
            PackagesError::Npm { why: why.chars().filter(|c| !c.is_control()).take(300).collect(), folder }
        }
    }
}
