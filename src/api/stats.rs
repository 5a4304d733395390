//! How long answers take.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};

use crate::metrics::{Distribution, Histogram};
use crate::state::ApiSample;

/// The percentiles are over so many answers.
const WINDOW: usize = 1_024;

/// Most answers take less than a millisecond; who waits for one of WhatsApp's gets it within half a minute.
const BOUNDS: &[Duration] = &[
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// Figures of the API.
#[derive(Debug, Default)]
pub struct ApiStats {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: u64,
    /// The last answers' times in microseconds, in no order that matters. Grows up to [`WINDOW`].
    micros: Vec<u32>,
    /// In the order of their kinds. Grows with the first answer of each, and no further than routes, methods and classes
    /// of status go.
    kinds: Vec<(AnswerKind, Histogram)>,
}

/// What tells answers apart in figures. Nothing of it is the caller's choice: callers could make endless figures else.
#[derive(Clone, Debug)]
pub(super) struct AnswerKind {
    /// As in the router; none: there is no such route.
    route: Option<MatchedPath>,
    /// In capitals; `other` for one of the caller's invention.
    pub(super) method: &'static str,
    /// The class of the status, as in `2xx`.
    pub(super) status: &'static str,
}

impl AnswerKind {
    /// Which one it is.
    pub(super) fn of(method: &Method, route: Option<MatchedPath>, status: StatusCode) -> Self {
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        Self {
            route,
            method: methods.into_iter().find(|known| *known == method.as_str()).unwrap_or("other"),
            status: match status.as_u16() / 100 {
                1 => "1xx",
                2 => "2xx",
                3 => "3xx",
                4 => "4xx",
                _ => "5xx",
            },
        }
    }

    /// The route as in the router.
    pub(super) fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }

    /// What it is found by.
    fn key(&self) -> (&str, &str, &str) {
        (self.route(), self.method, self.status)
    }
}

impl ApiStats {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer of this kind took this long.
    pub(super) fn answered(&self, kind: AnswerKind, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut inner = self.lock();
        let place = inner.kinds.binary_search_by(|(known, _)| known.key().cmp(&kind.key()));
        match place.map(|at| inner.kinds.get(at)) {
            Ok(known) => known.into_iter().for_each(|(_, histogram)| histogram.observe(took)),
            Err(at) => {
                let histogram = Histogram::new(BOUNDS);
                histogram.observe(took);
                inner.kinds.insert(at, (kind, histogram));
            }
        }
        let at = usize::try_from(inner.requests).unwrap_or_default() % WINDOW;
        inner.requests += 1;
        match inner.micros.get_mut(at) {
            Some(slot) => *slot = micros,
            None => inner.micros.push(micros),
        }
    }

    /// The figures now. Percentiles are zero when nothing was answered yet.
    pub fn sample(&self) -> ApiSample {
        let (requests, mut micros) = {
            let inner = self.lock();
            (inner.requests, inner.micros.clone())
        };
        micros.sort_unstable();
        let at = |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len().saturating_sub(1)));
        let value = |percent| at(percent).copied().map_or(0, u64::from);
        ApiSample { requests, p50_micros: value(50), p99_micros: value(99) }
    }

    /// How long answers took, for each kind of which there was one.
    pub(super) fn by_kind(&self) -> Vec<(AnswerKind, Distribution)> {
        self.lock().kinds.iter().map(|(kind, histogram)| (kind.clone(), histogram.read())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_over_the_last_answers() {
        let stats = ApiStats::default();
        let kind = AnswerKind::of(&Method::GET, None, StatusCode::OK);
        assert_eq!(stats.sample(), ApiSample::default());
        for _ in 0..WINDOW {
            stats.answered(kind.clone(), Duration::from_secs(9));
        }
        for micros in 1..=WINDOW as u64 {
            stats.answered(kind.clone(), Duration::from_micros(micros));
        }
        let sample = stats.sample();
        assert_eq!(sample.requests, 2 * WINDOW as u64);
        assert_eq!((sample.p50_micros, sample.p99_micros), (513, 1014));
    }

    #[test]
    fn callers_do_not_choose_what_figures_there_are() {
        let stats = ApiStats::default();
        for n in 0..100 {
            let method = Method::from_bytes(format!("MADE-UP-{n}").as_bytes()).unwrap();
            let status = StatusCode::from_u16(400 + n).unwrap();
            stats.answered(AnswerKind::of(&method, None, status), Duration::from_millis(1));
        }
        let told = stats.by_kind();
        let (kind, times) = &told[0];
        assert_eq!((told.len(), kind.route(), kind.method, kind.status), (1, "unmatched", "other", "4xx"));
        assert_eq!(times.count, 100);
    }
}
