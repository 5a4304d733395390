//! The bridge: its program, Node, its packages.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Check, programs};
use crate::config::Config;
use crate::packages::{OLDEST_NODE, Plan};

pub(super) async fn look(config: &Config) -> Vec<Check> {
    let Some(line) = config.command_line(&config.bridge) else { return Vec::new() };
    let Some(folder) = line.script_folder else { return vec![program(Path::new(&line.program))] };
    let script = line.args.first().map(Path::new).unwrap_or(Path::new(""));
    let mut checks = vec![if script.is_file() {
        Check::good("bridge", script.display().to_string())
    } else {
        let mend = "start the program beside its folder `bridge`, or say with --bridge where it is";
        Check::failure("bridge", format!("there is no {}", script.display()), mend)
    }];
    let plan = Plan { folder, node: config.node.clone(), env: line.env };
    let node = plan.node_version().await;
    checks.push(match &node {
        Ok(version) => Check::good("node", format!("{version}, and {OLDEST_NODE} is enough")),
        Err(error) => {
            let mend = format!("install Node {OLDEST_NODE} or later, or say with --node where it is");
            Check::failure("node", error.to_string(), mend)
        }
    });
    checks.push(packages(&plan).await);
    checks
}

fn program(path: &Path) -> Check {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => {
            Check::good("bridge", path.display().to_string())
        }
        Ok(_) => {
            let mend = format!("chmod +x {}, or say with --bridge which program is meant", path.display());
            Check::failure("bridge", format!("{} is no program that can be started", path.display()), mend)
        }
        Err(error) => {
            Check::failure("bridge", format!("{}: {error}", path.display()), "say with --bridge which program is meant")
        }
    }
}

async fn packages(plan: &Plan) -> Check {
    let folder = plan.folder.display();
    if plan.is_done() {
        return Check::good("packages", format!("those of the bridge are installed in {folder}"));
    }
    if programs::says("npm", &["--version"]).await.is_none() {
        let found = "those of the bridge are not installed, and there is no npm to install them";
        return Check::failure("packages", found, "install npm; it usually comes with Node");
    }
    let found = format!("those of the bridge are missing or old in {folder}; the next start installs them");
    let mend =
        format!("start the gateway where there is a network, or: cd {folder} && npm ci --omit=dev --ignore-scripts");
    Check::warning("packages", found, mend)
}
