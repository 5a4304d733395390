//! The file with what is expected, and the comparison with it.
//!
//! * Counts of instructions hang on the compiler, the C library and valgrind: with others than those that the file was made
//!   with they are told, and nothing fails. Counts of allocations are the same everywhere, and compared everywhere.
//! * What got much better fails as well: the file would allow it to get worse again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

/// How far instructions may be off, in percent.
pub const TOLERANCE: u64 = 5;

/// Set to `1`, the file is written anew.
pub const BLESS: &str = "PILOTHOUSE_BLESS";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What the instructions were counted with.
    pub with: BTreeMap<String, String>,
    /// For each benchmark one turn's counts.
    pub turns: BTreeMap<String, Counts>,
}

/// What one turn costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Instructions, of programs as CI builds them for this.
    pub instructions: u64,
    /// Blocks of memory that are asked for, in the worst of some turns. One that grows counts once more.
    pub allocations: u64,
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As expected.
    Same,
    /// More than is allowed.
    Worse,
    /// So much less that the file is out of date.
    Better,
    /// The file does not have it.
    Unknown,
}

impl Finding {
    /// Compares a count with what is expected, which may be off by so many percent.
    pub fn of(found: u64, expected: Option<u64>, tolerance: u64) -> Self {
        let Some(expected) = expected.filter(|n| *n > 0 || found == 0) else { return Self::Unknown };
        let allowed = expected.saturating_mul(tolerance);
        match found {
            more if more.saturating_sub(expected).saturating_mul(100) > allowed => Self::Worse,
            less if expected.saturating_sub(less).saturating_mul(100) > allowed => Self::Better,
            _ => Self::Same,
        }
    }

    /// What it means for who reads it; empty when all is well.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Worse => "more than expected",
            Self::Better => "less than expected",
            Self::Unknown => "not in the file",
        }
    }
}

/// Where the file is.
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("expected.toml")
}

/// Whether the file is to be written anew.
pub fn is_blessed() -> bool {
    std::env::var(BLESS).is_ok_and(|value| value == "1")
}

impl Expected {
    /// Reads the file.
    ///
    /// # Errors
    /// It can't be read, or is not such a file.
    pub fn read() -> anyhow::Result<Self> {
        let path = path();
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not as this program writes it", path.display()))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self) -> anyhow::Result<()> {
        let path = path();
        std::fs::write(&path, self.text()).with_context(|| format!("{} can't be written", path.display()))
    }

    /// What is expected of this benchmark.
    pub fn of(&self, name: &str) -> Option<Counts> {
        self.turns.get(name).copied()
    }

    fn text(&self) -> String {
        let mut text =
            "# What one turn of each benchmark costs. Written by the commands in README.md.\n\n[with]\n".to_owned();
        for (what, version) in &self.with {
            let _ = writeln!(text, "{what} = {version:?}");
        }
        text += "\n[turns]\n";
        for (name, Counts { instructions, allocations }) in &self.turns {
            let _ = writeln!(text, "{name} = {{ instructions = {instructions}, allocations = {allocations} }}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_has_a_line_for_each() {
        let counts = Counts { instructions: 1_234, allocations: 5 };
        let expected = Expected {
            with: [("rustc".to_owned(), "1.90.0 (\"odd\" \\ name)".to_owned())].into(),
            turns: [("decode".to_owned(), counts), ("frame-still".to_owned(), Counts::default())].into(),
        };
        let text = expected.text();
        assert_eq!(toml::from_str::<Expected>(&text).unwrap(), expected);
        assert_eq!(text.lines().filter(|line| line.contains("instructions = ")).count(), 2);
    }

    #[test]
    fn a_count_may_be_off_by_five_percent_and_no_more() {
        let of = |found| Finding::of(found, Some(1_000), TOLERANCE);
        assert_eq!([950, 1_000, 1_050].map(of), [Finding::Same; 3]);
        assert_eq!((of(949), of(1_051)), (Finding::Better, Finding::Worse));
        assert_eq!(Finding::of(9, None, TOLERANCE), Finding::Unknown);
    }

    #[test]
    fn allocations_are_exact() {
        let of = |found, expected| Finding::of(found, Some(expected), 0);
        assert_eq!((of(5, 5), of(0, 0)), (Finding::Same, Finding::Same));
        assert_eq!((of(6, 5), of(4, 5), of(1, 0)), (Finding::Worse, Finding::Better, Finding::Unknown));
    }

    #[test]
    fn the_file_in_the_project_has_every_benchmark_and_no_other() {
        struct Names(Vec<String>);
        impl crate::Meter for Names {
            fn measure<B: crate::Benchmark>(&mut self) {
                self.0.push(B::NAME.to_owned());
            }
        }
        let mut names = Names(Vec::new());
        crate::all(&mut names);
        names.0.sort();
        let file: Vec<_> = Expected::read().unwrap().turns.into_keys().collect();
        assert_eq!(file, names.0);
    }
}
