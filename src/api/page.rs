//! `GET /`: a page for a browser, from `assets/`.
//!
//! It holds no secret and so needs no token: whoever opens it gives his own. It loads nothing from elsewhere, runs
//! nothing but its own files, can't be put into another page, and sets texts only as texts.

use axum::http::{HeaderName, Uri, header};
use axum::response::{IntoResponse, Response};

use super::Problem;
use super::path::Part;
use super::problem::not_found;

/// A file: its name, its type, and what is in it.
type File = (&'static str, &'static str, &'static str);

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const INDEX: File = ("index.html", "text/html; charset=utf-8", include_str!("../../assets/index.html"));

/// What the page loads.
const FILES: [File; 6] = [
    ("page.css", "text/css; charset=utf-8", include_str!("../../assets/page.css")),
    ("page.js", JAVASCRIPT, include_str!("../../assets/page.js")),
    ("events.js", JAVASCRIPT, include_str!("../../assets/events.js")),
    ("feed.js", JAVASCRIPT, include_str!("../../assets/feed.js")),
    ("linking.js", JAVASCRIPT, include_str!("../../assets/linking.js")),
    ("words.js", JAVASCRIPT, include_str!("../../assets/words.js")),
];

/// What the page may do. The picture of a QR is a blob, its own mark a `data:` address.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src blob: data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The page.
pub(super) async fn index() -> Response {
    served(INDEX)
}

/// One of the files that the page loads; 404 for others.
pub(super) async fn file(Part(name): Part, uri: Uri) -> Result<Response, Problem> {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some(file) => Ok(served(*file)),
        None => Err(not_found(uri).await),
    }
}

fn served((_, kind, text): File) -> Response {
    (HEADERS, [(header::CONTENT_TYPE, kind)], text).into_response()
}
