//! `cargo run --release -p chaos -- --minutes 30`: kills the real program and its bridge while messages flow, and prints
//! what was lost or doubled. It ends with an error when anything was.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};
use chaos::Plan;
use clap::Parser;

#[derive(Parser)]
#[command(about = "Kills Pilothouse and its bridge while messages flow, and looks for what is lost or doubled")]
struct Arguments {
    /// How long messages flow.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Repeats the faults of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
    /// Messages a second, in each direction.
    #[arg(long, default_value_t = 8.0)]
    rate: f64,
    /// The mean time between two faults, in seconds.
    #[arg(long, default_value_t = 4.0)]
    pause: f64,
    /// Another program than the one that is built from here.
    #[arg(long)]
    program: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match try_it(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether nothing was wrong.
async fn try_it(arguments: Arguments) -> anyhow::Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let bridge = root.join("bridge");
    if !bridge.join("node_modules").exists() {
        bail!("the bridge has no packages yet: cd {} && npm ci --omit=dev --ignore-scripts", bridge.display());
    }
    let folder = tempfile::Builder::new().prefix("chaos-").tempdir()?;
    let seconds = |s: f64| Duration::try_from_secs_f64(s).context("not a time");
    if !(arguments.rate > 0.0 && arguments.rate.is_finite()) {
        bail!("--rate is a number above 0");
    }
    let plan = Plan {
        program: match arguments.program {
            Some(program) => program.canonicalize()?,
            None => build(&root)?,
        },
        bridge: bridge.join("baileys-bridge.mjs"),
        folder: folder.path().to_owned(),
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
        length: seconds(arguments.minutes * 60.0)?,
        rate: arguments.rate,
        pause: seconds(arguments.pause)?,
    };
    // What the simulator has to say, such as why a contact can't read a message.
    let log = std::fs::File::create(plan.folder.join("simulator.log"))?;
    tracing_subscriber::fmt().with_writer(log).with_ansi(false).init();
    eprintln!("seed {}, folder {}", plan.seed, plan.folder.display());
    let result = chaos::run(&plan).await;
    let sound = result.as_ref().is_ok_and(|report| report.findings.is_empty());
    if !sound {
        eprintln!("kept for inspection: {}", folder.keep().display());
    }
    let report = result?;
    print!("{}", report.markdown());
    for finding in report.findings.all() {
        eprintln!("{finding}");
    }
    Ok(sound)
}

/// The program, built anew when it is not up to date, as this one was built.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let release = if cfg!(debug_assertions) { &[][..] } else { &["--release"] };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--bin", "pilothouse"])
        .args(release)
        .current_dir(root)
        .status()
        .context("cargo can't be started")?;
    if !status.success() {
        bail!("the program can't be built");
    }
    let program = std::env::current_exe()?.with_file_name("pilothouse");
    if !program.exists() {
        bail!("{} is not there", program.display());
    }
    Ok(program)
}
