//! Connections whose other side is played by the test, on a paused clock; and real ones, with tiny limits.

use axum::http::{StatusCode, header};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;

use super::super::Bodies;
use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// A path that answers at once, one that answers with more than any buffer holds, and one that says something an hour
/// later.
fn app() -> Router {
    let slow = async || {
        Body::from_stream(futures_util::stream::once(async {
            tokio::time::sleep(HOUR).await;
            Ok::<_, io::Error>("late")
        }))
    };
    Router::new()
        .route("/livez", get(async || "alive"))
        .route("/quick", get(async || "quick"))
        .route("/large", get(async || vec![b'x'; 4 << 20]))
        .route("/slow", get(slow))
        .layer(axum::middleware::map_request(async |request: Request<Body>| {
            check(&request, request.uri().path() == "/livez").map(|()| request)
        }))
}

/// A connection to it, and what becomes true when the process is to end.
fn connect(limits: Limits, caller: Caller) -> (DuplexStream, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let (ours, theirs) = tokio::io::duplex(1_024);
    let stop = watch::Sender::new(false);
    let serving = tokio::spawn(connection(theirs, app(), caller, limits, stop.subscribe(), None));
    (ours, stop, serving)
}

async fn all(mut io: impl AsyncRead + Unpin) -> String {
    let mut text = Vec::new();
    io.read_to_end(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// Reads until the text ends like this.
async fn until(io: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(char::from(io.read_u8().await.unwrap()));
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_and_an_idle_connection_are_cut_off() {
    for begun in ["", "GET /quick HTTP/1.1\r\nhost: a\r\n"] {
        let (mut io, _stop, serving) = connect(Limits::default(), Caller::default());
        io.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(all(&mut io).await, "", "{begun:?}");
        serving.await.unwrap();
    }
    let (mut io, _stop, serving) = connect(Limits::default(), Caller::default());
    for _ in 0..3 {
        // Within its time it may ask again and again.
        tokio::time::sleep(Duration::from_secs(29)).await;
        io.write_all(b"GET /quick HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let answer = until(&mut io, "quick").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\ndate: "), "{answer}");
    }
    assert_eq!(all(&mut io).await, "");
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_cut_off_by_no_limit_while_it_is_read() {
    let (mut io, _stop, _serving) = connect(Limits::default(), Caller::default());
    io.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(all(&mut io).await.contains("late"));
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_takes_nothing_of_his_answer_is_cut_off() {
    let (mut io, _stop, serving) = connect(Limits::default(), Caller::default());
    io.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    // He takes a little each 59 seconds, and then nothing.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert!(!serving.is_finished());
        io.read_exact(&mut [0; 512]).await.unwrap();
    }
    serving.await.unwrap();
    assert!(all(&mut io).await.len() <= 1_024);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_answers_are_finished_and_idle_connections_closed() {
    let (mut asked, stop, answering) = connect(Limits::default(), Caller::default());
    asked.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut asked, "\r\n\r\n").await;
    stop.send_replace(true);
    assert!(all(&mut asked).await.contains("late"));
    answering.await.unwrap();
    let (mut idle, stop, waiting) = connect(Limits::default(), Caller::default());
    idle.write_all(b"GET /quick HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut idle, "quick").await;
    let asked = tokio::time::Instant::now();
    stop.send_replace(true);
    waiting.await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let field = |n: usize| format!("x-{n}: {}\r\n", "v".repeat(100));
    let cases = [
        (format!("/quick?{}", "q".repeat(9_000)), String::new(), "414", "uri-too-long"),
        ("/quick".to_owned(), (0..70).map(field).collect(), "431", "headers-too-large"),
        ("/quick".to_owned(), format!("x: {}\r\n", "v".repeat(17_000)), "431", "headers-too-large"),
        // Here hyper answers by itself.
        ("/quick".to_owned(), (0..101).map(field).collect(), "431", "content-length: 0"),
        ("/quick".to_owned(), format!("x: {}\r\n", "v".repeat(40_000)), "431", "content-length: 0"),
        ("/qu ick".to_owned(), String::new(), "400", "content-length: 0"),
    ];
    for (path, fields, status, words) in cases {
        let (mut io, _stop, _serving) = connect(Limits::default(), Caller::default());
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
        // It may be answered before all of it is taken.
        let (_, mut answer) = tokio::io::split(&mut io);
        let _ = answer.write_all(request.as_bytes()).await;
        let answer = all(&mut io).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(words), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_slowly_is_a_problem_and_ends_the_connection() {
    let (mut io, theirs) = tokio::io::duplex(1_024);
    let app = Router::new().route(
        "/post",
        post(async |body: axum::extract::Request| {
            let read = super::super::body::read_in_time(body.into_body(), &Bodies::default()).await;
            read.map(|_| StatusCode::OK)
        }),
    );
    let stop = watch::Sender::new(false);
    tokio::spawn(connection(theirs, app, Caller::default(), Limits::default(), stop.subscribe(), None));
    io.write_all(b"POST /post HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nslow").await.unwrap();
    let answer = all(&mut io).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("problem:body-too-slow"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn connections_that_are_too_many_are_told_so_and_health_is_answered_still() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = watch::Sender::new(false);
    let limits = Limits { connections: 2, crowd: 1, ..Limits::default() };
    let serving = tokio::spawn(serve(listener, None, app(), limits, stop.subscribe(), HOUR));
    let ask = async |io: &mut TcpStream, path: &str| {
        io.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
    };
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut io = TcpStream::connect(address).await.unwrap();
        ask(&mut io, "/quick").await;
        until(&mut io, "quick").await;
        open.push(io);
    }
    for (path, status, words) in [("/quick", "503", "problem:too-many-connections"), ("/livez", "200", "alive")] {
        let mut io = TcpStream::connect(address).await.unwrap();
        ask(&mut io, path).await;
        let answer = all(&mut io).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(words), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    // One that says nothing is the last for whom there is a place; the next one waits until it has gone.
    let silent = TcpStream::connect(address).await.unwrap();
    let mut waiting = TcpStream::connect(address).await.unwrap();
    ask(&mut waiting, "/livez").await;
    drop(silent);
    assert!(all(&mut waiting).await.ends_with("alive"));
    // A place that is given back is taken by the next.
    drop(open.pop());
    let mut last = loop {
        let mut io = TcpStream::connect(address).await.unwrap();
        ask(&mut io, "/quick").await;
        let head = until(&mut io, "\r\n\r\n").await;
        if head.starts_with("HTTP/1.1 200 ") {
            break io;
        }
    };
    until(&mut last, "quick").await;
    stop.send_replace(true);
    serving.await.unwrap();
    assert_eq!(all(&mut last).await, "");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_at_the_end_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut io = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let stop = watch::Sender::new(false);
    let patience = Duration::from_millis(1);
    let serving = tokio::spawn(serve(listener, None, app(), Limits::default(), stop.subscribe(), patience));
    io.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut io, "\r\n\r\n").await;
    stop.send_replace(true);
    serving.await.unwrap();
}

#[tokio::test]
async fn bodies_that_are_read_at_once_have_one_room() {
    let bodies = Bodies::default();
    let held: Vec<_> = (0..8).map(|_| bodies.room(1 << 20).unwrap()).collect();
    let refused = axum::response::IntoResponse::into_response(bodies.room(1).unwrap_err());
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    drop(held);
    assert!(bodies.room(1 << 20).is_ok());
}
