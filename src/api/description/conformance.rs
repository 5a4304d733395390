//! Whether an answer is one that the description allows. The tests' routers ask this of all of theirs.

use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::operation::{GENERAL, GUARDED};

static DOCUMENT: LazyLock<Value> = LazyLock::new(super::document);

/// Passes an answer on, and fails the test when the description does not have it.
pub(in crate::api) async fn check(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (head, body) = next.run(request).await.into_parts();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().to_owned();
    if kind == "text/event-stream" || super::FOR_CONSOLES.contains(&&*path) {
        return Response::from_parts(head, body);
    }
    let bytes = body.collect().await.unwrap().to_bytes();
    if let Err(why) = fits(&method, &path, head.status, &kind, &bytes) {
        let body = String::from_utf8_lossy(&bytes);
        panic!("{method} {path} gave {} {kind} {body}\nwhich is not described: {why}", head.status);
    }
    Response::from_parts(head, Body::from(bytes))
}

fn fits(method: &Method, path: &str, status: StatusCode, kind: &str, body: &Bytes) -> Result<(), String> {
    let described = match operation(method, path) {
        Some(operation) => &operation["responses"][status.as_str()],
        None if super::PARTS_OF_PAGES.iter().any(|part| at(part, path)) && status == StatusCode::OK => return Ok(()),
        // What is true of every path: see the introduction.
        None if general(status) => {
            return if kind == "application/problem+json" { Ok(()) } else { Err("it is no problem".to_owned()) };
        }
        None => return Err("there is no such operation".to_owned()),
    };
    let response = match described["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => described,
    };
    if response["content"].is_null() && response.is_object() {
        return if body.is_empty() { Ok(()) } else { Err("it has a body".to_owned()) };
    }
    let content = response["content"].get(kind).ok_or_else(|| format!("of these: {response}"))?;
    if !kind.ends_with("json") {
        return Ok(());
    }
    let body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    valid(&DOCUMENT, &content["schema"], &body)?;
    if kind == "application/problem+json" {
        let name = body["type"].as_str().unwrap_or_default().trim_start_matches("urn:pilothouse:problem:");
        let title = super::problems::kind(name).2;
        return if body["title"] == title { Ok(()) } else { Err(format!("its title is {title:?}")) };
    }
    Ok(())
}

/// Whether a request for anything at all can have this status.
fn general(status: StatusCode) -> bool {
    let names = GENERAL.iter().chain(GUARDED);
    [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status)
        || names.into_iter().any(|name| super::problems::kind(name).1 == status)
}

/// Whether a path is one of this template's.
fn at(template: &str, path: &str) -> bool {
    let (parts, wanted): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    parts.len() == wanted.len() && parts.iter().zip(&wanted).all(|(part, is)| part.starts_with('{') || part == is)
}

/// The operation that a request asks for.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_ascii_lowercase() };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A path without parameters counts before one with.
    let exact = paths.get(path).into_iter();
    exact
        .chain(paths.iter().filter(|(template, _)| at(template, path)).map(|(_, path)| path))
        .find_map(|at| at.get(&method))
}

/// Whether a value fits a schema of this document.
pub(super) fn valid(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema],
        "components": {"schemas": document["components"]["schemas"]}});
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).map_err(|e| e.to_string())?;
    let wrong: Vec<_> = validator.iter_errors(value).map(|e| format!("{} at {:?}", e, e.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}
