//! Composition: what is started, in which order, and how it all ends.
//!
//! The start: store, log, listener, bridge, engine, API, console. The end: a signal, or the operator, sets one flag;
//! the API finishes its answers, the bridge is stopped, what it still said is written, and a deadline bounds it all.

mod attach;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::access::{self, Guard};
use crate::api::{
    self, Api, ApiStats, Bodies, Consoles, Events, KeysInUse, Limits, LookUps, Shared, Socket, StatusText, Web,
};
use crate::clock::Clock;
use crate::config::{Config, Live, Mouse, SocketPlaces, WebhookSetting};
use crate::engine::{self, Parts};
use crate::packages::Plan;
use crate::state::{AccountId, FEED_CAPACITY, HostSample, Kept, Linking, Sampled, Snapshot, State, Tuning};
use crate::store::{Restored, Retention, Store};
use crate::supervisor::{self, Program};
use crate::systemd::Notifier;
use crate::telemetry;
use crate::tui::{self, Console};
use crate::webhooks::{Description, Webhooks};

/// How long a terminal may take to be given back.
const TERMINAL_PATIENCE: Duration = Duration::from_secs(1);

/// How long the whole end may take.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(9);

/// So many open files are kept for database, logs, bridge, and callers who are told that they are too many.
const OWN_FILES: usize = 256;

pub use attach::attach;

