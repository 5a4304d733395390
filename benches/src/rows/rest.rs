//! What the program takes while nothing happens, with messages in its database.
//!
//! All runs are at the same time: at rest they do not disturb each other.

use std::time::Duration;

use crate::bench::Bench;
use crate::figures::Row;
use crate::limits::empty_process;
use crate::process::Usage;
use crate::roles::Script;
use crate::subject::{Console, Headless, Room};

/// How many messages have come before.
const MESSAGES: u64 = 10_000;

/// What memory is given to settle after them.
const SETTLE: Duration = Duration::from_secs(5);

/// What a program is given to come to rest after its start, and how long it is watched then, in seconds.
const START: Duration = Duration::from_secs(12);
const REST: u64 = 60;

/// How many of each there are.
const RUNS: usize = 3;

/// All programs that rest.
struct Programs {
    headless: Vec<Headless>,
    consoles: Vec<Console>,
}

/// What each of them has used so far.
struct Used {
    headless: Vec<Usage>,
    consoles: Vec<Usage>,
    /// How many bytes each console has drawn.
    drawn: Vec<u64>,
}

impl Programs {
    fn start(bench: &Bench, headless: &[Room], consoles: &[Room]) -> anyhow::Result<Self> {
        Ok(Self {
            headless: headless.iter().map(|room| Headless::ready(&bench.program, room)).collect::<Result<_, _>>()?,
            consoles: consoles.iter().map(|room| Console::start(&bench.program, room)).collect::<Result<_, _>>()?,
        })
    }

    fn used(&self) -> anyhow::Result<Used> {
        Ok(Used {
            headless: self.headless.iter().map(Headless::usage).collect::<Result<_, _>>()?,
            consoles: self.consoles.iter().map(Console::usage).collect::<Result<_, _>>()?,
            drawn: self.consoles.iter().map(|one| one.look(|seen| seen.bytes)).collect(),
        })
    }

    fn end(self) -> anyhow::Result<()> {
        self.headless.into_iter().try_for_each(Headless::end)?;
        self.consoles.into_iter().try_for_each(Console::end)
    }
}

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let rooms = || (0..bench.runs(RUNS)).map(|_| Room::told(MESSAGES)).collect::<Result<Vec<_>, _>>();
    let (mut headless, mut consoles) = (rooms()?, rooms()?);
    let told = Programs::start(bench, &headless, &consoles)?;
    told.headless.iter().try_for_each(|one| one.until_received(MESSAGES))?;
    let last = format!("message {MESSAGES} ");
    told.consoles.iter().try_for_each(|one| one.until_shown(&last).map(drop))?;
    std::thread::sleep(SETTLE);
    let memory = told.used()?;
    told.end()?;

    // The traffic of a moment ago would still move the console's graphs.
    let quiet = Script { linked: true, ..Script::default() };
    headless.iter_mut().chain(&mut consoles).for_each(|room| room.set_bridge(quiet.clone()));
    let resting = Programs::start(bench, &headless, &consoles)?;
    std::thread::sleep(START);
    let (length, first) = (bench.seconds(REST), resting.used()?);
    let empty = empty_process(length)?;
    let last = resting.used()?;
    resting.end()?;

    let least = "an empty process on tokio";
    let seconds = length.as_secs_f64();
    let of = |(first, last): (&Usage, &Usage)| {
        let cpu = last.cpu().saturating_sub(first.cpu()).as_secs_f64() / seconds * 100.0;
        (cpu, last.wakes().saturating_sub(first.wakes()) as f64 / seconds)
    };
    let (empty_cpu, empty_wakes) = of((&empty.0, &empty.1));
    for (key, name, memory, first, last, most) in [
        ("headless", "headless", &memory.headless, &first.headless, &last.headless, 8.0),
        ("console", "with the console", &memory.consoles, &first.consoles, &last.consoles, 10.0),
    ] {
        let row = |what: &str, unit: &str, of: &str, values: Vec<f64>, empty: f64| {
            Row::new(&format!("{of}.{key}"), &format!("{what}, {name}"), unit, values).limit(least, vec![empty])
        };
        let what = "memory (RSS) some seconds after 10,000 messages";
        let values = memory.iter().map(Usage::megabytes).collect();
        let found = row(what, "MB", "memory.rest", values, empty.0.megabytes()).target(most);
        bench.record.add(if key == "headless" { found.seed(8.0) } else { found });
        let (cpu, wakes) = first.iter().zip(last).map(of).unzip();
        let found = row("CPU at rest, of one core", "%", "rest.cpu", cpu, empty_cpu);
        bench.record.add(found.target(0.05).seed(0.5));
        bench.record.add(row("wake-ups at rest", "/s", "rest.wakes", wakes, empty_wakes));
    }
    let drawn = first.drawn.iter().zip(&last.drawn).map(|(first, last)| (last - first) as f64 / seconds);
    let row = Row::new("rest.bytes", "bytes to the terminal at rest", "/s", drawn.collect()).target(0.0);
    bench.record.add(row.limit("nothing", vec![0.0]));
    Ok(())
}
