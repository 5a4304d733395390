//! The gateway: whether one runs, and how it can be reached.

use std::net::TcpListener;

use serde_json::Value;

use super::Check;
use crate::cli::Target;
use crate::client::{Address, Client, Place, Request};
use crate::config::Config;
use crate::store::{FolderLock, StoreError};

/// The process that has the data folder; none: no gateway runs there.
pub(super) fn running(config: &Config) -> Result<Option<String>, StoreError> {
    FolderLock::holder(&config.data_dir)
}

/// What `/status` says of the one that runs, and what was found.
pub(super) async fn look(config: &Config, running: &Result<Option<String>, StoreError>) -> (Option<Value>, Vec<Check>) {
    let holder = match running {
        Ok(Some(holder)) => holder,
        Ok(None) => {
            return (None, vec![Check::note("gateway", "none runs with this data folder"), port(config)]);
        }
        Err(error) => return (None, vec![Check::failure("lock", error.to_string(), "see who owns the data folder")]),
    };
    let mut checks = vec![Check::good("gateway", format!("runs as process {holder}"))];
    let place = match Place::of(&Target::default(), config) {
        Ok(place) => place,
        Err(error) => {
            checks.push(Check::failure("api", error.to_string(), "correct it"));
            return (None, checks);
        }
    };
    for address in &place.addresses {
        checks.extend(answers(address).await);
    }
    let answer = Client::new(place).ask(&Request::get("/status")).await;
    let status = match answer.map(|answer| (answer.status, answer.json)) {
        Ok((200, status)) => Some(status),
        Ok((401 | 403, _)) => {
            let mend = "unset PILOTHOUSE_TOKEN, or see that it is the token that `pilothouse token` prints";
            checks.push(Check::failure("api", "the token is not let in", mend));
            None
        }
        Ok((code, _)) => {
            checks.push(Check::failure(
                "api",
                format!("/status is answered with {code}"),
                "see the log in the data folder",
            ));
            None
        }
        Err(_) => None,
    };
    checks.extend(status.as_ref().map(whatsapp));
    (status, checks)
}

/// Whether the gateway answers there. None: there is no such socket.
async fn answers(address: &Address) -> Option<Check> {
    let name = match address {
        Address::Socket(path) if !path.exists() => return None,
        Address::Socket(_) => "socket",
        Address::Tcp { .. } => "port",
    };
    let one = Place { addresses: vec![address.clone()], token: None };
    Some(match Client::new(one).ask(&Request::get("/health")).await {
        Ok(answer) if answer.status == 200 => Check::good(name, format!("it answers at {address}")),
        Ok(answer) => {
            let mend = "another program has the address; choose another with --listen, and restart the gateway";
            Check::failure(name, format!("{address} answers with {}, which is no gateway", answer.status), mend)
        }
        Err(_) => {
            let mend = "it may have been started with other settings; see its log in the data folder";
            Check::warning(name, format!("it does not answer at {address}"), mend)
        }
    })
}

/// Whether a gateway could listen.
fn port(config: &Config) -> Check {
    match TcpListener::bind(config.listen) {
        Ok(_) => Check::good("port", format!("{} is free", config.listen)),
        Err(error) => {
            let mend = "choose another with --listen, or end the program that has it";
            Check::failure("port", format!("can't listen on {}: {error}", config.listen), mend)
        }
    }
}

fn whatsapp(status: &Value) -> Check {
    if status["connected"] == true {
        return Check::good("whatsapp", "connected");
    }
    let state = status.pointer("/connection/state").and_then(Value::as_str).unwrap_or("unknown");
    let mend = match state {
        "linking" | "logged_out" => "link it: `pilothouse qr`, or `pilothouse pair +NUMBER`",
        _ => "`pilothouse status` says more",
    };
    Check::warning("whatsapp", format!("not connected ({})", state.replace('_', " ")), mend)
}
