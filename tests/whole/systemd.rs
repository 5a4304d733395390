//! The program as systemd sees it: the test is systemd.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::net::UnixDatagram as Socket;

use crate::support::{Gateway, Place, within};

/// Where the program is told to say how it does.
struct Systemd {
    socket: Socket,
    heard: Vec<String>,
}

impl Systemd {
    fn listening(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket: Socket::from_std(socket).unwrap(), heard: Vec::new() }
    }

    /// Waits for this line. What came before it is kept.
    async fn hears(&mut self, wanted: &str) {
        let mut buffer = [0; 1024];
        while !self.heard.iter().any(|line| line == wanted) {
            let n = within(wanted, self.socket.recv(&mut buffer)).await.unwrap();
            self.heard.extend(std::str::from_utf8(&buffer[..n]).unwrap().lines().map(str::to_owned));
        }
    }
}

async fn start(place: &Place, socket: &str) -> Gateway {
    let bridge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whole/fake-bridge.sh");
    let env = [("WA_FAKE", "no-hello"), ("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "100000")];
    Gateway::start_with(place, &["--bridge", bridge.to_str().unwrap()], &env).await
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hears_of_the_start_of_the_connection_of_the_loop_and_of_the_end() {
    let place = Place::bare().await;
    let path: PathBuf = place.home().join("notify");
    let abstract_name = format!("pilothouse-test-{}", std::process::id());
    let sockets = [
        (path.to_str().unwrap().to_owned(), SocketAddr::from_pathname(&path).unwrap()),
        (format!("@{abstract_name}"), SocketAddr::from_abstract_name(&abstract_name).unwrap()),
    ];
    for (name, address) in sockets {
        let mut systemd = Systemd::listening(&address);
        let gateway = start(&place, &name).await;
        systemd.hears("READY=1").await;
        assert_eq!(systemd.heard[0], "READY=1", "{:?}", systemd.heard);
        systemd.hears("STATUS=connected to WhatsApp").await;
        for _ in 0..3 {
            systemd.heard.clear();
            systemd.hears("WATCHDOG=1").await;
        }
        let ended = gateway.end();
        let (ended, ()) = tokio::join!(ended, systemd.hears("STOPPING=1"));
        assert!(ended.success());
    }
}

/// Where there is systemd-analyze, it says what it thinks of the unit. Its scale goes to 100, and less is better.
#[test]
fn systemd_finds_nothing_wrong_with_the_unit_and_little_exposed() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pilothouse.service");
    let text = std::fs::read_to_string(unit).unwrap();
    let here = format!("ExecStart={} ", env!("CARGO_BIN_EXE_pilothouse"));
    let installed = text.replace("ExecStart=/opt/pilothouse/pilothouse ", &here);
    assert!(installed.contains(&here));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.service");
    std::fs::write(&path, installed).unwrap();
    for how in [&["verify", "--man=no"][..], &["security", "--offline=true", "--threshold=15", "--no-pager"]] {
        let Ok(said) = Command::new("systemd-analyze").args(how).arg(&path).output() else { return };
        assert!(said.status.success(), "{how:?}: {said:?}");
    }
}
