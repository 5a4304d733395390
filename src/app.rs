//! Composition: what is started, in which order, and how it all ends.
//!
//! The start: store, log, listener, bridge, engine, API, console. The end: a signal, or the operator, sets one flag;
//! the API finishes its answers, the bridge is stopped, what it still said is written, and a deadline bounds it all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::access::Guard;
use crate::api::{self, Api, ApiStats, Events, KeysInUse, LookUps};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{self, Parts};
use crate::packages::Plan;
use crate::state::{AccountId, BridgeLimits, FEED_CAPACITY, Linking, Pace, Sampled, Snapshot, State};
use crate::store::{Restored, Retention, Store};
use crate::supervisor::{self, Program};
use crate::telemetry;
use crate::tui::{self, Console};

/// How long a terminal may take to be given back.
const TERMINAL_PATIENCE: Duration = Duration::from_secs(1);

/// How long the whole end may take.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(9);

/// Runs the gateway until it is asked to end. Blocks.
///
/// # Errors
/// What keeps it from starting, or what ended it out of turn, in words for the operator.
pub fn run(config: &Config, clock: Clock) -> anyhow::Result<()> {
    allow_many_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(8)
        .thread_name("pilothouse")
        .enable_all()
        .build()
        .context("can't start the runtime")?;
    let result = runtime.block_on(serve(config, clock));
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// Takes as many open files as the system allows. Often it is 1,024 until one asks, and a thousand programs that follow
/// events would leave none for anybody else.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is refused, there are fewer connections.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

async fn serve(config: &Config, clock: Clock) -> anyhow::Result<()> {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let console = terminal && !config.headless;
    let store = Store::open_with(&config.data_dir, AccountId::main(), FEED_CAPACITY, Some(retention(config, clock)))?;
    let _log = telemetry::start(&config.data_dir, config.log.clone(), !console)?;
    if !terminal && !config.headless {
        tracing::info!("stdin or stdout is not a terminal: running headless");
    }
    let guard = Guard::open(&config.data_dir)?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("can't listen on {}; is another program there? choose another with --listen", config.listen)
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "the API listens");

    let Store { writer, reader, restored, lock: _lock } = store;
    let programs = programs(config);
    let name = restored.bridge.as_deref().and_then(|name| programs.get_key_value(name)).map(|(name, _)| name);
    let name = name.cloned().unwrap_or_else(|| Arc::clone(&config.bridge));
    let names: BTreeSet<_> = programs.keys().cloned().collect();
    let settings = supervisor::Settings { patience: config.bridge_patience, ..supervisor::Settings::default() };
    let (supervisor, notices) = supervisor::start(programs, name, settings, clock);
    let stats = Arc::new(ApiStats::default());
    let figures = Arc::clone(&stats);
    let engine = engine::start(Parts {
        state: restore(restored, config, clock),
        writer,
        reader,
        supervisor,
        notices,
        sample: Box::new(move |bridge| Sampled {
            host_rss: resident_bytes("self"),
            bridge_rss: bridge.and_then(|pid| resident_bytes(&pid.to_string())),
            api: figures.sample(),
        }),
        clock,
    });
    let (stop, stopping) = watch::channel(false);
    let api = Api {
        guard: Arc::new(guard),
        engine: engine.handle.clone(),
        clock,
        stats,
        bridges: Arc::new(names),
        keys: KeysInUse::default(),
        events: Arc::new(Events::default()),
        look_ups: LookUps::default(),
        shutdown: stopping.clone(),
    };
    let api = tokio::spawn(api::serve(listener, api));
    let mut engine_task = engine.task;

    let mut console = if console { Some(start_console(&engine.handle, clock, address, config)?) } else { None };
    let early = tokio::select! {
        reason = asked_to_end() => {
            tracing::info!(reason = reason?, "ending");
            None
        }
        () = console_ended(console.as_mut()) => {
            tracing::info!(reason = "the operator quit", "ending");
            None
        }
        ended = &mut engine_task => Some(ended),
    };
    stop.send_replace(true);
    if let Some(console) = console {
        console.stop(TERMINAL_PATIENCE).await;
    }
    engine.handle.stop();
    let end = async {
        let engine = match early {
            Some(ended) => {
                ended.context("the engine ended by a panic")??;
                return Err(anyhow!("the engine ended without being asked to; see the log"));
            }
            None => engine_task.await,
        };
        api.await.context("the API ended by a panic")?.context("the API failed")?;
        engine.context("the engine ended by a panic")??;
        Ok(())
    };
    match tokio::time::timeout(SHUTDOWN_DEADLINE, end).await {
        Ok(result) => result,
        Err(_late) => Err(anyhow!("not everything ended within {} s", SHUTDOWN_DEADLINE.as_secs())),
    }
}

