//! `pilothouse qr`: the QR in the terminal.

use std::time::Duration;

use serde_json::Value;

use super::{Client, Failure, Out, Request, dates, out};
use crate::cli::Qr;
use crate::clock::Clock;
use crate::qr::{Drawing, Modules};

/// How often a new one is looked for.
const PAUSE: Duration = Duration::from_secs(1);

/// Draws the QR, or one after the other until the gateway is linked.
///
/// # Errors
/// Why there is none; with `--watch` only when there can't be one.
pub(super) async fn run(client: &Client, out: &mut Out, qr: &Qr, clock: Clock) -> Result<(), Failure> {
    if !qr.watch {
        let found = client.get("/qr").await?;
        return show(out, &found, clock);
    }
    tokio::select! {
        ended = watch(client, out, clock) => ended,
        () = out::closed() => Err(Failure::Closed),
    }
}

async fn watch(client: &Client, out: &mut Out, clock: Clock) -> Result<(), Failure> {
    let (mut shown, mut said) = (Value::Null, String::new());
    loop {
        let answer = client.ask(&Request::get("/qr")).await?;
        match answer.status {
            200 if answer.json["qr"] != shown => {
                show(out, &answer.json, clock)?;
                shown = answer.json["qr"].clone();
            }
            200 => {}
            409 if !shown.is_null() || !said.is_empty() => {
                out::say("linked");
                return Ok(());
            }
            503 => {
                let why = answer.failure().to_string();
                if why != said {
                    out::say(&why);
                    said = why;
                }
            }
            _ => return Err(answer.failure()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn show(out: &mut Out, found: &Value, clock: Clock) -> Result<(), Failure> {
    if out.json {
        return out.document(found);
    }
    let modules = Modules::encode(found["qr"].as_str().unwrap_or_default()).map_err(Failure::other)?;
    match out.terminal() {
        None => out.line(&plain(&modules))?,
        // The line below it needs a row too.
        Some((columns, rows)) => {
            let fitting = Drawing::fitting(&modules, columns, rows.saturating_sub(2));
            let Some(drawing) = fitting.filter(|drawing| *drawing != Drawing::Octant) else {
                let (wide, high) = Drawing::Sextant.needs(&modules);
                return Err(Failure::Other(format!(
                    "the QR needs {wide}×{} characters at least, and the terminal has {columns}×{rows}; make it larger, \
                     or link by a code: pilothouse pair +NUMBER",
                    high + 2
                )));
            };
            out.line(&colored(&modules, drawing))?;
        }
    }
    let left = dates::time(found, "/expires_at").map(|at| dates::span(at.since(clock.now().wall))).unwrap_or_default();
    out::say(&format!("scan it: WhatsApp › Settings › Linked devices › Link a device; it is valid for {left}"));
    Ok(())
}

/// Dark on light whatever the terminal's colours are, also with `NO_COLOR`: without its two colours it can't be scanned.
///
/// Half blocks are lower ones only: other ones leave a light seam in some fonts.
fn colored(modules: &Modules, drawing: Drawing) -> String {
    let ((columns, rows), (across, down)) = (drawing.needs(modules), drawing.cell());
    let mut lines = Vec::with_capacity(rows);
    for row in 0..rows {
        let mut line = String::new();
        let mut colors = None;
        for column in 0..columns {
            let (x, y) = (column * across, row * down);
            let (symbol, wanted) = if drawing == Drawing::Half {
                let (upper, lower) = (modules.is_dark(x, y), modules.is_dark(x, y + 1));
                (if upper == lower { ' ' } else { '▄' }, (lower, upper))
            } else {
                let dark = (0..across * down).filter(|n| modules.is_dark(x + n % across, y + n / across));
                (sextant(dark.fold(0, |bits, n| bits | 1 << n)), (true, false))
            };
            if colors != Some(wanted) {
                let (front, back) = (if wanted.0 { 30 } else { 97 }, if wanted.1 { 40 } else { 107 });
                line.push_str(&format!("\x1b[{front};{back}m"));
                colors = Some(wanted);
            }
            line.push(symbol);
        }
        line.push_str("\x1b[0m");
        lines.push(line);
    }
    lines.join("\n")
}

/// Two by three modules: bit 0 is the upper left one, bit 1 the upper right one. Unicode leaves out the four that were
/// there before.
fn sextant(bits: u32) -> char {
    match bits {
        0 => ' ',
        21 => '▌',
        42 => '▐',
        63 => '█',
        bits => char::from_u32(0x1fb00 + bits - 1 - u32::from(bits > 21) - u32::from(bits > 42)).unwrap_or('?'),
    }
}

/// Without colours, for a file or a pipe: as dark terminals show it, the light modules are drawn.
fn plain(modules: &Modules) -> String {
    let n = modules.size();
    let light = |x: usize, y: usize| y < n && !modules.is_dark(x, y);
    let character = |x: usize, y: usize| match (light(x, y), light(x, y + 1)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    (0..n).step_by(2).map(|y| (0..n).map(|x| character(x, y)).collect::<String>()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a camera reads in rows of dark and light.
    fn read(dark: &[Vec<bool>]) -> String {
        const SCALE: usize = 4;
        let (width, height) = (dark[0].len(), dark.len());
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, |x, y| {
            if dark[y / SCALE][x / SCALE] { 0 } else { 255 }
        });
        image.detect_grids()[0].decode().unwrap().1
    }

    /// What a terminal shows: half blocks and sextants as modules.
    fn modules(drawn: &str, drawing: Drawing, start: (bool, bool)) -> Vec<Vec<bool>> {
        let (across, down) = drawing.cell();
        let mut rows = Vec::new();
        for line in drawn.lines() {
            let mut cells = vec![Vec::new(); down];
            let (mut front, mut back) = start;
            let mut rest = line;
            while let Some(character) = rest.chars().next() {
                if let Some(after) = rest.strip_prefix("\x1b[") {
                    let (codes, after) = after.split_once('m').unwrap();
                    for code in codes.split(';') {
                        match code {
                            "30" => front = true,
                            "97" => front = false,
                            "40" => back = true,
                            "107" => back = false,
                            _ => {}
                        }
                    }
                    rest = after;
                    continue;
                }
                rest = &rest[character.len_utf8()..];
                let bits = match character {
                    ' ' => 0,
                    '█' if drawing == Drawing::Half => 0b11,
                    '▀' => 0b01,
                    '▄' => 0b10,
                    other => (0..64).find(|bits| sextant(*bits) == other).unwrap(),
                };
                for (y, row) in cells.iter_mut().enumerate() {
                    row.extend((0..across).map(|x| if bits >> (y * across + x) & 1 == 1 { front } else { back }));
                }
            }
            rows.extend(cells);
        }
        rows
    }

    #[test]
    fn each_drawing_can_be_read_back() {
        let text = format!("https://wa.me/settings/linked_devices#2@{},1", "Ab3+/".repeat(43));
        let code = Modules::encode(&text).unwrap();
        for drawing in [Drawing::Half, Drawing::Sextant] {
            assert_eq!(read(&modules(&colored(&code, drawing), drawing, (false, true))), text, "{drawing:?}");
        }
        assert_eq!(read(&modules(&plain(&code), Drawing::Half, (false, true))), text);
        let all: std::collections::BTreeSet<_> = (0..64).map(sextant).collect();
        assert_eq!((all.len(), sextant(1), sextant(62)), (64, '\u{1fb00}', '\u{1fb3b}'));
    }
}
