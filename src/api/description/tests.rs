use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Request, header};
use tower::ServiceExt;

use super::*;
use crate::api::tests::{bare_api, bearer};
use crate::engine::harness::Harness;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json");

/// Methods by path.
type Routes = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_file_is_what_the_code_says() {
    let mut made = String::new();
    write(&document(), 0, &mut made);
    made.push('\n');
    if std::env::var_os("PILOTHOUSE_BLESS").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let file = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(file == made, "write it anew: PILOTHOUSE_BLESS=1 cargo test --lib description");
}

/// Each operation, answer and schema on a line of its own: small, and changes can be read.
fn write(value: &Value, depth: usize, out: &mut String) {
    let Some(map) = value.as_object().filter(|map| depth < 4 && !map.is_empty()) else {
        *out += &value.to_string();
        return;
    };
    for (n, (key, value)) in map.iter().enumerate() {
        let before = if n == 0 { '{' } else { ',' };
        *out += &format!("{before}\n{:indent$}{}: ", "", json!(key), indent = depth + 1);
        write(value, depth + 1, out);
    }
    *out += &format!("\n{:depth$}}}", "");
}

/// The routes that the router has: their paths as it tells them for debugging, their methods as `Allow` has them.
async fn routes(harness: &Harness) -> Routes {
    let router = bare_api(harness);
    let debug = format!("{router:?}");
    let paths = debug.split("Node {").nth(1).and_then(|rest| rest.split('}').next().map(|_| rest)).unwrap();
    let mut routes = Routes::new();
    for path in paths.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')) {
        let path = path.to_owned();
        let asked = Request::trace(path.replace(['{', '}'], "")).header(header::AUTHORIZATION, bearer());
        let asked = asked.header(header::HOST, "localhost");
        let answer = router.clone().oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
        let allowed = answer.headers().get(header::ALLOW).unwrap_or_else(|| panic!("{path}: no Allow"));
        let methods = allowed.to_str().unwrap().split(',').map(|method| method.trim().to_ascii_lowercase());
        routes.insert(path, methods.filter(|method| method != "head").collect());
    }
    routes
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let harness = Harness::new();
    let mut routes = routes(&harness).await;
    for part in PARTS_OF_PAGES.iter().chain(FOR_CONSOLES) {
        assert!(routes.remove(*part).is_some(), "{part} is no route");
    }
    let document = document();
    let described: Routes = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, methods)| (path.clone(), methods.as_object().unwrap().keys().cloned().collect()))
        .collect();
    assert_eq!(routes, described, "routes on the left, described on the right: add it to src/api/description");
    harness.end().await;
}

#[test]
fn each_operation_has_a_name_of_its_own_and_a_tag_that_is_listed() {
    let mut ids = BTreeSet::new();
    for operation in operations(&mut Types::default()) {
        let (_, value) = operation.finish(&mut Map::new());
        assert!(ids.insert(value["operationId"].to_string()), "{value}");
        assert!(TAGS.iter().any(|(tag, _)| value["tags"] == json!([tag])), "{value}");
    }
}

#[test]
fn each_example_fits_its_schema() {
    let document = document();
    let mut checked = 0;
    visit(&document, &mut |value| {
        let Some(schema) = value.get("schema") else { return };
        let several = value.get("examples").and_then(Value::as_object).into_iter().flatten();
        for example in several.map(|(_, example)| &example["value"]).chain(value.get("example")) {
            conformance::valid(&document, schema, example).unwrap_or_else(|why| panic!("{example}: {why}"));
            checked += 1;
        }
    });
    assert!(checked > 60, "only {checked} examples were found");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    visit(&document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    });
}

fn visit(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Object(map) => map.values().for_each(|value| visit(value, look)),
        Value::Array(list) => list.iter().for_each(|value| visit(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