fn start_console(engine: &engine::Handle, clock: Clock, api: SocketAddr, config: &Config) -> anyhow::Result<Console> {
    let colors = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let in_tmux = std::env::var_os("TMUX").is_some_and(|set| !set.is_empty());
    let options = tui::Options { api: format!("http://{api}"), colors, in_tmux, folder: config.data_dir.clone() };
    Console::start(engine::link(engine), clock, options).context("can't use the terminal; try --headless")
}

/// Waits for the console's end; for ever when there is none.
async fn console_ended(console: Option<&mut Console>) {
    match console {
        Some(console) => console.ended().await,
        None => std::future::pending().await,
    }
}

/// Waits for a signal that asks for the end, and names it.
async fn asked_to_end() -> anyhow::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt()).context("can't wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("can't wait for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("can't wait for SIGHUP")?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        _ = hangup.recv() => "SIGHUP",
    })
}

/// The state that the last process left, with what the settings say on top.
fn restore(restored: Restored, config: &Config, clock: Clock) -> State {
    let now = clock.now().wall;
    let mut snapshot = Snapshot::new(now);
    snapshot.feed = restored.feed.into_iter().map(Arc::new).collect();
    snapshot.restriction = restored.restriction;
    snapshot.linking = match &config.pairing_code {
        Some(number) => Linking { use_pairing_code: true, phone_number: Some(number.clone()) },
        None => restored.linking.unwrap_or_default(),
    };
    let pace = Pace { per_minute: config.send_rate_per_minute, burst: config.send_burst };
    State::restored(snapshot, restored.pending).with_limits(bridge_limits(config)).with_pace(pace, now)
}

/// A bridge is asked for a sign of life twice within the time that it may give none, and for a proof three times.
fn bridge_limits(config: &Config) -> BridgeLimits {
    let default = BridgeLimits::default();
    let patience = config.bridge_patience;
    let mut heartbeat = default.heartbeat;
    if !patience.is_zero() {
        heartbeat = heartbeat.min(patience / 2);
    }
    if !config.proof.is_zero() {
        heartbeat = heartbeat.min(config.proof / 3);
    }
    BridgeLimits {
        heartbeat,
        proof: config.proof,
        rss_bytes: (config.bridge_rss_limit_mb > 0).then(|| u64::from(config.bridge_rss_limit_mb) << 20),
    }
}

/// Looked at once a minute: at rest nothing else wakes the writing thread.
fn retention(config: &Config, clock: Clock) -> Retention {
    let days = u64::from(config.retention_days);
    Retention {
        max_age: (days > 0).then(|| Duration::from_secs(days * 24 * 60 * 60)),
        max_bytes: (config.retention_mb > 0).then(|| u64::from(config.retention_mb) << 20),
        look_every: Duration::from_secs(60),
        clock,
    }
}

/// The configured bridges, ready to be started.
fn programs(config: &Config) -> BTreeMap<Arc<str>, Program> {
    let of = |name: &Arc<str>| {
        let line = config.command_line(name)?;
        let plan = line.script_folder.as_ref().map(|folder| Plan {
            folder: folder.clone(),
            node: config.node.clone(),
            env: line.env.clone(),
        });
        let program = Program {
            program: line.program,
            args: line.args,
            env: line.env,
            folder: None,
            prepare: plan.map(|plan| prepare(Arc::new(plan))),
        };
        Some((Arc::clone(name), program))
    };
    config.bridges.keys().filter_map(of).collect()
}

/// Installs the bridge's packages when they are not in place.
fn prepare(plan: Arc<Plan>) -> supervisor::Prepare {
    supervisor::Prepare {
        done: {
            let plan = Arc::clone(&plan);
            Arc::new(move || plan.is_done())
        },
        run: Arc::new(move || {
            let plan = Arc::clone(&plan);
            Box::pin(async move { plan.ensure().await.map_err(|error| error.to_string()) })
        }),
    }
}

/// The resident memory of a process in bytes; none where the system does not tell.
fn resident_bytes(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
