//! The page for a browser, as it is served.

use super::*;

/// Without a token.
async fn open(harness: &Harness, path: &str) -> Answer {
    ask(harness, Request::get(path).header(header::AUTHORIZATION, "").body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_page_needs_no_token_and_may_do_nothing_but_what_it_is_for() {
    let harness = Harness::new();
    let page = open(&harness, "/").await;
    assert_eq!(
        (page.status, &page.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    for rule in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]
    {
        assert!(policy.split("; ").any(|given| given == rule), "{rule}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let token = crate::access::ensure(tokens()).unwrap();
    assert!(!page.text.contains(&token) && page.text.contains("<title>Pilothouse</title>"));
    // What it refers to is here, and of the right type.
    let mut files =
        vec![("/assets/page.css".to_owned(), "text/css"), ("/assets/page.js".to_owned(), "text/javascript")];
    assert!(files.iter().all(|(file, _)| page.text.contains(&format!("\"{file}\""))));
    let script = open(&harness, "/assets/page.js").await.text;
    let imported =
        script.lines().filter_map(|line| line.strip_prefix("import ")?.split_once("'./")?.1.strip_suffix("';"));
    files.extend(imported.map(|file| (format!("/assets/{file}"), "text/javascript")));
    assert_eq!(files.len(), 6);
    for (file, kind) in files {
        let answer = open(&harness, &file).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
        assert!(answer.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind), "{file}");
        for foreign in ["//cdn", "https://", "http://", "innerHTML", "insertAdjacentHTML", "eval("] {
            assert!(!answer.text.contains(foreign), "{foreign} in {file}");
        }
    }
    assert_eq!(open(&harness, "/assets/other.js").await.status, StatusCode::NOT_FOUND);
    assert_eq!(open(&harness, "/assets/../status").await.status, StatusCode::UNAUTHORIZED, "no file of the page");
    harness.end().await;
}