/// Runs the gateway until it is asked to end, or has one run in the background and shows its console. Blocks.
///
/// # Errors
/// What keeps it from starting, or what ended it out of turn, in words for the operator.
pub fn run(config: &Config, clock: Clock) -> anyhow::Result<()> {
    if config.keep && !config.headless && is_terminal() {
        return Ok(attach::keep(config, clock)?);
    }
    if config.detached {
        // No terminal's end reaches it any more.
        rustix::process::setsid().context("can't leave the terminal")?;
    }
    // As many come by the socket.
    let connections = (allow_many_files().saturating_sub(OWN_FILES) / 2).clamp(1, Limits::default().connections);
    let limits = Limits { connections, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(8)
        .thread_name("pilothouse")
        .enable_all()
        .build()
        .context("can't start the runtime")?;
    let result = runtime.block_on(serve(config, limits, clock));
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// Takes as many open files as the system allows, and returns how many that are. Often it is 1,024 until one asks, and a
/// thousand programs that follow events would leave none for anybody else.
fn allow_many_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let allowed = match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    allowed.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

async fn serve(config: &Config, limits: Limits, clock: Clock) -> anyhow::Result<()> {
    let described = described(config);
    Webhooks::check(&described)?;
    let keys = tui::Keymap::new(&config.keys)?;
    let terminal = is_terminal();
    let console = (terminal || config.plain) && !config.headless;
    let (store, guard) = open(config, clock)?;
    let ring = telemetry::Ring::new(clock);
    let (_log, log, dropped) =
        telemetry::start(&config.data_dir, config.log.clone(), !console && !config.detached, Arc::clone(&ring))?;
    if !console && !config.headless {
        tracing::info!("stdin or stdout is not a terminal: running headless");
    }
    let notifier = Notifier::from_env(|name| std::env::var_os(name)).unwrap_or_else(|error| {
        tracing::warn!(%error, "systemd is not told how it goes");
        None
    });
    // Before anybody can know that this process is there.
    let mut signals = Signals::open()?;
    let socket = open_socket(&config.socket).await?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("can't listen on {}; is another program there? choose another with --listen", config.listen)
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "the API listens");

    let Store { writer, reader, mut restored, lock: _lock } = store;
    let hooks = std::mem::take(&mut restored.webhooks);
    let programs = programs(config);
    let name = restored.bridge.as_deref().and_then(|name| programs.get_key_value(name)).map(|(name, _)| name);
    let name = name.cloned().unwrap_or_else(|| Arc::clone(&config.bridge));
    let settings_of_api = api::Settings::new(Live::new(config, Arc::clone(&name)), log);
    let settings = supervisor::Settings { patience: config.bridge_patience, ..supervisor::Settings::default() };
    let (supervisor, notices) = supervisor::start(programs, name, settings, clock);
    let stats = Arc::new(ApiStats::default());
    let events = Arc::new(Events::default());
    let (figures, streams) = (Arc::clone(&stats), Arc::clone(&events));
    let engine = engine::start(Parts {
        state: restore(restored, config, clock),
        writer,
        reader,
        supervisor,
        notices,
        sample: Box::new(move |bridge| Sampled {
            bridge_rss: bridge.and_then(|pid| resident_bytes(&pid.to_string())),
            host: HostSample {
                rss_bytes: resident_bytes("self"),
                api: figures.sample(),
                event_streams: streams.sample(),
                log_lines_dropped: dropped.dropped_lines() as u64,
                ..HostSample::default()
            },
        }),
        clock,
    });
    let webhooks = Webhooks::new(engine.handle.clone(), clock, config.webhooks_allow_private);
    webhooks.start(&described, hooks).await?;
    tokio::spawn(webhooks.clone().resume_as_asked(engine.resumed));
    let (stop, stopping) = watch::channel(false);
    let api = Api::from(Shared {
        guard: Arc::new(guard),
        web: Arc::new(Web::new(address, config.allowed_hosts.clone(), config.cors_origins.clone())),
        engine: engine.handle.clone(),
        clock,
        stats,
        settings: Arc::new(settings_of_api),
        keys: KeysInUse::default(),
        events,
        consoles: Consoles::new(Arc::clone(&ring)),
        look_ups: LookUps::default(),
        bodies: Bodies::default(),
        status: StatusText::default(),
        webhooks: webhooks.clone(),
        shutdown: stopping.clone(),
    });
    let api = tokio::spawn(api::serve(listener, socket, api, limits));
    let mut engine_task = engine.task;

    let systemd = async {
        if let Some(notifier) = &notifier {
            notifier.ready();
            notifier.follow(engine.handle.feed(), engine.handle.pulse()).await;
        }
        std::future::pending().await
    };

    let mut console = match console {
        true => {
            let options = console_options(config, keys, format!("http://{address}"), config.data_dir.clone(), ring);
            let link = engine::link(&engine.handle);
            let start = if config.plain { Console::plain } else { Console::start };
            Some(start(link, clock, options).context("can't use the terminal; try --headless")?)
        }
        false => None,
    };
    let early = tokio::select! {
        reason = signals.next() => {
            tracing::info!(reason, "ending");
            None
        }
        () = console_ended(console.as_mut()) => {
            tracing::info!(reason = "the operator quit", "ending");
            None
        }
        ended = &mut engine_task => Some(ended),
        () = systemd => None,
    };
    if let Some(notifier) = &notifier {
        notifier.stopping();
    }
    stop.send_replace(true);
    if let Some(console) = console {
        console.stop(TERMINAL_PATIENCE).await;
    }
    // While the engine still takes how far they are.
    webhooks.stop().await;
    engine.handle.stop();
    let end = async {
        let engine = match early {
            Some(ended) => {
                ended.context("the engine ended by a panic")??;
                return Err(anyhow!("the engine ended without being asked to; see the log"));
            }
            None => engine_task.await,
        };
        api.await.context("the API ended by a panic")?;
        engine.context("the engine ended by a panic")??;
        Ok(())
    };
    match tokio::time::timeout(SHUTDOWN_DEADLINE, end).await {
        Ok(result) => result,
        Err(_late) => Err(anyhow!("not everything ended within {} s", SHUTDOWN_DEADLINE.as_secs())),
    }
}

/// Opens what is in the data folder. The first time the database and the token are made: both wait for the disk, and do so
/// at the same time.
fn open(config: &Config, clock: Clock) -> anyhow::Result<(Store, Guard)> {
    let folder = &config.data_dir;
    let store = || Store::open_with(folder, AccountId::main(), FEED_CAPACITY, Some(retention(config, clock)));
    if access::is_there(folder) {
        return Ok((store()?, Guard::open(folder)?));
    }
    std::thread::scope(|scope| {
        let guard = std::thread::Builder::new().name("token".to_owned()).spawn_scoped(scope, || Guard::open(folder))?;
        // What is wrong with the folder is said of the database.
        let store = store();
        let guard = guard.join().map_err(|_| anyhow!("making the token ended by a panic"))?;
        Ok((store?, guard?))
    })
}

/// A person can look and type.
fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What a console of these settings is given. It keeps what is to be kept in the folder.
fn console_options(
    config: &Config,
    keys: tui::Keymap,
    api: String,
    folder: PathBuf,
    log: Arc<telemetry::Ring>,
) -> tui::Options {
    let set = |name: &str| std::env::var_os(name).is_some_and(|set| !set.is_empty());
    tui::Options {
        api,
        colors: !set("NO_COLOR"),
        within: tui::Within::told_by(
            set("TMUX"),
            set("STY"),
            &std::env::var_os("TERM").unwrap_or_default().to_string_lossy(),
        ),
        ascii: config.ascii,
        theme: tui::Palette::named(&config.theme).unwrap_or_default(),
        mouse: match config.mouse {
            Mouse::On => true,
            Mouse::Off => false,
            Mouse::Auto => !set("SSH_CONNECTION") && !set("SSH_TTY"),
        },
        notify: tui::Notify::named(&config.notify).unwrap_or_default(),
        title: config.title,
        keys,
        read_only: config.read_only,
        log,
        attached: None,
        remember: folder.join("console.json"),
        folder,
    }
}

/// The Unix socket at the first place that is free. None: it is not wanted, or, where nobody chose the place, not possible.
async fn open_socket(setting: &SocketPlaces) -> anyhow::Result<Option<Socket>> {
    for path in &setting.places {
        match Socket::bind(path).await {
            Ok(socket) => {
                tracing::info!(path = %path.display(), "the socket listens");
                return Ok(Some(socket));
            }
            Err(error) if setting.required => return Err(error.into()),
            Err(error) => tracing::warn!(%error, "the API has no socket there"),
        }
    }
    Ok(None)
}

/// Waits for the console's end; for ever when there is none.
async fn console_ended(console: Option<&mut Console>) {
    match console {
        Some(console) => console.ended().await,
        None => std::future::pending().await,
    }
}

/// The signals that ask for the end. What comes once they are opened ends the process in order.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn open() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("can't wait for SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("can't wait for SIGTERM")?,
            hangup: signal(SignalKind::hangup()).context("can't wait for SIGHUP")?,
        })
    }

    /// Waits for one, and names it.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

