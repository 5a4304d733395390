//! A stream of lines that has no end of its own.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::http::{Answer, NoAnswer, read};
use super::{Client, Request};

/// The longest line, in bytes: many times what all messages of a snapshot have.
const MAX_BYTES: usize = 64 << 20;

/// How long a stream may be silent: the gateway gives a sign of life each 10 s.
const SILENCE: Duration = Duration::from_secs(25);

/// What a stream of lines begins with.
#[derive(Debug)]
pub enum Opened {
    /// It is one.
    Lines(Lines),
    /// Another answer.
    Not(Answer),
}

/// The lines of an answer.
#[derive(Debug)]
pub struct Lines {
    body: Incoming,
    bytes: Vec<u8>,
    /// How many of them are known to have no line feed.
    looked: usize,
}

impl Lines {
    /// The next line that says something, without its line feed. None: the stream has ended.
    ///
    /// # Errors
    /// Why there is none, in words: the line broke, nothing came for 25 s, or it is too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let end = self.bytes.iter().skip(self.looked).position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let mut line: Vec<u8> = self.bytes.drain(..=self.looked + end).collect();
                line.pop();
                self.looked = 0;
                if !line.is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            self.looked = self.bytes.len();
            let frame = tokio::time::timeout(SILENCE, self.body.frame()).await;
            let frame = frame.map_err(|_| format!("nothing came for {} s", SILENCE.as_secs()))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| format!("the line broke: {error}"))?;
            if let Ok(piece) = frame.into_data() {
                self.bytes.extend_from_slice(&piece);
            }
            if self.bytes.len() > MAX_BYTES {
                return Err("a line is longer than any can be".to_owned());
            }
        }
    }
}

impl Client {
    /// Asks for a stream of lines.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn lines(&self, path: &str) -> Result<Opened, NoAnswer> {
        let request = Request::get(path).header("accept", "application/x-ndjson");
        let response = self.open(&request).await?;
        if response.status() == StatusCode::OK {
            return Ok(Opened::Lines(Lines { body: response.into_body(), bytes: Vec::new(), looked: 0 }));
        }
        read(response).await.map(Opened::Not)
    }
}
