//! `pilothouse send`: one message, however often the line breaks meanwhile.

use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::NoAnswer;
use super::{Answer, Client, Failure, Out, Request, out};
use crate::cli::Send;
use crate::clock::{Clock, Mono};

/// The longest text that is read from stdin, in bytes. The gateway takes less.
const MAX_TEXT: u64 = 1 << 20;

/// How long it is tried to find out what became of a message whose answer was lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause before a request is sent again: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// Sends, and prints the id of the message and how far it has come.
///
/// # Errors
/// The [`Failure`] that says why the message was not accepted, was not sent, or what is not known of it.
pub(super) async fn run(client: &Client, out: &mut Out, send: &Send, clock: Clock) -> Result<(), Failure> {
    let text = if send.text == "-" { stdin()? } else { send.text.clone() };
    let key = match &send.idempotency_key {
        Some(key) => key.clone(),
        None => new_key()?,
    };
    let mut body = json!({ "to": send.to, "text": text });
    if let Some(seconds) = send.expires_in {
        body["expires_in"] = seconds.into();
    }
    let request = |path| Request::post(path, &body).header("idempotency-key", key.clone());
    let limit = send.timeout.map(|seconds| clock.now().mono.plus(Duration::from_secs(seconds.into())));
    let mut sending = Sending { client, clock, limit, key: &key, accepted: None, broken: None };
    // First that it is accepted, then what becomes of it: the same request is the same message.
    let mut message = sending.ask(&request("/send")).await?;
    while send.wait && pending(&message) {
        sending.accepted = Some(message);
        message = sending.ask(&request("/send?wait=sent")).await?;
    }
    told(out, &message)
}

/// A message that is being sent.
struct Sending<'a> {
    client: &'a Client,
    clock: Clock,
    /// When waiting ends; none: never.
    limit: Option<Mono>,
    key: &'a str,
    /// The message, once the gateway has it.
    accepted: Option<Value>,
    /// Since when no answer has come to a request that may have arrived.
    broken: Option<Mono>,
}

impl Sending<'_> {
    /// The message as the gateway has it. The same request again gets the same message.
    async fn ask(&mut self, request: &Request) -> Result<Value, Failure> {
        let mut pause = PAUSE.0;
        loop {
            let asked = self.client.ask(request);
            let answer = match self.limit {
                None => asked.await,
                Some(limit) => {
                    let limit = tokio::time::Instant::from_std(self.clock.instant(limit));
                    tokio::time::timeout_at(limit, asked).await.map_err(|_| self.out_of_time())?
                }
            };
            match answer {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.broken = None;
                    return Ok(answer.json);
                }
                Ok(answer) if self.may_change(&answer) => {}
                Ok(answer) => return Err(answer.failure()),
                Err(NoAnswer::NotReached(failure)) if !self.is_open() => return Err(failure),
                Err(NoAnswer::NotReached(_) | NoAnswer::Lost(_)) => {
                    if self.broken.is_none() {
                        out::say("the connection broke; asking again what became of the message");
                    }
                    self.broken.get_or_insert(self.clock.now().mono);
                }
            }
            let now = self.clock.now().mono;
            if self.limit.is_some_and(|limit| now.plus(pause) >= limit) {
                return Err(self.out_of_time());
            }
            // Who waits for a message that the gateway has waits for the gateway too.
            if self.accepted.is_none() && self.broken.is_some_and(|since| now.since(since) > PATIENCE) {
                return Err(self.unknown());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// The gateway has the message, or may have it.
    fn is_open(&self) -> bool {
        self.accepted.is_some() || self.broken.is_some()
    }

    /// The gateway may soon say something else: it is still at the request whose answer was lost, or it starts or ends.
    fn may_change(&self, answer: &Answer) -> bool {
        self.is_open() && (answer.problem() == "idempotency-key-in-use" || answer.status == 503)
    }

    fn out_of_time(&self) -> Failure {
        match &self.accepted {
            Some(message) => Failure::Unknown(format!("the time is over, and message {} still waits", id(message))),
            None => self.unknown(),
        }
    }

    fn unknown(&self) -> Failure {
        Failure::Unknown(format!(
            "it is not known whether the gateway has the message; the same command with --idempotency-key {} finds out, \
             and sends it once at most",
            self.key
        ))
    }
}

fn pending(message: &Value) -> bool {
    matches!(message["state"].as_str(), Some("queued" | "dispatched"))
}

fn id(message: &Value) -> String {
    out::text(message, "/id", 100)
}

fn told(out: &mut Out, message: &Value) -> Result<(), Failure> {
    let state = out::text(message, "/state", 20);
    if out.json {
        out.document(message)?;
    } else {
        out.line(&format!("{} {state}", id(message)))?;
    }
    match state.as_str() {
        "failed" => Err(Failure::NotSent(format!("it failed: {}", out::text(message, "/failure/text", 400)))),
        "expired" => Err(Failure::NotSent("it had not left in time, and will not be sent".to_owned())),
        "cancelled" => Err(Failure::NotSent("it was taken back before it left".to_owned())),
        _ => Ok(()),
    }
}

/// All of stdin, without the line feed at its end that programs write there.
fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_TEXT + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("can't read the text from stdin: {error}")))?;
    if text.len() as u64 > MAX_TEXT {
        return Err(Failure::Usage("the text on stdin is longer than any message; split it".to_owned()));
    }
    let end = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text).len());
    text.truncate(end.unwrap_or(text.len()));
    Ok(text)
}

fn new_key() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::other(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
