//! The simulator as a program: for trying a console without a phone. Commands come from stdin; `help` lists them.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use whatsapp_simulator::{Addressing, Author, Contact, Members, OWNER, Receipts, Simulator, edit, reaction, revoke};

const HELP: &str = "\
link [ADDRESS [TOKEN]] fetch the QR or the pairing code from the API (127.0.0.1:7007) and link
scan TEXT             scan this QR
code ABCD1234         type this pairing code
passkey on|off        the account demands its passkey before it links
answer OPTIONS        answer a passkey's challenge, as the owner's browser does
name NUMBER NAME      somebody with this name can be written to
say NUMBER TEXT       a contact writes
group ID SUBJECT +NUMBER +NUMBER...  a group of the account and these contacts; ID is as 120363041234567890@g.us
say-in ID NUMBER TEXT a member writes in it           rename ID SUBJECT    it gets another subject
put-out ID            the account is put out of it
edit NUMBER TEXT      a contact changes what he wrote last    delete NUMBER   he deletes it
react NUMBER EMOJI    a contact reacts to what he got last; without EMOJI he takes it back
rate N                contacts write N messages a second; 0 stops
reads on|off          contacts read               echo on|off      contacts read and answer
drop                  close the connection        silent on|off   answer nothing
replace               another program takes over  logout          the phone removes the device
error CODE            end with a stream error     refuse CODE N   refuse the next N sends
help, quit
";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut port = 7070;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--port" => port = args.next().context("--port needs a number")?.parse()?,
            other => bail!("unknown argument {other}; there is only --port N"),
        }
    }
    let simulator = Simulator::start_on(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    say(&format!("A WhatsApp server for {OWNER} at {}. In another terminal:\n", simulator.url()));
    let settings: Vec<_> = simulator.bridge_env().iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    say(&format!("  {} cargo run --release\n", settings.join(" ")));
    say("Then type `link` here. `help` lists all commands.");
    let ana = simulator.contact("+15551112222", "Ana").await?;
    simulator.contact("+15553334444", "Ben").await?;
    simulator.contact("+584244370180", "Carla").await?;
    let mut desk = Desk { simulator, first: ana, echo: false, seen: HashMap::new(), said: HashMap::new() };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut open = true;
    let mut rate = tokio::time::interval(Duration::from_secs(3600));
    let mut per_tick = 0;
    let mut poll = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            line = lines.next_line(), if open => match line? {
                None => open = false,
                Some(line) if line.trim() == "quit" => return Ok(()),
                Some(line) => match desk.command(line.trim()).await {
                    Ok(Some(new_rate)) => {
                        per_tick = new_rate.div_ceil(20);
                        let pause = (1_000 * per_tick).checked_div(new_rate).unwrap_or(3_600_000);
                        rate = tokio::time::interval(Duration::from_millis(pause.max(1)));
                    }
                    Ok(None) => {}
                    Err(error) => say(&format!("{error:#}")),
                },
            },
            _ = rate.tick(), if per_tick > 0 => {
                for n in 0..per_tick {
                    let _ = desk.first.send_text(&format!("message {n} of this moment")).await;
                }
            }
            _ = poll.tick() => desk.show().await,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

struct Desk {
    simulator: Simulator,
    first: Contact,
    echo: bool,
    seen: HashMap<String, usize>,
    /// What each contact wrote last, by number.
    said: HashMap<String, String>,
}

impl Desk {
    /// Does one command. Returns a new rate, when that is what it sets.
    async fn command(&mut self, line: &str) -> anyhow::Result<Option<u64>> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let on = rest == "on";
        match command {
            "" => {}
            "help" => say(HELP),
            "link" => {
                let (address, token) = rest.split_once(' ').unwrap_or((rest, ""));
                let address = if address.is_empty() { "127.0.0.1:7007" } else { address };
                let token = if token.is_empty() { token_of_the_default_folder() } else { Some(token.to_owned()) };
                self.link(address, &token.unwrap_or_default()).await?;
            }
            "scan" => self.simulator.scan(rest).await?,
            "code" if self.simulator.enter_code(rest).await? => self.linked().await,
            "code" => say("a wrong code"),
            "passkey" => self.simulator.require_passkey(on).await,
            "answer" => say(&self.simulator.answer_passkey(&serde_json::from_str(rest)?).await?.to_string()),
            "name" => {
                let (number, name) = rest.split_once(' ').context("name NUMBER NAME")?;
                self.simulator.contact(number, name).await?;
            }
            "say" => {
                let (number, text) = rest.split_once(' ').context("say NUMBER TEXT")?;
                let id = self.simulator.contact(number, number).await?.send_text(text).await?;
                self.said.insert(number.to_owned(), id);
            }
            "group" | "say-in" | "rename" | "put-out" => self.group(command, rest).await?,
            "edit" | "delete" => {
                let (number, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let id = self.said.get(number).context("this contact has not written yet; see `say`")?;
                let change = if command == "edit" { edit(id, text) } else { revoke(id) };
                self.simulator.contact(number, number).await?.send(change, Addressing::Number).await?;
            }
            "react" => {
                let (number, emoji) = rest.split_once(' ').unwrap_or((rest, ""));
                let contact = self.simulator.contact(number, number).await?;
                let last = contact.received().await.pop().context("this contact has got nothing yet")?;
                contact.send(reaction(&last.id, Author::Account, emoji), Addressing::Number).await?;
            }
            "rate" => return Ok(Some(rest.parse()?)),
            "echo" | "reads" => {
                self.echo = on && command == "echo";
                let receipts = if on { Receipts::Read } else { Receipts::Delivered };
                for contact in self.simulator.contacts().await {
                    contact.set_receipts(receipts).await;
                }
            }
            "drop" => self.simulator.drop_connection().await,
            "silent" => self.simulator.set_silent(on).await,
            "replace" => self.simulator.replace().await,
            "logout" => self.simulator.unlink().await,
            "error" => self.simulator.stream_error(rest.parse()?).await,
            "refuse" => {
                let (code, count) = rest.split_once(' ').unwrap_or((rest, "1"));
                self.simulator.refuse_sends(code.parse()?, count.parse()?).await;
            }
            other => say(&format!("there is no command {other:?}; see help")),
        }
        Ok(None)
    }

    /// Does one command about a group.
    async fn group(&self, command: &str, rest: &str) -> anyhow::Result<()> {
        let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if command == "group" {
            let at = rest.find(" +").context("group ID SUBJECT +NUMBER +NUMBER...")?;
            let numbers: Vec<_> = rest[at..].split_whitespace().collect();
            ensure!(id.ends_with("@g.us"), "a group's ID is as 120363041234567890@g.us");
            self.simulator.group(id, &rest[..at], &numbers, Members::ByLid).await?;
            return Ok(());
        }
        let group = self.simulator.known_group(id).await.context("there is no such group; see `group`")?;
        match command {
            "say-in" => {
                let (number, text) = rest.split_once(' ').context("say-in ID NUMBER TEXT")?;
                group.say(number, text).await?;
            }
            "rename" => group.rename(rest).await,
            _ => group.put_out().await,
        }
        Ok(())
    }

    /// Fetches what there is to link with from the API, and links.
    async fn link(&self, address: &str, token: &str) -> anyhow::Result<()> {
        let answer = get(address, token, "/qr").await?;
        if answer.contains(":unauthorized") {
            bail!("the gateway wants its token, which `pilothouse token` prints: link {address} TOKEN");
        }
        if let Some(qr) = field(&answer, "qr") {
            self.simulator.scan(&qr).await?;
        } else if let Some(code) = field(&get(address, token, "/pairing").await?, "code") {
            self.simulator.enter_code(&code).await?;
        } else {
            bail!("the gateway at {address} offers neither a QR nor a code at present");
        }
        self.linked().await;
        Ok(())
    }

    /// Says how far linking has come.
    async fn linked(&self) {
        let linked = self.simulator.is_linked().await;
        say(if linked { "linked" } else { "the phone demands the passkey: give its options to `answer`" });
    }

    /// Prints what contacts got since the last time, and answers when asked to.
    async fn show(&mut self) {
        for contact in self.simulator.contacts().await {
            let received = contact.received().await;
            let seen = self.seen.entry(contact.number()).or_default();
            for message in received.iter().skip(*seen) {
                say(&format!("{} got: {}", contact.number(), message.text));
                if self.echo {
                    let _ = contact.send_text(&format!("You said: {}", message.text)).await;
                }
            }
            *seen = received.len();
        }
    }
}

/// The token of a gateway that keeps its data where it does by default, or where this program is told the same.
fn token_of_the_default_folder() -> Option<String> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = || set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let folder = set("PILOTHOUSE_DATA_DIR").or_else(|| base().map(|base| base.join("pilothouse")))?;
    Some(std::fs::read_to_string(folder.join("token")).ok()?.trim().to_owned())
}

/// The body of an answer to a GET over plain HTTP.
async fn get(address: &str, token: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await.with_context(|| format!("no gateway at {address}"))?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(64 << 10).read_to_string(&mut answer).await?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// A field of flat JSON whose text has no escapes.
fn field(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next().map(str::to_owned)
}
