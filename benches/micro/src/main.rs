//! Counts the instructions of each benchmark with valgrind's callgrind, and compares them with what is expected.
//!
//! Each is run in a process of its own, this same program with the benchmark's name. Only what happens inside of
//! [`measured`] is counted. The profiles are left beside the program, for `callgrind_annotate`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use micro::expected::{Counts, Expected, Finding, TOLERANCE, is_blessed};
use micro::{Benchmark, Meter, all};

/// The profile that the counts are of.
const PROFILE: &str = "micro";

/// How many turns are made before, and how many are counted: inputs come round in both.
const WARM: u64 = 20;
const COUNTED: u64 = 20;

fn main() -> ExitCode {
    let result = match std::env::args().nth(1) {
        Some(name) => run(&name),
        None => compare(),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("micro: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the turns of one benchmark. Returns whether there is one of this name.
fn run(name: &str) -> anyhow::Result<bool> {
    let mut turns = Turns { name, found: false };
    all(&mut turns);
    if !turns.found {
        bail!("there is no benchmark {name:?}");
    }
    Ok(true)
}

struct Turns<'a> {
    name: &'a str,
    found: bool,
}

impl Meter for Turns<'_> {
    fn measure<B: Benchmark>(&mut self) {
        if B::NAME != self.name {
            return;
        }
        self.found = true;
        let mut benchmark = B::new();
        for _ in 0..WARM {
            let input = benchmark.input();
            black_box(benchmark.run(black_box(input)));
        }
        for _ in 0..COUNTED {
            let input = benchmark.input();
            black_box(measured(&mut benchmark, black_box(input)));
        }
    }
}

/// Counting begins and ends with this function, by its name.
#[inline(never)]
fn measured<B: Benchmark>(benchmark: &mut B, input: B::Input) -> B::Output {
    black_box(benchmark.run(input))
}

struct Names(Vec<&'static str>);

impl Meter for Names {
    fn measure<B: Benchmark>(&mut self) {
        self.0.push(B::NAME);
    }
}

/// Counts, compares, prints a table. Returns whether all is as expected.
fn compare() -> anyhow::Result<bool> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("this program is in no folder")?;
    if !folder.ends_with(PROFILE) {
        bail!("counts are compared for one profile: run this with --profile {PROFILE}");
    }
    let with = with()?;
    let mut expected = Expected::read()?;
    let mut names = Names(Vec::new());
    all(&mut names);
    let mut well = true;
    println!("{:12} {:>12} {:>12} {:>8}", "", "expected", "instructions", "");
    for name in names.0 {
        let found = count(&program, name, &folder.join(format!("callgrind.{name}")))?;
        let before = expected.of(name).unwrap_or_default();
        let finding = Finding::of(found, Some(before.instructions), TOLERANCE);
        well &= finding == Finding::Same;
        let change = (found as f64 / before.instructions as f64 - 1.0) * 100.0;
        println!("{name:12} {:>12} {found:>12} {change:>+7.1}% {}", before.instructions, finding.words());
        if is_blessed() {
            expected.turns.insert(name.to_owned(), Counts { instructions: found, ..before });
        }
    }
    if is_blessed() {
        expected.with = with;
        expected.write()?;
        return Ok(true);
    }
    if !well {
        println!(
            "more than {TOLERANCE} % off: mend it, or run it with PILOTHOUSE_BLESS=1 and commit the file with the reason"
        );
        if expected.with != with {
            println!("it may be the tools: counted with {with:?}, expected with {:?}", expected.with);
        }
    }
    Ok(well)
}

/// The instructions of one turn.
fn count(program: &Path, name: &str, profile: &Path) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*measured*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .arg(name)
        // The stack begins behind the environment: with another one, other things share a line of the cache.
        .env_clear()
        .output()
        .context("valgrind can't be started; install it (`apt-get install valgrind`)")?;
    if !output.status.success() {
        bail!("{name} under valgrind: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = std::fs::read_to_string(profile).with_context(|| format!("{} can't be read", profile.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
    match total {
        None | Some(0) => bail!("valgrind counted nothing in {name}"),
        Some(total) => Ok(total / COUNTED),
    }
}

/// What counts hang on besides this project: the compiler, the C library (it copies, compares and allocates), valgrind.
fn with() -> anyhow::Result<BTreeMap<String, String>> {
    let first_line = |program: &str, argument: &str| {
        let output =
            Command::new(program).arg(argument).output().with_context(|| format!("{program} can't be started"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        anyhow::Ok(text.lines().next().unwrap_or_default().to_owned())
    };
    Ok([
        ("rustc".to_owned(), first_line("rustc", "--version")?),
        ("target".to_owned(), format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
        ("libc".to_owned(), first_line("ldd", "--version")?),
        ("valgrind".to_owned(), first_line("valgrind", "--version")?),
        ("profile".to_owned(), PROFILE.to_owned()),
    ]
    .into())
}
