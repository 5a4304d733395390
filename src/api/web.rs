//! What keeps the web pages of others out, and lets in those that are configured.
//!
//! * A page can give its own name the address of this machine (DNS rebinding), and its browser then takes this API for
//!   a part of that page. So each request says in `Host` whom it means, and only names of this gateway are answered,
//!   health checks too.
//! * A page of another origin can read no answer, unless its origin is configured: there is no header of CORS at all.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};

use super::Problem;
use super::server::Caller;

/// What pages of a configured origin may send and read.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const SENT: HeaderValue = HeaderValue::from_static("authorization, content-type, idempotency-key, last-event-id");
const READ: HeaderValue = HeaderValue::from_static("location, retry-after, www-authenticate");

/// For how many seconds a browser need not ask again what it may send.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Which names this gateway has, and which pages may use it.
#[derive(Debug)]
pub struct Web {
    listen: IpAddr,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Web {
    /// For a gateway that listens there, has these names besides, and may be used by pages of these origins. Names and
    /// origins are in lower case.
    pub fn new(listen: SocketAddr, hosts: Vec<String>, origins: Vec<String>) -> Self {
        Self { listen: listen.ip().to_canonical(), hosts, origins }
    }

    /// The answer to a request that goes no further: it means another host, or asks what a page may send.
    pub(super) fn answers(&self, request: &Request) -> Option<Response> {
        let local = request.extensions().get::<Caller>().is_some_and(|caller| caller.local);
        if !local && let Err(problem) = self.check_host(request) {
            return Some(problem.into_response());
        }
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && self.origin(request.headers()).is_some();
        asks.then(|| {
            let headers = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ];
            (StatusCode::NO_CONTENT, headers).into_response()
        })
    }

    /// The origin of the page that asks, when it is configured.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }

    /// Tells the browser of this origin that its page may read the answer.
    pub(super) fn allow(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        // Caches must not give one page's answer to another.
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        }
    }

    fn check_host(&self, request: &Request) -> Result<(), Problem> {
        // RFC 9112, 3.2: what the request's line says is stronger.
        let named = request.uri().authority().map(|authority| authority.as_str());
        let mut fields = request.headers().get_all(header::HOST).iter();
        let (field, further) = (fields.next(), fields.next());
        let field = field.map(|field| field.to_str().unwrap_or_default());
        let host = match (named.or(field), further) {
            (Some(host), None) => host,
            // Browsers have sent it for decades, and old health checks do not.
            (None, None) if request.version() == Version::HTTP_10 => return Ok(()),
            _ => {
                let detail = "a request has one header Host that says whom it means";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-host", "The host is not clear", detail));
            }
        };
        if self.is_own(name(host)) {
            return Ok(());
        }
        let detail = "the header Host has a name that is not this gateway's; ask at localhost or at the address where it \
                      listens, or put the name into the setting allowed_hosts";
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", "This is another host", detail))
    }

    fn is_own(&self, name: &str) -> bool {
        if name.eq_ignore_ascii_case("localhost") || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return true;
        }
        // No page can give an address to another machine: where this gateway has them all, each is right.
        name.parse::<IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            address.is_loopback() || address == self.listen || self.listen.is_unspecified()
        })
    }
}

/// The host without its port, the brackets of an address, and the dot at its end.
fn name(host: &str) -> &str {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn web(listen: &str) -> Web {
        Web::new(listen.parse().unwrap(), vec!["gate.example.net".into()], vec!["https://app.example.net".into()])
    }

    fn status(web: &Web, request: axum::http::request::Builder) -> Option<u16> {
        web.answers(&request.body(Body::empty()).unwrap()).map(|answer| answer.status().as_u16())
    }

    #[test]
    fn only_names_of_this_gateway_are_answered() {
        let of = |listen: &str, host: &str| status(&web(listen), Request::builder().header(header::HOST, host));
        for host in [
            "localhost",
            "LocalHost:7007",
            "localhost.",
            "127.0.0.1:7007",
            "127.8.8.8",
            "[::1]:7007",
            "10.0.0.1:80",
            "gate.example.net",
            "Gate.Example.Net:443",
        ] {
            assert_eq!(of("10.0.0.1:7007", host), None, "{host}");
        }
        for host in [
            "",
            "evil.example.com",
            "localhost.evil.example.com",
            "127.0.0.1.evil.example.com:7007",
            "sub.gate.example.net",
            "10.0.0.2",
            "0.0.0.0:7007",
            "[::]",
            "[evil.example.com]:1",
            "localhost@evil.example.com",
        ] {
            assert_eq!(of("10.0.0.1:7007", host), Some(421), "{host}");
        }
        assert_eq!(of("0.0.0.0:7007", "192.168.1.2:7007"), None);
        assert_eq!(of("[::]:7007", "192.168.1.2:7007"), None);
        assert_eq!(of("0.0.0.0:7007", "evil.example.com"), Some(421));
    }

    #[test]
    fn a_request_says_once_whom_it_means() {
        let web = web("127.0.0.1:1");
        let new = Request::builder;
        assert_eq!(status(&web, new()), Some(400));
        assert_eq!(status(&web, new().version(Version::HTTP_10)), None);
        assert_eq!(status(&web, new().header(header::HOST, "localhost").header(header::HOST, "localhost")), Some(400));
        assert_eq!(status(&web, new().header(header::HOST, "\u{e4}")), Some(421));
        assert_eq!(status(&web, new().uri("http://evil.example.com/").header(header::HOST, "localhost")), Some(421));
        assert_eq!(status(&web, new().uri("http://localhost/").header(header::HOST, "evil.example.com")), None);
        // The file's rights have said who it is.
        let caller = Caller { local: true, crowded: false };
        assert_eq!(status(&web, new().header(header::HOST, "whatever").extension(caller)), None);
    }
}
