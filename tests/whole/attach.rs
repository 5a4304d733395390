//! Consoles of a gateway in another process: attached to it, and kept apart from it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use portable_pty::CommandBuilder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Gateway, Place, signal, within};
use crate::terminal::{Terminal, script};

/// A bridge that is connected, and has all that it is given sent, of which it may complain.
const BRIDGE: &str = r#"#!/bin/sh
echo '{"type":"hello","protocol":{"major":1},"bridge":"test","capabilities":["ids","connection"]}'
echo '{"type":"connection","state":"open","account":{"phone":"+15550009999"}}'
while read -r line; do
  case "$line" in *'"cmd":"send"'*)
    case "$line" in *complain*) echo "[bridge] heard: ${line##*complain }" >&2;; esac
    id=${line#*\"id\":\"}
    echo "{\"type\":\"sent\",\"to\":\"+15551112222\",\"ok\":true,\"id\":\"${id%%\"*}\"}"
  esac
done
"#;

/// The program with these arguments, in a terminal.
fn program(place: &Place, size: (u16, u16), args: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(args);
    command.env_clear();
    for (name, value) in place.env() {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    command.cwd(place.home());
    Terminal::run(command, size)
}

async fn gateway(place: &Place) -> Gateway {
    let bridge = script(place, BRIDGE);
    let gateway = Gateway::start(place, &["--bridge", bridge.to_str().unwrap()]).await;
    gateway.until(|status| status["connected"] == true).await;
    gateway
}

/// Esc, and not with the next key, which would be another one.
async fn leave_the_box(terminal: &mut Terminal) {
    terminal.types("\x1b");
    terminal.shows("? help  q quit").await;
}

/// Waits for the end of a program that can't run, whose one sentence has these words.
async fn fails(place: &Place, args: &[&str], code: u32, words: &str) {
    let terminal = program(place, (200, 24), args);
    let (status, bytes) = terminal.ran().await;
    let said = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(status.exit_code(), code, "{args:?}: {said}");
    assert_eq!(said.trim().lines().count(), 1, "{args:?}: {said}");
    assert!(said.contains(words), "{args:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consoles_show_what_the_gateway_has_and_send_from_it() {
    let place = Place::bare().await;
    let gateway = gateway(&place).await;
    for n in 0..320 {
        let sent = gateway.post("/send", json!({"to": "+15551112222", "text": format!("number {n}")})).await;
        assert_eq!(sent.status, 202);
    }
    let mut one = program(&place, (80, 24), &["attach"]);
    let url = format!("http://{}", gateway.address);
    let mut two = program(&place, (120, 40), &["attach", &url]);
    for terminal in [&mut one, &mut two] {
        terminal.shows("q leaves this console, and the gateway goes on").await;
        terminal.shows("number 319").await;
    }
    one.shows("attached to unix:").await;
    two.shows(&url).await;
    one.types("i+15551112222 from the first\r");
    for terminal in [&mut one, &mut two] {
        terminal.shows("✓  from the first").await;
    }
    // What the snapshot does not have is looked up.
    leave_the_box(&mut one).await;
    one.types("g");
    one.shows("number 0 ").await;
    two.types("C");
    two.shows("Chats").await;
    two.shows("from the first").await;
    for terminal in [one, two] {
        let mut terminal = terminal;
        terminal.types("q");
        assert!(terminal.ended().await.0.success());
    }
    assert_eq!(gateway.get("/livez").await.status, 200);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_and_comes_back_is_lost_and_found_by_its_console() {
    let place = Place::bare().await;
    let first = gateway(&place).await;
    first.post("/send", json!({"to": "+15551112222", "text": "before"})).await;
    let mut terminal = program(&place, (80, 24), &["attach"]);
    terminal.shows("✓  before").await;
    terminal.types("i+15551112222 written meanwhile");
    first.kill().await;
    terminal.shows("connection to the gateway lost").await;
    terminal.shows("before").await;
    terminal.types("\r");
    terminal.shows("nothing was done").await;
    terminal.shows("written meanwhile").await;
    let second = gateway(&place).await;
    terminal.shows("● connected").await;
    terminal.types("\r");
    terminal.shows("✓  written meanwhile").await;
    let kept = second.get("/messages?q=written").await.json;
    assert_eq!(kept["messages"].as_array().unwrap().len(), 1, "{kept}");
    leave_the_box(&mut terminal).await;
    terminal.types("q");
    assert!(terminal.ended().await.0.success());
    assert!(second.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_shows_the_log_of_the_gateway_what_was_logged_before_and_what_is_then() {
    let place = Place::bare().await;
    let first = gateway(&place).await;
    let complain = async |gateway: &Gateway, of: &str| {
        let sent = gateway.post("/send", json!({"to": "+15551112222", "text": format!("complain {of} ")})).await;
        assert_eq!(sent.status, 202);
    };
    complain(&first, "of-the-past").await;
    let mut terminal = program(&place, (120, 40), &["attach"]);
    terminal.shows("q leaves this console").await;
    terminal.types("4");
    terminal.shows("app: the API listens").await;
    terminal.shows("heard: of-the-past").await;
    complain(&first, "of-the-present").await;
    terminal.shows("heard: of-the-present").await;
    // Filtered as where the gateway is.
    terminal.types("LL");
    terminal
        .until("only warnings", |screen| {
            let text = screen.contents();
            (text.contains("Log: warn and above") && !text.contains("the API listens")).then_some(())
        })
        .await;
    terminal.types("LL");
    terminal.shows("app: the API listens").await;
    first.kill().await;
    terminal.shows("connection to the gateway lost").await;
    let second = gateway(&place).await;
    complain(&second, "of-the-future").await;
    terminal.shows("heard: of-the-future").await;
    terminal.types("q");
    assert!(terminal.ended().await.0.success());
    assert!(second.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_attaching_is_said_in_one_sentence() {
    let place = Place::bare().await;
    fails(&place, &["attach"], 3, "no gateway answers").await;
    fails(&place, &["attach", "/no/such.sock"], 3, "no gateway answers at unix:/no/such.sock").await;
    fails(&place, &["attach", "https://gateway.lan"], 2, "ssh -L").await;
    let gateway = gateway(&place).await;
    let url = format!("http://{}", gateway.address);
    let wrong = place.home().join("wrong");
    std::fs::write(&wrong, "nonsense\n").unwrap();
    fails(&place, &["attach", &url, "--token-file", wrong.to_str().unwrap()], 4, "pilothouse token").await;
    fails(&place, &[], 1, "`pilothouse attach` shows its console").await;
    assert!(gateway.end().await.success());

    // Another version says so in the first line, and an older one has nothing there.
    let answer = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    for (answer, words) in [
        (answer("200 OK", "{\"pilothouse\":\"99.0.0\"}\n"), "has the version 99.0.0, and this program"),
        (answer("404 Not Found", "{\"detail\": \"there is nothing at /console\"}"), "is older than this program"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                let mut request = [0; 4096];
                assert!(caller.read(&mut request).await.unwrap() > 0);
                caller.write_all(answer.as_bytes()).await.unwrap();
                // Kept open until the caller goes.
                let _ = tokio::io::copy(&mut caller, &mut tokio::io::sink()).await;
            }
        });
        fails(&place, &["attach", &url], 5, words).await;
    }
}

/// The process that has this folder.
fn holder(folder: &Path) -> i64 {
    std::fs::read_to_string(folder.join("pilothouse.lock")).unwrap().trim().parse().unwrap()
}

/// Waits until a process that is nobody's child here has gone.
async fn gone(pid: i64) {
    let process = format!("/proc/{pid}");
    let going = async {
        while Path::new(&process).exists() {
            tokio::task::yield_now().await;
        }
    };
    within("the end of a process", going).await;
}

/// A gateway that was started on its own. It is killed when the test ends, however it ends.
struct Kept(i64);

impl Kept {
    fn of(place: &Place) -> Self {
        Self(holder(&place.data()))
    }

    /// Asks whether it lives.
    async fn answers(&self, place: &Place) {
        let socket = place.data().join("pilothouse.sock");
        let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
        let request = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        within("an answer", stream.read_to_end(&mut answer)).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// Waits until all of its threads sleep at once. One that spins on a terminal that is gone never does.
    async fn rests(&self) {
        let sleeps = |task: std::io::Result<std::fs::DirEntry>| {
            // One that has ended meanwhile uses nothing either.
            let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else { return true };
            stat.rsplit_once(')').unwrap().1.trim_start().starts_with('S')
        };
        let resting = async {
            while !std::fs::read_dir(format!("/proc/{}/task", self.0)).unwrap().all(sleeps) {
                tokio::task::yield_now().await;
            }
        };
        within("all threads asleep", resting).await;
    }

    fn session(&self) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3).unwrap().to_owned()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill").args(["-KILL", &self.0.to_string()]).output();
    }
}

fn keep(place: &Place, bridge: &Path) -> Terminal {
    program(place, (100, 30), &["--keep", "--bridge", bridge.to_str().unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_gateway_outlives_quitting_hangups_and_the_terminal() {
    let place = Place::bare().await;
    let bridge = script(&place, BRIDGE);
    let mut terminal = keep(&place, &bridge);
    terminal.shows("q leaves this console, and the gateway goes on").await;
    let gateway = Kept::of(&place);
    assert_eq!(gateway.session(), gateway.0.to_string(), "no terminal is its own");
    terminal.shows("● connected").await;
    terminal.types("q");
    let (status, bytes) = terminal.ran().await;
    assert!(status.success());
    let said = String::from_utf8_lossy(&bytes).into_owned();
    assert!(said.contains(&format!("the gateway goes on (process {})", gateway.0)), "{said}");
    gateway.answers(&place).await;

    // The same command again shows the same gateway.
    let mut again = keep(&place, &bridge);
    again.shows("● connected").await;
    assert_eq!(holder(&place.data()), gateway.0);
    signal(again.pid(), "HUP");
    assert!(again.ended().await.0.success());
    gateway.answers(&place).await;

    // The terminal goes away under a console that is shown, and that no hangup reaches.
    let console = lose_the_terminal(&place).await;
    gone(console).await;
    for _ in 0..20 {
        gateway.rests().await;
        gateway.answers(&place).await;
    }

    signal(gateway.0, "TERM");
    gone(gateway.0).await;
    std::mem::forget(gateway);
}

/// Attaches a console in a terminal whose holder is killed once the console is shown. Returns the console's process.
async fn lose_the_terminal(place: &Place) -> i64 {
    let held = place.home().join("held.sh");
    let program = env!("CARGO_BIN_EXE_pilothouse");
    std::fs::write(&held, format!("#!/bin/sh\ntrap '' HUP\nexec {program} attach\n")).unwrap();
    std::fs::set_permissions(&held, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut holder_of_it = tokio::process::Command::new(std::env::current_exe().unwrap());
    holder_of_it.args(["--ignored", "--exact", "terminal::ends::holds_a_terminal"]).env_clear().envs(place.env());
    holder_of_it.env("HELD", &held).current_dir(place.home()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut holding = holder_of_it.spawn().unwrap();
    let mut shown = holding.stdout.take().unwrap();
    let mut bytes = Vec::new();
    let drawn = async {
        while !String::from_utf8_lossy(&bytes).contains("connected") {
            assert!(shown.read_buf(&mut bytes).await.unwrap() > 0, "{}", String::from_utf8_lossy(&bytes));
        }
    };
    within("the console", drawn).await;
    let seats = place.data().join("consoles");
    let seat = std::fs::read_dir(seats).unwrap().next().unwrap().unwrap().path().join("1");
    let console = holder(&seat);
    holding.kill().await.unwrap();
    console
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keep_it_is_said_that_both_end_together_and_a_kept_one_that_can_not_start_says_why() {
    let place = Place::bare().await;
    let bridge = script(&place, BRIDGE);
    let mut terminal = program(&place, (80, 24), &["--bridge", bridge.to_str().unwrap()]);
    terminal.shows("quitting or closing this terminal stops the gateway; --keep lets it go on").await;
    signal(terminal.pid(), "HUP");
    assert!(terminal.ended().await.0.success());

    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    fails(&place, &["--keep", "--listen", &listen], 1, "is another program there?").await;
    // Another gateway there, which lets nobody in, is not taken for this one.
    let other = Place::bare().await;
    let gateway = gateway(&other).await;
    fails(&place, &["--keep", "--listen", &gateway.address], 1, "is another program there?").await;
    assert!(gateway.end().await.success());
}
