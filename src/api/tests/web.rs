//! What a browser is told.

use axum::http::{HeaderMap, Method};

use super::super::Web;
use super::*;

/// An API that pages of one origin may use.
async fn asked(origins: &[&str], request: axum::http::request::Builder) -> Answer {
    let harness = Harness::connected().await;
    let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
    let web = Web::new("127.0.0.1:7007".parse().unwrap(), vec![], origins);
    let api =
        router(super::super::Shared { web: Arc::new(web), ..parts(&harness, LookUps::default(), settings()) }.into());
    let answer = answered(api.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await;
    harness.end().await;
    answer
}

fn cors(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("access-control-")).collect()
}

fn preflight(origin: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(Method::OPTIONS).uri("/send").header(header::HOST, "localhost");
    request.header(header::ORIGIN, origin).header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
}

fn page(origin: &str) -> axum::http::request::Builder {
    let request = Request::get("/status").header(header::HOST, "localhost").header(header::ORIGIN, origin);
    request.header(header::AUTHORIZATION, bearer())
}

#[tokio::test]
async fn pages_of_a_configured_origin_may_use_the_api() {
    let own = "https://app.example.net";
    let asks = asked(&[own], preflight(own)).await;
    assert_eq!((asks.status, asks.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(asks.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], own);
    let sent = asks.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(sent.contains("authorization") && sent.contains("content-type"), "{sent}");
    assert!(asks.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().contains("POST"));
    let read = asked(&[own], page(own)).await;
    assert_eq!(
        (read.status, &read.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN]),
        (StatusCode::OK, &own.parse().unwrap())
    );
    assert_eq!(read.headers[header::VARY], "origin");
    // It may read why it was refused.
    let without = Request::get("/status").header(header::HOST, "localhost").header(header::ORIGIN, own);
    let refused = asked(&[own], without).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], own);
}

#[tokio::test]
async fn pages_of_others_are_told_nothing() {
    let (own, other) = ("https://app.example.net", "https://evil.example.com");
    for (origins, origin) in [(&[][..], own), (&[own][..], other), (&[own][..], "null")] {
        let asks = asked(origins, preflight(origin)).await;
        assert_eq!((asks.status, cors(&asks.headers)), (StatusCode::UNAUTHORIZED, vec![]));
        let read = asked(origins, page(origin)).await;
        assert_eq!((read.status, cors(&read.headers)), (StatusCode::OK, vec![]));
        assert_eq!(read.headers.contains_key(header::VARY), !origins.is_empty());
    }
}

#[tokio::test]
async fn health_checks_are_for_this_host_too() {
    let evil = Request::get("/livez").header(header::HOST, "evil.example.com:7007");
    let answer = asked(&[], evil).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(answer.json()["type"], "urn:pilothouse:problem:wrong-host");
    assert!(answer.json()["detail"].as_str().unwrap().contains("allowed_hosts"), "{}", answer.text);
}
