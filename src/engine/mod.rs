//! Runs the domain: takes inputs in order, decides, has the writes committed, and only then lets anything out.
//!
//! One task owns the [`State`]. Its loop merges the console's and the API's requests, the bridge's events, timers, and
//! the store's progress.
//!
//! * Nothing leaves (a reply, a publication, a command to the bridge) before the writes that justify it are on disk:
//!   see [`gate`](self).
//! * It waits for nothing but the store, and says that it lives when it is asked, then too: see [`Pulse`].
//! * What the bridge tells and can't be decided on, since the message that it is about can't be looked up, is not
//!   acknowledged, nor is anything after it. It is tried again each second, and until then all is as when the disk fails.
//! * When the requests' and the supervisor's ends are gone and everything is written, it ends.

mod console;
mod feed;
mod figures;
mod gate;
mod handle;
mod journal;
mod known;
mod pulse;
mod sampling;
mod timers;
mod trouble;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use console::link;
pub use feed::{Cursor, Feed, Next};
pub use figures::Figures;
pub use handle::{Handle, Unavailable};
pub use journal::{Journal, JournalError};
pub use pulse::{NoPulse, Pulse};

pub use crate::store::{Commits, JournalPage, JournalRow};

use crate::clock::{Clock, Mono, Now};
use crate::protocol::{Command, Event};
use crate::state::{
    Answer, Background, BridgeNotice, Change, Effect, Incarnation, Input, Known, Lookup, Outcome, Refusal, Request,
    RequestId, Sampled, State, decide, lookup,
};
use crate::store::{Batch, Reader, Watermark};
use crate::supervisor::{self, Notice};
use gate::{Gate, Release};
use handle::Envelope;
use known::KnownMessages;
use pulse::Beat;
pub(crate) use pulse::pulse;
use sampling::Sampling;
use timers::Timers;
use trouble::Trouble;

/// How many requests may wait for the engine.
const REQUESTS: usize = 64;

/// How many inputs make one batch at most.
const BATCH: usize = 128;

/// How long after a look-up that failed it is tried again, when nothing can go on without it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How many webhooks may wait to be resumed: more than there are.
const RESUMED: usize = 64;

/// Takes figures, given the process id of the bridge while it runs.
pub type Sampler = Box<dyn FnMut(Option<u32>) -> Sampled + Send>;

/// What an engine needs.
pub struct Parts {
    /// What was restored.
    pub state: State,
    /// Where writes go, and how far the disk is.
    pub writer: crate::store::Writer,
    /// For looking up what an event is about.
    pub reader: Reader,
    /// The bridge.
    pub supervisor: supervisor::Handle,
    /// What the bridge and its supervisor tell.
    pub notices: mpsc::Receiver<Notice>,
    /// Takes figures.
    pub sample: Sampler,
    /// The time.
    pub clock: Clock,
}

/// Why an engine ended.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The writing thread is gone.
    #[error("the database's thread ended; nothing more can be accepted")]
    StoreGone,
    /// It was to end while the database could not be written, or not be read.
    #[error("the database can't be used ({reason}); what was not acknowledged is not kept")]
    StoreFailing {
        /// What the database says.
        reason: String,
    },
}

/// An engine that runs.
#[derive(Debug)]
pub struct Running {
    /// For asking it.
    pub handle: Handle,
    /// The names of webhooks that are to try at once, as consoles ask for it.
    pub resumed: mpsc::Receiver<Arc<str>>,
    /// Ends when the engine does.
    pub task: tokio::task::JoinHandle<Result<(), EngineError>>,
}

/// Starts the engine. It ends after [`Handle::stop`], once the bridge has ended and everything is written.
pub fn start(parts: Parts) -> Running {
    let Parts { state, writer, reader, supervisor, notices, sample, clock } = parts;
    let (requests, requests_rx) = mpsc::channel(REQUESTS);
    let stop = tokio::sync::watch::Sender::new(false);
    let (resume, resumed) = mpsc::channel(RESUMED);
    let engine = Engine { resume: Some(resume), ..Engine::new(state, reader.clone(), supervisor, sample, clock) };
    let (pulse, beat) = pulse();
    let handle = Handle::new(
        requests,
        Arc::clone(&engine.feed),
        reader,
        pulse,
        (Arc::clone(&engine.figures), Arc::clone(&writer.commits)),
        stop.clone(),
    );
    let task = tokio::spawn(engine.run(writer, requests_rx, notices, beat, stop.subscribe()));
    Running { handle, resumed, task }
}

