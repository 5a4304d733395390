//! From the functions that ran to the linker's script.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// What did not run beside what did, in the same group of names, for one name to stand for all of them: the script is
/// shorter, and what a later version runs is more likely in it.
const BESIDE: f64 = 0.1;

/// More bytes that did not run beside what did, under one name, are worth telling apart.
const MANY: u64 = 1_000;

/// The shortest beginning that may stand for a group.
const SHORTEST: usize = 8;

/// What runs as well: where a program begins, which has no section of its own; how the end of the bridge is waited for, which
/// is another way under valgrind: it knows no pidfds; how runs of keys are read and how threads wait, which hang on what is quicker;
/// what was found to run once in a million messages; how keys go on, which takes more messages than are told here; what runs
/// after the first quarter of a minute, or when two threads are at the database at the same moment; what a database of some
/// size takes: giving pages back, sorting what is more, looking for what has a key like one that is there; and clients that go
/// in the middle of a connection. What is run least is last.
const BESIDES: [&str; 13] = [
    "*crt1.o(.text .text.*)",
    "*crtbegin*.o(.text .text.*)",
    "*(.text.*pidfd* .text.*12registration12Registration*)",
    "*(.text.*4conn5State* .text.*4sort6shared* .text.*4sort8unstable9quicksort*)",
    "*(.text.sqlite3_column_blob .text.vdbeColumnFromOverflow .text.sqlite3BtreeOffset .text.getOverflowPage)",
    "*(.text.*17crossbeam_channel7context7Context* .text.*6thread9functions12park_timeout*)",
    "*(.text.isSelfJoinView .text.sqlite3ExprIfTrue .text.*7runtime4park*)",
    "*(.text.*10pilothouse5store4keys*)",
    "*(.text.sqlite3OsSleep .text.unixSleep .text.*serde_json..de..MapAccess*15next_value_seed*)",
    "*(.text.btree* .text.finalDbSize .text.incrVacuumStep .text.sqlite3_db_release_memory .text.*7runtime6driver7IoStack*)",
    "*(.text.*9statement9Statement9query_row* .text.*6Reader11has_message*)",
    "*(.text.*5hyper5error* .text.*hyper..error* .text.*map_future..MapFuture* .text.*spec_from_iter_nested*)",
    "*(.text.*$LP$M$C$T1$RP$$C$S$GT$$GT$4call28_*)",
];

/// The script, what it places together in bytes, and with how many names.
pub struct Script {
    pub text: String,
    pub headless: u64,
    pub console: u64,
    pub names: usize,
}

/// All functions of the program with their sizes in bytes.
pub fn functions(program: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let output = Command::new("nm").arg("-S").arg(program).output().context("nm is needed (binutils)")?;
    ensure!(output.status.success(), "nm can't read {}", program.display());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let function = |line: &str| {
        let mut fields = line.splitn(4, ' ').skip(1);
        let (size, kind, name) = (fields.next()?, fields.next()?, fields.next()?);
        let size = u64::from_str_radix(size, 16).ok()?;
        matches!(kind, "t" | "T" | "w" | "W").then(|| (name.to_owned(), size))
    };
    Ok(text.lines().filter_map(function).collect())
}

/// The script for what runs without a console, and behind it what one runs besides.
pub fn script(functions: &BTreeMap<String, u64>, headless: &BTreeSet<String>, console: &BTreeSet<String>) -> Script {
    let size = |names: &BTreeSet<String>| names.iter().filter_map(|name| functions.get(name)).sum::<u64>();
    let more: BTreeSet<String> = console.difference(headless).cloned().collect();
    let (first, second) = (patterns(functions, headless), patterns(functions, &more));
    let names = first.len() + second.len();
    let mut text = String::from("/* Written by `cargo run --release -p layout`: see build.rs. */\nSECTIONS\n{\n");
    for (section, patterns) in [("warm", first), ("console", second)] {
        text.push_str(&format!("  .text.{section} :\n  {{\n"));
        for pattern in patterns {
            text.push_str(&format!("    *(.text.{pattern})\n"));
        }
        if section == "warm" {
            // What the compiler thinks is seldom run is little, and some of it is.
            text.push_str("    *(.text.unlikely.*)\n");
            BESIDES.iter().for_each(|pattern| text.push_str(&format!("    {pattern}\n")));
        }
        text.push_str("  }\n");
    }
    text.push_str("}\nINSERT BEFORE .text;\n");
    Script { text, headless: size(headless), console: size(&more), names }
}

/// A name without what each build makes anew, and the functions that have it.
#[derive(Default)]
struct Name<'a> {
    lasting: String,
    /// Bytes of what ran, and of what did not.
    ran: u64,
    rest: u64,
    /// What ran, in full.
    full: Vec<&'a str>,
}

