//! The same turns by the clock: `cargo bench --profile micro -p micro`.

use criterion::{BatchSize, Criterion};
use micro::{Benchmark, Meter, all};

struct Clock(Criterion);

impl Meter for Clock {
    fn measure<B: Benchmark>(&mut self) {
        let benchmark = std::cell::RefCell::new(B::new());
        self.0.bench_function(B::NAME, |bencher| {
            bencher.iter_batched(
                || benchmark.borrow_mut().input(),
                |input| benchmark.borrow_mut().run(input),
                BatchSize::SmallInput,
            );
        });
    }
}

fn main() {
    let mut clock = Clock(Criterion::default().configure_from_args());
    all(&mut clock);
    clock.0.final_summary();
}
