//! Linking from the screen, in every way that there is, and what is said when the link ends.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use whatsapp_simulator::OWNER;

use super::{Seen, Terminal, children, script};
use crate::passkey::{ALL, demanding};
use crate::support::{Place, within};

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
