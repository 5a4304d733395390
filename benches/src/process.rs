//! What Linux tells of a process under `/proc`.

use std::time::Duration;

use anyhow::Context;

/// A thread of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Thread {
    name: String,
    /// Time on a processor.
    cpu: Duration,
    /// How often it waited and was woken.
    wakes: u64,
}

/// What a process has used since its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub rss: u64,
    threads: Vec<Thread>,
}

impl Usage {
    /// Of this process.
    ///
    /// # Errors
    /// It is not there, or this is not Linux.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("process {pid} is not there, or this is not Linux"))?;
        let rss = kilobytes(&status, "VmRSS").context("no VmRSS")? * 1024;
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
        // A thread may end meanwhile.
        let threads = tasks.filter_map(|task| {
            let read = |name| std::fs::read_to_string(task.as_ref().ok()?.path().join(name)).ok();
            thread(&read("comm")?, &read("schedstat")?, &read("status")?)
        });
        Ok(Self { rss, threads: threads.collect() })
    }

    /// The time on a processor of all threads.
    pub fn cpu(&self) -> Duration {
        self.threads.iter().map(|thread| thread.cpu).sum()
    }

    /// The time on a processor of the threads with this name.
    pub fn cpu_of(&self, name: &str) -> Duration {
        self.threads.iter().filter(|thread| thread.name == name).map(|thread| thread.cpu).sum()
    }

    /// How often threads waited and were woken.
    pub fn wakes(&self) -> u64 {
        self.threads.iter().map(|thread| thread.wakes).sum()
    }

    /// The memory in MB, of a million bytes.
    pub fn megabytes(&self) -> f64 {
        self.rss as f64 / 1e6
    }
}

/// The first child of a process.
///
/// # Errors
/// It has none.
pub fn child(pid: u32) -> anyhow::Result<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let all = children.collect::<String>();
    let first = all.split_whitespace().next().with_context(|| format!("process {pid} has no child"))?;
    Ok(first.parse()?)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn thread(comm: &str, schedstat: &str, status: &str) -> Option<Thread> {
    let cpu = schedstat.split_whitespace().next()?.parse().ok()?;
    let wakes = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()?;
    Some(Thread { name: comm.trim().to_owned(), cpu: Duration::from_nanos(cpu), wakes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tpilothouse\nVmHWM:\t   12000 kB\nVmRSS:\t    9600 kB\nThreads:\t3\n\
         voluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t4\n";

    #[test]
    fn memory_is_in_kilobytes() {
        assert_eq!(kilobytes(STATUS, "VmRSS"), Some(9_600));
        assert_eq!(kilobytes(STATUS, "VmSwap"), None);
    }

    #[test]
    fn a_thread_has_a_name_its_time_and_its_wakes() {
        let found = thread("console\n", "1500000 200 33\n", STATUS).unwrap();
        assert_eq!(found, Thread { name: "console".to_owned(), cpu: Duration::from_nanos(1_500_000), wakes: 17 });
        assert_eq!(thread("console\n", "", STATUS), None);
        assert_eq!(thread("console\n", "1 2 3", "Name:\tx\n"), None);
    }

    #[test]
    fn threads_add_up_and_one_is_found_by_its_name() {
        let of = |name: &str, ms, wakes| Thread { name: name.to_owned(), cpu: Duration::from_millis(ms), wakes };
        let usage = Usage { rss: 9_600_000, threads: vec![of("main", 5, 2), of("console", 7, 3)] };
        assert_eq!((usage.cpu(), usage.cpu_of("console")), (Duration::from_millis(12), Duration::from_millis(7)));
        assert_eq!((usage.wakes(), usage.megabytes()), (5, 9.6));
    }

    #[test]
    fn this_process_is_there() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss > 0 && !usage.threads.is_empty());
        assert!(Usage::of(u32::MAX).is_err());
    }
}
