//! Tells systemd how the program does, when systemd has started it and wants to know (`Type=notify`).
//!
//! A line a datagram, to the socket that the environment names: `sd_notify(3)`. Without that variable nothing of this
//! runs.
//!
//! * `READY=1` once the API listens; `STATUS=` whenever there is something new to say of the connection;
//!   `STOPPING=1` when the end begins.
//! * `WATCHDOG=1` at half of the time that systemd allows, each time only after the engine's loop has answered. That
//!   the process runs is no reason: systemd is to restart one that does nothing any more.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::engine::{Feed, Pulse};
use crate::state::{Snapshot, readiness};

/// How long a datagram may wait. systemd takes them at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// systemd's end.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
    /// After how long without a `WATCHDOG=1` this process is ended.
    watchdog: Option<Duration>,
}

impl Notifier {
    /// What these variables of the environment ask for; none when it is nothing.
    ///
    /// # Errors
    /// What is wrong with the socket that they name.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>) -> io::Result<Option<Self>> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(None) };
        let address = address(name.as_bytes())?;
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        // Another process is meant when there is a number that is not ours.
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&micros| ours && micros > 0).map(Duration::from_micros);
        Ok(Some(Self { socket, address, watchdog }))
    }

    /// The API listens.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The end begins.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=ending");
    }

    /// Tells of the connection and feeds the watchdog, until it is dropped.
    pub async fn follow(&self, feed: &Feed, pulse: &Pulse) {
        follow(feed, pulse, self.watchdog, |line| self.tell(line)).await;
    }

    /// The address is used anew each time: systemd may have made the socket anew meanwhile.
    fn tell(&self, line: &str) {
        if let Err(error) = self.socket.send_to_addr(line.as_bytes(), &self.address) {
            tracing::warn!(%error, "systemd can't be told");
        }
    }
}

/// A path, or, after an `@`, a name in Linux's abstract space.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name.split_first() {
        #[cfg(target_os = "linux")]
        Some((b'@', rest)) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(rest),
        Some((b'/', _)) => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "NOTIFY_SOCKET is not the address of a Unix socket")),
    }
}

async fn follow(feed: &Feed, pulse: &Pulse, watchdog: Option<Duration>, tell: impl Fn(&str)) {
    let mut published = feed.watch();
    let mut told = "";
    let every = watchdog.map_or(Duration::MAX, |limit| (limit / 2).max(Duration::from_millis(1)));
    let mut due = tokio::time::interval(every);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let words = feed.look(status);
        if told != words {
            tell(&format!("STATUS={words}"));
            told = words;
        }
        tokio::select! {
            // The feed is kept by who calls: this can't fail.
            changed = published.changed() => if changed.is_err() { return },
            _ = due.tick(), if watchdog.is_some() => match pulse.felt(every).await {
                Ok(()) => tell("WATCHDOG=1"),
                Err(error) => tracing::error!(%error, "systemd's watchdog is not fed"),
            },
        }
    }
}

/// The connection in words, or what keeps it from being there.
fn status(snapshot: &Snapshot) -> &'static str {
    let [store, bridge, _, connection] = readiness(snapshot);
    [store, bridge].into_iter().find(|check| !check.is_ok()).unwrap_or(connection).text
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::clock::Timestamp;
    use crate::engine::pulse;
    use crate::state::{BridgeState, BridgeView, Change, ConnectionState, ConnectionView};

    const WATCHDOG: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_for_as_long_as_the_engine_answers_and_not_a_moment_longer() {
        let feed = Feed::new(Snapshot::new(Timestamp::default()));
        let (pulse, mut beat) = pulse();
        let told = Mutex::new(Vec::new());
        let following = follow(&feed, &pulse, Some(WATCHDOG), |line| told.lock().unwrap().push(line.to_owned()));
        tokio::pin!(following);
        let fed = || told.lock().unwrap().iter().filter(|line| *line == "WATCHDOG=1").count();

        let hangs = tokio::time::timeout(10 * WATCHDOG, &mut following).await;
        assert!(hangs.is_err());
        assert_eq!((fed(), told.lock().unwrap().len()), (0, 1), "the engine hangs");

        let turning = async {
            loop {
                beat.wanted().await;
                beat.answer();
            }
        };
        let answers = async { tokio::join!(&mut following, turning) };
        assert!(tokio::time::timeout(10 * WATCHDOG, answers).await.is_err());
        let before = fed();
        assert!((19..=21).contains(&before), "twice in the time that is allowed: {before}");
        assert!(tokio::time::timeout(10 * WATCHDOG, &mut following).await.is_err());
        assert!(fed() <= before + 1, "it hangs again");
    }

    #[tokio::test(start_paused = true)]
    async fn the_status_is_told_when_it_is_another_one() {
        let mut snapshot = Snapshot::new(Timestamp::default());
        let connection = snapshot.connection.clone();
        let feed = Feed::new(snapshot.clone());
        let (pulse, _beat) = pulse();
        let told = Mutex::new(Vec::new());
        let following = follow(&feed, &pulse, None, |line| told.lock().unwrap().push(line.to_owned()));
        tokio::pin!(following);
        let mut publish = async |change: Change| {
            feed.publish([change.into()]);
            assert!(tokio::time::timeout(WATCHDOG, &mut following).await.is_err());
        };
        snapshot.bridge.state = BridgeState::Running;
        publish(Change::Queue(1)).await;
        publish(Change::Bridge(BridgeView { state: BridgeState::Running, ..snapshot.bridge.clone() })).await;
        publish(Change::Queue(2)).await;
        publish(Change::Connection(ConnectionView { state: ConnectionState::Open, ..connection.clone() })).await;
        publish(Change::Connection(ConnectionView { state: ConnectionState::LoggedOut, ..connection })).await;
        let expected = [
            "STATUS=the bridge does not run",
            "STATUS=not connected, since the bridge does not run",
            "STATUS=connected to WhatsApp",
            "STATUS=logged out by the phone",
        ];
        assert_eq!(*told.lock().unwrap(), expected);
    }

    #[test]
    fn the_watchdog_of_another_process_and_sockets_of_other_kinds_are_not_ours() {
        let of = |pid: &str, socket: &str| {
            let (pid, socket) = (OsString::from(pid), OsString::from(socket));
            Notifier::from_env(move |name| match name {
                "NOTIFY_SOCKET" => Some(socket.clone()),
                "WATCHDOG_USEC" => Some("20000000".into()),
                "WATCHDOG_PID" => Some(pid.clone()).filter(|pid| !pid.is_empty()),
                _ => None,
            })
        };
        let ours = std::process::id().to_string();
        for (pid, expected) in [("", Some(WATCHDOG)), (&ours, Some(WATCHDOG)), ("1", None)] {
            assert_eq!(of(pid, "@x").unwrap().unwrap().watchdog, expected, "{pid:?}");
        }
        assert!(of("", "").unwrap().is_none());
        for other in ["vsock:2:1", "relative", &"/x".repeat(200)] {
            assert!(of("", other).is_err(), "{other}");
        }
    }
}
