//! What describes the API, and its page.

use super::*;

async fn open(harness: &Harness, path: &str) -> Answer {
    let request = Request::get(path).header(header::HOST, "localhost").body(Body::empty()).unwrap();
    answered(bare_api(harness).oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn the_description_and_its_page_need_no_token_and_bring_in_nothing_from_elsewhere() {
    let harness = Harness::new();
    let described = open(&harness, "/openapi.json").await;
    assert_eq!(described.status, StatusCode::OK);
    assert_eq!(described.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        (&described.json()["openapi"], described.json()["paths"].get("/send").is_some()),
        (&json!("3.1.1"), true)
    );
    let page = open(&harness, "/docs").await;
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let mut parts = 0;
    for part in page.text.split('"').filter(|text| text.starts_with('/')) {
        let part = open(&harness, part).await;
        assert_eq!(part.status, StatusCode::OK);
        for word in ["http:", "https:", "innerHTML", "eval(", "@import", " url("] {
            assert!(!part.text.contains(word) || part.headers[header::CONTENT_TYPE] == "application/json", "{word}");
        }
        parts += 1;
    }
    assert_eq!(parts, 3, "the style, the script and the description");
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.text.contains("style=") && !page.text.contains("<script>"), "the policy would keep it from running");
    harness.end().await;
}

#[tokio::test]
#[should_panic(expected = "which is not described")]
async fn an_answer_that_is_not_described_fails_its_test() {
    let odd = Router::new().route("/livez", axum::routing::get(async || StatusCode::IM_A_TEAPOT));
    let odd = odd.layer(axum::middleware::from_fn(description::conformance::check));
    let _ = odd.oneshot(Request::get("/livez").body(Body::empty()).unwrap()).await;
}
