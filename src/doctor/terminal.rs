//! The terminal: whether the QR fits, and what tmux does to keys and clipboard.

use std::io;

use rustix::termios::tcgetwinsize;

use super::{Check, programs};
use crate::config::Config;
use crate::qr::{Drawing, Modules};

/// As long as the longest that WhatsApp gives to link by.
const LONGEST_QR: usize = 300;

/// How long tmux may wait after an Esc for more of a key, in milliseconds.
const ESCAPE_MS: u64 = 50;

pub(super) async fn look(config: &Config) -> Vec<Check> {
    // The report itself may go to a file.
    let size = [tcgetwinsize(io::stdout()), tcgetwinsize(io::stderr()), tcgetwinsize(io::stdin())];
    let Some(size) = size.into_iter().flatten().find(|size| size.ws_col > 0) else {
        return vec![Check::note("terminal", "there is none here; run this where the console is to run")];
    };
    let mut checks = vec![room(size.ws_col.into(), size.ws_row.into())];
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names.into_iter().find_map(|name| config.variable(name)).unwrap_or_default();
    if !locale.to_lowercase().replace('-', "").contains("utf8") {
        let found = format!("the locale {locale:?} is not UTF-8: QR and names may not be shown");
        checks.push(Check::warning("locale", found, "export LANG=C.UTF-8"));
    }
    if config.variable("TMUX").is_some() {
        checks.extend(tmux().await);
    }
    checks
}

fn room(columns: usize, rows: usize) -> Check {
    let here = format!("{columns}×{rows}");
    let Ok(modules) = Modules::encode(&"x".repeat(LONGEST_QR)) else { return Check::note("terminal", here) };
    let (wide, high) = Drawing::Half.needs(&modules);
    match Drawing::fitting(&modules, columns, rows) {
        Some(Drawing::Half) => Check::good("terminal", format!("{here}: the QR fits")),
        Some(drawing) => {
            let name = drawing.name();
            let found = format!("{here}: the QR fits only when it is drawn with {name}, which not all fonts have");
            Check::note("terminal", format!("{found}; {wide}×{high} is safe"))
        }
        None => {
            let mend = format!("make it {wide}×{high}, or link by a code: pilothouse pair +NUMBER");
            Check::warning("terminal", format!("{here}: too small for the QR"), mend)
        }
    }
}

async fn tmux() -> Vec<Check> {
    let option = async |scope: &str, name: &str| programs::says("tmux", &["show-options", scope, name]).await;
    let Some(clipboard) = option("-sv", "set-clipboard").await else {
        return vec![Check::note("tmux", "it does not tell its settings")];
    };
    let escape = option("-sv", "escape-time").await.and_then(|ms| ms.parse().ok());
    let passthrough = option("-gwv", "allow-passthrough").await;
    judged(&clipboard, escape, passthrough.as_deref())
}

fn judged(clipboard: &str, escape_ms: Option<u64>, passthrough: Option<&str>) -> Vec<Check> {
    let mut checks = Vec::new();
    if clipboard == "on" {
        checks.push(Check::good("tmux", "the console can copy to your clipboard (set-clipboard on)"));
    } else {
        let found = format!("the console can't copy to your clipboard (set-clipboard {clipboard})");
        checks.push(Check::warning("tmux", found, "tmux set -s set-clipboard on, and the same in ~/.tmux.conf"));
    }
    if let Some(ms) = escape_ms.filter(|ms| *ms > ESCAPE_MS) {
        let found = format!("Esc is passed on after {ms} ms only, and a key after it is taken for Alt (escape-time)");
        checks.push(Check::warning("tmux", found, "tmux set -s escape-time 10, and the same in ~/.tmux.conf"));
    }
    if passthrough.is_some_and(|set| set != "off") {
        checks.push(Check::note("tmux", "allow-passthrough is set; this program does not need it"));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn the_room_for_the_qr_is_judged_by_the_most_robust_drawing() {
        let level = |columns, rows| room(columns, rows).level;
        assert_eq!([level(120, 40), level(80, 24), level(30, 10)], [Level::Good, Level::Note, Level::Warning]);
    }

    #[test]
    fn what_tmux_does_to_keys_and_clipboard_is_told() {
        let levels = |c, e, p| judged(c, e, p).into_iter().map(|check| check.level).collect::<Vec<_>>();
        assert_eq!(levels("on", Some(10), Some("off")), [Level::Good]);
        assert_eq!(levels("external", Some(500), Some("on")), [Level::Warning, Level::Warning, Level::Note]);
        assert_eq!(levels("on", None, None), [Level::Good]);
    }
}
