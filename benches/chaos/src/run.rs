//! One run, from the link to the report.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use whatsapp_simulator::{Contact, Simulator};

use crate::check::Evidence;
use crate::faults::Injector;
use crate::gateway::{Api, Host, free_address};
use crate::traffic::{self, Accepted, Written};
use crate::{Findings, Plan, Report};

const CONTACTS: u32 = 5;

/// How long the link, or the recovery after the last fault, may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long is waited for what may be doubled after everything is there.
const LATE: Duration = Duration::from_secs(2);

/// How long WhatsApp's word takes, as over a real line: what was sent and what is known to have been sent differ.
const DELAY: Duration = Duration::from_millis(80);

const TICK: Duration = Duration::from_millis(50);

/// Since when the program has not been connected after a kill, and which bridges are dead.
#[derive(Default)]
struct Recovery {
    since: Option<Instant>,
    dead: HashSet<i64>,
    longest: Duration,
}

impl Recovery {
    fn killed(&mut self, at: Instant, bridge: Option<i64>) {
        self.since.get_or_insert(at);
        self.dead.extend(bridge);
    }

    async fn look(&mut self, api: &Api) {
        let Some(since) = self.since else { return };
        let Some(status) = api.status().await else { return };
        let alive = status["bridge"]["pid"].as_i64().is_some_and(|pid| !self.dead.contains(&pid));
        if alive && status["connected"] == true {
            self.longest = self.longest.max(since.elapsed());
            self.since = None;
        }
    }
}

/// Runs it.
///
/// # Errors
/// When the run itself fails: what is lost or doubled is in the report.
pub async fn run(plan: &Plan) -> anyhow::Result<Report> {
    let simulator = Simulator::start().await?;
    let address = free_address()?;
    let api = Api::new(address, plan.folder.join("data/token"));
    let mut host = Host::new(plan, &simulator, address);
    host.start()?;
    link(&simulator, &api).await?;
    let contacts = contacts(&simulator).await?;
    simulator.set_delay(DELAY).await;

    let (stop, stopping) = watch::channel(false);
    let pace = Duration::from_secs_f64(f64::from(CONTACTS) / plan.rate);
    let outgoing: Vec<_> = contacts
        .iter()
        .map(|to| tokio::spawn(traffic::outgoing(api.clone(), to.number(), pace, stopping.clone())))
        .collect();
    let incoming: Vec<_> = contacts
        .iter()
        .map(|from| tokio::spawn(traffic::incoming(simulator.clone(), from.clone(), pace, stopping.clone())))
        .collect();

    let mut injector = Injector::new(simulator.clone(), api.clone(), plan.seed, plan.pause);
    let mut recovery = Recovery::default();
    let end = Instant::now() + plan.length;
    while Instant::now() < end {
        let at = Instant::now();
        if let Some((fault, bridge)) = injector.step(&mut host).await?
            && fault.is_kill()
        {
            recovery.killed(at, bridge);
        }
        if host.ended()? {
            bail!("the program ended by itself; see host.log");
        }
        recovery.look(&api).await;
        tokio::time::sleep(TICK).await;
    }
    injector.stop().await;
    stop.send_replace(true);
    let accepted: Vec<Accepted> = all(outgoing).await?;
    let written: Vec<Written> = all(incoming).await?;

    let database = plan.folder.join("data").join("pilothouse.db");
    let settled = settle(&simulator, &api, &database, &contacts, &accepted, &written, &mut recovery).await;
    tokio::time::sleep(LATE).await;
    host.end().await?;
    let mut evidence = Evidence { accepted, written, undecryptable: simulator.retries().await, ..Evidence::default() };
    for contact in &contacts {
        evidence.shown.insert(contact.number(), contact.received().await);
    }
    evidence.read(&database)?;
    let mut findings = Findings::of(&evidence);
    if findings.is_empty() && !settled {
        findings.untrue.push("everything is there, yet the program did not come to rest".to_owned());
    }
    let mut report = Report {
        seed: plan.seed,
        length: plan.length,
        faults: Default::default(),
        incoming: evidence.written.len(),
        outgoing: evidence.accepted.len(),
        repeated: evidence.accepted.iter().filter(|a| a.repeated).count(),
        copies: evidence.shown.values().flatten().map(|m| m.copies.saturating_sub(1)).sum(),
        unreadable: simulator.unreadable().await,
        recovery: recovery.longest,
        findings,
    };
    for fault in injector.injected {
        *report.faults.entry(fault).or_default() += 1;
    }
    Ok(report)
}

/// Links the program by its QR.
async fn link(simulator: &Simulator, api: &Api) -> anyhow::Result<()> {
    let linking = async {
        let qr = loop {
            if let Ok((200, answer)) = api.get("/qr").await
                && let Some(qr) = answer["qr"].as_str()
            {
                break qr.to_owned();
            }
            tokio::time::sleep(TICK).await;
        };
        simulator.scan(&qr).await?;
        while api.status().await.is_none_or(|status| status["connected"] != true) {
            tokio::time::sleep(TICK).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, linking).await.context("the program can't be linked; see host.log")?
}

async fn contacts(simulator: &Simulator) -> anyhow::Result<Vec<Contact>> {
    let mut contacts = Vec::new();
    for n in 0..CONTACTS {
        contacts.push(simulator.contact(&format!("+1555111{:04}", 1_000 + n), &format!("Contact {n}")).await?);
    }
    Ok(contacts)
}

async fn all<T>(tasks: Vec<JoinHandle<anyhow::Result<Vec<T>>>>) -> anyhow::Result<Vec<T>> {
    let mut all = Vec::new();
    for task in tasks {
        all.extend(tokio::time::timeout(PATIENCE, task).await.context("the API does not answer any more")???);
    }
    Ok(all)
}

/// Waits until everything is where it should be, or can't be waited for any longer. Returns whether it is at rest.
async fn settle(
    simulator: &Simulator,
    api: &Api,
    database: &Path,
    contacts: &[Contact],
    accepted: &[Accepted],
    written: &[Written],
    recovery: &mut Recovery,
) -> bool {
    let settling = async {
        loop {
            recovery.look(api).await;
            let status = api.status().await.unwrap_or_default();
            let at_rest = status["connected"] == true && status["queue"] == 0 && simulator.unconfirmed().await == 0;
            if at_rest && shown(contacts, accepted).await && kept(database, written) {
                return;
            }
            tokio::time::sleep(TICK * 4).await;
        }
    };
    tokio::time::timeout(PATIENCE, settling).await.is_ok()
}

async fn shown(contacts: &[Contact], accepted: &[Accepted]) -> bool {
    let mut ids = HashSet::new();
    for contact in contacts {
        ids.extend(contact.received().await.into_iter().map(|m| m.id));
    }
    accepted.iter().all(|a| ids.contains(&a.id))
}

/// Whether everything that contacts wrote is on the program's disk.
fn kept(database: &Path, written: &[Written]) -> bool {
    let mut evidence = Evidence::default();
    let read = evidence.read(database).is_ok();
    let ids: HashSet<&str> = evidence.rows.iter().map(|row| row.id.as_str()).collect();
    read && written.iter().all(|w| ids.contains(w.id.as_str()))
}
