//! A gateway behind its HTTP API.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Gateway, Missed};
use crate::client::{self, Address, Client, Failure, Lines, NoAnswer, Opened, Place};
use crate::link::Update;
use crate::state::{Answer, Found, LookUp, Request};

/// The version that this program is, and that a gateway has to be.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long it may take until a stream begins. A tunnel whose far end is gone takes what it is given, and says nothing.
const PATIENCE: Duration = Duration::from_secs(15);

/// A gateway at one address.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client,
    address: Address,
    patience: Duration,
}

/// What it tells.
#[derive(Debug)]
pub struct News(Lines);

/// The first line of a stream, in every version.
#[derive(Debug, Deserialize)]
struct Hello {
    pilothouse: String,
}

/// Finds the gateway of this place: the first address at which one answers. Returns it with the snapshot that it told,
/// and what comes after that.
///
/// # Errors
/// [`Failure::NotReachable`] when nobody answers, [`Failure::NotAdmitted`] when the token is not let in, and
/// [`Failure::NotNow`] when there are too many consoles, or when the gateway is of another version.
pub async fn find(place: Place) -> Result<(Remote, Update, News), Failure> {
    let mut failed = Failure::Usage("there is no address to look for a gateway at".to_owned());
    for address in &place.addresses {
        let remote = Remote::at(address.clone(), place.token.clone(), PATIENCE);
        failed = match remote.opened().await {
            Ok(mut news) => {
                let first = super::News::next(&mut news).await.map_err(Failure::NotNow)?;
                return Ok((remote, first, news));
            }
            Err(failure @ Failure::NotReachable(_)) => failure,
            Err(failure) => return Err(failure),
        };
    }
    Err(failed)
}

impl Remote {
    fn at(address: Address, token: Option<String>, patience: Duration) -> Self {
        let place = Place { addresses: vec![address.clone()], token };
        Self { client: Client::new(place), address, patience }
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    async fn opened(&self) -> Result<News, Failure> {
        tokio::time::timeout(self.patience, self.begun()).await.unwrap_or_else(|_| {
            Err(Failure::NotNow(format!("{} takes what is asked, and does not answer", self.address)))
        })
    }

    async fn begun(&self) -> Result<News, Failure> {
        let lines = self.client.lines("/console").await.map_err(|error| match error {
            NoAnswer::NotReached(Failure::NotReachable(_)) => Failure::NotReachable(format!(
                "no gateway answers at {}; start one with `pilothouse`, or name another, as in \
                 `pilothouse attach http://127.0.0.1:7007`",
                self.address
            )),
            error @ (NoAnswer::NotReached(_) | NoAnswer::Lost(_)) => error.into(),
        })?;
        let mut lines = match lines {
            Opened::Lines(lines) => lines,
            Opened::Not(answer) if answer.status == 404 => {
                return Err(Failure::NotNow(format!(
                    "the gateway at {} is older than this program ({VERSION}) and has no console to attach to; update it",
                    self.address
                )));
            }
            Opened::Not(answer) => return Err(answer.failure()),
        };
        let hello = lines.next().await.map_err(Failure::NotNow)?.unwrap_or_default();
        match serde_json::from_slice::<Hello>(&hello) {
            Ok(Hello { pilothouse }) if pilothouse == VERSION => Ok(News(lines)),
            Ok(Hello { pilothouse }) => Err(self.other_version(&client::plain(&pilothouse, 20))),
            Err(_) => Err(Failure::NotNow(format!("what answers at {} is no gateway of Pilothouse", self.address))),
        }
    }

    fn other_version(&self, theirs: &str) -> Failure {
        Failure::NotNow(format!(
            "the gateway at {} has the version {theirs}, and this program {VERSION}; use the same version on both sides",
            self.address
        ))
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: Result<Value, serde_json::Error>) -> Result<T, Missed> {
        let body = body.map_err(|error| Missed::NotAsked(error.to_string()))?;
        let answer = self.client.ask(&client::Request::post(path, &body)).await.map_err(|error| match error {
            NoAnswer::NotReached(failure) => Missed::NotAsked(failure.to_string()),
            NoAnswer::Lost(why) => Missed::Unknown(format!("the connection to the gateway broke ({why})")),
        })?;
        match answer.status {
            200 => serde_json::from_value(answer.json)
                .map_err(|error| Missed::Refused(format!("the gateway's answer can't be read: {error}"))),
            503 => Err(Missed::Busy(answer.failure().to_string())),
            _ => Err(Missed::Refused(answer.failure().to_string())),
        }
    }
}

impl Gateway for Remote {
    type News = News;

    async fn open(&self) -> Result<News, String> {
        self.opened().await.map_err(|failure| match matches!(failure, Failure::NotReachable(_)) {
            true => format!("no gateway answers at {}", self.address),
            false => failure.to_string(),
        })
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Missed> {
        self.post("/console/requests", serde_json::to_value(request)).await
    }

    async fn look_up(&self, what: &LookUp) -> Result<Found, Missed> {
        self.post("/console/look-ups", serde_json::to_value(what)).await
    }
}

impl super::News for News {
    async fn next(&mut self) -> Result<Update, String> {
        let line = self.0.next().await?.ok_or("the gateway ended it")?;
        serde_json::from_slice(&line)
            .map_err(|error| format!("what the gateway tells can't be read ({error}); is it another version?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_never_answers_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("silent.sock");
        let _listener = tokio::net::UnixListener::bind(&path).unwrap();
        let remote = Remote::at(Address::Socket(path), None, Duration::from_millis(1));
        let why = remote.open().await.map(drop).unwrap_err();
        assert!(why.ends_with("does not answer"), "{why}");
    }
}
