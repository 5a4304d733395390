//! A console's link to a gateway that comes and goes.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::clock::Timestamp;
use crate::state::{Change, Chat, Find, Snapshot};

/// A gateway that does what is written down for it, call by call.
#[derive(Clone, Default)]
struct Scripted(Arc<Script>);

#[derive(Default)]
struct Script {
    streams: Mutex<VecDeque<Result<Stream, String>>>,
    answers: Mutex<VecDeque<Result<Answer, Missed>>>,
    /// The requests that it was asked.
    asked: Mutex<Vec<Request>>,
    opened: Mutex<Vec<Timestamp>>,
}

type Stream = mpsc::Receiver<Update>;

impl Gateway for Scripted {
    type News = Stream;

    async fn open(&self) -> Result<Stream, String> {
        self.0.opened.lock().unwrap().push(now());
        self.0.streams.lock().unwrap().pop_front().unwrap_or_else(|| Err("nobody answers".to_owned()))
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Missed> {
        self.0.asked.lock().unwrap().push(request.clone());
        self.0.answers.lock().unwrap().pop_front().unwrap_or(Ok(Answer::Done))
    }

    async fn look_up(&self, _: &LookUp) -> Result<Found, Missed> {
        Err(Missed::Busy("busy".to_owned()))
    }
}

impl News for Stream {
    async fn next(&mut self) -> Result<Update, String> {
        self.recv().await.ok_or("it ended".to_owned())
    }
}

/// The paused clock of a test.
fn now() -> Timestamp {
    let since_start = tokio::time::Instant::now().into_std();
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = *START.get_or_init(|| since_start);
    Timestamp::from_millis(i64::try_from(since_start.duration_since(start).as_millis()).unwrap())
}

fn snapshot(queue: usize) -> Update {
    let mut snapshot = Snapshot::new(Timestamp::default());
    snapshot.queue = queue;
    Update::Snapshot(Box::new(snapshot))
}

fn changed(queue: usize) -> Update {
    Update::Changes(vec![Arc::new(Change::Queue(queue))])
}

fn send(id: u64) -> Ask {
    let chat = Chat::with_person("+15551112222".parse().unwrap());
    let request = Request::Send { chat, text: "Hola".into(), options: SendOptions::default() };
    Ask { id: RequestId(id), request }
}

/// A linked console, and the end of its first stream.
fn linked(gateway: &Scripted) -> (Attached, mpsc::Sender<Update>) {
    let (tell, news) = mpsc::channel(4);
    (link(gateway.clone(), snapshot(1), news, Clock::start()), tell)
}

async fn lost(link: &mut Link) -> Lost {
    match link.updates.recv().await {
        Some(Update::Lost(lost)) => lost,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_line_is_told_tried_again_less_and_less_often_and_mended_by_a_snapshot() {
    let gateway = Scripted::default();
    let (Attached { mut link, .. }, tell) = linked(&gateway);
    assert_eq!(link.updates.recv().await, Some(snapshot(1)));
    tell.send(changed(2)).await.unwrap();
    assert_eq!(link.updates.recv().await, Some(changed(2)));
    drop(tell);
    let first = lost(&mut link).await;
    assert_eq!(&*first.why, "it ended");
    for _ in 0..7 {
        let again = lost(&mut link).await;
        assert_eq!((&*again.why, again.since), ("nobody answers", first.since), "it is one loss");
    }
    let opened = gateway.0.opened.lock().unwrap().clone();
    let pauses: Vec<_> = opened.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);

    let (tell, news) = mpsc::channel(4);
    gateway.0.streams.lock().unwrap().push_back(Ok(news));
    tell.send(snapshot(3)).await.unwrap();
    assert_eq!(link.updates.recv().await, Some(snapshot(3)));
    tokio::time::advance(STEADY).await;
    tell.send(changed(4)).await.unwrap();
    assert_eq!(link.updates.recv().await, Some(changed(4)));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_answer_was_lost_is_asked_for_again_under_its_key_once_the_line_is_back() {
    let gateway = Scripted::default();
    let id = crate::state::MessageId::from("3EB0");
    gateway.0.answers.lock().unwrap().extend([
        Err(Missed::Unknown("it broke".to_owned())),
        Err(Missed::Busy("it starts".to_owned())),
        Ok(Answer::AcceptedBefore { id: id.clone() }),
    ]);
    let (Attached { mut link, mut open }, tell) = linked(&gateway);
    assert_eq!(link.updates.recv().await, Some(snapshot(1)));
    link.requests.send(send(7)).await.unwrap();
    open.wait_for(|open| *open).await.unwrap();
    drop(tell);
    lost(&mut link).await;
    assert_eq!(gateway.0.asked.lock().unwrap().len(), 1, "not while it is lost");
    let (tell, news) = mpsc::channel(4);
    gateway.0.streams.lock().unwrap().push_back(Ok(news));
    tell.send(snapshot(2)).await.unwrap();
    assert_eq!(link.updates.recv().await, Some(snapshot(2)));
    let answer = Update::Answer { id: RequestId(7), answer: Answer::AcceptedBefore { id } };
    assert_eq!(link.updates.recv().await, Some(answer));
    assert!(!*open.borrow());
    let asked = gateway.0.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|request| *request == asked[0]), "the same request, with the same key");
    assert!(matches!(&asked[0], Request::Send { options: SendOptions { key: Some(_), .. }, .. }));
}

#[tokio::test(start_paused = true)]
async fn what_did_not_get_to_the_gateway_is_told_at_once_and_not_repeated() {
    let gateway = Scripted::default();
    gateway.0.answers.lock().unwrap().extend([
        Err(Missed::NotAsked("nobody there".to_owned())),
        Err(Missed::Unknown("it broke".to_owned())),
        Err(Missed::Refused("too much".to_owned())),
    ]);
    let (Attached { mut link, .. }, tell) = linked(&gateway);
    assert_eq!(link.updates.recv().await, Some(snapshot(1)));
    let restart = |id| Ask { id: RequestId(id), request: Request::RestartBridge };
    for (ask, words) in [
        (send(1), "not done: nobody there"),
        (restart(2), "nobody knows whether it was done: it broke"),
        (send(3), "not done: too much"),
    ] {
        let id = ask.id;
        link.requests.send(ask).await.unwrap();
        assert_eq!(link.updates.recv().await, Some(Update::Unanswered { id, why: words.into() }));
    }
    drop(tell);
    lost(&mut link).await;
    link.requests.send(send(4)).await.unwrap();
    let what = LookUp::Messages { find: Find::default(), behind: None };
    link.look_ups.send((RequestId(5), what)).await.unwrap();
    let mut told = [link.updates.recv().await.unwrap(), link.updates.recv().await.unwrap()];
    told.sort_by_key(|update| matches!(update, Update::Found { .. }));
    let why = "not done: there is no connection to the gateway".into();
    assert_eq!(told[0], Update::Unanswered { id: RequestId(4), why });
    assert!(matches!(&told[1], Update::Found { id: RequestId(5), found: Found::Failed(_) }), "{told:?}");
    assert_eq!(gateway.0.asked.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn all_ends_with_the_console() {
    let gateway = Scripted::default();
    let (Attached { link, .. }, tell) = linked(&gateway);
    drop(link);
    tell.closed().await;
    while Arc::strong_count(&gateway.0) > 1 {
        tokio::task::yield_now().await;
    }
}
