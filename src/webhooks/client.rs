//! Sends messages to one receiver, over a connection that is kept while there is something to send.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;

use super::answer::Outcome;
use super::definition::Definition;
use super::network::{Connection, Network};
use crate::clock::{Clock, Mono};

/// How long a receiver may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For name, connection and TLS together.
    pub(super) connect: Duration,
    /// For its answer, from the first byte that it is sent.
    pub(super) answer: Duration,
    /// For its answer, once the webhook is to stop: what is cut off comes twice.
    pub(super) last: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (connect, answer) = (Duration::from_secs(10), Duration::from_secs(15));
        Self { connect, answer, last: Duration::from_millis(400) }
    }
}

/// How much of an answer's body is read, to get to its end. Nothing in it is looked at, nor shown: it may come from
/// where the caller has no business.
const BODY_BYTES: usize = 4 << 10;

/// How long that may take. The status counts, whatever becomes of the body.
const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection is kept without anything to send. Receivers close theirs after some seconds as well.
const IDLE: Duration = Duration::from_secs(15);

/// How long a connection is used: then the name is looked up and checked anew.
const AGE: Duration = Duration::from_secs(5 * 60);

const AGENT: &str = concat!("Pilothouse/", env!("CARGO_PKG_VERSION"));

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The same at each attempt.
    pub(super) id: String,
    /// The event as JSON.
    pub(super) body: Bytes,
}

/// The way to one receiver.
#[derive(Debug)]
pub(super) struct Client {
    network: Arc<Network>,
    clock: Clock,
    kept: Option<Kept>,
    /// Held for as long as there may be another connection.
    tls: Option<Arc<ClientConfig>>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    made: Mono,
    used: Mono,
}

/// An attempt on which nothing was answered.
enum Broken {
    /// There is no connection.
    Unreachable(String),
    /// It broke.
    Cut(hyper::Error),
    /// It took too long.
    Late,
}

impl Client {
    pub(super) fn new(network: Arc<Network>, clock: Clock) -> Self {
        Self { network, clock, kept: None, tls: None }
    }

    /// When the connection has been of no use for long enough; none: there is none.
    pub(super) fn idle_at(&self) -> Option<Mono> {
        self.kept.as_ref().map(|kept| kept.used.plus(IDLE))
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.kept = None;
    }

    /// Sends a message, signed now, and says how that ended.
    pub(super) async fn post(&mut self, definition: &Definition, message: &Message) -> Outcome {
        let now = self.clock.now().mono;
        self.kept.take_if(|kept| {
            now.since(kept.used) >= IDLE || now.since(kept.made) >= AGE || kept.connection.sender.is_closed()
        });
        let reused = self.kept.is_some();
        let mut answered = self.attempt(definition, message).await;
        if reused && matches!(answered, Err(Broken::Cut(_))) {
            // The receiver closed it while we wrote: that says nothing of the receiver.
            answered = self.attempt(definition, message).await;
        }
        match answered {
            Ok(outcome) => outcome,
            Err(Broken::Unreachable(why)) => Outcome::failed(why),
            Err(Broken::Cut(error)) => Outcome::failed(format!("it closed the connection without an answer: {error}")),
            Err(Broken::Late) => {
                Outcome::failed(format!("it did not answer within {} s", self.network.limits.answer.as_secs()))
            }
        }
    }

    async fn attempt(&mut self, definition: &Definition, message: &Message) -> Result<Outcome, Broken> {
        let mut kept = match self.kept.take() {
            Some(kept) => kept,
            None => self.connect(definition).await?,
        };
        let request = self.request(definition, message)?;
        let sending = async {
            kept.connection.sender.ready().await?;
            kept.connection.sender.send_request(request).await
        };
        let response = match timeout(self.network.limits.answer, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Broken::Cut(error)),
            Err(_) => return Err(Broken::Late),
        };
        let now = self.clock.now();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let outcome = Outcome::of(response.status().as_u16(), retry_after, now.wall);
        if matches!(timeout(BODY_PATIENCE, read_to_end(response)).await, Ok(true)) {
            kept.used = self.clock.now().mono;
            self.kept = Some(kept);
        }
        Ok(outcome)
    }

    async fn connect(&mut self, definition: &Definition) -> Result<Kept, Broken> {
        let connecting = self.network.connect(&definition.target, &mut self.tls);
        let connection = match timeout(self.network.limits.connect, connecting).await {
            Ok(connection) => connection.map_err(Broken::Unreachable)?,
            Err(_) => {
                let why = format!("it can't be connected to within {} s", self.network.limits.connect.as_secs());
                return Err(Broken::Unreachable(why));
            }
        };
        let now = self.clock.now().mono;
        Ok(Kept { connection, made: now, used: now })
    }

    fn request(&self, definition: &Definition, message: &Message) -> Result<Request<Full<Bytes>>, Broken> {
        let Message { id, body } = message;
        let at = self.clock.now().wall;
        Request::post(definition.target.path.as_str())
            .header(HOST, definition.target.authority.as_str())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.as_millis().div_euclid(1_000))
            .header("webhook-signature", definition.keys.sign(id, at, body))
            .body(Full::new(body.clone()))
            .map_err(|_| Broken::Unreachable("its address can't be put into a request".to_owned()))
    }
}

/// Reads a short body to its end. False: it has no end within reason, and the connection is of no more use.
async fn read_to_end(response: Response<Incoming>) -> bool {
    let (mut body, mut bytes) = (response.into_body(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > BODY_BYTES {
            return false;
        }
    }
    true
}
