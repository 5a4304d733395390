//! One request, one connection, one answer.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{Address, Failure, Place};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take. `POST /send?wait=sent` waits for 30 s by itself.
const ANSWER: Duration = Duration::from_secs(60);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Request {
    /// `GET` of a path, with its query.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: None }
    }

    /// `POST` of this to a path.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::POST, path: path.into(), headers: Vec::new(), body: Some(body.to_string()) }
    }

    /// The same, with this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Percent-encodes a value for a query.
pub(super) fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What comes back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null when it is not JSON.
    pub json: Value,
    /// After how many seconds to ask again.
    pub retry_after: Option<u64>,
}

impl Answer {
    /// The document of a good answer.
    ///
    /// # Errors
    /// The [`Failure`] that an answer of another kind means.
    pub fn good(self) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) { Ok(self.json) } else { Err(self.failure()) }
    }

    /// What the problem is called.
    pub(super) fn problem(&self) -> &str {
        self.json["type"].as_str().unwrap_or_default().trim_start_matches("urn:pilothouse:problem:")
    }

    /// What an answer that is not good means.
    pub fn failure(&self) -> Failure {
        let detail = self.json["detail"].as_str().map_or_else(
            || format!("the answer is {}, and not one of a gateway; see what listens there", self.status),
            |detail| crate::tui::sanitize::line(detail, 2_000),
        );
        match self.status {
            401 | 403 => Failure::NotAdmitted(detail),
            409 | 410 | 429 | 503 => Failure::NotNow(detail),
            400..500 => Failure::Usage(detail),
            _ => Failure::Other(detail),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Nobody was reached, so nothing was asked.
    NotReached(Failure),
    /// The line broke when the request was under way: it may have been done.
    Lost(String),
}

impl From<NoAnswer> for Failure {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::NotReached(failure) => failure,
            NoAnswer::Lost(why) => Self::Other(format!("the connection to the gateway broke: {why}")),
        }
    }
}

/// Asks a gateway.
#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
}

impl Client {
    /// Of the gateway at this place.
    pub fn new(place: Place) -> Self {
        Self { place }
    }

    /// Asks, and reads all of the answer.
    ///
    /// # Errors
    /// Why there is none. An answer that says no is one.
    pub async fn ask(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let lost = |why: &dyn std::fmt::Display| NoAnswer::Lost(why.to_string());
        let answered = async {
            let response = self.open(request).await?;
            read(response).await
        };
        tokio::time::timeout(ANSWER, answered).await.unwrap_or_else(|_| Err(lost(&"no answer came")))
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// As [`Client::ask`] and [`Answer::good`].
    pub async fn get(&self, path: impl Into<String>) -> Result<Value, Failure> {
        self.ask(&Request::get(path)).await?.good()
    }

    /// Asks, and gives the answer when it begins.
    pub(super) async fn open(&self, request: &Request) -> Result<hyper::Response<Incoming>, NoAnswer> {
        let mut why = None;
        for address in &self.place.addresses {
            let connected = tokio::time::timeout(CONNECT, self.over(address, request)).await;
            match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(sent) => return sent.await,
                // The last is the one that a gateway always has.
                Err(error) => why = Some((address, error)),
            }
        }
        let (at, why) = why.map_or_else(Default::default, |(address, error)| (address.to_string(), error.to_string()));
        let what = "is it running? start one with `pilothouse`, or say with --url or --data-dir which one is meant";
        Err(NoAnswer::NotReached(Failure::NotReachable(format!("no gateway answers at {at} ({why}); {what}"))))
    }

    /// Connects. What comes back waits for the answer's beginning.
    async fn over(
        &self,
        address: &Address,
        request: &Request,
    ) -> io::Result<std::pin::Pin<Box<dyn Future<Output = Result<hyper::Response<Incoming>, NoAnswer>> + Send>>> {
        let request = self.written(address, request)?;
        Ok(match address {
            Address::Socket(path) => Box::pin(exchange(UnixStream::connect(path).await?, request)),
            Address::Tcp { host, port } => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                Box::pin(exchange(TcpStream::connect((host, *port)).await?, request))
            }
        })
    }

    fn written(&self, address: &Address, request: &Request) -> io::Result<hyper::Request<Full<Bytes>>> {
        let mut built = hyper::Request::builder()
            .method(request.method.clone())
            .uri(&request.path)
            .header(HOST, address.authority());
        if let Some(token) = &self.place.token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(io::Error::other)?;
            value.set_sensitive(true);
            built = built.header(AUTHORIZATION, value);
        }
        if request.body.is_some() {
            built = built.header(CONTENT_TYPE, "application/json");
        }
        if request.headers.iter().all(|(name, _)| *name != "accept") {
            built = built.header(ACCEPT, "application/json");
        }
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        built.body(Full::from(request.body.clone().unwrap_or_default())).map_err(io::Error::other)
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: hyper::Request<Full<Bytes>>,
) -> Result<hyper::Response<Incoming>, NoAnswer> {
    let lost = |error: hyper::Error| NoAnswer::Lost(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(lost)
}

/// All of an answer.
pub(super) async fn read(response: hyper::Response<Incoming>) -> Result<Answer, NoAnswer> {
    let (head, body) = response.into_parts();
    let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = body.collect().await.map_err(|error| NoAnswer::Lost(error.to_string()))?.to_bytes();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Answer { status: head.status.as_u16(), json, retry_after })
}

/// A good answer, or the failure that it is, read to its end.
pub(super) async fn checked(response: hyper::Response<Incoming>) -> Result<Incoming, Failure> {
    let (head, body) = response.into_parts();
    if head.status == StatusCode::OK {
        return Ok(body);
    }
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Err(Answer { status: head.status.as_u16(), json, retry_after: None }.failure())
}
