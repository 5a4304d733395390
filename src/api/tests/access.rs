//! Who may do what.

use axum::http::Method;

use super::super::access::tests::table;
use super::*;
use crate::access::{self, Scope};
use crate::clock::Timestamp;

fn with(method: Method, path: &str, token: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    request.body(Body::empty()).unwrap()
}

/// The paths of all routes, as they are written in the source.
fn paths() -> BTreeSet<String> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api")];
    let mut paths = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("tests") || path.ends_with("tests.rs") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            let routes = source.split(".route(").skip(1);
            let first = routes.map(|route| route.split('"').nth(1).unwrap_or_default().to_owned());
            paths.extend(first.filter(|path| path.starts_with('/')));
        }
    }
    paths
}

#[tokio::test]
async fn each_route_is_in_the_table_of_scopes() {
    let harness = Harness::new();
    let root = access::ensure(tokens()).unwrap();
    let paths = paths();
    assert!(paths.len() >= 16, "{paths:?}");
    for path in paths {
        // A method that no route has is answered with those that this one has.
        let probe = with(Method::from_bytes(b"PROBE").unwrap(), &path.replace(['{', '}'], ""), &root);
        let answer = ask(&harness, probe).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.headers[header::ALLOW].to_str().unwrap();
        let allowed: BTreeSet<_> = allowed.split(',').filter(|method| *method != "HEAD").collect();
        let listed: BTreeSet<_> = table(&path).into_iter().map(|(method, _)| method.as_str()).collect();
        assert_eq!(listed, allowed, "the methods of {path}");
    }
    harness.end().await;
}

#[tokio::test]
async fn a_token_allows_what_its_scope_does_and_no_more() {
    let harness = Harness::connected().await;
    let now = Timestamp::from_millis(0);
    let reader = access::add(tokens(), "reader", Scope::Read, now).unwrap();
    let sender = access::add(tokens(), "sender", Scope::Send, now).unwrap();
    let admin = access::add(tokens(), "admin", Scope::Admin, now).unwrap();
    let cases = [
        (Method::GET, "/status", [200, 200, 200]),
        (Method::HEAD, "/status", [200, 200, 200]),
        (Method::GET, "/nowhere", [404, 404, 404]),
        (Method::POST, "/send", [403, 415, 415]),
        (Method::DELETE, "/messages/x", [403, 404, 404]),
        (Method::GET, "/qr", [403, 403, 409]),
        (Method::POST, "/connection", [403, 403, 415]),
        (Method::PUT, "/status", [403, 403, 405]),
        (Method::GET, "/livez", [200, 200, 200]),
    ];
    for (method, path, statuses) in cases {
        for (token, status) in [&reader, &sender, &admin].into_iter().zip(statuses) {
            let answer = ask(&harness, with(method.clone(), path, token)).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        }
    }
    let refused = ask(&harness, with(Method::POST, "/send", &reader)).await;
    assert_eq!(refused.json()["type"], "urn:pilothouse:problem:scope-too-small");
    assert!(refused.json()["detail"].as_str().unwrap().contains("--scope send"), "{}", refused.text);
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"send\"";
    assert_eq!(refused.headers[header::WWW_AUTHENTICATE], challenge);
    access::revoke(tokens(), "reader").unwrap();
    assert_eq!(ask(&harness, with(Method::GET, "/status", &reader)).await.status, StatusCode::UNAUTHORIZED);
    harness.end().await;
}
