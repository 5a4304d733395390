//! Logging: to a rolling file in the data folder, and on stderr when there is no console.
//!
//! Consoles get the last lines as well. Never on stdout, and never on stderr while a console owns the terminal.

mod ring;

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

pub use ring::{Line, Part, Ring};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

/// How many days of logs are kept.
const KEEP_FILES: usize = 7;

/// How many lines may wait for the disk. More are dropped: a full disk must not stop the gateway.
const WAITING_LINES: usize = 1_024;

/// Why logging can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The folder or the file can't be used.
    #[error("can't write logs to {folder}: {why}")]
    Folder {
        /// Where.
        folder: String,
        /// Why.
        why: String,
    },
    /// Logging was set up before.
    #[error("logging was set up twice")]
    Twice,
}

/// Changes what is logged.
#[derive(Clone, Debug, Default)]
pub struct LogFilter(Option<reload::Handle<Targets, Registry>>);

impl LogFilter {
    /// Lets this through from now on.
    pub fn set(&self, filter: Targets) {
        if let Some(handle) = &self.0
            && let Err(error) = handle.reload(filter)
        {
            tracing::warn!(%error, "what is logged could not be changed");
        }
    }
}

/// Sets logging up: what `filter` lets through goes to `<data_dir>/logs`, and to stderr when `stderr` is set, and
/// into the ring.
///
/// What waits is written when the guard is dropped; the [`LogFilter`] changes what is let through, and the counter says
/// how many lines the file has not.
///
/// # Errors
/// [`TelemetryError`] when the folder can't be used.
pub fn start(
    data_dir: &Path,
    filter: Targets,
    stderr: bool,
    ring: Arc<Ring>,
) -> Result<(WorkerGuard, LogFilter, ErrorCounter), TelemetryError> {
    let folder = data_dir.join("logs");
    let failed = |why: String| TelemetryError::Folder { folder: folder.display().to_string(), why };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| failed(e.to_string()))?;
    std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).map_err(|e| failed(e.to_string()))?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("pilothouse")
        .filename_suffix("log")
        .max_log_files(KEEP_FILES)
        .build(&folder)
        .map_err(|e| failed(e.to_string()))?;
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES).thread_name("log").finish(file);
    let dropped = writer.error_counter();
    let to_file = fmt::layer().with_writer(writer).with_ansi(false).with_target(true).with_thread_ids(true);
    let to_stderr = stderr.then(|| fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(true));
    let (filter, handle) = reload::Layer::new(filter);
    tracing_subscriber::registry()
        .with(to_file.and_then(to_stderr).and_then(ring::RingLayer(ring)).with_filter(filter))
        .try_init()
        .map_err(|_| TelemetryError::Twice)?;
    log_panics();
    Ok((guard, LogFilter(Some(handle)), dropped))
}

/// Panics are logged as well. The hook that was there runs after.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let words =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        tracing::error!(target: "panic", location, "{}", words.unwrap_or("a panic without words"));
        before(info);
    }));
}
