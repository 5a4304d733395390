//! How many blocks of memory one turn asks for, exactly.

use micro::expected::{Counts, Expected, Finding, is_blessed};
use micro::{Benchmark, Meter, all};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// How many turns are made before, and how many are counted.
const WARM: usize = 20;
const COUNTED: usize = 10;

/// The most that one of the turns asked for, by benchmark.
#[derive(Default)]
struct Blocks(Vec<(&'static str, u64)>);

impl Meter for Blocks {
    fn measure<B: Benchmark>(&mut self) {
        let mut benchmark = B::new();
        for _ in 0..WARM {
            let input = benchmark.input();
            benchmark.run(input);
        }
        let _profiler = dhat::Profiler::builder().testing().build();
        let mut most = 0;
        for _ in 0..COUNTED {
            let input = benchmark.input();
            let before = dhat::HeapStats::get().total_blocks;
            let output = benchmark.run(input);
            most = most.max(dhat::HeapStats::get().total_blocks - before);
            drop(output);
        }
        self.0.push((B::NAME, most));
    }
}

#[test]
fn no_turn_asks_for_more_or_fewer_blocks_than_is_expected() {
    let mut blocks = Blocks::default();
    all(&mut blocks);
    let mut expected = Expected::read().unwrap();
    if is_blessed() {
        for (name, allocations) in blocks.0 {
            let before = expected.of(name).unwrap_or_default();
            expected.turns.insert(name.to_owned(), Counts { allocations, ..before });
        }
        return expected.write().unwrap();
    }
    let off: Vec<_> = blocks
        .0
        .into_iter()
        .map(|(name, found)| (name, found, expected.of(name).map(|counts| counts.allocations)))
        .filter(|(_, found, expected)| Finding::of(*found, *expected, 0) != Finding::Same)
        .map(|(name, found, expected)| format!("{name}: {found}, expected {expected:?}"))
        .collect();
    assert!(off.is_empty(), "allocations are others than expected (PILOTHOUSE_BLESS=1 takes them over): {off:#?}");
}
