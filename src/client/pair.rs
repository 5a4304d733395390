//! `pilothouse pair`: link by a code that is typed on the phone.

use std::time::Duration;

use serde_json::{Value, json};

use super::out::{self, text};
use super::{Client, Failure, Out, Request, dates};
use crate::cli::Pair;
use crate::clock::Clock;

/// How long a code may take: WhatsApp is asked for it over a connection that may have to be made first.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked for.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks for a code and prints it.
///
/// # Errors
/// What is in the way, such as an account that is linked already.
pub(super) async fn run(client: &Client, out: &mut Out, pair: &Pair, clock: Clock) -> Result<(), Failure> {
    let before = match client.ask(&Request::get("/pairing")).await? {
        answer if answer.status == 503 => None,
        answer => text_of(answer.good()?),
    };
    client.ask(&Request::post("/pairing", &json!({ "phone_number": pair.number }))).await?.good()?;
    let start = clock.now().mono;
    loop {
        let answer = client.ask(&Request::get("/pairing")).await?;
        match answer.status {
            200 if answer.json["state"] == "code" && text_of(answer.json.clone()) != before => {
                return told(out, &answer.json, clock);
            }
            200 if answer.json["state"] != "code" => {
                let why = "the phone has taken a code or a QR, and WhatsApp wants the owner's passkey; see the console";
                return Err(Failure::NotNow(why.to_owned()));
            }
            200 | 503 => {}
            _ => return Err(answer.failure()),
        }
        if clock.now().mono.since(start) > PATIENCE {
            let why = format!("no code came within {} s; `pilothouse status` says how things are", PATIENCE.as_secs());
            return Err(Failure::NotNow(why));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What tells one code from another.
fn text_of(pairing: Value) -> Option<(Value, Value)> {
    (pairing["state"] == "code").then(|| (pairing["code"].clone(), pairing["expires_at"].clone()))
}

fn told(out: &mut Out, pairing: &Value, clock: Clock) -> Result<(), Failure> {
    if out.json {
        return out.document(pairing);
    }
    let code = text(pairing, "/code", 40);
    let (first, second) = code.split_at_checked(4).unwrap_or((&code, ""));
    out.line(&if second.is_empty() { first.to_owned() } else { format!("{first}-{second}") })?;
    let left = dates::time(pairing, "/expires_at").map(|at| dates::span(at.since(clock.now().wall)));
    out::say(&format!(
        "type it on the phone: WhatsApp › Settings › Linked devices › Link a device › Link with phone number instead; it \
         is valid for {}",
        left.unwrap_or_default()
    ));
    Ok(())
}
