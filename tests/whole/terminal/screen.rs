//! What the screen is spared, and what is remembered of it.

use std::path::Path;

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

/// The colours that were asked for, other than the black and the white of a QR; all of the 16 by their numbers.
fn colours(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut found = Vec::new();
    for sequence in text.split("\x1b[").skip(1) {
        let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        let (numbers, after) = sequence.split_at(end);
        if !after.starts_with('m') {
            continue;
        }
        let mut numbers = numbers.split(';').filter_map(|n| n.parse::<u16>().ok());
        while let Some(n) = numbers.next() {
            match n {
                30..=37 | 40..=47 => found.push(n % 10),
                90..=97 | 100..=107 => found.push(n % 10 + 8),
                38 | 48 if numbers.next() == Some(5) => found.extend(numbers.next()),
                38 | 48 => found.push(u16::MAX),
                _ => {}
            }
        }
    }
    found.retain(|colour| !matches!(colour, 16 | 231));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn without_colours_only_the_qr_has_its_two_and_with_them_only_the_sixteen_of_the_terminal_are_used() {
    let place = Place::bare().await;
    let qr = format!("https://wa.me/settings/linked_devices#2@{},1", "Ab3+/x9=".repeat(27).get(..215).unwrap());
    let bridge =
        script(&place, &format!("#!/bin/sh\nprintf '{{\"type\":\"qr\",\"qr\":\"{qr}\"}}\\n'; cat >/dev/null\n"));
    for (env, coloured) in [(&[("NO_COLOR", Path::new("1"))][..], false), (&[], true)] {
        let mut terminal = Terminal::console_with(&place, (120, 40), Some(&bridge), env);
        assert_eq!(terminal.qr().await, qr);
        // Every pane, the help, the palette, and something that is wrong.
        terminal.types("234?");
        terminal.shows("Keys (").await;
        terminal.types("q:zzz");
        terminal.shows("no action has these letters").await;
        terminal.types("\x1b");
        let closed = |screen: &vt100::Screen| (!screen.contents().contains("no action")).then_some(());
        terminal.until("the console without the palette", closed).await;
        terminal.quits();
        let (status, bytes) = terminal.ended().await;
        assert!(status.success());
        let used = colours(&bytes);
        assert_eq!(!used.is_empty(), coloured, "{used:?}");
        assert!(used.iter().all(|colour| *colour < 16), "{used:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_ssh_the_mouse_stays_the_terminals_unless_it_is_asked_for() {
    let place = Place::bare().await;
    let bridge = script(&place, "#!/bin/sh\ncat >/dev/null\n");
    let ssh = ("SSH_CONNECTION", Path::new("10.0.0.2 50000 10.0.0.1 22"));
    for (env, taken) in [(&[ssh][..], false), (&[ssh, ("PILOTHOUSE_MOUSE", Path::new("on"))], true)] {
        let mut terminal = Terminal::console_with(&place, (80, 24), Some(&bridge), env);
        terminal.shows("q quit").await;
        terminal.quits();
        let (status, bytes) = terminal.ended().await;
        assert!(status.success());
        assert_eq!(String::from_utf8_lossy(&bytes).contains("\x1b[?1000h"), taken, "{env:?}");
    }
}
