//! A console's [`Link`] to a gateway in another process, also one elsewhere.
//!
//! Three tasks, one for each channel of the link, and no state but whether the line is up:
//!
//! * Updates are one stream. When it breaks, the console keeps what it shows and is told so ([`Update::Lost`]), and a new
//!   stream is opened, at first soon and then less and less often. It begins with a snapshot, so nothing is patched up.
//! * Requests are asked one after another, which keeps messages in the order in which they were written. A message that
//!   is to be sent gets a key before it is asked for the first time; when its answer is lost, the same request is
//!   repeated until there is one, so that it is neither lost nor sent twice. What else was under way when the line broke
//!   is not repeated: the console is told that nobody knows.
//! * Look-ups are not repeated either: whoever looks asks again.
//!
//! All tasks end with the console's end of the link.

mod remote;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use remote::{News as RemoteNews, Remote, find};

use crate::clock::Clock;
use crate::link::{Ask, Link, Lost, Update};
use crate::state::{Answer, FindError, Found, IdempotencyKey, LookUp, Request, RequestId, SendOptions};

/// How many updates, requests and look-ups may wait.
const UPDATES: usize = 16;
const REQUESTS: usize = 16;
const LOOK_UPS: usize = 4;

/// The pause before the line is tried again: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// A line that was up for so long begins with the first pause again.
const STEADY: Duration = Duration::from_secs(10);

/// A gateway that can be reached, sometimes.
pub trait Gateway: Send + Sync + 'static {
    /// What it tells.
    type News: News;

    /// Opens a stream of what it tells. The error says in words why there is none.
    fn open(&self) -> impl Future<Output = Result<Self::News, String>> + Send;

    /// Has a request answered.
    fn ask(&self, request: &Request) -> impl Future<Output = Result<Answer, Missed>> + Send;

    /// Has something looked up.
    fn look_up(&self, what: &LookUp) -> impl Future<Output = Result<Found, Missed>> + Send;
}

/// What a gateway tells.
pub trait News: Send + 'static {
    /// The next update; the first is a snapshot. The error says in words why there is no more.
    fn next(&mut self) -> impl Future<Output = Result<Update, String>> + Send;
}

/// Why there is no answer, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Nobody was reached: nothing was done.
    NotAsked(String),
    /// The line broke before the answer: it may have been done.
    Unknown(String),
    /// The gateway can't look at it at present: nothing was done.
    Busy(String),
    /// The gateway does not do it.
    Refused(String),
}

impl Missed {
    fn words(self) -> String {
        let (Self::NotAsked(why) | Self::Unknown(why) | Self::Busy(why) | Self::Refused(why)) = self;
        why
    }
}

/// A link, and whether it is known of every message that was to be sent whether the gateway has it.
#[derive(Debug)]
pub struct Attached {
    /// For the console.
    pub link: Link,
    /// True while the answer to a message that was to be sent was lost.
    pub open: watch::Receiver<bool>,
}

/// Links a console to a gateway, of which `first` was told already and `news` is what comes next.
pub fn link<G: Gateway>(gateway: G, first: Update, news: G::News, clock: Clock) -> Attached {
    let gateway = Arc::new(gateway);
    let (updates_tx, updates) = mpsc::channel(UPDATES);
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (look_ups, looked) = mpsc::channel(LOOK_UPS);
    let (up, is_up) = watch::channel(true);
    let (open_tx, open) = watch::channel(false);
    let line = Line { gateway: Arc::clone(&gateway), clock, updates: updates_tx.clone(), up };
    tokio::spawn(line.follow(first, news));
    let asking =
        Asking { gateway: Arc::clone(&gateway), updates: updates_tx.clone(), up: is_up.clone(), open: open_tx };
    tokio::spawn(asking.run(asked));
    tokio::spawn(look(gateway, looked, updates_tx, is_up));
    Attached { link: Link { updates, requests, look_ups }, open }
}

/// The console has gone.
struct Gone;

/// The stream of updates.
struct Line<G> {
    gateway: Arc<G>,
    clock: Clock,
    updates: mpsc::Sender<Update>,
    up: watch::Sender<bool>,
}

impl<G: Gateway> Line<G> {
    async fn follow(self, first: Update, news: G::News) {
        let _ = self.run(first, news).await;
    }

