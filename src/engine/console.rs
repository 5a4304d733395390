//! The engine's end of a console's link.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Handle, Next};
use crate::link::{Ask, Link, Update};
use crate::state::{Answer, Refusal};

/// How many updates may wait for a console. A console that does not take them gets a snapshot later.
const UPDATES: usize = 16;

/// How many requests may wait.
const REQUESTS: usize = 16;

/// How many changes make one update at most.
const BATCH: usize = 256;

/// Links a console to the engine. The link ends when the engine takes no more requests or the console drops its end.
pub fn link(handle: &Handle) -> Link {
    let (updates_tx, updates) = mpsc::channel(UPDATES);
    let (requests, requests_rx) = mpsc::channel(REQUESTS);
    tokio::spawn(serve(handle.clone(), updates_tx, requests_rx));
    Link { updates, requests }
}

async fn serve(handle: Handle, updates: mpsc::Sender<Update>, mut requests: mpsc::Receiver<Ask>) {
    let (snapshot, mut cursor) = handle.feed().subscribe();
    let mut next = Some(Update::Snapshot(Box::new(snapshot)));
    let mut asking = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            permit = updates.reserve(), if next.is_some() => {
                let Ok(permit) = permit else { return };
                if let Some(update) = next.take() {
                    permit.send(update);
                }
            }
            Some(answer) = asking.join_next(), if next.is_none() && !asking.is_empty() => next = answer.ok(),
            ask = requests.recv(), if asking.len() < REQUESTS => {
                let Some(Ask { id, request }) = ask else { return };
                let handle = handle.clone();
                asking.spawn(async move {
                    let answer = handle.ask(request).await.unwrap_or(Answer::Refused(Refusal::Unavailable));
                    Update::Answer { id, answer }
                });
            }
            () = handle.closed(), if next.is_none() && asking.is_empty() => return,
            news = cursor.next(BATCH), if next.is_none() => {
                next = Some(match news {
                    Next::Changes(changes) => Update::Changes(changes),
                    Next::Snapshot(snapshot) => Update::Snapshot(snapshot),
                });
            }
        }
    }
}
