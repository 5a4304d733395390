//! What the screen is spared, and what is remembered of it.

use portable_pty::PtySize;

use super::{Terminal, script};
use crate::support::{Place, within};

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
async fn sizes_of_panes_are_remembered_and_resizes_keep_the_last() {
    let place = Place::bare().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let mut terminal = Terminal::console(&place, (130, 40), Some(&bridge));
    terminal.shows("Status").await;
    for rows in [40, 20, 39, 12, 41, 36, 38] {
        terminal.master.resize(PtySize { rows, cols: 130, pixel_width: 0, pixel_height: 0 }).unwrap();
    }
    let last = |screen: &vt100::Screen| {
        let text = screen.contents();
        let mut lines = text.lines();
        let (first, foot) = (lines.next()?, lines.nth(36)?);
        (first.contains("Status") && foot.contains("q quit")).then_some(())
    };
    terminal.until("the last size", last).await;
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