    async fn run(&self, first: Update, news: G::News) -> Result<(), Gone> {
        self.tell(first).await?;
        let mut pause = PAUSE.0;
        let mut why = self.pass(news, &mut pause).await?;
        let mut since = self.clock.now().wall;
        loop {
            self.up.send_replace(false);
            let retry_at = self.clock.now().wall.plus(pause);
            self.tell(Update::Lost(Lost { since, retry_at, why: why.into() })).await?;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.updates.closed() => return Err(Gone),
            }
            pause = (pause * 2).min(PAUSE.1);
            let opened = tokio::select! {
                opened = self.gateway.open() => opened,
                () = self.updates.closed() => return Err(Gone),
            };
            why = match opened {
                Err(why) => why,
                Ok(news) => {
                    let why = self.pass(news, &mut pause).await?;
                    if *self.up.borrow() {
                        since = self.clock.now().wall;
                    }
                    why
                }
            };
        }
    }

    /// Passes on what is told, until there is no more. Returns why.
    async fn pass(&self, mut news: G::News, pause: &mut Duration) -> Result<String, Gone> {
        let begun = self.clock.now().mono;
        let why = loop {
            let next = tokio::select! {
                next = news.next() => next,
                () = self.updates.closed() => return Err(Gone),
            };
            match next {
                Ok(update) => {
                    let whole = matches!(update, Update::Snapshot(_));
                    self.tell(update).await?;
                    if whole {
                        self.up.send_replace(true);
                    }
                }
                Err(why) => break why,
            }
        };
        if self.clock.now().mono.since(begun) >= STEADY {
            *pause = PAUSE.0;
        }
        Ok(why)
    }

    async fn tell(&self, update: Update) -> Result<(), Gone> {
        self.updates.send(update).await.map_err(|_| Gone)
    }
}

/// The requests.
struct Asking<G> {
    gateway: Arc<G>,
    updates: mpsc::Sender<Update>,
    up: watch::Receiver<bool>,
    open: watch::Sender<bool>,
}

impl<G: Gateway> Asking<G> {
    async fn run(mut self, mut asked: mpsc::Receiver<Ask>) {
        while let Some(Ask { id, request }) = asked.recv().await {
            let updates = self.updates.clone();
            let answered = tokio::select! {
                answered = self.one(keyed(request)) => answered,
                () = updates.closed() => return,
            };
            self.open.send_replace(false);
            let update = match answered {
                Ok(answer) => Update::Answer { id, answer },
                Err(why) => Update::Unanswered { id, why: why.into() },
            };
            if self.updates.send(update).await.is_err() {
                return;
            }
        }
    }

    /// The answer; or why there is none.
    async fn one(&mut self, request: Request) -> Result<Answer, String> {
        // Under one key however often: see `keyed`.
        let repeats = matches!(request, Request::Send { .. });
        let mut open = false;
        loop {
            if !open && !*self.up.borrow() {
                return Err("not done: there is no connection to the gateway".to_owned());
            }
            match self.gateway.ask(&request).await {
                Ok(answer) => return Ok(answer),
                Err(Missed::Refused(why)) => return Err(format!("not done: {why}")),
                Err(Missed::NotAsked(why) | Missed::Busy(why)) if !open => return Err(format!("not done: {why}")),
                Err(Missed::Unknown(why)) if !repeats => {
                    return Err(format!("nobody knows whether it was done: {why}"));
                }
                Err(Missed::NotAsked(_) | Missed::Busy(_) | Missed::Unknown(_)) => {
                    open = true;
                    self.open.send_replace(true);
                    tokio::time::sleep(PAUSE.0).await;
                    // Its end is the console's, which is waited for beside this.
                    if self.up.wait_for(|up| *up).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }
}

/// A message that is to be sent gets a key, so that it may be asked for more than once.
fn keyed(mut request: Request) -> Request {
    if let Request::Send { options: SendOptions { key: key @ None, .. }, .. } = &mut request {
        let mut bits = [0; 16];
        fastrand::Rng::new().fill(&mut bits);
        let text: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        *key = IdempotencyKey::of_header(&text).ok();
    }
    request
}

async fn look<G: Gateway>(
    gateway: Arc<G>,
    mut looked: mpsc::Receiver<(RequestId, LookUp)>,
    updates: mpsc::Sender<Update>,
    up: watch::Receiver<bool>,
) {
    while let Some((id, what)) = looked.recv().await {
        let found = if *up.borrow() {
            tokio::select! {
                found = gateway.look_up(&what) => found,
                () = updates.closed() => return,
            }
        } else {
            Err(Missed::NotAsked("there is no connection to the gateway".to_owned()))
        };
        let found = found.unwrap_or_else(|missed| Found::Failed(FindError::Store(missed.words())));
        if updates.send(Update::Found { id, found }).await.is_err() {
            return;
        }
    }
}
