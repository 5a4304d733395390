//! Nothing is answered to a caller without the token, but whether the program lives and works.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{Api, Problem};

/// What needs no token: programs that watch this one have none, and it tells nothing of what is said to whom.
const OPEN: &[&str] = &["/livez", "/readyz", "/health", "/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js"];

/// Lets through what has the token or needs none.
pub(super) async fn check(State(api): State<Api>, request: Request, next: Next) -> Result<Response, Problem> {
    let open = OPEN.contains(&request.uri().path());
    if open || bearer(request.headers()).is_some_and(|token| api.guard.admits(token)) {
        return Ok(next.run(request).await);
    }
    let detail = "send the header Authorization: Bearer TOKEN; `pilothouse token` prints the token";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid token is needed", detail))
}

/// The token of the request, as RFC 6750 has it. The scheme's name may be in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
