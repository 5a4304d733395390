//! The settings that may be changed while the gateway runs.

use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::Targets;

use super::ConfigError;
use super::layers::Layers;
use crate::state::{BridgeLimits, Kept, Pace, Tuning};

/// What may be changed while the gateway runs. See [`Config`](super::Config) for what each is.
#[expect(missing_docs, reason = "`Config` has the same fields")]
#[derive(Clone, Debug, PartialEq)]
pub struct Changeable {
    pub bridge_memory_mb: u32,
    pub bridge_rss_limit_mb: u32,
    pub bridge_patience: Duration,
    pub proof: Duration,
    pub send_rate_per_minute: u32,
    pub send_burst: u32,
    pub queue_limit: u32,
    pub retention_days: u32,
    pub retention_mb: u32,
    pub log: Targets,
}

impl Changeable {
    /// Reads them; what is not set is as it is by default.
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let seconds = |key| {
            let read = layers.parsed::<u32>(key, "a number of seconds; 0 is for ever");
            read.map(|seconds| Duration::from_secs(seconds.unwrap_or(60).into()))
        };
        Ok(Self {
            bridge_memory_mb: layers.parsed("bridge_memory_mb", "a number of MiB; 0 is no cap")?.unwrap_or(256),
            bridge_rss_limit_mb: layers.parsed("bridge_rss_limit_mb", "a number of MiB; 0 is no limit")?.unwrap_or(512),
            proof: seconds("proof_seconds")?,
            bridge_patience: seconds("bridge_patience_seconds")?,
            send_rate_per_minute: layers
                .parsed("send_rate_per_minute", "a number of messages; 0 is as fast as they come")?
                .unwrap_or(30),
            send_burst: layers
                .checked("send_burst", |text| match text.parse() {
                    Ok(0) | Err(_) => Err("it is a number of messages, at least 1".to_owned()),
                    Ok(burst) => Ok(burst),
                })?
                .unwrap_or(10),
            queue_limit: layers
                .checked("queue_limit", |text| match text.parse() {
                    Ok(limit @ 1..=1_000_000) => Ok(limit),
                    Ok(_) | Err(_) => Err("it is a number of messages, from 1 to 1000000".to_owned()),
                })?
                .unwrap_or(10_000),
            retention_days: layers.parsed("retention_days", "a number of days; 0 is for ever")?.unwrap_or(30),
            retention_mb: layers.parsed("retention_mb", "a number of MiB; 0 is no limit")?.unwrap_or(1024),
            log: layers
                .checked("log", |filter| {
                    let parsed = filter.parse::<Targets>();
                    parsed.map_err(|error| format!("{error}; it is as in info or pilothouse=debug,bridge=info"))
                })?
                .unwrap_or_else(|| Targets::new().with_default(Level::INFO)),
        })
    }

    /// What the engine goes by.
    pub fn tuning(&self) -> Tuning {
        let days = u64::from(self.retention_days);
        Tuning {
            pace: Pace { per_minute: self.send_rate_per_minute, burst: self.send_burst },
            limits: self.limits(),
            queue_limit: self.queue_limit as usize,
            kept: Kept {
                max_age: (days > 0).then(|| Duration::from_secs(days * 24 * 60 * 60)),
                max_bytes: (self.retention_mb > 0).then(|| u64::from(self.retention_mb) << 20),
            },
        }
    }

    /// A bridge is asked for a sign of life twice within the time that it may give none, and for a proof three times.
    fn limits(&self) -> BridgeLimits {
        let default = BridgeLimits::default();
        let mut heartbeat = default.heartbeat;
        if !self.bridge_patience.is_zero() {
            heartbeat = heartbeat.min(self.bridge_patience / 2);
        }
        if !self.proof.is_zero() {
            heartbeat = heartbeat.min(self.proof / 3);
        }
        BridgeLimits {
            heartbeat,
            proof: self.proof,
            rss_bytes: (self.bridge_rss_limit_mb > 0).then(|| u64::from(self.bridge_rss_limit_mb) << 20),
        }
    }
}
