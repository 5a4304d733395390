//! Nothing is answered to a caller without a token, but whether the program lives and works. Who came by the Unix socket
//! needs none.
//!
//! [`ROUTES`] is the one place that says which token each route needs. What is not in it needs one that may do
//! everything.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::server::{self, Caller};
use super::{Api, Problem};
use crate::access::Scope;
use crate::clock::Mono;

/// The scope that each route needs, by method and path. None: no token is needed. `HEAD` is as `GET`.
///
/// Programs that watch this one have no token, and its health tells nothing of what is said to whom. Who may link an
/// account decides whose messages these are.
const ROUTES: &[(Method, &str, Option<Scope>)] = &[
    (Method::GET, "/livez", None),
    (Method::GET, "/readyz", None),
    (Method::GET, "/health", None),
    (Method::GET, "/", None),
    (Method::GET, "/assets/{file}", None),
    (Method::GET, "/openapi.json", None),
    (Method::GET, "/docs", None),
    (Method::GET, "/docs/docs.css", None),
    (Method::GET, "/docs/docs.js", None),
    (Method::GET, "/status", Some(Scope::Read)),
    (Method::GET, "/metrics", Some(Scope::Read)),
    (Method::GET, "/messages", Some(Scope::Read)),
    (Method::GET, "/messages/{id}", Some(Scope::Read)),
    (Method::GET, "/chats", Some(Scope::Read)),
    (Method::GET, "/events", Some(Scope::Read)),
    (Method::POST, "/send", Some(Scope::Send)),
    (Method::DELETE, "/messages/{id}", Some(Scope::Send)),
    (Method::GET, "/qr", Some(Scope::Admin)),
    (Method::GET, "/pairing", Some(Scope::Admin)),
    (Method::POST, "/pairing", Some(Scope::Admin)),
    (Method::DELETE, "/link", Some(Scope::Admin)),
    (Method::POST, "/pairing/passkey", Some(Scope::Admin)),
    (Method::POST, "/pairing/passkey/confirm", Some(Scope::Admin)),
    (Method::GET, "/webhooks", Some(Scope::Admin)),
    (Method::POST, "/webhooks", Some(Scope::Admin)),
    (Method::GET, "/webhooks/{name}", Some(Scope::Admin)),
    (Method::PATCH, "/webhooks/{name}", Some(Scope::Admin)),
    (Method::DELETE, "/webhooks/{name}", Some(Scope::Admin)),
    (Method::POST, "/webhooks/{name}/replay", Some(Scope::Admin)),
    (Method::POST, "/webhooks/{name}/test", Some(Scope::Admin)),
    (Method::GET, "/config", Some(Scope::Admin)),
    (Method::POST, "/config", Some(Scope::Admin)),
    (Method::PATCH, "/config", Some(Scope::Admin)),
    (Method::POST, "/connection", Some(Scope::Admin)),
];

/// The scope that a request needs. `path` is the route's; none: there is nothing, which anybody with a token may know.
fn needed(method: &Method, path: Option<&str>) -> Option<Scope> {
    let Some(path) = path else { return Some(Scope::Read) };
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let route = ROUTES.iter().find(|(of, at, _)| of == method && *at == path);
    route.map_or(Some(Scope::Admin), |(_, _, scope)| *scope)
}

/// The answer to a request that has no token and needs one, or has one that allows too little.
pub(super) fn refused(api: &Api, request: &Request, now: Mono) -> Option<Response> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let needed = needed(request.method(), path);
    if let Err(problem) = server::check(request, needed.is_none()) {
        return Some(problem.into_response());
    }
    let needed = needed?;
    let local = request.extensions().get::<Caller>().is_some_and(|caller| caller.local);
    let token = || bearer(request.headers()).and_then(|token| api.guard.admits(token, now));
    match if local { Some(Scope::Admin) } else { token() } {
        Some(scope) if scope >= needed => None,
        Some(scope) => Some(too_little(scope, needed)),
        None => Some(unknown().into_response()),
    }
}

fn unknown() -> Problem {
    let detail = "send the header Authorization: Bearer TOKEN; `pilothouse token` prints the token";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "A valid token is needed", detail)
}

/// As RFC 6750 has it: the answer's header names the scope too.
fn too_little(scope: Scope, needed: Scope) -> Response {
    let detail = format!(
        "this needs a token with the scope {needed}, and this one has {scope}; `pilothouse token add NAME --scope {needed}` makes one"
    );
    let status = StatusCode::FORBIDDEN;
    let problem = Problem::new(status, "scope-too-small", "The token does not allow this", detail);
    let mut response = problem.into_response();
    let challenge = match needed {
        Scope::Read => "Bearer error=\"insufficient_scope\", scope=\"read\"",
        Scope::Send => "Bearer error=\"insufficient_scope\", scope=\"send\"",
        Scope::Admin => "Bearer error=\"insufficient_scope\", scope=\"admin\"",
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The token of the request, as RFC 6750 has it. The scheme's name may be in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The scope that a request needs, and which methods the table has for this path.
    pub(in super::super) fn table(path: &str) -> Vec<(&'static Method, Option<Scope>)> {
        ROUTES.iter().filter(|(_, at, _)| *at == path).map(|(method, _, scope)| (method, *scope)).collect()
    }

    #[test]
    fn what_is_not_in_the_table_is_for_admins_only() {
        assert_eq!(needed(&Method::GET, Some("/livez")), None);
        assert_eq!(needed(&Method::HEAD, Some("/status")), Some(Scope::Read));
        assert_eq!(needed(&Method::PUT, Some("/status")), Some(Scope::Admin));
        assert_eq!(needed(&Method::POST, Some("/livez")), Some(Scope::Admin));
        assert_eq!(needed(&Method::GET, Some("/new")), Some(Scope::Admin));
        assert_eq!(needed(&Method::DELETE, Some("/messages/{id}")), Some(Scope::Send));
        assert_eq!(needed(&Method::GET, None), Some(Scope::Read));
    }
}