/// Patterns for the names of what runs, with little besides.
fn patterns(functions: &BTreeMap<String, u64>, run: &BTreeSet<String>) -> Vec<String> {
    let mut names: BTreeMap<String, Name<'_>> = BTreeMap::new();
    for (name, size) in functions {
        let one = names.entry(lasting(name)).or_default();
        if run.contains(name) {
            one.ran += size;
            one.full.push(name);
        } else {
            one.rest += size;
        }
    }
    let names: Vec<_> = names.into_iter().map(|(lasting, name)| Name { lasting, ..name }).collect();
    let mut patterns = Vec::new();
    group(&names, &mut patterns);
    patterns.into_iter().map(|pattern| without_crates(&pattern)).collect()
}

/// The patterns of names that lie side by side in their order.
fn group(names: &[Name<'_>], patterns: &mut Vec<String>) {
    let (Some(first), Some(last)) = (names.first(), names.last()) else { return };
    let (ran, rest) = names.iter().fold((0, 0), |(ran, rest), name| (ran + name.ran, rest + name.rest));
    if ran == 0 {
        return;
    }
    let is_rust = first.lasting.starts_with("_ZN") || first.lasting.starts_with("_R");
    if names.len() == 1 {
        // One of many that are made from the same code: it is told from the others by what this compiler calls it.
        if rest > ran.max(MANY) {
            patterns.extend(first.full.iter().map(|name| (*name).to_owned()));
        } else {
            patterns.push(format!("{}{}", first.lasting, if is_rust { "*" } else { "" }));
        }
        return;
    }
    let (a, b) = (&first.lasting, &last.lasting);
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Names of C begin alike by chance.
    if is_rust && common >= SHORTEST && (rest as f64) <= BESIDE * ran as f64 {
        patterns.push(format!("{}*", &a[..common]));
        return;
    }
    let next = |name: &Name<'_>| name.lasting.as_bytes().get(common).copied();
    names.chunk_by(|a, b| next(a) == next(b)).for_each(|part| group(part, patterns));
}

/// What the hash of a name begins with.
const HASH: &str = "17h";

/// The name without what each build makes anew: the hash at its end, or the number of a copy.
fn lasting(name: &str) -> String {
    let hashed = |at: &usize| {
        name.get(at + HASH.len()..at + HASH.len() + 16).is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match name.rfind(HASH).filter(|_| name.starts_with("_ZN")).filter(hashed) {
        Some(at) => name[..at + HASH.len()].to_owned(),
        None if name.starts_with("_R") => name.split('.').next().unwrap_or(name).to_owned(),
        None => name.to_owned(),
    }
}

/// The name without what tells versions of a crate apart: `Cs`, some letters and `_`.
fn without_crates(name: &str) -> String {
    let mut parts = name.split("Cs");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric());
        match end.filter(|at| name.starts_with("_R") && *at > 8 && part[*at..].starts_with('_')) {
            Some(at) => all.push_str(&format!("Cs*{}", &part[at..])),
            None => all.push_str(&format!("Cs{part}")),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_runs_is_named_without_what_compilers_make_anew() {
        let functions: BTreeMap<_, _> = [
            ("_ZN5tokio3run17h0123456789abcdefE", 100),
            ("_ZN5tokio4stop17h0123456789abcdefE", 10),
            ("_ZN4clap4help17h0123456789abcdefE", 100),
            ("_ZN4clap5parse17h0123456789abcdefE", 100),
            ("_RNvNtCslNYArtu3iFV_5alloc3fmt6format.17", 50),
            ("sqlite3Step", 70),
            ("sqlite3Never", 70),
        ]
        .into_iter()
        .map(|(name, size)| (name.to_owned(), size))
        .collect();
        let run = set(&[
            "_ZN5tokio3run17h0123456789abcdefE",
            "_ZN4clap5parse17h0123456789abcdefE",
            "_RNvNtCslNYArtu3iFV_5alloc3fmt6format.17",
            "sqlite3Step",
        ]);
        let script = script(&functions, &run, &set(&["_ZN4clap4help17h0123456789abcdefE", "sqlite3Step"]));
        assert_eq!((script.headless, script.console), (320, 100));
        let named = |section: &str| {
            let (_, rest) = script.text.split_once(section).unwrap();
            let lines = rest.lines().skip(2).take_while(|line| line.trim() != "}");
            lines.map(|line| line.trim().split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            named(".text.warm"),
            [
                "*(.text._RNvNtCs*_5alloc3fmt6format*)",
                "*(.text._ZN4clap5parse17h*)",
                "*(.text._ZN5tokio*)",
                "*(.text.sqlite3Step)",
                "*(.text.unlikely.*)",
                "*crt1.o(.text",
                "*crtbegin*.o(.text",
                "*(.text.*pidfd*",
                "*(.text.*4conn5State*",
                "*(.text.sqlite3_column_blob",
                "*(.text.*17crossbeam_channel7context7Context*",
                "*(.text.isSelfJoinView",
                "*(.text.*10pilothouse5store4keys*)",
                "*(.text.sqlite3OsSleep",
                "*(.text.btree*",
                "*(.text.*9statement9Statement9query_row*",
                "*(.text.*5hyper5error*",
                "*(.text.*$LP$M$C$T1$RP$$C$S$GT$$GT$4call28_*)",
            ]
        );
        assert_eq!(named(".text.console"), ["*(.text._ZN4clap4help17h*)"]);
    }
}
