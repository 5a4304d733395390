//! The engine's end of a console's link.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Handle, Next};
use crate::link::{Ask, Link, Update};
use crate::state::{Answer, LookUp, Refusal, RequestId};

/// How many updates may wait for a console. A console that does not take them gets a snapshot later.
const UPDATES: usize = 16;

/// How many requests may wait.
const REQUESTS: usize = 16;

/// How many look-ups may wait. One is looked up at a time.
const LOOK_UPS: usize = 4;

/// How many changes make one update at most.
const BATCH: usize = 256;

/// Links a console to the engine. The link ends when the engine takes no more requests or the console drops its end.
pub fn link(handle: &Handle) -> Link {
    let (updates_tx, updates) = mpsc::channel(UPDATES);
    let (requests, requests_rx) = mpsc::channel(REQUESTS);
    let (look_ups, look_ups_rx) = mpsc::channel(LOOK_UPS);
    tokio::spawn(serve(handle.clone(), updates_tx, requests_rx, look_ups_rx));
    Link { updates, requests, look_ups }
}

async fn serve(
    handle: Handle,
    updates: mpsc::Sender<Update>,
    mut requests: mpsc::Receiver<Ask>,
    mut look_ups: mpsc::Receiver<(RequestId, LookUp)>,
) {
    let (snapshot, mut cursor) = handle.feed().subscribe();
    let mut next = Some(Update::Snapshot(Box::new(snapshot)));
    let mut asking = JoinSet::new();
    let mut looking = JoinSet::new();
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
            Some(found) = looking.join_next(), if next.is_none() && !looking.is_empty() => next = found.ok(),
            Some((id, what)) = look_ups.recv(), if looking.is_empty() => {
                let reader = handle.reader().clone();
                looking.spawn_blocking(move || Update::Found { id, found: reader.look_up(&what) });
            }
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
                next = Some(news.into());
            }
        }
    }
}

impl From<Next> for Update {
    fn from(next: Next) -> Self {
        match next {
            Next::Changes(changes) => Self::Changes(changes),
            Next::Snapshot(snapshot) => Self::Snapshot(snapshot),
        }
    }
}
