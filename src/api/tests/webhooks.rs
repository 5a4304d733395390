//! `/webhooks`.

use super::*;

async fn with(router: &Router, method: &str, path: &str, body: Option<Value>) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    answered(router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted_and_its_key_is_told_once() {
    let harness = Harness::connected().await;
    let api = api(&harness);
    assert_eq!(with(&api, "GET", "/webhooks", None).await.json(), json!({"webhooks": []}));
    let new =
        json!({"name": "crm", "url": "https://1.1.1.1:9/hook", "types": ["message.*"], "chats": ["+15551112222"]});
    let made = with(&api, "POST", "/webhooks", Some(new.clone())).await;
    assert_eq!(
        (made.status, &made.headers[header::LOCATION]),
        (StatusCode::CREATED, &"/webhooks/crm".parse().unwrap())
    );
    let key = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(key.starts_with("whsec_"));
    let shown = with(&api, "GET", "/webhooks/crm", None).await;
    assert!(shown.status == StatusCode::OK && !shown.text.contains("whsec_"), "{}", shown.text);
    let shown = shown.json();
    assert_eq!((&shown["name"], &shown["url"], &shown["origin"]), (&json!("crm"), &new["url"], &json!("api")));
    assert_eq!((&shown["state"], &shown["chats"]), (&json!("going"), &json!(["15551112222@s.whatsapp.net"])));

    let status = with(&api, "GET", "/status", None).await;
    assert!(!status.text.contains("1.1.1.1"), "an address may be a secret");
    let status = status.json();
    assert_eq!((&status["webhooks"][0]["name"], &status["webhooks"][0]["lag_seconds"]), (&json!("crm"), &json!(0)));
    let metrics = with(&api, "GET", "/metrics", None).await.text;
    assert!(metrics.contains("\npilothouse_webhook_parked{webhook=\"crm\"} 0\n"), "{metrics}");

    let changed = with(&api, "PATCH", "/webhooks/crm", Some(json!({"types": null, "secret": null}))).await;
    let changed = changed.json();
    assert_eq!((&changed["types"], &changed["chats"]), (&json!([]), &shown["chats"]));
    assert!(changed["secret"].as_str().is_some_and(|new| new != key));
    let none = with(&api, "PATCH", "/webhooks/crm", Some(json!({}))).await.json();
    assert!(none.get("secret").is_none());
    let nowhere = with(&api, "PATCH", "/webhooks/crm", Some(json!({"url": null}))).await;
    assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nowhere.text);
    for replay in [json!({}), json!({"after": null}), json!({"after": 0}), json!({"after": 0.0})] {
        assert_eq!(with(&api, "POST", "/webhooks/crm/replay", Some(replay)).await.status, StatusCode::ACCEPTED);
    }
    for replay in [json!({"after": 0.5}), json!({"after": -1}), json!({"after": 1e300}), json!({"after": "0"})] {
        let refused = with(&api, "POST", "/webhooks/crm/replay", Some(replay)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    }
    let deleted = with(&api, "DELETE", "/webhooks/crm", None).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(with(&api, "GET", "/webhooks/crm", None).await.status, StatusCode::NOT_FOUND);
    harness.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_by_its_field() {
    let harness = Harness::connected().await;
    let api = api(&harness);
    let url = "https://example.org/";
    for (body, field) in [
        (json!({"url": "example.org"}), "url"),
        (json!({"url": "http://127.0.0.1/"}), "url"),
        (json!({"url": "http://169.254.169.254/latest"}), "url"),
        (json!({"url": "https://me:secret@example.org/"}), "url"),
        (json!({"url": url, "name": "A b"}), "name"),
        (json!({"url": url, "name": ""}), "name"),
        (json!({"url": url, "secret": "whsec_x"}), "secret"),
        (json!({"url": url, "types": ["link.qr"]}), "types"),
        (json!({"url": url, "chats": ["ana"]}), "chats"),
        (json!({"url": url, "after": 1_000_000}), "after"),
    ] {
        let answer = with(&api, "POST", "/webhooks", Some(body.clone())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.json()["field"], field, "{body} {}", answer.text);
        assert!(!answer.text.contains("me:secret"));
    }
    for (method, path, body) in [
        ("PATCH", "/webhooks/x", "{}"),
        ("DELETE", "/webhooks/x", ""),
        ("POST", "/webhooks/x/replay", "{}"),
        ("POST", "/webhooks/x/test", ""),
        ("GET", "/webhooks/%2F", ""),
    ] {
        let body = serde_json::from_str(body).ok();
        assert_eq!(with(&api, method, path, body).await.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    let unknown = with(&api, "POST", "/webhooks", Some(json!({"url": url, "filter": 1}))).await;
    assert!(unknown.status.is_client_error());
    harness.end().await;
}
