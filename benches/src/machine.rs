//! Where figures were measured.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// A computer, and what was measured on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many cores of it there are.
    pub cores: usize,
    /// The memory in MB.
    pub memory_mb: u64,
    /// The operating system's kernel.
    pub kernel: String,
    /// The file system that the databases were on.
    pub file_system: String,
    /// The commit of the program; with a plus sign when files had been changed since. Unknown: it was built elsewhere.
    pub commit: String,
}

impl Machine {
    /// This one, with databases in this folder, and the commit of this checkout, if the program was built in it.
    pub fn here(folder: &Path, checkout: &Path, program: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease");
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or("an unnamed processor").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: field(&read("/proc/meminfo"), "MemTotal")
                .and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok())
                .map_or(0, |kb| kb / 1024),
            kernel: format!("{} {}", std::env::consts::OS, kernel.trim()),
            file_system: file_system(&read("/proc/self/mounts"), folder),
            commit: if program.starts_with(checkout) { commit(checkout) } else { "unknown".to_owned() },
        }
    }

    /// All of it in one line.
    pub fn line(&self) -> String {
        let Self { processor, cores, memory_mb, kernel, file_system, commit } = self;
        format!("{cores} cores of {processor}, {memory_mb} MB, {kernel}, databases on {file_system}, commit {commit}")
    }
}

/// The value of a line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.trim())
}

/// The type of the file system that a folder is on: that of the longest mount point above it.
fn file_system(mounts: &str, folder: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(place).then_some((place.len(), kind))
    });
    // Of two at the same place the later one is on top.
    mounts.max_by_key(|(length, _)| *length).map_or("an unknown file system", |(_, kind)| kind).to_owned()
}

fn commit(checkout: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(checkout).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|files| !files.is_empty());
    format!("{commit}{}", if changed { "+" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_tabs_and_spaces_around_the_colon() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nMemTotal:       24105 kB\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(field(text, "MemTotal"), Some("24105 kB"));
        assert_eq!(field(text, "none"), None);
    }

    #[test]
    fn the_file_system_is_that_of_the_innermost_mount() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/a")), "tmpfs");
        assert_eq!(file_system(mounts, Path::new("/tmpfile")), "ext4");
        assert_eq!(file_system("", Path::new("/tmp")), "an unknown file system");
    }
}