/// Only [`Engine::run`] waits and reads the clock. All else is given the time, and does what it does at once: the model
/// test goes through the same code with a clock and a disk of its own.
struct Engine {
    state: State,
    clock: Clock,
    known: KnownMessages,
    supervisor: Option<supervisor::Handle>,
    feed: Arc<Feed>,
    gate: Gate,
    timers: Timers,
    replies: HashMap<RequestId, oneshot::Sender<Answer>>,
    next_request: RequestId,
    /// Decided, and waiting for room at the store.
    pending: Option<Batch>,
    trouble: Trouble,
    /// The highest number that the bridge has told in this run. Acknowledging covers all up to it, also when an older
    /// one is told again.
    told: Option<(Incarnation, u64)>,
    sample: Sampler,
    figures: Arc<Figures>,
    /// Who has webhooks try at once; none: nobody.
    resume: Option<mpsc::Sender<Arc<str>>>,
}

impl Engine {
    fn new(state: State, reader: Reader, supervisor: supervisor::Handle, sample: Sampler, clock: Clock) -> Self {
        Self {
            feed: Arc::new(Feed::new(state.snapshot().clone())),
            state,
            clock,
            known: KnownMessages::new(reader),
            supervisor: Some(supervisor),
            gate: Gate::default(),
            timers: Timers::default(),
            replies: HashMap::new(),
            next_request: RequestId::default(),
            pending: None,
            trouble: Trouble::default(),
            told: None,
            sample,
            figures: Arc::default(),
            resume: None,
        }
    }

    async fn run(
        mut self,
        writer: crate::store::Writer,
        mut requests: mpsc::Receiver<Envelope>,
        mut notices: mpsc::Receiver<Notice>,
        mut beat: Beat,
        mut stop: tokio::sync::watch::Receiver<bool>,
    ) -> Result<(), EngineError> {
        let crate::store::Writer { batches, mut watermark, thread, commits: _ } = writer;
        let mut envelopes = Vec::with_capacity(REQUESTS);
        let mut told = Vec::with_capacity(BATCH);
        // Between turns this has what could not be decided on.
        let mut inputs = Vec::with_capacity(BATCH);
        let mut look_again = Mono::default();
        let mut sampling = Sampling::start(self.clock.mono());
        let mut sample = false;
        let mut ended = false;
        loop {
            beat.answer();
            let waits = !inputs.is_empty() && self.pending.is_none();
            let idle = inputs.is_empty() && self.pending.is_none();
            // With no room for more to write, or with what can't be decided on, requests are refused, and at the end notices
            // are let go.
            let failing = !idle && self.trouble.reason().is_some();
            let giving_up = failing && self.supervisor.is_none();
            tokio::select! {
                biased;
                changed = watermark.changed() => {
                    changed.map_err(|_| EngineError::StoreGone)?;
                    let mark = watermark.borrow_and_update().clone();
                    self.store_progressed(mark, self.clock.now());
                }
                permit = batches.reserve(), if self.pending.is_some() => {
                    let permit = permit.map_err(|_| EngineError::StoreGone)?;
                    if let Some(batch) = self.pending.take() {
                        permit.send(batch);
                    }
                }
                () = tokio::time::sleep_until(self.clock.instant(sampling.due()).into()), if !sample => {
                    self.figures.late(self.clock.mono().since(sampling.due()));
                    sample = true;
                }
                at = self.timers.fired(&self.clock), if idle => {
                    let now = self.clock.mono();
                    if !sample && sampling.goes_with_timer(now) {
                        self.figures.late(now.since(at));
                        sample = true;
                    }
                }
                () = tokio::time::sleep_until(self.clock.instant(look_again).into()), if waits => {}
                n = notices.recv_many(&mut told, BATCH), if idle || giving_up => ended = n == 0,
                _ = requests.recv_many(&mut envelopes, REQUESTS), if (idle || failing) && !requests.is_closed() => {}
                stopping = stop.wait_for(|stop| *stop), if self.supervisor.is_some() => {
                    drop(stopping);
                    requests.close();
                    if let Some(supervisor) = self.supervisor.take() {
                        supervisor.stop();
                        // It ends by itself; its notices are followed to their end.
                        tokio::spawn(supervisor.join());
                    }
                }
                () = beat.wanted() => {}
            }
            if idle {
                if std::mem::take(&mut sample) {
                    sampling.taken(self.clock.mono());
                    let mut sampled = (self.sample)(self.state.snapshot().bridge.pid);
                    self.figures.sampled(&mut sampled);
                    inputs.push(Input::Sampled(Box::new(sampled)));
                }
                // Whatever woke us, everyone gets a turn: a flood on one side does not starve the others.
                while envelopes.len() < REQUESTS
                    && let Ok(envelope) = requests.try_recv()
                {
                    envelopes.push(envelope);
                }
                let now = self.clock.now();
                if !envelopes.is_empty() || told.iter().any(|notice| !notice.is_sign_of_life()) {
                    sampling.busy(now.mono);
                }
                self.turn(&mut inputs, &mut envelopes, &mut told, now);
            } else {
                told.clear();
                envelopes.drain(..).for_each(|envelope| self.refuse(envelope));
            }
            let again = waits && self.clock.mono() >= look_again;
            if again {
                self.take_inputs(&mut inputs, self.clock.now());
            }
            if (idle || again) && !inputs.is_empty() {
                look_again = self.clock.mono().plus(LOOK_AGAIN);
            }
            if ended && (self.pending.is_none() || self.trouble.reason().is_some()) {
                break;
            }
        }
        let mut given_up = self.pending.take().and(self.trouble.reason().map(str::to_owned));
        drop(batches);
        while watermark.changed().await.is_ok() {
            let mark = watermark.borrow_and_update().clone();
            self.store_progressed(mark, self.clock.now());
        }
        given_up = given_up.or_else(|| self.trouble.reason().map(str::to_owned));
        if let Some(reason) = given_up {
            return Err(EngineError::StoreFailing { reason });
        }
        if tokio::task::spawn_blocking(|| thread.join().is_ok()).await.unwrap_or(false) {
            Ok(())
        } else {
            Err(EngineError::StoreGone)
        }
    }

