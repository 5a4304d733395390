//! The model test: random sequences of what may happen, run by the engine and its store as they are, and looked at by a
//! toy that knows only what must hold.
//!
//! * `operation`: what may happen, as data.
//! * `process`: the engine and the store, with the disk, the clock and the end in the test's hand.
//! * `bridge`: a toy bridge, with a log that is told again until it is acknowledged.
//! * `toy`: what must hold, from outside: the journal, the answers, the commands to the bridge.
//! * `world`: puts them together and runs a sequence.
//!
//! What must hold, whatever happens and wherever the process is killed:
//!
//! * What was accepted is on disk exactly once, and its states go forward: `queued`, `dispatched`, `sent`, `delivered`,
//!   `read`. A message that failed, expired or was taken back is never handed out again; only WhatsApp's word that it
//!   arrived changes that. Nothing is handed out once it was sent.
//! * Nothing is given to the bridge, answered or acknowledged that is not on disk.
//! * A message has one id. No message overtakes an earlier one of its chat. The window and the queue are bounded.
//! * A key and its request are one message, over restarts; with another request it is refused.
//! * A message that comes in is on disk once. Numbers are acknowledged in order.
//! * When all is well again, nothing waits for ever.
//!
//! `PROPTEST_CASES=20000 cargo test --lib model` looks further.

mod bridge;
mod operation;
mod process;
mod toy;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::test_runner::{Config, TestError, TestRunner};

use world::World;

/// What sequences meet now and then; if not, they have become too tame to find anything.
const MEETS: &[&str] = &[
    "a batch was kept, and nobody was told",
    "a batch was lost",
    "cancelled",
    "expired",
    "failed",
    "handed out again",
    "queue full",
    "read before sent",
    "the disk failed",
    "the key of another",
    "the same again",
    "told again",
    "too late to cancel",
    "window full",
];

/// With so many sequences each of these is met, but for once in many thousand runs.
const ENOUGH: u32 = 256;

#[test]
fn whatever_happens_nothing_is_lost_doubled_or_told_too_early() {
    let met = RefCell::new(BTreeSet::new());
    let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..Config::default() });
    let result = runner.run(&operation::sequences(), |(setup, operations)| {
        let mut world = World::new(setup);
        let result = operations.iter().try_for_each(|op| world.step(op)).and_then(|()| world.settle());
        met.borrow_mut().extend(world.toy.met);
        result
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, (setup, operations))) => {
            let operations: String = operations.iter().map(|op| format!("    {op:?}\n")).collect();
            panic!("{why}\nafter these, in {setup:?}:\n{operations}");
        }
        Err(error) => panic!("{error}"),
    }
    let missing: Vec<_> = MEETS.iter().filter(|what| !met.borrow().contains(*what)).collect();
    assert!(missing.is_empty() || runner.config().cases < ENOUGH, "no sequence met {missing:?}");
}
