//! The commands that ask a gateway, as a script uses them: the real program on both sides.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use whatsapp_simulator::OWNER;

use crate::support::{Gateway, Place, within};

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// What stands on stdout, which is one document and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A command in this place.
pub fn command(place: &Place, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(args).env_clear().envs(place.env()).current_dir(place.home());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Ran {
    ended(command.spawn().unwrap()).await
}

async fn ended(child: Child) -> Ran {
    let output = within("the command's end", child.wait_with_output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command that asks this gateway.
async fn ask(place: &Place, gateway: &Gateway, args: &[&str]) -> Ran {
    let url = format!("http://{}", gateway.address);
    run(command(place, &[args, &["--url", &url]].concat())).await
}

/// A way to a gateway that can be cut, and that leads to whichever gateway there is.
struct Way {
    address: String,
    to: tokio::sync::watch::Sender<String>,
    /// How many streams of events have begun, as those who follow them see it.
    streams: tokio::sync::watch::Receiver<usize>,
}

impl Way {
    /// The first `losses` answers are read and thrown away.
    async fn to(gateway: &Gateway, mut losses: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (to, target) = tokio::sync::watch::channel(gateway.address.clone());
        let (begun, streams) = tokio::sync::watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let target = target.borrow().clone();
                let begun = begun.clone();
                let lose = losses > 0;
                losses = losses.saturating_sub(1);
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    if lose {
                        let mut buffer = [0; 4096];
                        let n = near.read(&mut buffer).await.unwrap();
                        far.write_all(&buffer[..n]).await.unwrap();
                        assert!(far.read(&mut buffer).await.unwrap() > 0, "it was answered");
                    } else {
                        let ((mut asks, mut hears), (mut tells, mut takes)) = (near.split(), far.split());
                        let answers = async {
                            let mut buffer = [0; 4096];
                            while let Ok(n @ 1..) = tells.read(&mut buffer).await {
                                if hears.write_all(&buffer[..n]).await.is_err() {
                                    break;
                                }
                                let begins = buffer[..n].windows(6).any(|part| part == b"retry:");
                                begun.send_if_modified(|count| {
                                    *count += usize::from(begins);
                                    begins
                                });
                            }
                        };
                        tokio::select! {
                            _ = tokio::io::copy(&mut asks, &mut takes) => {}
                            () = answers => {}
                        }
                    }
                });
            }
        });
        Self { address, to, streams }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_see_how_it_does_link_it_and_send() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.until(|status| status["pairing"] == "qr").await;

    let status = ask(&place, &gateway, &["status"]).await;
    assert_eq!((status.code, status.err.as_str()), (Some(5), ""), "{status:?}");
    assert!(status.out.starts_with("WhatsApp    waits for somebody to link it"), "{}", status.out);
    assert!(!status.out.contains('\x1b'), "no colours in a pipe");

    // What a pipe gets of it is as good as what the API gives.
    let qr = ask(&place, &gateway, &["qr", "--json"]).await;
    assert_eq!((qr.code, qr.err.as_str()), (Some(0), ""), "{qr:?}");
    let drawn = ask(&place, &gateway, &["qr"]).await;
    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    assert!(drawn.out.lines().all(|line| line.chars().all(|c| "█▀▄ ".contains(c))), "{}", drawn.out);
    assert!(drawn.err.contains("Linked devices"), "{}", drawn.err);

    let url = format!("http://{}", gateway.address);
    let mut watching = command(&place, &["qr", "--watch", "--json", "--url", &url]).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let shown = within("a QR", lines.next_line()).await.unwrap().unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    within("the scan", place.simulator.scan(shown["qr"].as_str().unwrap())).await.expect("it can be linked");
    let watched = ended(watching).await;
    assert_eq!(watched.code, Some(0), "{watched:?}");
    assert!(watched.err.ends_with("pilothouse: linked\n"), "{watched:?}");
    gateway.until(|status| status["connected"] == true).await;

    let status = ask(&place, &gateway, &["status", "--json"]).await;
    assert_eq!((status.code, status.err.as_str()), (Some(0), ""), "{status:?}");
    assert_eq!(status.json()["account"]["phone"], OWNER);
    for refused in [&["qr"][..], &["qr", "--watch"], &["pair", OWNER]] {
        let refused = ask(&place, &gateway, refused).await;
        assert_eq!((refused.code, refused.out.as_str()), (Some(5), ""), "{refused:?}");
        assert!(refused.err.contains("linked already"), "{refused:?}");
    }
    assert_eq!(gateway.status().await["linking"]["use_pairing_code"], false, "who is refused changes nothing");

    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    let sent = ask(&place, &gateway, &["send", &ana.number(), "Hola", "--wait", "--json"]).await;
    assert_eq!((sent.code, sent.err.as_str()), (Some(0), ""), "{sent:?}");
    let message = sent.json();
    assert!(message["sent_at"].is_string(), "{message}");
    let mut piped = command(&place, &["send", &ana.number(), "-", "--url", &url]);
    let mut piped = piped.stdin(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all("two\nlines\n".as_bytes()).await.unwrap();
    let piped = ended(piped).await;
    assert_eq!((piped.code, piped.err.as_str()), (Some(0), ""), "{piped:?}");
    let id = piped.out.split(' ').next().unwrap();
    let received = within("the messages", ana.wait_received(2)).await;
    assert_eq!((received[1].id.as_str(), received[1].text.as_str()), (id, "two\nlines"));

    ana.send_text("buenos d\u{ed}as\u{1b}]52;c;eA==\u{7}").await.unwrap();
    gateway.until(|status| status["messages_received"] == 1).await;
    let found = within("the search", async {
        loop {
            let found = ask(&place, &gateway, &["messages", "--search", "buenos dias", "--direction", "in"]).await;
            // It is sorted in a moment after it is told.
            if !found.err.ends_with("ask again\n") {
                break found;
            }
        }
    })
    .await;
    assert_eq!((found.code, found.err.as_str()), (Some(0), ""), "{found:?}");
    assert!(found.out.ends_with("←   Ana                   buenos días␛]52;c;eA==␇\n"), "{}", found.out);
    let two = ask(&place, &gateway, &["messages", "--json", "--limit", "2", "--oldest-first"]).await.json();
    let texts: Vec<_> = two["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!((texts, two["next_cursor"].is_string()), (vec!["Hola", "two\nlines"], true));
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_link_it_by_a_code() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    let wrong = ask(&place, &gateway, &["pair", "12345"]).await;
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""), "{wrong:?}");
    gateway.until(|status| status["pairing"] == "qr").await;
    let paired = ask(&place, &gateway, &["pair", OWNER]).await;
    assert_eq!(paired.code, Some(0), "{paired:?}");
    let code = paired.out.trim().replace('-', "");
    assert!(within("the code", place.simulator.enter_code(&code)).await.unwrap(), "{paired:?}");
    gateway.until(|status| status["connected"] == true).await;
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_what_kind_of_failure_it_is() {
    let place = Place::bare().await;
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    let url = format!("http://{}", gateway.address);
    let wrong = place.home().join("wrong");
    std::fs::write(&wrong, "nonsense\n").unwrap();
    let wrong = wrong.to_str().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (gone, no_gateway) = (format!("http://{gone}"), "no gateway answers");
    for (args, code, words) in [
        (&["status", "--url", &gone][..], 3, no_gateway),
        (&["tail", "--url", &gone], 3, no_gateway),
        (&["send", "+15551112222", "x", "--url", &gone], 3, no_gateway),
        (&["status", "--url", "unix:/no/such.sock"], 3, no_gateway),
        (&["status", "--url", "https://127.0.0.1"], 2, "ssh -L"),
        (&["status", "--listen", "nonsense"], 2, "is not valid"),
        (&["status", "--url", &url, "--token-file", wrong], 4, "token"),
        (&["tail", "--url", &url, "--token-file", wrong], 4, "token"),
        (&["status", "--url", &url, "--token-file", "/no/such"], 2, "can't read the token"),
        (&["qr", "--url", &url], 5, "no QR"),
        (&["send", "12", "x", "--url", &url], 2, "starts with +"),
        (&["send", "+15551112222", "", "--url", &url], 2, "empty"),
        (&["send", "+15551112222", "x", "--wait", "--timeout", "1", "--url", &url], 7, "still waits"),
        (&["send", "+15551112222", "x", "--expires-in", "1", "--wait", "--url", &url], 6, "not left in time"),
        (&["messages", "--search", "", "--url", &url], 2, "q"),
        (&["messages", "--from", "yesterday", "--url", &url], 2, "from"),
        (&["tail", "--type", "nothing", "--url", &url], 2, "message.received"),
        (&["tail", "--after", "x", "--url", &url], 2, "--after"),
        (&["nothing"], 2, "nothing"),
    ] {
        let ran = run(command(&place, args)).await;
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        assert!(ran.err.contains(words), "{args:?}: {ran:?}");
        let told = code == 6; // the message is the result, and the failure is said beside it
        assert_eq!(ran.out.is_empty(), !told, "{args:?}: {ran:?}");
    }
    let by_variable = |token: &str| {
        let mut command = command(&place, &["status", "--url", &url]);
        command.env("PILOTHOUSE_TOKEN", token);
        command
    };
    assert_eq!(run(by_variable("nonsense")).await.code, Some(4));
    std::fs::rename(place.data().join("token"), place.home().join("token")).unwrap();
    assert_eq!(run(by_variable(&gateway.token)).await.code, Some(4), "the gateway has no token any more");
    std::fs::rename(place.home().join("token"), place.data().join("token")).unwrap();
    assert_eq!(run(by_variable(&gateway.token)).await.code, Some(5));
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_not_a_second_message() {
    let place = Place::bare().await;
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    let way = Way::to(&gateway, 2).await;
    let sent = run(command(&place, &["send", "+15551112222", "once", "--json", "--url", &way.url()])).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.err.contains("asking again"), "{sent:?}");
    let kept = gateway.get("/messages").await.json;
    let kept: Vec<_> = kept["messages"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!(kept, [sent.json()["id"].clone()]);
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_message_waits_for_the_gateway_too() {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    place.simulator.withhold_acks(true).await;
    let way = Way::to(&gateway, 0).await;
    let sending = command(&place, &["send", &ana.number(), "patience", "--wait", "--url", &way.url()]).spawn().unwrap();
    within("the message", ana.wait_received(1)).await;
    assert!(gateway.end().await.success());
    place.simulator.withhold_acks(false).await;
    let gateway = Gateway::start(&place, &[]).await;
    way.to.send_replace(gateway.address.clone());
    let sent = ended(sending).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.out.ends_with(" sent\n") || sent.out.ends_with(" delivered\n"), "{sent:?}");
    assert_eq!(ana.received().await.len(), 1);
    assert!(gateway.end().await.success());
}

/// A `tail` that runs.
struct Tailing {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tailing {
    fn start(place: &Place, args: &[&str]) -> Self {
        let mut child = command(place, &[&["tail"], args].concat()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let Some(line) = within("an event", self.lines.next_line()).await.unwrap() else {
            let mut said = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
            panic!("it ended: {:?}, {said}", self.child.wait().await.unwrap());
        };
        line
    }

    async fn event(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_tells_each_event_once_over_restarts_and_ends_with_its_reader() {
    let place = Place::bare().await;
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    let send = async |gateway: &Gateway, text: &str| {
        let sent = ask(&place, gateway, &["send", "+15551112222", text]).await;
        assert_eq!(sent.code, Some(0), "{sent:?}");
    };
    let mut way = Way::to(&gateway, 0).await;
    let filter = ["--json", "--type", "message.*", "--url", &way.url()];
    let mut tail = Tailing::start(&place, &[&filter[..], &["--after", "0"]].concat());
    send(&gateway, "1").await;
    assert_eq!(tail.event().await["data"]["text"], "1");
    // This one is told nothing before the restart, and must not miss what comes while it is cut off.
    let mut late = Tailing::start(&place, &filter);
    within("the streams", way.streams.wait_for(|count| *count == 2)).await.unwrap();
    // Another test's gateway may get the port of the one that is gone, and would not admit them.
    way.to.send_replace("127.0.0.1:1".to_owned());
    gateway.kill().await;
    let gateway = Gateway::start(&place, &["--bridge", "/bin/cat"]).await;
    send(&gateway, "2").await;
    way.to.send_replace(gateway.address.clone());
    send(&gateway, "3").await;
    for text in ["2", "3"] {
        assert_eq!(tail.event().await["data"]["text"], text);
        assert_eq!(late.event().await["data"]["text"], text);
    }
    let mut human = Tailing::start(&place, &["--after", "0", "--type", "message.*", "--url", &way.url()]);
    assert!(human.line().await.contains(" → +15551112222 queued "), "it is told in words");
    // Nobody reads any more, and nothing more happens: it ends all the same, and says nothing.
    drop(human.lines);
    let ended = within("its end", human.child.wait_with_output()).await.unwrap();
    assert_eq!((ended.status.code(), ended.status.signal()), (Some(0), None));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert!(gateway.end().await.success());
    // The gateway has gone: they wait for another one, with one word about it.
    tail.child.start_kill().unwrap();
    let mut said = String::new();
    tail.child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert!(said.contains("connecting again until it works"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_where_no_gateway_ever_ran() {
    let place = Place::bare().await;
    let ran = run(command(&place, &["status"])).await;
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(!place.data().exists());
}