/// The state that the last process left, with what the settings say on top.
fn restore(restored: Restored, config: &Config, clock: Clock) -> State {
    let now = clock.now().wall;
    let mut snapshot = Snapshot::new(now);
    snapshot.feed = restored.feed.into_iter().map(Arc::new).collect();
    snapshot.restriction = restored.restriction;
    snapshot.groups = restored.groups;
    snapshot.linking = match &config.pairing_code {
        Some(number) => Linking { use_pairing_code: true, phone_number: Some(number.clone()) },
        None => restored.linking.unwrap_or_default(),
    };
    let Tuning { pace, limits, queue_limit, .. } = config.changeable().tuning();
    State::restored(snapshot, restored.pending)
        .with_limits(limits)
        .with_pace(pace, now)
        .with_queue_capacity(queue_limit)
}

/// The webhooks of the settings file.
fn described(config: &Config) -> Vec<Description> {
    let of = |one: &WebhookSetting| Description {
        name: one.name.clone(),
        url: Some(one.url.clone()),
        secret: one.secret.clone(),
        types: one.types.clone(),
        chats: one.chats.clone(),
    };
    config.webhooks.iter().map(of).collect()
}

/// Looked at once a minute, and at rest once in ten: nothing else wakes the writing thread then.
fn retention(config: &Config, clock: Clock) -> Retention {
    let Kept { max_age, max_bytes } = config.changeable().tuning().kept;
    Retention { max_age, max_bytes, look_every: Duration::from_secs(60), clock }
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
    // All of it comes at once. Nothing is asked for its size or its end: at rest this is most of what is done.
    let mut status = [0; 4096];
    let length = std::fs::File::open(format!("/proc/{process}/status")).ok()?.read(&mut status).ok()?;
    let line = std::str::from_utf8(status.get(..length)?).ok()?.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
