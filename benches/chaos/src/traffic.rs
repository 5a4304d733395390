//! Messages at a steady rate: contacts write to the account, and the API is asked to write to contacts.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use whatsapp_simulator::{Contact, Simulator};

use crate::gateway::{Api, NoAnswer};

/// How many stanzas may wait for the bridge; contacts hold back while there are more.
const WAITING: usize = 300;

/// The pause before a request is made again.
const AGAIN: Duration = Duration::from_millis(100);

/// A message that the API accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) to: String,
    pub(crate) id: String,
    pub(crate) text: String,
    /// The answer to an earlier attempt was lost.
    pub(crate) repeated: bool,
}

/// A message that a contact wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) from: String,
    pub(crate) id: String,
    pub(crate) text: String,
}

/// Asks the API to write to a contact, one text after the other, until it is to stop.
pub(crate) async fn outgoing(
    api: Api,
    to: String,
    pace: Duration,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Accepted>> {
    let mut accepted = Vec::new();
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !*stop.borrow() {
        ticks.tick().await;
        let text = format!("to {to}, number {}", accepted.len());
        accepted.push(insist(&api, &to, text).await?);
    }
    Ok(accepted)
}

/// Makes a request again and again until it is answered.
async fn insist(api: &Api, to: &str, text: String) -> anyhow::Result<Accepted> {
    let key = text.replace([' ', ','], "-");
    let mut repeated = false;
    loop {
        match api.send(to, &text, &key).await {
            Ok((200 | 202, answer)) => {
                let id = answer["id"].as_str().context("an answer without an id")?.to_owned();
                return Ok(Accepted { to: to.to_owned(), id, text, repeated });
            }
            Ok((409 | 429 | 503, _)) | Err(NoAnswer::NotAsked) => {}
            Ok((code, answer)) => bail!("the API answers {code}: {answer}"),
            Err(NoAnswer::Lost) => repeated = true,
        }
        sleep(AGAIN).await;
    }
}

/// A contact writes, one text after the other, until it is to stop.
pub(crate) async fn incoming(
    simulator: Simulator,
    contact: Contact,
    pace: Duration,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Written>> {
    let mut written = Vec::new();
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !*stop.borrow() {
        ticks.tick().await;
        if simulator.unconfirmed().await > WAITING {
            continue;
        }
        let (from, text) = (contact.number(), format!("from {}, number {}", contact.number(), written.len()));
        let id = contact.send_text(&text).await?;
        written.push(Written { from, id, text });
    }
    Ok(written)
}
