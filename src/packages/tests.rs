//! Fake `node` and `npm` scripts, one for each way in which an installation goes, and the real ones.

use std::os::unix::fs::PermissionsExt;

use super::*;

struct Place {
    folder: tempfile::TempDir,
    plan: Plan,
}

/// A bridge's folder and a PATH with only these scripts on it.
fn place(node: Option<&str>, npm: Option<&str>) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (bridge, bin) = (folder.path().join("bridge"), folder.path().join("bin"));
    std::fs::create_dir_all(&bridge).unwrap();
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bridge.join("package.json"), "{}").unwrap();
    std::fs::write(bridge.join("package-lock.json"), "lock 1").unwrap();
    for (name, script) in [("node", node), ("npm", npm)] {
        if let Some(script) = script {
            let path = bin.join(name);
            std::fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let plan = Plan {
        folder: bridge,
        node: bin.join("node"),
        env: vec![("PATH".into(), bin.into()), ("NODE_OPTIONS".into(), "--import=x".into())],
    };
    Place { folder, plan }
}

const NODE: Option<&str> = Some("echo v20.1.0");
const NPM: Option<&str> = Some("mkdir -p node_modules/baileys; echo \"$NODE_OPTIONS$*\" > node_modules/args");

impl Place {
    async fn error(&self) -> String {
        let error = self.plan.ensure().await.unwrap_err().to_string();
        assert!(!self.plan.is_done());
        let left = std::fs::read_dir(&self.plan.folder).unwrap().flatten().map(|e| e.file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(BESIDE)).collect();
        assert!(left.is_empty(), "{left:?}");
        error
    }

    fn installed(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.plan.folder.join("node_modules").join(name)).ok()
    }
}

#[tokio::test]
async fn packages_are_installed_once_and_again_when_the_lock_changes() {
    let place = place(NODE, NPM);
    place.plan.ensure().await.unwrap();
    assert!(place.plan.is_done());
    assert!(place.installed("args").unwrap().starts_with("ci --omit=dev --ignore-scripts"));
    std::fs::remove_dir_all(place.folder.path().join("bin")).unwrap();
    place.plan.ensure().await.expect("nothing is started when all is in place");
    std::fs::write(place.plan.folder.join("package-lock.json"), "lock 2").unwrap();
    assert!(place.error().await.contains("Node is missing"));
    assert!(place.installed("args").is_some(), "what was there stays");
}

#[tokio::test]
async fn what_is_missing_is_said_with_what_to_do() {
    for (node, npm, words) in [
        (None, NPM, ["Node is missing", "install Node 20"]),
        (Some("echo v18.19.0"), NPM, ["v18.19.0 is too old", "Node 20"]),
        (NODE, None, ["npm is missing", "install it"]),
        (NODE, Some("echo 'npm error code ENOTFOUND' >&2; exit 1"), ["no network (ENOTFOUND)", "npm ci --omit=dev"]),
        (NODE, Some("echo 'npm error code EUSAGE' >&2; exit 1"), ["code EUSAGE", "npm ci --omit=dev"]),
        (NODE, Some("kill -9 $$"), ["signal: 9", "npm ci --omit=dev"]),
    ] {
        let error = place(node, npm).error().await;
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}

#[tokio::test]
async fn a_failed_or_killed_installation_leaves_nothing_half_installed() {
    let place = place(NODE, Some("mkdir -p node_modules/half; exit 1"));
    place.error().await;
    assert!(!place.plan.folder.join("node_modules").exists());
    let stale = place.plan.folder.join(format!("{BESIDE}999"));
    std::fs::create_dir_all(stale.join("node_modules")).unwrap();
    place.error().await;
    assert!(!stale.exists(), "what a killed installation left is removed");
}

#[tokio::test]
async fn two_at_once_install_once() {
    let count = "mkdir -p node_modules; echo x >> ../../count";
    let place = place(NODE, Some(count));
    let (one, two) = tokio::join!(place.plan.ensure(), place.plan.ensure());
    one.unwrap();
    two.unwrap();
    assert_eq!(std::fs::read_to_string(place.folder.path().join("count")).unwrap(), "x\n");
}

#[tokio::test]
async fn the_real_npm_installs_the_real_packages() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bridge");
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(name), folder.path().join(name)).unwrap();
    }
    let env = std::env::vars_os().collect();
    let plan = Plan { folder: folder.path().to_owned(), node: "node".into(), env };
    plan.ensure().await.unwrap();
    assert!(folder.path().join("node_modules/baileys/package.json").is_file());
    assert!(plan.is_done());
}
