//! Settings: what is told of them, and what a patch changes.

use std::path::Path;

use super::*;
use crate::engine::harness::Harness;
use crate::protocol::Command;

/// An API with settings of its own.
struct Place {
    harness: Harness,
    folder: tempfile::TempDir,
    settings: Arc<Settings>,
}

impl Place {
    fn new(harness: Harness, env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = "send_burst = 7\n[bridges]\nother = '/opt/other'\n";
        std::fs::write(folder.path().join("pilothouse.toml"), file).unwrap();
        let settings = settings_in(folder.path(), env);
        Self { harness, folder, settings }
    }

    /// What the settings are after a restart.
    fn restarted(self, env: &[(&str, &str)]) -> Self {
        let settings = settings_in(self.folder.path(), env);
        Self { settings, ..self }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let api = api_of(parts(&self.harness, LookUps::default(), Arc::clone(&self.settings)));
        answered(api.oneshot(request).await.unwrap()).await
    }

    async fn get(&self) -> Value {
        self.ask(Request::get("/config").body(Body::empty()).unwrap()).await.json()
    }

    async fn patch_as(&self, kind: &str, body: &str) -> Answer {
        let request = Request::patch("/config").header(header::CONTENT_TYPE, kind);
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn patch(&self, patch: Value) -> Answer {
        self.patch_as("application/merge-patch+json", &patch.to_string()).await
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("settings.json")
    }
}

#[tokio::test]
async fn all_settings_are_told_with_where_they_come_from_and_without_secrets() {
    let env = [("PILOTHOUSE_PROOF_SECONDS", "30"), ("WA_WEBSOCKET_URL", "ws://user:secret@host/")];
    let place = Place::new(Harness::new(), &env);
    let config = place.get().await;
    assert_eq!(
        (&config["send_rate_per_minute"], &config["origins"]["send_rate_per_minute"]),
        (&json!(30), &json!("default"))
    );
    assert_eq!((&config["proof_seconds"], &config["send_burst"]), (&json!(30), &json!(7)));
    assert_eq!(config["origins"]["proof_seconds"], "environment PILOTHOUSE_PROOF_SECONDS");
    assert!(config["origins"]["send_burst"].as_str().unwrap().ends_with("pilothouse.toml"), "{config}");
    assert_eq!(config["websocket_url"], "ws://***@host/");
    assert_eq!(
        (&config["headless"], &config["log"], &config["pairing_code"]),
        (&json!(false), &json!("info"), &Value::Null)
    );
    assert_eq!((&config["bridge"], &config["bridges"]["other"]), (&json!("default"), &json!("/opt/other")));
    assert_eq!((&config["use_pairing_code"], &config["phone_number"]), (&json!(false), &Value::Null));
    let changeable = config["changeable"].as_array().unwrap();
    let described = description::document();
    let described = &described["paths"]["/config"]["patch"]["requestBody"]["content"]["application/json"]["schema"];
    for name in changeable {
        assert!(described["properties"].get(name.as_str().unwrap()).is_some(), "{name} is not described");
    }
    assert!(changeable.contains(&json!("send_burst")) && !changeable.contains(&json!("proof_seconds")), "{config}");
    place.harness.end().await;
}

#[tokio::test]
async fn what_is_changed_is_told_kept_and_taken_back_by_null() {
    let place = Place::new(Harness::new(), &[]);
    let answer =
        place.patch(json!({"send_burst": 3, "bridge_memory_mb": 300.0, "log": "debug", "proof_seconds": 60.0})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(answer["took_effect"], json!(["log", "send_burst"]), "what is as it was has no effect");
    assert_eq!(
        (&answer["needs_restart"], &answer["config"]["needs_restart"]),
        (&json!(["bridge_memory_mb"]), &json!(["bridge_memory_mb"]))
    );
    let config = place.get().await;
    assert_eq!(config, answer["config"]);
    assert_eq!((&config["send_burst"], &config["bridge_memory_mb"]), (&json!(3), &json!(300)));
    assert!(config["origins"]["send_burst"].as_str().unwrap().starts_with("the API, in "), "{config}");

    let place = place.restarted(&[]);
    let config = place.get().await;
    assert_eq!(
        (&config["send_burst"], &config["log"], &config["needs_restart"]),
        (&json!(3), &json!("debug"), &json!([]))
    );
    let answer = place.patch_as("application/json; charset=utf-8", r#"{"send_burst": null}"#).await.json();
    assert_eq!((&answer["took_effect"], &answer["config"]["send_burst"]), (&json!(["send_burst"]), &json!(7)));
    // An operator's word on this computer counts more.
    let place = place.restarted(&[("RUST_LOG", "warn")]);
    assert_eq!(place.get().await["log"], "warn");
    place.harness.end().await;
}

#[tokio::test]
async fn a_patch_with_one_wrong_value_changes_nothing_and_names_each() {
    let place = Place::new(Harness::new(), &[("PILOTHOUSE_RETENTION_DAYS", "9")]);
    let before = place.get().await;
    let wrong = [
        ("send_burst", json!(0), "at least 1"),
        ("send_rate_per_minute", json!("60"), "whole number"),
        ("proof_seconds", json!(-1), "whole number"),
        ("bridge_memory_mb", json!(0.5), "whole number"),
        ("retention_mb", json!(u64::MAX), "MiB"),
        ("log", json!("a=b=c"), "pilothouse=debug"),
        ("retention_days", json!(1), "PILOTHOUSE_RETENTION_DAYS"),
        ("listen", json!("127.0.0.1:1"), "can't be changed"),
        ("nothing", json!(1), "no such setting"),
        ("bridge", json!("../../bin/sh"), "default, other"),
        ("phone_number", json!("12"), "starts with +"),
        ("use_pairing_code", json!("yes"), "true or false"),
    ];
    let mut all: serde_json::Map<_, _> =
        wrong.iter().map(|(field, value, _)| ((*field).to_owned(), value.clone())).collect();
    all.insert("bridge_rss_limit_mb".to_owned(), json!(99));
    let answer = place.patch(all.into()).await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:pilothouse:problem:invalid-value"))
    );
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    assert_eq!(errors.len(), wrong.len(), "{errors:#?}");
    for (field, _, words) in wrong {
        let error = errors.iter().find(|error| error["field"] == field).unwrap();
        assert!(error["detail"].as_str().unwrap().contains(words), "{error}");
    }
    assert_eq!(
        place.patch(json!({"use_pairing_code": true, "send_burst": 2})).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    for (kind, body, status) in [
        ("text/plain", "{}", 415),
        ("application/json-patch+json", "[]", 415),
        ("application/json", "[]", 422),
        ("application/merge-patch+json", "3", 422),
        ("application/merge-patch+json", "{", 400),
    ] {
        assert_eq!(place.patch_as(kind, body).await.status, status, "{kind} {body}");
    }
    assert_eq!((place.get().await, place.file().exists()), (before, false));
    place.harness.end().await;
}

#[tokio::test]
async fn a_change_that_can_not_be_kept_is_not_made() {
    let place = Place::new(Harness::new(), &[]);
    std::fs::create_dir(place.file()).unwrap();
    let answer = place.patch(json!({"send_burst": 3})).await;
    assert_eq!(
        (answer.status, answer.headers.contains_key(header::RETRY_AFTER)),
        (StatusCode::SERVICE_UNAVAILABLE, true)
    );
    assert_eq!(place.get().await["send_burst"], 7);
    place.harness.end().await;
}

#[tokio::test]
async fn linking_and_the_bridge_are_changed_as_well() {
    let place = Place::new(Harness::new(), &[]);
    let number = "+584244370180";
    let answer = place.patch(json!({"use_pairing_code": true, "phone_number": number, "bridge": "other"})).await.json();
    assert_eq!(answer["took_effect"], json!(["use_pairing_code", "phone_number", "bridge"]));
    let config = place.get().await;
    assert_eq!((&config["phone_number"], &config["bridge"]), (&json!(number), &json!("other")));
    let answer = place.patch(json!({"use_pairing_code": null, "phone_number": null, "bridge": null})).await.json();
    assert_eq!((&answer["config"]["phone_number"], &answer["config"]["bridge"]), (&Value::Null, &json!("default")));
    place.harness.end().await;
}

#[tokio::test]
async fn another_pace_holds_for_what_waits_already() {
    let mut place = Place::new(Harness::connected().await, &[]);
    assert_eq!(place.patch(json!({"send_rate_per_minute": 1, "send_burst": 1})).await.status, StatusCode::OK);
    // Each in a chat of its own: those of one wait for each other.
    let send = |to: &str, text: &str| {
        let request = Request::post("/send").header(header::CONTENT_TYPE, "application/json");
        request.body(Body::from(json!({"to": to, "text": text}).to_string())).unwrap()
    };
    for (to, text) in [("+15551112222", "one"), ("+15553334444", "two")] {
        assert_eq!(place.ask(send(to, text)).await.status, StatusCode::ACCEPTED);
    }
    assert!(matches!(place.harness.command().await, Command::Send { text, .. } if &*text == "one"));
    place.harness.until(|snapshot| snapshot.pacing.is_some()).await;
    assert!(place.harness.waiting_command().is_none());
    assert_eq!(place.patch(json!({"send_rate_per_minute": 0})).await.status, StatusCode::OK);
    assert!(matches!(place.harness.command().await, Command::Send { text, .. } if &*text == "two"));
    place.harness.end().await;
}

#[test]
fn a_file_that_is_not_ours_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let start = |text: &str| {
        std::fs::write(folder.path().join("settings.json"), text).unwrap();
        let at: &Path = folder.path();
        let cli = crate::cli::Cli { data_dir: Some(at.to_owned()), ..Default::default() };
        let inputs = crate::config::Inputs { cli, folder: at.to_owned(), ..Default::default() };
        crate::config::load(inputs).unwrap_err().to_string()
    };
    for (text, words) in
        [("{", "settings.json"), (r#"{"listen": "x"}"#, "listen"), (r#"{"send_burst": 0}"#, "settings.json")]
    {
        let error = start(text);
        assert!(error.contains(words), "{error}");
    }
}
