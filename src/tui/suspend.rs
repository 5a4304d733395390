//! Ctrl-Z: the shell gets its terminal back, and the gateway goes on.
//!
//! A shell takes its terminal back when the job in front has stopped. So the process group is stopped, as any program
//! would stop itself, and a helper outside of the group lets it go on as soon as the shell has the terminal: some
//! hundredths of a second later, with `fg` bringing the console back.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, getpgid, getpgrp, getpid, getppid, getsid, kill_process_group};
use rustix::termios::tcgetpgrp;

/// Waits until the group `$2` with the process `$1` has stopped and another one is in front, for 2 s at most, then lets it
/// go on. Without `/proc` it can only wait.
const HELPER: &str = r#"
n=0
while [ $n -lt 40 ]; do
  sleep 0.05
  n=$((n + 1))
  if [ -r /proc/$1/stat ]; then
    read -r _ _ state _ group _ _ front _ </proc/$1/stat
    if [ "$state" = T ] && [ "$group" != "$front" ]; then break; fi
  elif [ $n -ge 6 ]; then break; fi
done
kill -s CONT -- "-$2" || kill -s CONT "$1"
"#;

/// There is a shell that takes the terminal back: the parent of this process group is another group of the same session.
pub fn is_possible() -> bool {
    let leader = getpgrp();
    let parent = if leader == getpid() { getppid() } else { parent_of(leader) };
    parent.is_some_and(|parent| {
        let session = getsid(None);
        session.is_ok() && getsid(Some(parent)) == session && getpgid(Some(parent)).is_ok_and(|group| group != leader)
    })
}

fn parent_of(process: Pid) -> Option<Pid> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    Pid::from_raw(parent.trim().parse().ok()?)
}

/// Stops this process group until the shell has the terminal. Returns once it goes on.
///
/// # Errors
/// What the operating system says; then nothing was stopped.
pub fn stop() -> std::io::Result<()> {
    let group = getpgrp();
    let mut helper = Command::new("/bin/sh")
        .args(["-c", HELPER, "sh"])
        .args([getpid().as_raw_nonzero().to_string(), group.as_raw_nonzero().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    kill_process_group(group, Signal::STOP)?;
    // This thread may run a little longer than the others; with the helper's end it is certain to have been stopped.
    helper.wait().map(drop)
}

/// The terminal is this process group's.
pub fn is_in_front() -> bool {
    tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|front| front == getpgrp())
}
