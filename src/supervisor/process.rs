//! One run of the bridge: starting it, serving its stdin, ending it.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::pipes::Reading;
use super::signs::Signs;
use super::{Notice, Program};
use crate::clock::Clock;
use crate::protocol::Command;
use crate::state::{BridgeNotice, ExitClass, Incarnation};

/// The exit code by which a bridge says that its settings can't work (`EX_CONFIG` of `sysexits.h`).
const BAD_CONFIGURATION: i32 = 78;

/// How long each rung of the ladder is given that ends a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopLimits {
    /// After its stdin was closed.
    pub after_eof: Duration,
    /// After TERM was sent to its group. Then comes KILL.
    pub after_term: Duration,
    /// How long the pipes are waited for after the end: another process may hold them.
    pub pipes: Duration,
}

impl Default for StopLimits {
    fn default() -> Self {
        Self {
            after_eof: Duration::from_secs(3),
            after_term: Duration::from_secs(2),
            pipes: Duration::from_millis(500),
        }
    }
}

/// How long a bridge that gives no sign of life is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// So long, in reading time; for ever when it is zero.
    pub(super) limit: Duration,
    /// A bridge that never said anything is ended, not only told about.
    pub(super) ends_the_silent: bool,
}

/// A bridge that runs. When it is dropped, whatever is left of its group is killed.
pub(super) struct Running {
    child: Child,
    group: Option<Pid>,
    incarnation: Incarnation,
    notices: mpsc::Sender<Notice>,
    clock: Clock,
    stdin: Option<ChildStdin>,
    pipes: Option<(ChildStdout, ChildStderr)>,
    readers: JoinSet<()>,
    signs: Arc<Signs>,
    pid: u32,
}

impl Running {
    pub(super) fn spawn(
        program: &Program,
        incarnation: Incarnation,
        notices: mpsc::Sender<Notice>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let mut command = tokio::process::Command::new(&program.program);
        command
            .args(&program.args)
            .env_clear()
            .envs(program.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(folder) = &program.folder {
            command.current_dir(folder);
        }
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let stdin = child.stdin.take();
        let pipes = child.stdout.take().zip(child.stderr.take());
        tracing::info!(%incarnation, pid, "the bridge was started");
        let (readers, signs) = (JoinSet::new(), Arc::default());
        Ok(Self { child, group, incarnation, notices, clock, stdin, pipes, readers, signs, pid })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Begins to read what the bridge says. Comes after its start was told.
    pub(super) fn read(&mut self) {
        let reading = || Reading {
            incarnation: self.incarnation,
            notices: self.notices.clone(),
            signs: Arc::clone(&self.signs),
            clock: self.clock,
        };
        if let Some((stdout, stderr)) = self.pipes.take() {
            let (events, log) = (reading().events(stdout), reading().log(stderr));
            self.readers.spawn(events);
            self.readers.spawn(log);
        }
    }

    /// Writes commands to the bridge's stdin until the bridge ends, or is to be ended for this reason.
    pub(super) async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<(Incarnation, Command)>,
        patience: Patience,
    ) -> Option<ExitClass> {
        let Self { child, stdin, incarnation, signs, notices, .. } = self;
        let signs = signs.as_ref();
        let write = async {
            while let Some((run, command)) = commands.recv().await {
                let Some(pipe) = stdin.as_mut().filter(|_| run == *incarnation) else { continue };
                if let Command::Ping { id } = &command {
                    signs.asked(*id);
                }
                let line = command.to_line();
                let written = tokio::select! {
                    written = pipe.write_all(&line) => written,
                    () = signs.ran_out(patience.limit) => return ExitClass::Unresponsive,
                };
                if let Err(error) = written {
                    tracing::warn!(%error, "writing to the bridge's stdin");
                    *stdin = None;
                }
            }
            std::future::pending().await
        };
        let lifeless = async {
            if !signs.first_word(patience.limit).await {
                if patience.ends_the_silent {
                    return ExitClass::Silent;
                }
                let notice = BridgeNotice::Silent { incarnation: *incarnation };
                let _ = notices.send(Notice::Bridge(notice)).await;
            }
            signs.unanswered(patience.limit).await
        };
        tokio::select! {
            _ = child.wait() => None,
            class = write => Some(class),
            class = lifeless => Some(class),
        }
    }

    /// Ends the bridge, asking with growing force when it is `asked` to end. Says how it ended: why, seen from the
    /// bridge's side, and in words.
    ///
    /// Whatever else lives in its group is killed. What it said is read to the end first, unless another process holds
    /// the pipe open.
    pub(super) async fn end(mut self, asked: bool, limits: StopLimits) -> (ExitClass, String) {
        self.stdin = None;
        let mut status = None;
        if asked {
            status = timeout(limits.after_eof, self.child.wait()).await.ok();
            if status.is_none() {
                self.signal(Signal::TERM);
                status = timeout(limits.after_term, self.child.wait()).await.ok();
            }
        }
        if asked && status.is_none() {
            self.signal(Signal::KILL);
        }
        let status = match status {
            Some(status) => status,
            None => self.child.wait().await,
        };
        self.signal(Signal::KILL);
        self.group = None;
        self.drain(limits.pipes).await;
        match status {
            Ok(status) => (self.classify(status), describe(status)),
            Err(error) => (ExitClass::Crash, format!("ended in an unknown way ({error})")),
        }
    }

    /// Signals the whole group. Its leader is reaped last, so that the number can't mean another group by now… except
    /// after the reaping, when only members that outlived the leader keep the number taken.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Waits for the readers, but not for a process that holds the pipes open, whether or not it talks.
    async fn drain(&mut self, limit: Duration) {
        let signs = Arc::clone(&self.signs);
        signs.process_ended();
        let read_to_the_end = async { while self.readers.join_next().await.is_some() {} };
        tokio::select! {
            () = read_to_the_end => return,
            () = signs.ran_out(limit) => {}
        }
        tracing::warn!("another process holds the bridge's pipes open; they are not read any more");
        // What was read is handed over still: a reader of stdout ends between two lines.
        signs.close();
        while self.readers.join_next().await.is_some() {}
    }

    fn classify(&self, status: ExitStatus) -> ExitClass {
        match status.code() {
            Some(BAD_CONFIGURATION) => ExitClass::BadConfiguration,
            Some(_) | None if self.signs.logged_out() => ExitClass::LoggedOut,
            Some(0) => ExitClass::Clean,
            Some(_) | None => ExitClass::Crash,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Whether what kept a program from being started may pass by itself: too many processes or files, no memory.
pub(super) fn passes(error: &std::io::Error) -> bool {
    let passing = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY, Errno::INTR, Errno::IO];
    Errno::from_io_error(error).is_some_and(|errno| passing.contains(&errno))
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended by itself (code 0)".to_owned(),
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}
