//! The engine's end of a console's link.

use tokio::sync::mpsc;

use super::{Handle, Next};
use crate::link::{Ask, Link, Update};
use crate::state::{Answer, Refusal};

/// How many updates may wait for a console. A console that does not take them gets a snapshot later.
const UPDATES: usize = 16;

/// How many requests may wait.
const REQUESTS: usize = 16;

/// How many changes make one update at most.
const BATCH: usize = 256;

/// Links a console to the engine. The link ends when the engine's task ends or the console drops its end.
pub fn link(handle: &Handle) -> Link {
    let (updates_tx, updates) = mpsc::channel(UPDATES);
    let (requests, requests_rx) = mpsc::channel(REQUESTS);
    tokio::spawn(serve(handle.clone(), updates_tx, requests_rx));
    Link { updates, requests }
}

async fn serve(handle: Handle, updates: mpsc::Sender<Update>, mut requests: mpsc::Receiver<Ask>) {
    let (snapshot, mut cursor) = handle.feed().subscribe();
    let mut next = Some(Update::Snapshot(Box::new(snapshot)));
    let (answers_tx, mut answers) = mpsc::channel::<Update>(REQUESTS);
    loop {
        tokio::select! {
            biased;
            permit = updates.reserve(), if next.is_some() => {
                let Ok(permit) = permit else { return };
                if let Some(update) = next.take() {
                    permit.send(update);
                }
            }
            answer = answers.recv(), if next.is_none() => next = answer,
            ask = requests.recv() => {
                let Some(Ask { id, request }) = ask else { return };
                let (handle, answers) = (handle.clone(), answers_tx.clone());
                tokio::spawn(async move {
                    let answer = handle.ask(request).await.unwrap_or(Answer::Refused(Refusal::Unavailable));
                    let _ = answers.send(Update::Answer { id, answer }).await;
                });
            }
            news = cursor.next(BATCH), if next.is_none() => {
                next = Some(match news {
                    Next::Changes(changes) => Update::Changes(changes),
                    Next::Snapshot(snapshot) => Update::Snapshot(snapshot),
                });
            }
        }
    }
}
