//! The whole program in a pseudo-terminal: what an operator sees and types.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use vt100::{Color, Parser};
use whatsapp_simulator::OWNER;

use crate::passkey::{ALL, demanding};
use crate::support::{Place, bridge_folder, signal, within};

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
        self.until("a QR", |screen| decode(screen, size)).await
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
        let mut child = self.child;
        let status = within("the end", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
        drop((self.keys, self.master));
        let seen = within("the last bytes", self.screen.wait_for(|seen| seen.ended)).await.unwrap();
        (status, seen.bytes.clone())
    }

    /// Waits for the end of a program that leaves the terminal alone. Returns all that it wrote.
    pub async fn bytes_of_the_end(mut self) -> Vec<u8> {
        let mut child = self.child;
        let status = within("the end", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
        assert!(status.success(), "{status:?}");
        assert_eq!(format!("{:?}", self.master.get_termios()), self.before, "the line's settings were left alone");
        drop(self.keys);
        let seen = within("the last bytes", self.screen.wait_for(|seen| seen.ended)).await.unwrap();
        seen.bytes.clone()
    }

    /// Waits for the end, and looks whether the terminal is as it was before.
    pub async fn ended(mut self) -> (ExitStatus, Vec<u8>) {
        let mut child = self.child;
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap());
        let status = within("the end", status).await.unwrap();
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

/// Reads the QR on the screen from its cells, as a camera would from their pixels: 6 by 12 for each.
fn decode(screen: &vt100::Screen, (columns, rows): (u16, u16)) -> Option<String> {
    let dark = |color: Color| color == Color::Idx(16);
    let pixel = |x: usize, y: usize| {
        let (column, row) = (u16::try_from(x / 6).ok()?, u16::try_from(y / 12).ok()?);
        let cell = screen.cell(row, column)?;
        if !matches!((cell.fgcolor(), cell.bgcolor()), (Color::Idx(16 | 231), Color::Idx(16 | 231))) {
            return None;
        }
        let (x, y) = (x % 6, y % 12);
        let ink = match cell.contents().chars().next().unwrap_or(' ') {
            ' ' => false,
            '█' => true,
            '▄' => y >= 6,
            '▌' => x < 3,
            '▐' => x >= 3,
            c => sextant(c)? & 1 << (y / 4 * 2 + x / 3) != 0,
        };
        Some(dark(if ink { cell.fgcolor() } else { cell.bgcolor() }))
    };
    let (width, height) = (usize::from(columns) * 6, usize::from(rows) * 12);
    let luma = |x, y| if pixel(x, y).unwrap_or(false) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    image.detect_grids().first()?.decode().ok().map(|(_, text)| text)
}

/// The six parts of a sextant, by its place in Unicode: the first is U+1FB00, and the two halves are left out.
fn sextant(c: char) -> Option<u32> {
    let n = u32::from(c).checked_sub(0x1fb00).filter(|n| *n < 60)? + 1;
    Some(n + u32::from(n >= 21) + u32::from(n + u32::from(n >= 21) >= 42))
}

pub fn script(place: &Place, text: &str) -> std::path::PathBuf {
    let path = place.home().join("bridge.sh");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_on_the_screen_says_exactly_what_the_bridge_gave() {
    let place = Place::new().await;
    // As long as WhatsApp's: 257 characters.
    let qr = format!("https://wa.me/settings/linked_devices#2@{},1", "Ab3+/x9=".repeat(27).get(..215).unwrap());
    let line = format!(r#"printf '{{"type":"qr","qr":"{qr}"}}\n'; cat >/dev/null"#);
    let bridge = script(&place, &format!("#!/bin/sh\n{line}\n"));
    for size in [(80, 24), (80, 23), (120, 40), (200, 60)] {
        let mut terminal = Terminal::console(&place, size, Some(&bridge));
        assert_eq!(terminal.qr().await, qr, "{size:?}");
        if size.0 > 100 {
            // The other drawings, and the whole screen.
            terminal.types("v");
            terminal.shows("drawing: sextants").await;
            assert_eq!(terminal.qr().await, qr, "{size:?}");
        }
        terminal.types("Z");
        assert_eq!(terminal.qr().await, qr, "{size:?}");
        terminal.quits();
        assert!(terminal.ended().await.0.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_from_the_screen_watches_types_and_quits() {
    let place = Place::new().await;
    let mut terminal = Terminal::console(&place, (100, 30), None);
    terminal.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("Hola desde lejos").await.unwrap();
    terminal.shows("Hola desde lejos").await;
    terminal.shows("Ana").await;

    terminal.types("i+15551112222 Hi Ana 👋\r");
    let received = within("the message", ana.wait_received(1)).await;
    assert_eq!(received[0].text, "Hi Ana 👋");
    terminal.shows("✓✓").await;
    // The number stays the recipient.
    terminal.shows("To Ana +15551112222").await;
    terminal.types("and more\r");
    assert_eq!(within("the second", ana.wait_received(2)).await[1].text, "and more");
    ana.read(&ana.received().await[1].id).await;
    terminal.shows("◉").await;

    // A wrong number is said at once, and nothing of the line is lost.
    terminal.types("+0424 oops\r");
    terminal.shows("✗").await;
    terminal.shows("+0424 oops").await;

    let children = children(terminal.pid());
    assert_eq!(children.len(), 1, "the bridge");
    terminal.types("\x1b");
    terminal.shows("quit").await;
    terminal.quits();
    let (status, _) = terminal.ended().await;
    assert!(status.success(), "{status:?}");
    assert!(!Path::new(&format!("/proc/{}", children[0])).exists(), "the bridge is gone");
}

/// The processes that this one started.
fn children(pid: i64) -> Vec<i64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<i64>>()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_by_a_code_that_the_screen_shows() {
    let place = Place::new().await;
    let mut terminal = Terminal::console(&place, (80, 24), None);
    terminal.qr().await;
    terminal.types("p");
    terminal.shows("Number of the phone").await;
    terminal.types(&format!("{OWNER}\r"));
    let code = terminal
        .until("a code", |screen| {
            let text = screen.contents();
            let line = text.lines().find(|line| line.contains(" – "))?;
            let code: String = line.chars().filter(char::is_ascii_alphanumeric).collect();
            (code.len() == 8).then_some(code)
        })
        .await;
    assert!(within("the code", place.simulator.enter_code(&code)).await.unwrap());
    terminal.shows("● connected").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

/// What a terminal would have in its clipboard.
async fn copied(terminal: &mut Terminal) -> String {
    const BEGIN: &str = "\x1b]52;c;";
    let found = |seen: &Seen| {
        let bytes = String::from_utf8_lossy(&seen.bytes).into_owned();
        let (_, rest) = bytes.rsplit_once(BEGIN)?;
        rest.split_once("\x1b\\").map(|(text, _)| text.to_owned())
    };
    let seen = within("a copy", terminal.screen.wait_for(|seen| found(seen).is_some())).await.unwrap();
    String::from_utf8(BASE64_STANDARD.decode(found(&seen).unwrap()).unwrap()).unwrap()
}

fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

#[tokio::test(flavor = "multi_thread")]
async fn links_with_the_passkey_that_the_screen_asks_for() {
    let place = demanding().await;
    let mut terminal = Terminal::console(&place, (80, 24), None);
    let qr = terminal.qr().await;
    within("the scan", place.simulator.scan(&qr)).await.unwrap();
    terminal.shows("waiting for the passkey").await;
    terminal.shows("https://web.whatsapp.com").await;
    terminal.types("c");
    let snippet = copied(&mut terminal).await;
    // The options stand in it as a text of JavaScript, which is one of JSON as well.
    let (_, text) = snippet.split_once("JSON.parse(").expect("the options");
    let text = serde_json::Deserializer::from_str(text).into_iter::<String>().next().unwrap().unwrap();
    let options: Value = serde_json::from_str(&text).unwrap();
    let right = place.simulator.answer_passkey(&options).await.unwrap();

    // What is no answer stays in the box, and what answers something else is told by the bridge.
    terminal.types(&pasted("{\"hello\": \"world\"}"));
    terminal.types("\r");
    terminal.shows("this is not the passkey's answer: it is not the credential").await;
    terminal.shows("{\"hello\": \"world\"}").await;
    let other = serde_json::json!({"challenge": "b3RoZXI", "rpId": "whatsapp.com"});
    let other = place.simulator.answer_passkey(&other).await.unwrap();
    terminal.types("\x15");
    terminal.types(&pasted(&other.to_string()));
    terminal.types("\r");
    terminal.shows("✗ this is not the passkey's answer: it answers another challenge").await;
    assert!(place.simulator.passkey_checks().await.is_empty());

    terminal.types(&pasted(&format!("{right:#}\n")));
    terminal.shows("The passkey's answer is complete").await;
    terminal.types("\r");
    terminal.shows("● connected").await;
    assert_eq!(place.simulator.passkey_checks().await, ALL);
    terminal.shows("waiting 0").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_the_passkey_step_is_compared_by_the_owner() {
    let place = Place::bare().await;
    let text = r#"#!/bin/sh
read -r connect
echo '{"type":"passkey_code","code":"ABCD-1234","confirm":true}'
read -r confirm
case $confirm in
  '{"cmd":"passkey_confirm","same":true}') echo '{"type":"ready"}' ;;
  '{"cmd":"passkey_confirm","same":false}') echo '{"type":"error","error":"the codes differ"}' ;;
esac
cat >/dev/null
"#;
    let bridge = script(&place, text);
    for (key, shows) in [("y", "● connected"), ("n", "the codes differ")] {
        let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
        terminal.shows("A B C D – 1 2 3 4").await;
        terminal.types("c");
        terminal.shows("Does the phone show the same code?").await;
        terminal.types(key);
        terminal.shows(shows).await;
        terminal.quits();
        assert!(terminal.ended().await.0.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_link_is_said_with_the_key_that_helps() {
    let place = Place::new().await;
    let mut terminal = Terminal::console(&place, (120, 40), None);
    terminal.link(&place).await;
    place.simulator.unlink().await;
    terminal.shows("✗ logged out").await;
    terminal.shows("press r to link again").await;
    terminal.types("r");
    terminal.link(&place).await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_in_the_palette_send_and_log_out_once_it_is_confirmed() {
    let place = Place::new().await;
    let mut terminal = Terminal::console(&place, (120, 40), None);
    terminal.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    terminal.types(":send +15551112222 said in words\r");
    assert_eq!(within("the message", ana.wait_received(1)).await[0].text, "said in words");
    terminal.shows("✓✓").await;
    terminal.types(":log out\r");
    terminal.shows("Type log out and press Enter").await;
    terminal.types("log out\r");
    // There is a new QR at once, for the next account.
    terminal.link(&place).await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_in_the_operators_own_editor_and_the_gateway_goes_on() {
    let place = Place::new().await;
    let bridge = script(
        &place,
        r#"#!/bin/sh
echo '{"type":"ready"}'
while [ ! -e in-the-editor ]; do sleep 0.05; done
echo '{"type":"message","from":"+15551112222","body":"came meanwhile"}'
cat >/dev/null
"#,
    );
    let editor = place.home().join("editor.sh");
    // It says what it was given, and takes a line of keys: none of them may be missing.
    let text = r#"#!/bin/sh
echo "editing: $(cat "$1")"
touch in-the-editor
read -r line
[ "$line" = suspend ] && kill -STOP $$ && read -r line
printf '%s\nsecond line\n' "$line" >>"$1"
[ "$line" != fail ]
"#;
    std::fs::write(&editor, text).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut terminal = Terminal::console_with(&place, (100, 30), Some(&bridge), &[("EDITOR", &editor)]);
    terminal.shows("● connected").await;
    terminal.types("i+15551112222 begun ");
    terminal.shows("begun").await;
    terminal.types("\x05");
    terminal.shows("editing: +15551112222 begun").await;
    terminal.types("by hand\n");
    terminal.shows("Ctrl-e editor").await;
    terminal.shows("second line").await;
    terminal.shows("+15551112222 begun by hand").await;
    terminal.shows("came meanwhile").await;
    // Whoever suspends it gets it back: nothing else could.
    terminal.types("\x05");
    terminal.shows("editing: ").await;
    terminal.types("suspend\n");
    terminal.types("once more\n");
    terminal.shows("Ctrl-e editor").await;
    terminal.shows("once more").await;
    // An editor that fails changes nothing.
    terminal.types("\x05");
    terminal.shows("editing: ").await;
    terminal.types("fail\n");
    terminal.shows("the text stays as it was").await;
    terminal.types("\x1b");
    terminal.shows("q quit").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());

    // What was begun is there after a restart.
    let mut terminal = Terminal::console(&place, (100, 30), Some(&bridge));
    terminal.shows("once more").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_does_not_reach_the_terminal() {
    let place = Place::new().await;
    let body = r"\u001b]0;PWNED\u0007\u001b[2J\u009b31m\u202eevil";
    let event = format!(r#"{{"type":"message","from":"+15551112222","body":"{body}"}}"#);
    let bridge = script(&place, &format!("#!/bin/sh\ncat <<'EOF'\n{event}\nEOF\ncat >/dev/null\n"));
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    // The emulator leaves U+FFFD out, which stands for the control character before "31m".
    terminal.shows("␛]0;PWNED␇␛[2J31mevil").await;
    terminal.quits();
    let (status, bytes) = terminal.ended().await;
    assert!(status.success());
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    assert!(!holds(b"\x1b]0;PWNED") && !holds("\u{9b}".as_bytes()) && !holds("\u{202e}".as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_answered_during_a_flood() {
    let place = Place::new().await;
    let event = r#"{"type":"message","from":"+15551112222","body":"flood"}"#;
    let bridge = script(&place, &format!("#!/bin/sh\nexec yes '{event}'\n"));
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("flood").await;
    terminal.types("?");
    terminal.shows("Keys (").await;
    terminal.types("?");
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_leave_a_clean_terminal() {
    let place = Place::new().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    for name in ["TERM", "HUP", "INT"] {
        let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
        terminal.shows("quit").await;
        signal(terminal.pid(), name);
        let (status, _) = terminal.ended().await;
        assert!(status.success(), "{name}: {status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_ends_when_the_terminal_goes_away() {
    let place = Place::new().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("quit").await;
    let Terminal { mut child, master, keys, screen, .. } = terminal;
    let (pid, bridge) = (child.process_id().unwrap(), children(child.process_id().unwrap().into())[0]);
    drop((master, keys, screen));
    // The reading thread holds the last end of the terminal: it goes when the program goes, or is told to.
    signal(pid.into(), "HUP");
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    within("the end", ended).await.unwrap();
    assert!(!Path::new(&format!("/proc/{bridge}")).exists(), "the bridge is gone");
}

/// Run by the next test, in a terminal of its own.
#[test]
#[ignore = "only of use inside a pseudo-terminal"]
fn panics_with_the_terminal_taken() {
    let _screen = pilothouse::tui::terminal::Screen::take().unwrap();
    panic!("on purpose");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_leaves_a_clean_terminal_and_its_message() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "terminal::panics_with_the_terminal_taken"]);
    let terminal = Terminal::run(command, (80, 24));
    let (status, bytes) = terminal.ended().await;
    assert!(!status.success());
    assert!(String::from_utf8_lossy(&bytes).contains("on purpose"));
}

/// A shell in a terminal, in which programs are jobs.
fn shell(place: &Place, bridge: &Path) -> Terminal {
    let mut command = CommandBuilder::new("bash");
    command.args(["--norc", "--noprofile", "-i"]);
    command.env_clear();
    for (name, value) in place.env() {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    command.env("PS1", "ready> ");
    command.cwd(place.home());
    let mut terminal = Terminal::run(command, (80, 24));
    terminal.types(&format!("{} --bridge {}\r", env!("CARGO_BIN_EXE_pilothouse"), bridge.display()));
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_z_gives_the_terminal_to_the_shell_and_the_gateway_goes_on() {
    let place = Place::bare().await;
    let event = r#"{"type":"message","from":"+15551112222","body":"came meanwhile"}"#;
    let bridge =
        script(&place, &format!("#!/bin/sh\nuntil [ -e go ]; do sleep 0.05; done\necho '{event}'\ncat >/dev/null\n"));
    let mut terminal = shell(&place, &bridge);
    terminal.shows("quit").await;
    terminal.types("\x1a");
    terminal.shows("pilothouse still runs, whatever the shell says; fg brings it back").await;
    terminal.shows("Stopped").await;
    terminal.shows("ready> ").await;
    // What is typed is the shell's, and the gateway takes what comes meanwhile.
    terminal.types("touch go; until ps -o stat= -p $(jobs -p) | grep -q ^S; do sleep 0.1; done; echo goes\\ on\r");
    terminal.shows("goes on").await;
    terminal.types("fg\r");
    terminal.shows("came meanwhile").await;
    terminal.shows("quit").await;
    // Once more, to see that keys are the console's again.
    terminal.types("?");
    terminal.shows("Keys (").await;
    terminal.types("x\x1a");
    terminal.shows("ready> ").await;
    terminal.types("fg\r");
    terminal.shows("came meanwhile").await;
    terminal.quits();
    terminal.shows("ready> ").await;
    terminal.types("exit\r");
    let mut child = terminal.child;
    let status = within("the shell's end", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
    assert!(status.success(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_shell_ctrl_z_says_so() {
    let place = Place::bare().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("quit").await;
    terminal.types("\x1a");
    terminal.shows("no shell is waiting").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}

/// Holds the terminal of the next test, until it is killed.
#[test]
#[ignore = "only of use to another test"]
fn holds_a_terminal() {
    let program = std::env::var("HELD").unwrap();
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(program);
    command.env("TERM", "xterm-256color");
    let _child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    // Who started this may want to see it.
    let _ = std::io::copy(&mut pair.master.try_clone_reader().unwrap(), &mut std::io::stdout());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_away_without_a_signal_ends_the_program_in_order() {
    let place = Place::bare().await;
    let alive = place.home().join("alive");
    let made = std::process::Command::new("mkfifo").arg(&alive).status().unwrap();
    assert!(made.success());
    let bridge = script(&place, &format!("#!/bin/sh\nexec cat >/dev/null 3>{}\n", alive.display()));
    // Hangups do not reach it: what it notices is the end of the terminal itself.
    let held = place.home().join("held.sh");
    let program = env!("CARGO_BIN_EXE_pilothouse");
    std::fs::write(&held, format!("#!/bin/sh\ntrap '' HUP\nexec {program} --bridge {}\n", bridge.display())).unwrap();
    std::fs::set_permissions(&held, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut holder = tokio::process::Command::new(std::env::current_exe().unwrap());
    holder.args(["--ignored", "--exact", "terminal::holds_a_terminal"]).env_clear().envs(place.env());
    holder.env("HELD", &held).current_dir(place.home()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut holder = holder.spawn().unwrap();
    let opened = tokio::task::spawn_blocking(move || std::fs::File::open(alive).unwrap());
    let mut alive = within("the bridge", opened).await.unwrap();
    // It has drawn something, and so has hidden the cursor.
    let mut shown = holder.stdout.take().unwrap();
    let drawn = async {
        let mut seen = Vec::new();
        while !seen.windows(4).any(|part| part == b"quit") {
            assert!(shown.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
        }
    };
    within("the console", drawn).await;
    holder.kill().await.unwrap();
    // The bridge ends when the program has ended, and its end of the pipe with it.
    let ended = tokio::task::spawn_blocking(move || std::io::copy(&mut alive, &mut std::io::sink()).unwrap());
    within("the end of program and bridge", ended).await.unwrap();
    for entry in std::fs::read_dir(place.data().join("logs")).unwrap() {
        let log = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!log.contains("panic"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_of_panes_are_remembered_and_resizes_keep_the_last() {
    let place = Place::bare().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (130, 40), Some(&bridge));
    terminal.shows("Status").await;
    for rows in [40, 20, 39, 12, 41, 36, 40] {
        terminal.master.resize(PtySize { rows, cols: 130, pixel_width: 0, pixel_height: 0 }).unwrap();
    }
    terminal.types("\x17\x1b[C\x1b[C\x1b[C\r");
    let width = |screen: &vt100::Screen| {
        let text = screen.contents();
        let line = text.lines().next()?.to_owned();
        line.chars().position(|c| c == '╮').filter(|at| *at > 45)
    };
    let wide = terminal.until("a wider status", width).await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
    let mut again = Terminal::console(&place, (130, 40), Some(&bridge));
    assert_eq!(again.until("the same width", width).await, wide);
    again.quits();
    assert!(again.ended().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mouse_is_given_back_and_keys_of_the_settings_that_are_wrong_are_said_at_the_start() {
    let place = Place::bare().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("quit").await;
    terminal.types("\x1b[<0;5;12M2");
    terminal.shows("Status").await;
    terminal.quits();
    let (status, bytes) = terminal.ended().await;
    assert!(status.success());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = |needle: &str| text.rfind(needle).unwrap_or_else(|| panic!("{needle:?} was not sent"));
    assert!(at("\x1b[?1000h") < at("\x1b[?1000l") && at("\x1b[22;2t") < at("\x1b[23;2t"));

    std::fs::write(place.home().join("pilothouse.toml"), "[keys]\nquit = 'z'\n").unwrap();
    let mut terminal = Terminal::console(&place, (80, 24), Some(&bridge));
    terminal.shows("[keys] z means both").await;
    let mut child = terminal.child;
    let status = within("the end", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap();
    assert!(!status.success());
}