    /// Takes what has come, and the timers that are due, as one batch. Empties what it is given, but for inputs that can't
    /// be decided on.
    fn turn(&mut self, inputs: &mut Vec<Input>, asked: &mut Vec<Envelope>, told: &mut Vec<Notice>, now: Now) {
        inputs.extend(self.timers.take(now.mono).map(Input::TimerFired));
        inputs.extend(asked.drain(..).filter_map(|envelope| self.register(envelope)));
        inputs.extend(told.drain(..).map(|notice| match notice {
            Notice::Bridge(notice) => Input::Bridge(notice),
            Notice::Event { incarnation, event } => Input::Event { incarnation, event, known: Known::No },
        }));
        self.take_inputs(inputs, now);
    }

    /// Answers a request that can't be taken since the store fails.
    fn refuse(&self, Envelope { reply, .. }: Envelope) {
        let reason = self.trouble.reason().unwrap_or_default().to_owned();
        let _ = reply.send(Answer::Refused(Refusal::StoreFailed { reason }));
    }

    /// Gives a request its number and keeps where its answer goes. While the store fails it is answered at once.
    fn register(&mut self, envelope: Envelope) -> Option<Input> {
        if self.trouble.reason().is_some() && envelope.request != Request::RestartBridge {
            self.refuse(envelope);
            return None;
        }
        let Envelope { request, reply } = envelope;
        let id = self.next_request;
        self.next_request = id.next();
        self.replies.insert(id, reply);
        let mut random = [0; 9];
        fastrand::Rng::new().fill(&mut random);
        Some(Input::Request { id, request, random, background: Background::default() })
    }

    /// What to look up for a message that the bridge tells, which hangs on no input before it. For what happened to one of
    /// ours it does.
    fn message_of(&self, input: &Input) -> Option<Lookup> {
        let Input::Event { event: event @ Event::Message(_), .. } = input else { return None };
        lookup(&self.state, event)
    }

