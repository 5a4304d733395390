//! Linking and its end: the QR in its forms.

use super::*;

/// As long as what the bundled bridge gives.
const QR: &str = "2@dGhpcyBpcyBub3QgYSByZWZlcmVuY2UgdGhhdCBXaGF0c0FwcCB3b3VsZCB0YWtl,bm9pc2Uga2V5LCAzMiBieXRlcyBsb25n,aWRlbnRpdHk=,c2VjcmV0,1";

/// A gateway that offers a QR.
async fn offering() -> Harness {
    let harness = Harness::new();
    harness.started().await;
    harness.says(&json!({"type": "qr", "qr": QR, "expiresInMs": 60_000}).to_string()).await;
    harness.until(|s| s.pairing.is_some()).await;
    harness
}

/// The status, the headers and the body of an answer to this `Accept`.
async fn qr(harness: &Harness, accept: &str) -> (StatusCode, axum::http::HeaderMap, Vec<u8>) {
    let request = Request::get("/qr").header(header::ACCEPT, accept).body(Body::empty()).unwrap();
    let (head, body) = api(harness).oneshot(request).await.unwrap().into_parts();
    (head.status, head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

/// What a decoder that knows nothing of this program reads.
fn read(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> String {
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    image.detect_grids()[0].decode().unwrap().1
}

#[tokio::test]
async fn a_qr_comes_in_the_form_that_is_asked_for() {
    let harness = offering().await;
    for (accept, kind) in [
        ("*/*", "application/json"),
        ("image/png", "image/png"),
        ("image/svg+xml, image/png;q=0.9", "image/svg+xml"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/html, text/plain;q=0.3, application/json;q=0.2", "text/plain; charset=utf-8"),
    ] {
        let (status, headers, body) = qr(&harness, accept).await;
        assert_eq!((status, headers[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, kind), "{accept}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::VARY], "accept");
        assert!(headers[header::EXPIRES].to_str().unwrap().ends_with(" GMT"));
        assert!(!body.is_empty());
    }
    let (_, _, json) = qr(&harness, "application/json").await;
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["qr"], QR);

    let (_, _, picture) = qr(&harness, "image/png").await;
    let mut decoder = png::Decoder::new(std::io::Cursor::new(picture));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut luma = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut luma).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    assert_eq!(read(width, height, |x, y| luma[y * width + x]), QR);

    // The other forms are drawn from the same modules, and read back where they are made: in `qr`.
    let modules = crate::qr::Modules::encode(QR).unwrap();
    assert_eq!(qr(&harness, "text/plain").await.2, modules.to_ansi().into_bytes());
    harness.end().await;
}

#[tokio::test]
async fn errors_are_problems_whatever_is_accepted() {
    let harness = offering().await;
    let (status, headers, body) = qr(&harness, "text/html, image/webp").await;
    assert_eq!(
        (status, &headers[header::CONTENT_TYPE]),
        (StatusCode::NOT_ACCEPTABLE, &"application/problem+json".parse().unwrap())
    );
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["type"], "urn:pilothouse:problem:not-acceptable");
    harness.end().await;
    let harness = Harness::connected().await;
    for accept in ["image/png", "image/svg+xml", "text/plain"] {
        let (status, headers, _) = qr(&harness, accept).await;
        assert_eq!(
            (status, &headers[header::CONTENT_TYPE]),
            (StatusCode::CONFLICT, &"application/problem+json".parse().unwrap())
        );
    }
    harness.end().await;
}

#[tokio::test]
async fn a_text_that_no_qr_can_hold_is_told_and_does_no_harm() {
    let harness = Harness::new();
    harness.started().await;
    let long = "x".repeat(3_000);
    harness.says(&json!({"type": "qr", "qr": long}).to_string()).await;
    harness.until(|s| s.pairing.is_some()).await;
    let (status, _, body) = qr(&harness, "image/png").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{}", String::from_utf8_lossy(&body));
    assert!(!String::from_utf8_lossy(&body).contains(&long));
    assert_eq!(qr(&harness, "application/json").await.0, StatusCode::OK);
    harness.end().await;
}

#[tokio::test]
async fn a_code_is_asked_for_with_a_number() {
    let mut harness = offering().await;
    assert!(matches!(harness.command().await, Command::Connect { use_pairing_code: false, .. }));
    for number in ["", "584244370180", "+58 424", "+0584244370", "+123456", "+1234567890123456", "+٣٣٣٣٣٣٣٣"] {
        let wrong = post(&harness, "/pairing", json!({ "phone_number": number })).await;
        assert_eq!((wrong.status, &wrong.json()["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("phone_number")));
    }
    for body in [json!({}), json!({"phone_number": 58}), json!({"phone_number": "+584244370180", "x": 1})] {
        assert_eq!(post(&harness, "/pairing", body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(harness.waiting_command().is_none());
    let asked = post(&harness, "/pairing", json!({"phone_number": "+584244370180"})).await;
    assert_eq!((asked.status, &asked.headers[header::LOCATION]), (StatusCode::ACCEPTED, &"/pairing".parse().unwrap()));
    let Command::Connect { use_pairing_code: true, phone_number, .. } = harness.command().await else { panic!() };
    assert_eq!(phone_number.as_deref(), Some("+584244370180"));
    harness.says(r#"{"type":"connection","state":"connecting"}"#).await;
    harness.says(r#"{"type":"pairing_code","code":"ABCD1234"}"#).await;
    harness.until(|s| s.pairing.as_ref().is_some_and(|p| p.as_str() == "code")).await;
    assert_eq!(get(&harness, "/pairing").await.json()["code"], "ABCD1234");
    harness.end().await;
    let harness = Harness::connected().await;
    let linked = post(&harness, "/pairing", json!({"phone_number": "+584244370180"})).await;
    assert_eq!(
        (linked.status, &linked.json()["type"]),
        (StatusCode::CONFLICT, &json!("urn:pilothouse:problem:already-linked"))
    );
    harness.end().await;
}

async fn log_out(harness: &Harness, path: &str) -> Answer {
    ask(harness, Request::delete(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_account_is_logged_out_and_what_waits_is_counted() {
    let mut harness = Harness::connected().await;
    let ended = log_out(&harness, "/link").await;
    assert_eq!((ended.status, ended.json()), (StatusCode::ACCEPTED, json!({"status": "asked", "queue": 0})));
    assert_eq!(harness.command().await, Command::Logout { local: false });
    post(&harness, "/send", json!({"to": "+15551112222", "text": "waits"})).await;
    harness.until(|s| s.queue == 1).await;
    assert_eq!(log_out(&harness, "/link?local=true").await.json(), json!({"status": "asked", "queue": 1}));
    harness
        .says(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost"},"retryInMs":1000}"#)
        .await;
    harness.until(|s| !s.connected()).await;
    let away = log_out(&harness, "/link").await;
    assert_eq!(
        (away.status, &away.json()["type"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("urn:pilothouse:problem:not-connected"))
    );
    assert!(away.headers.contains_key(header::RETRY_AFTER));
    let local = log_out(&harness, "/link?local=true").await;
    assert_eq!(local.status, StatusCode::ACCEPTED);
    assert!(local.json()["warning"].as_str().unwrap().contains("on the phone"));
    assert_eq!(log_out(&harness, "/link?local=perhaps").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(log_out(&harness, "/link?x=1").await.status, StatusCode::BAD_REQUEST);
    harness.says(r#"{"type":"qr","qr":"2@abc"}"#).await;
    harness.until(|s| s.pairing.is_some()).await;
    let none = log_out(&harness, "/link").await;
    assert_eq!(
        (none.status, &none.json()["type"]),
        (StatusCode::CONFLICT, &json!("urn:pilothouse:problem:not-linked"))
    );
    harness.end().await;
}

#[tokio::test]
async fn a_bridge_that_can_not_log_out_is_not_asked_to() {
    let mut harness = Harness::new();
    harness.started().await;
    harness.says(r#"{"type":"ready"}"#).await;
    harness.until(crate::state::Snapshot::connected).await;
    assert!(matches!(harness.command().await, Command::Connect { .. }));
    let unsupported = log_out(&harness, "/link").await;
    assert_eq!(unsupported.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(unsupported.json()["type"], "urn:pilothouse:problem:logout-unsupported");
    assert!(harness.waiting_command().is_none());
    harness.end().await;
}
