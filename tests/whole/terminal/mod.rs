//! The whole program in a pseudo-terminal: what an operator sees and types.

mod editor;
mod ends;
mod jobs;
mod linking;
mod qr;
mod screen;

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tokio::sync::watch;
use vt100::Parser;

use crate::support::{Place, bridge_folder, within};

/// A terminal with the program in it.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: watch::Receiver<Seen>,
    size: (u16, u16),
    /// The settings of the line before the program changed them.
    before: String,
}

/// What the terminal has got so far.
struct Seen {
    parser: Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl Terminal {
    pub fn run(command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut output = pair.master.try_clone_reader().expect("its output");
        let keys = pair.master.take_writer().expect("its keys");
        let before = format!("{:?}", pair.master.get_termios());
        let of = |n| NonZeroU16::new(n).expect("a size");
        let seen = Seen { parser: Parser::new(of(rows), of(columns), 0), bytes: Vec::new(), ended: false };
        let (news, screen) = watch::channel(seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let n = output.read(&mut buffer).unwrap_or(0);
                news.send_modify(|seen| {
                    seen.parser.process(&buffer[..n]);
                    seen.bytes.extend_from_slice(&buffer[..n]);
                    seen.ended = n == 0;
                });
                if n == 0 {
                    return;
                }
            }
        });
        let child = pair.slave.spawn_command(command).expect("the program");
        Self { child, master: pair.master, keys, screen, size: (columns, rows), before }
    }

    /// The console, with the bundled bridge or another.
    pub fn console(place: &Place, size: (u16, u16), bridge: Option<&Path>) -> Self {
        Self::console_with(place, size, bridge, &[])
    }

    /// The same, with more variables in its environment.
    fn console_with(place: &Place, size: (u16, u16), bridge: Option<&Path>, env: &[(&str, &Path)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pilothouse"));
        let bundled = bridge_folder().join("baileys-bridge.mjs");
        command.args(["--bridge".as_ref(), bridge.unwrap_or(&bundled).as_os_str()]);
        command.env_clear();
        for (name, value) in place.env() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd(place.home());
        Self::run(command, size)
    }

    /// Waits until the screen shows it.
    pub async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&vt100::Screen) -> Option<T>) -> T {
        let mut found = None;
        let mut ended = false;
        let waiting = self.screen.wait_for(|seen| {
            found = look(seen.parser.screen());
            ended = seen.ended;
            found.is_some() || ended
        });
        let late = tokio::time::timeout(crate::support::PATIENCE, async { waiting.await.is_ok() }).await.is_err();
        assert!(!late && found.is_some(), "{what} was not shown (ended: {ended}):\n{}", self.text());
        found.unwrap()
    }

    pub async fn shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text).then_some(())).await;
    }

    fn text(&self) -> String {
        self.screen.borrow().parser.screen().contents()
    }

    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self.keys.flush().expect("keys");
    }

    /// Leaves by `q`, with the word that is asked for.
    pub fn quits(&mut self) {
        self.types("qstop\r");
    }

    /// What the QR on the screen says.
    async fn qr(&mut self) -> String {
        let size = self.size;
        self.until("a QR", |screen| qr::decode(screen, size)).await
    }

    /// Links the account by the QR on the screen.
    pub async fn link(&mut self, place: &Place) {
        let qr = self.qr().await;
        within("the scan", place.simulator.scan(&qr)).await.expect("the QR on the screen is the bridge's");
        self.shows("● connected").await;
    }

    pub fn pid(&self) -> i64 {
        self.child.process_id().expect("it runs").into()
    }

    /// Waits for the end of a program that shows no console. Returns all that it wrote.
    pub async fn ran(mut self) -> (ExitStatus, Vec<u8>) {
        let status = end_of(self.child).await;
        drop((self.keys, self.master));
        let seen = within("the last bytes", self.screen.wait_for(|seen| seen.ended)).await.unwrap();
        (status, seen.bytes.clone())
    }

    /// Waits for the end of a program that leaves the terminal alone. Returns all that it wrote.
    pub async fn bytes_of_the_end(mut self) -> Vec<u8> {
        let status = end_of(self.child).await;
        assert!(status.success(), "{status:?}");
        assert_eq!(format!("{:?}", self.master.get_termios()), self.before, "the line's settings were left alone");
        drop(self.keys);
        let seen = within("the last bytes", self.screen.wait_for(|seen| seen.ended)).await.unwrap();
        seen.bytes.clone()
    }

    /// Waits for the end, and looks whether the terminal is as it was before.
    pub async fn ended(mut self) -> (ExitStatus, Vec<u8>) {
        let status = end_of(self.child).await;
        assert_eq!(format!("{:?}", self.master.get_termios()), self.before, "the line's settings are back");
        drop(self.keys);
        let quiet = |bytes: &[u8]| bytes.ends_with(b"\x1b[?25h") || bytes.windows(6).any(|w| w == b"\x1b[?25h");
        let given_back = |seen: &Seen| {
            let screen = seen.parser.screen();
            let clean = !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste();
            clean && quiet(&seen.bytes)
        };
        let seen = within("the terminal as it was", self.screen.wait_for(given_back)).await.unwrap();
        (status, seen.bytes.clone())
    }
}

/// Waits for the end of a program. One that does not end is told to, since the test that fails by it would wait as well.
async fn end_of(mut child: Box<dyn Child + Send + Sync>) -> ExitStatus {
    let mut killer = child.clone_killer();
    let ending = tokio::task::spawn_blocking(move || child.wait().unwrap());
    if let Ok(status) = tokio::time::timeout(crate::support::PATIENCE, ending).await {
        return status.unwrap();
    }
    let _ = killer.kill();
    panic!("the program did not end");
}

pub fn script(place: &Place, text: &str) -> std::path::PathBuf {
    let path = place.home().join("bridge.sh");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The processes that this one started.
fn children(pid: i64) -> Vec<i64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<i64>>()).collect()
}
