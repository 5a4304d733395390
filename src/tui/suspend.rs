//! Ctrl-Z: the shell gets its terminal back, and the gateway goes on.
//!
//! A shell takes its terminal back when the job in front has stopped. So the process group is stopped, as any program
//! would stop itself, and a helper outside of the group lets it go on as soon as the shell has the terminal: some
//! hundredths of a second later, with `fg` bringing the console back.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process_group};
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
    let Some(parent) = Kin::of(leader).and_then(|leader| Pid::from_raw(leader.parent)) else { return false };
    let (Some(own), Some(parent)) = (Kin::of(getpid()), Kin::of(parent)) else { return false };
    parent.session == own.session && parent.group != own.group
}

/// What a process belongs to. Each is 0 where it lives outside of this PID namespace, as the shell that started a
/// container does; `getsid` cannot say that in the types of rustix.
struct Kin {
    parent: i32,
    group: i32,
    session: i32,
}

impl Kin {
    /// None when the process is gone, or where there is no `/proc`.
    fn of(process: Pid) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?)
    }

    /// From `/proc/PID/stat` (`proc_pid_stat(5)`): the name, in brackets, may itself contain brackets and spaces.
    fn parse(stat: &str) -> Option<Self> {
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(1).map(|field| field.parse().ok());
        Some(Self { parent: fields.next()??, group: fields.next()??, session: fields.next()?? })
    }
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

#[cfg(test)]
mod tests {
    use super::Kin;

    #[test]
    fn a_process_of_a_container_belongs_to_nothing_that_it_can_see() {
        let Some(Kin { parent, group, session }) = Kin::parse("7 (a) b) (c) S 0 0 0 34816 7 4194304 1\n") else {
            panic!("not understood")
        };
        assert_eq!((parent, group, session), (0, 0, 0));
        let Some(Kin { parent, group, session }) = Kin::parse("42 (pilothouse) R 41 40 39 34816 40 4194304 1\n") else {
            panic!("not understood")
        };
        assert_eq!((parent, group, session), (41, 40, 39));
    }

    #[test]
    fn what_is_not_a_line_of_the_kernel_says_nothing() {
        for stat in ["", "7", "7 (name", "7 (name) S", "7 (name) S 1 2", "7 (name) S 1 2 x"] {
            assert!(Kin::parse(stat).is_none(), "{stat}");
        }
    }
}