    /// Decides on a batch of inputs, in order, up to the first that can't be decided on: that one and those after it stay.
    fn take_inputs(&mut self, inputs: &mut Vec<Input>, now: Now) {
        let mut writes = Vec::with_capacity(inputs.len());
        let seq = self.gate.next_seq();
        let mut releases = Vec::with_capacity(inputs.len());
        let (mut left, mut unreadable) = (Vec::new(), None);
        let mut taken = None;
        let several = inputs.len() > 1;
        if several {
            self.known.begin();
        }
        let wanted = inputs.iter().map(|input| self.message_of(input)).collect::<Vec<_>>();
        let absent = self.known.absent(&wanted);
        for (mut input, (wanted, absent)) in inputs.drain(..).zip(wanted.into_iter().zip(absent)) {
            if unreadable.is_some() {
                left.push(input);
                continue;
            }
            if let Input::Event { incarnation, event, known } = &mut input {
                if let Event::Pong(pong) = event {
                    self.figures.answered(pong);
                }
                if let Some(wanted) = wanted.or_else(|| lookup(&self.state, event)) {
                    match self.known.find(&wanted, absent) {
                        Ok(found) => *known = found,
                        Err(reason) => {
                            unreadable = Some(reason);
                            left.push(input);
                            continue;
                        }
                    }
                }
                if let Some(seq) = event.seq() {
                    let before = self.told.filter(|(run, _)| run == incarnation);
                    let highest = before.map_or(seq, |(_, before)| before.max(seq));
                    self.told = Some((*incarnation, highest));
                    taken = self.told;
                }
            }
            if let Input::Request { id, request, background, .. } = &mut input {
                match self.known.about(request) {
                    Ok(found) => *background = found,
                    Err(reason) => {
                        tracing::error!(reason, "looking up what a request is about");
                        let answer = Answer::Refused(Refusal::StoreFailed { reason });
                        releases.push(Release::Effect(Effect::Reply { id: *id, answer }));
                        continue;
                    }
                }
            }
            log_notice(&input);
            let outcome = decide(&mut self.state, input, now);
            self.known.note(&outcome.writes, seq);
            let Outcome { changes, writes: more, effects } = outcome;
            writes.extend(more);
            releases.extend(changes.into_iter().map(|change| Release::Publish(Arc::new(change))));
            releases.extend(effects.into_iter().map(Release::Effect));
        }
        inputs.append(&mut left);
        if several {
            self.known.end();
        }
        if let Some((incarnation, seq)) = taken {
            let command = Command::Ack { seq };
            releases.push(Release::Effect(Effect::Dispatch { incarnation, command }));
        }
        if !writes.is_empty() {
            self.pending = Some(Batch { seq, writes, unsure: self.known.failed() });
            self.gate.wrote(seq);
        }
        for release in releases {
            self.gate.push(release);
        }
        let news = self.trouble.reading(unreadable, now);
        self.tell_at_once(news);
        self.open_gate(now);
    }

    fn store_progressed(&mut self, mark: Watermark, now: Now) {
        self.gate.committed(mark.committed);
        self.known.committed(mark.committed);
        let news = self.trouble.writing(mark.failing, now);
        self.tell_at_once(news);
        self.open_gate(now);
    }

    /// Tells what can't wait for the disk.
    fn tell_at_once(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        changes.iter().for_each(|change| self.state.note(change));
        self.feed.publish(changes.into_iter().map(Arc::new));
    }

    /// Lets out what is justified.
    fn open_gate(&mut self, now: Now) {
        let Self { gate, feed, figures, .. } = self;
        let mut effects = Vec::new();
        feed.publish(std::iter::from_fn(|| {
            loop {
                match gate.pop()? {
                    Release::Publish(change) => {
                        figures.published(&change);
                        return Some(change);
                    }
                    Release::Effect(effect) => effects.push(effect),
                }
            }
        }));
        self.figures.oldest(self.state.outbox().oldest().and_then(|row| row.delivery.times.queued_at));
        for effect in effects {
            self.perform(effect, now);
        }
    }

    fn perform(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::Reply { id, answer } => {
                if let Some(reply) = self.replies.remove(&id) {
                    let _ = reply.send(answer);
                }
            }
            Effect::SetTimer { timer, after } => self.timers.set(timer, now.mono.plus(after)),
            Effect::Dispatch { incarnation, command } => {
                if self.supervisor.as_ref().is_some_and(|s| !s.command(incarnation, command)) {
                    tracing::warn!("the bridge does not read its stdin; a command was not given");
                }
            }
            Effect::ResumeWebhook(name) => {
                // Full: so many are asked for already that it is among them, or will be asked for again.
                if self.resume.as_ref().is_none_or(|resume| resume.try_send(name).is_err()) {
                    tracing::warn!("a webhook was not resumed: too much is asked of webhooks at once");
                }
            }
            Effect::RestartBridge => self.with_supervisor(supervisor::Handle::restart),
            Effect::UseBridge(name) => self.with_supervisor(|s| s.use_program(name)),
            Effect::ReplaceBridge { incarnation, class } => self.with_supervisor(|s| s.replace(incarnation, class)),
            Effect::RefuseBridge { incarnation, why } => self.with_supervisor(|s| s.refuse(incarnation, why)),
        }
    }

    fn with_supervisor(&self, act: impl FnOnce(&supervisor::Handle)) {
        if let Some(supervisor) = &self.supervisor {
            act(supervisor);
        }
    }
}

fn log_notice(input: &Input) {
    match input {
        Input::Bridge(BridgeNotice::Refused { why }) => tracing::error!("{why}"),
        Input::Bridge(notice) => tracing::debug!(?notice, "bridge"),
        Input::Event { .. } | Input::Request { .. } | Input::TimerFired(_) | Input::Sampled(_) => {}
    }
}

#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod tests;
