//! What a message and a frame cost, in steps: the same functions are counted by instructions, by allocations and by time.
//!
//! * Inputs are the same in each run: no clock, no randomness, no I/O.
//! * What is measured is one turn of a program that runs: feeds are full, caches are warm.

pub mod console;
pub mod expected;
mod fixture;
pub mod message;

/// Something that is measured.
pub trait Benchmark {
    /// Its name in the file and in tables.
    const NAME: &'static str;
    /// What one turn is given.
    type Input;
    /// What comes out. Giving it back to the allocator is not measured: in the program the next step has it.
    type Output;

    /// Everything that is there before.
    fn new() -> Self;
    /// What the next turn is given. It is not measured, and may be asked for ahead of its turn.
    fn input(&mut self) -> Self::Input;
    /// One turn.
    fn run(&mut self, input: Self::Input) -> Self::Output;
}

/// A way of measuring.
pub trait Meter {
    /// Measures this one.
    fn measure<B: Benchmark>(&mut self);
}

/// Measures all of them, in the order of a message's way.
pub fn all(meter: &mut impl Meter) {
    meter.measure::<message::Decode>();
    meter.measure::<message::Decide>();
    meter.measure::<message::Apply>();
    meter.measure::<message::Row>();
    meter.measure::<message::Encode>();
    meter.measure::<message::Incoming>();
    meter.measure::<message::Outgoing>();
    meter.measure::<console::Frame>();
    meter.measure::<console::Still>();
    meter.measure::<console::News>();
}
