//! The bundled bridge, which is Baileys on Node, against the simulator: how soon its QR is there, and what memory both
//! processes take before and after linking.

use std::time::Duration;

use anyhow::bail;

use crate::bench::Bench;
use crate::figures::{Row, count};
use crate::limits::{bridge_until_qr, empty_node, empty_process};
use crate::subject::{Bridge, Console, Headless, Room, Simulator, root, until};

/// What memory is given to settle.
const SETTLE: Duration = Duration::from_secs(2);

/// How many messages come, and how many in a second at most: Baileys has to decrypt each.
const MESSAGES: u64 = 10_000;
const RATE: u32 = 1_000;

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if !root().join("bridge/node_modules").exists() {
        bail!("the bridge has no packages yet: cd bridge && npm ci --omit=dev --ignore-scripts");
    }
    let simulator = bench.simulator()?;
    let (mut shown, mut alone) = (Vec::new(), Vec::new());
    let server = Simulator::start(&simulator)?;
    // The first time it only warms up.
    bridge_until_qr(server.settings())?;
    for _ in 0..bench.runs(5) {
        alone.push(bridge_until_qr(server.settings())?.as_secs_f64() * 1e3);
        let room = Room::new(Bridge::Bundled(server.settings()))?;
        let console = Console::start(&bench.program, &room)?;
        shown.push(console.until_qr()?.as_secs_f64() * 1e3);
        console.end()?;
    }
    drop(server);
    let row = Row::new("start.qr", "start until the QR is on the screen, with Baileys", "ms", shown);
    bench.record.add(row.limit("the bridge alone until it gives one", alone));

    let messages = bench.count(MESSAGES);
    let mut seen: [[Vec<f64>; 2]; 3] = Default::default();
    let (mut node, mut empty) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs(3) {
        node.push(empty_node()?);
        empty.push(empty_process(Duration::ZERO)?.1.megabytes());
        let mut simulator = Simulator::start(&simulator)?;
        let room = Room::new(Bridge::Bundled(simulator.settings()))?;
        let headless = Headless::ready(&bench.program, &room)?;
        let mut client = headless.client()?;
        let mut note = |at: usize| {
            std::thread::sleep(SETTLE);
            seen[at][0].push(headless.usage()?.megabytes());
            seen[at][1].push(headless.bridge_usage()?.megabytes());
            anyhow::Ok(())
        };
        until("a QR", || Ok((client.json("/status")?["pairing"] == "qr").then_some(())))?;
        note(0)?;
        simulator.link(headless.address(), &headless.token()?)?;
        until("the link", || Ok((client.json("/status")?["connected"] == true).then_some(())))?;
        note(1)?;
        simulator.rate(RATE)?;
        headless.until_received(messages)?;
        simulator.rate(0)?;
        note(2)?;
        headless.end()?;
    }
    let both = |at: usize| seen[at][0].iter().zip(&seen[at][1]).map(|(host, bridge)| host + bridge).collect();
    let all: Vec<f64> = both(1);
    let after = format!("after {} messages", count(messages));
    for (at, (when, text)) in
        [("unlinked", "unlinked"), ("linked", "linked"), ("told", &*after)].into_iter().enumerate()
    {
        let [host, bridge] = &seen[at];
        let row = |of: &str, values: &Vec<f64>| {
            let (key, what) = (format!("memory.{of}.{when}"), format!("memory (RSS) of the {of}, {text}"));
            Row::new(&key, &what, "MB", values.clone())
        };
        let host = row("host", host).limit("an empty process on tokio", empty.clone());
        bench.record.add(if when == "linked" { host.target(8.0).seed(8.0) } else { host });
        bench.record.add(row("bridge", bridge).limit("an empty Node", node.clone()));
    }
    let least = node.iter().zip(&empty).map(|(node, empty)| node + empty).collect();
    let row = Row::new("memory.both", "memory (RSS) of both, linked", "MB", all).seed(264.0);
    bench.record.add(row.limit("an empty process on tokio and an empty Node", least));
    Ok(())
}
