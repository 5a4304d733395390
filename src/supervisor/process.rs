//! One run of the bridge: starting it, serving its stdin, ending it.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::pipes::{self, Progress};
use super::{Notice, Program};
use crate::protocol::Command;
use crate::state::Incarnation;

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

/// A bridge that runs.
pub(super) struct Running {
    child: Child,
    group: Option<Pid>,
    incarnation: Incarnation,
    notices: mpsc::Sender<Notice>,
    stdin: Option<ChildStdin>,
    pipes: Option<(ChildStdout, ChildStderr)>,
    readers: Vec<JoinHandle<()>>,
    progress: Arc<Progress>,
    pid: u32,
}

impl Running {
    pub(super) fn spawn(
        program: &Program,
        incarnation: Incarnation,
        notices: mpsc::Sender<Notice>,
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
        Ok(Self {
            child,
            group,
            incarnation,
            notices,
            stdin,
            pipes,
            readers: Vec::new(),
            progress: Arc::default(),
            pid,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Begins to read what the bridge says. Comes after its start was told.
    pub(super) fn read(&mut self) {
        if let Some((stdout, stderr)) = self.pipes.take() {
            let (notices, progress) = (self.notices.clone(), Arc::clone(&self.progress));
            self.readers.push(tokio::spawn(pipes::read_events(stdout, self.incarnation, notices, progress)));
            self.readers.push(tokio::spawn(pipes::log_stderr(stderr)));
        }
    }

    /// Writes commands to the bridge's stdin until the bridge ends.
    pub(super) async fn serve(&mut self, commands: &mut mpsc::Receiver<(Incarnation, Command)>) {
        let Self { child, stdin, incarnation, .. } = self;
        let write = async {
            while let Some((run, command)) = commands.recv().await {
                let Some(pipe) = stdin.as_mut().filter(|_| run == *incarnation) else { continue };
                if let Err(error) = pipe.write_all(&command.to_line()).await {
                    tracing::warn!(%error, "writing to the bridge's stdin");
                    *stdin = None;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = child.wait() => {}
            () = write => {}
        }
    }

    /// Ends the bridge, asking with growing force when `ladder` is given, and says in words how it ended.
    ///
    /// Whatever else lives in its group is killed. What it said is read to the end first, unless another process holds
    /// the pipe open and says nothing.
    pub(super) async fn end(mut self, ladder: Option<StopLimits>) -> String {
        self.stdin = None;
        let limits = ladder.unwrap_or_default();
        let mut status = None;
        if ladder.is_some() {
            status = timeout(limits.after_eof, self.child.wait()).await.ok();
            if status.is_none() {
                self.signal(Signal::TERM);
                status = timeout(limits.after_term, self.child.wait()).await.ok();
            }
        }
        if ladder.is_some() && status.is_none() {
            self.signal(Signal::KILL);
        }
        let status = match status {
            Some(status) => status,
            None => self.child.wait().await,
        };
        self.signal(Signal::KILL);
        self.drain(limits.pipes).await;
        match status {
            Ok(status) => describe(status),
            Err(error) => format!("ended in an unknown way ({error})"),
        }
    }

    /// Signals the whole group. Its leader is reaped last, so that the number can't mean another group by now… except
    /// after the reaping, when only members that outlived the leader keep the number taken.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Waits for the readers, for as long as they get anywhere.
    async fn drain(&mut self, quiet: Duration) {
        let mut last = 0;
        for mut reader in std::mem::take(&mut self.readers) {
            while timeout(quiet, &mut reader).await.is_err() {
                if !self.progress.moved(&mut last) {
                    tracing::warn!("another process holds the bridge's pipes open; they are not read any more");
                    reader.abort();
                    break;
                }
            }
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "ended by itself (code 0)".to_owned(),
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}
