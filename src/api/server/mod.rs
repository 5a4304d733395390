//! Connections: taken in, served, and ended.
//!
//! What callers can make this process hold is bounded, whoever they are and however slow:
//!
//! * There are at most [`Limits::connections`] connections, and as many by the Unix socket. The next few are told so, except that health checks are
//!   answered, and closed. All others wait where the system lets them wait before they are accepted.
//! * A connection holds at most [`BUFFER_BYTES`] of a request's head or of a body that is being read, and one answer.
//! * The head of a request comes within [`Limits::head`], which is also how long a connection may be idle. A caller who
//!   takes nothing of an answer for [`Limits::write`] is cut off. Bodies have limits of [their own](super::body).
//!
//! What is not HTTP at all, or has a head above hyper's limits, is answered by hyper itself, with an empty 400, 414 or
//! 431: there is no place in it to say more. The smaller limits here are answered as problems.

mod heads;
mod patient;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::Socket;
pub(super) use heads::check;
use patient::Patient;

/// What hyper may hold of what was read and is not taken yet, in bytes; and of answers that are not written.
const BUFFER_BYTES: usize = 32 << 10;

/// For how long no connection is accepted after the system had none to give.
const PAUSE: Duration = Duration::from_secs(1);

/// How many connections there may be, and how slow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many are served at once.
    pub connections: usize,
    /// So many more are told that there are too many.
    pub crowd: usize,
    /// How long the head of a request may take, and how long a connection may be idle.
    pub head: Duration,
    /// The same, for those that are too many.
    pub crowd_head: Duration,
    /// How long a caller may take nothing of his answer.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            crowd: 64,
            head: Duration::from_secs(30),
            crowd_head: Duration::from_secs(5),
            write: Duration::from_secs(60),
        }
    }
}

/// How a request came in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caller {
    /// By the Unix socket: he may do everything.
    pub(super) local: bool,
    /// There are too many connections: only health checks are answered.
    pub(super) crowded: bool,
}

/// Where connections come in.
pub(super) trait Door: Sync {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// It is the Unix socket.
    const LOCAL: bool = false;

    /// The next connection.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

impl Door for TcpListener {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Events are small, and wait for nothing. Where that is refused, they are later.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Serves what comes in at this door until the process is to end, and then waits for the end of each connection.
async fn attend<D: Door>(door: D, app: Router, limits: Limits, mut shutdown: watch::Receiver<bool>) {
    // Once here, and not at each request.
    let app = app.with_state(());
    let (places, crowd) = (Arc::new(Semaphore::new(limits.connections)), Arc::new(Semaphore::new(limits.crowd)));
    loop {
        let (io, waiting) = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => break,
            next = next(&door, &crowd) => next,
        };
        let (place, crowded) = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => (Some(place), false),
            Err(_) => (waiting, true),
        };
        tokio::spawn(connection(io, app.clone(), Caller { local: D::LOCAL, crowded }, limits, shutdown.clone(), place));
    }
    drop(door);
    for (all, count) in [(places, limits.connections), (crowd, limits.crowd)] {
        let _ = all.acquire_many(u32::try_from(count).unwrap_or(u32::MAX)).await;
    }
}

/// The next connection, and a place among those that are too many.
async fn next<D: Door>(door: &D, crowd: &Arc<Semaphore>) -> (D::Io, Option<OwnedSemaphorePermit>) {
    let waiting = Arc::clone(crowd).acquire_owned().await.ok();
    loop {
        match door.accept().await {
            Ok(io) => return (io, waiting),
            Err(error) if gone(&error) => {}
            Err(error) => {
                tracing::error!(%error, "can't accept a connection; too few open files? it is tried again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether it is only that one connection.
fn gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}

/// Serves one connection to its end, and then gives its place back. What is under way when the process is to end is
/// finished.
async fn connection<I: AsyncRead + AsyncWrite + Unpin>(
    io: I,
    app: Router,
    caller: Caller,
    limits: Limits,
    mut shutdown: watch::Receiver<bool>,
    _place: Option<OwnedSemaphorePermit>,
) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(caller);
        app.call(request)
    });
    let io = TokioIo::new(Patient::new(io, limits.write));
    let mut http = Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(if caller.crowded { limits.crowd_head } else { limits.head })
        .keep_alive(!caller.crowded)
        .max_buf_size(BUFFER_BYTES);
    let mut serving = std::pin::pin!(http.serve_connection(io, service));
    let asked_to_end = async {
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    let ended = tokio::select! {
        result = serving.as_mut() => Some(result),
        () = asked_to_end => None,
    };
    let result = match ended {
        Some(result) => result,
        None => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::trace!(%error, "a connection broke");
    }
}

/// Serves until the process is to end, and then for at most `patience` more.
pub(super) async fn serve(
    listener: TcpListener,
    socket: Option<Socket>,
    app: Router,
    limits: Limits,
    shutdown: watch::Receiver<bool>,
    patience: Duration,
) {
    let mut deadline = shutdown.clone();
    let late = async {
        let _ = deadline.wait_for(|stop| *stop).await;
        tokio::time::sleep(patience).await;
    };
    let local = async {
        if let Some(socket) = socket {
            attend(socket, app.clone(), limits, shutdown.clone()).await;
        }
    };
    let all = async { tokio::join!(local, attend(listener, app.clone(), limits, shutdown.clone())) };
    tokio::select! {
        _ = all => {}
        () = late => tracing::warn!("some answers were not finished when the process had to end"),
    }
}

#[cfg(test)]
mod tests;
