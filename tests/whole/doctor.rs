//! `pilothouse doctor`, where all is well and where it is not.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::cli::{Ran, command, run};
use crate::support::{Gateway, Place};

/// What it found under this name.
#[track_caller]
fn check(ran: &Ran, name: &str) -> Value {
    let report = ran.json();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_what_mends_it_and_nothing_is_made() {
    let place = Place::bare().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
    let taken_at = taken.local_addr().unwrap().to_string();
    let args = ["doctor", "--json", "--node", "/no/such/node", "--bridge", "none.mjs", "--listen", &taken_at];
    let ran = run(command(&place, &args)).await;
    assert_eq!((ran.code, ran.err.as_str(), &ran.json()["worst"]), (Some(1), "", &"failure".into()), "{ran:?}");
    for (name, words, mend) in
        [("node", "/no/such/node", "install Node"), ("bridge", "none.mjs", "--bridge"), ("port", &taken_at, "--listen")]
    {
        let check = check(&ran, name);
        assert_eq!(check["level"], "failure", "{check}");
        assert!(check["found"].as_str().unwrap().contains(words), "{check}");
        assert!(check["mend"].as_str().unwrap().contains(mend), "{check}");
    }
    assert_eq!(check(&ran, "data")["level"], "note", "it is made at the first start");
    assert_eq!(check(&ran, "gateway")["level"], "note", "none runs");
    assert_eq!(check(&ran, "terminal")["level"], "note", "a pipe is none");
    assert!(check(&ran, "clock")["found"].is_string());
    assert!(!place.data().exists());

    let mut command = command(&place, &["doctor", "--json"]);
    command.env("PILOTHOUSE_LISTEN", "here");
    let ran = run(command).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(check(&ran, "settings")["found"].as_str().unwrap().contains("PILOTHOUSE_LISTEN"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_runs_is_found_and_not_disturbed() {
    let place = Place::bare().await;
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    let args = ["doctor", "--bridge", "/bin/cat", "--listen", &gateway.address];
    let ran = run(command(&place, &[&args[..], &["--json"]].concat())).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(5), ""), "{ran:?}");
    for (name, words) in [
        ("gateway", format!("process {}", gateway.pid())),
        ("port", format!("http://{}", gateway.address)),
        ("bridge", "/bin/cat".to_owned()),
    ] {
        let check = check(&ran, name);
        assert_eq!(check["level"], "good", "{check}");
        assert!(check["found"].as_str().unwrap().contains(&words), "{check}");
    }
    assert_eq!(check(&ran, "whatsapp")["level"], "warning");

    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let ran = run(command(&place, &args)).await;
    let mend = format!("→ chmod go= {}\n", place.data().display());
    assert!(ran.code == Some(5) && ran.out.contains(&mend), "{ran:?}");
    let elsewhere = run(command(&place, &["doctor", "--json"])).await;
    assert_eq!(check(&elsewhere, "port")["level"], "warning", "it does not answer where these settings say");
    assert_eq!(gateway.get("/health").await.status, 200);
    assert!(gateway.end().await.success());
}
