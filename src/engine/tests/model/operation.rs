//! What may happen. Every operation can be done at any time, so that any part of a sequence is a sequence: it shrinks to
//! the few that matter. Things are named by small numbers, so that operations meet the same ones again and again.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::protocol::ReceiptStatus;

/// What is the same for a whole sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// The bridge has the capabilities of the bundled one; else it is one of the base level.
    pub(super) extended: bool,
    /// Messages are handed out at a pace.
    pub(super) paced: bool,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// A caller sends a text. With the same key and the same rest it is the same request.
    Send { chat: u8, text: u8, key: Option<u8>, expires_in: Option<u32> },
    /// A caller sends a text to each of so many chats.
    Burst { chats: u8 },
    /// A caller takes a message back.
    Cancel(Which),
    /// The bridge is started.
    Starts,
    /// The bridge says `hello`, whatever it said before.
    Hello,
    /// The connection is open.
    Opens,
    /// The connection is closed.
    Closes,
    /// The bridge dies.
    Dies,
    /// WhatsApp answers the nth of the messages that the bridge was given and has not answered.
    Answers { nth: u8, with: Verdict },
    /// The bridge never answers for the nth of these messages.
    Forgets { nth: u8 },
    /// The bridge answers for a message whether it was given it or not: unknown, long settled, still waiting.
    Stray { of: Which, with: Verdict },
    /// A receipt comes, whether the message was sent or not.
    Receipt { of: Which, status: ReceiptStatus },
    /// A message comes in, or is told again under a new number; from another device of the owner with `own`.
    Incoming { chat: u8, id: u8, own: bool },
    /// WhatsApp tells the bridge of a message that went out through it.
    Echo(Which),
    /// The bridge tells the nth last event again under its old number.
    Again { nth: u8 },
    /// Time passes.
    Wait { seconds: u32 },
    /// The clock is set back.
    SetBack { minutes: u32 },
    /// The disk takes nothing by itself during so many operations.
    Slow { operations: u8 },
    /// The disk takes so many batches, in one commit.
    Commit { batches: u8 },
    /// Commits fail from now on.
    DiskFails(Fault),
    /// Commits succeed again.
    DiskWorks,
    /// The process is killed. So many batches reach the disk before, and nobody is told.
    Crash { committed: u8 },
    /// The process ends in order, and another is started.
    Restart,
}

/// A message of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// The nth last that was accepted.
    Last(u8),
    /// One that this gateway never had.
    Unknown,
}

/// What `sent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Acknowledged by WhatsApp's server.
    Ok,
    /// May be tried again.
    Retryable,
    /// Refused for good.
    Refused,
    /// Refused with 463: no new chats for two minutes.
    TimeLock,
}

/// What of a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Whatever has a row in the journal.
    Journal,
    /// Requests with a key, after their message was written.
    Keys,
    /// Whatever has a new message, after all else was written.
    Runs,
}

/// Sequences. Most begin with a bridge that is open, and much of what is lost in a crash is what has just happened.
pub(super) fn sequences() -> impl Strategy<Value = (Setup, Vec<Op>)> {
    let setup = (prop::bool::weighted(0.75), prop::bool::weighted(0.3));
    let setup = setup.prop_map(|(extended, paced)| Setup { extended, paced });
    let opens = prop::bool::weighted(0.7).prop_map(|opens| if opens { vec![Op::Starts, Op::Opens] } else { vec![] });
    let rest = vec(prop_oneof![16 => operations().prop_map(|op| vec![op]), 2 => accidents()], 1..40);
    (setup, opens, rest)
        .prop_map(|(setup, opens, rest)| (setup, opens.into_iter().chain(rest.into_iter().flatten()).collect()))
}

/// Some things happen while the disk takes nothing. It goes on, or the process is killed.
fn accidents() -> impl Strategy<Value = Vec<Op>> {
    let meanwhile = vec(prop_oneof![3 => callers(), 6 => bridge(), 1 => time()], 1..7);
    let end = prop_oneof![
        (1_u8..4).prop_map(|batches| vec![Op::Commit { batches }, Op::Slow { operations: 0 }]),
        (0_u8..4).prop_map(|committed| vec![Op::Crash { committed }, Op::Starts, Op::Opens]),
    ];
    (meanwhile, end).prop_map(|(meanwhile, end)| {
        [Op::Slow { operations: u8::MAX - 1 }].into_iter().chain(meanwhile).chain(end).collect()
    })
}

fn operations() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => callers(),
        5 => bridge(),
        2 => disk(),
        1 => time(),
    ]
}

fn callers() -> impl Strategy<Value = Op> {
    let key = prop::option::of(0_u8..4);
    let expires_in = prop_oneof![7 => Just(None), 1 => Just(Some(0)), 2 => Just(Some(5)), 2 => Just(Some(90))];
    prop_oneof![
        16 => (0_u8..3, 0_u8..2, key, expires_in)
            .prop_map(|(chat, text, key, expires_in)| Op::Send { chat, text, key, expires_in }),
        1 => (20_u8..40).prop_map(|chats| Op::Burst { chats }),
        4 => which().prop_map(Op::Cancel),
    ]
}

fn bridge() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Starts),
        1 => Just(Op::Hello),
        4 => Just(Op::Opens),
        1 => Just(Op::Closes),
        1 => Just(Op::Dies),
        6 => (0_u8..4, verdicts()).prop_map(|(nth, with)| Op::Answers { nth, with }),
        1 => (0_u8..4).prop_map(|nth| Op::Forgets { nth }),
        2 => (which(), verdicts()).prop_map(|(of, with)| Op::Stray { of, with }),
        4 => (which(), receipts()).prop_map(|(of, status)| Op::Receipt { of, status }),
        4 => (0_u8..3, 0_u8..2, prop::bool::weighted(0.2)).prop_map(|(chat, id, own)| Op::Incoming { chat, id, own }),
        1 => which().prop_map(Op::Echo),
        3 => (0_u8..2).prop_map(|nth| Op::Again { nth }),
    ]
}

fn disk() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1_u8..9).prop_map(|operations| Op::Slow { operations }),
        3 => (1_u8..3).prop_map(|batches| Op::Commit { batches }),
        1 => prop_oneof![Just(Fault::Journal), Just(Fault::Keys), Just(Fault::Runs)].prop_map(Op::DiskFails),
        2 => Just(Op::DiskWorks),
        3 => (0_u8..4).prop_map(|committed| Op::Crash { committed }),
        1 => Just(Op::Restart),
    ]
}

fn time() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => prop_oneof![Just(3_u32), Just(61), Just(600)].prop_map(|seconds| Op::Wait { seconds }),
        1 => prop_oneof![Just(1_u32), Just(60)].prop_map(|minutes| Op::SetBack { minutes }),
    ]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![5 => Just(Which::Last(0)), 4 => (1_u8..4).prop_map(Which::Last), 1 => Just(Which::Unknown)]
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        5 => Just(Verdict::Ok),
        2 => Just(Verdict::Retryable),
        1 => Just(Verdict::Refused),
        1 => Just(Verdict::TimeLock),
    ]
}

fn receipts() -> impl Strategy<Value = ReceiptStatus> {
    prop_oneof![Just(ReceiptStatus::Delivered), Just(ReceiptStatus::Read), Just(ReceiptStatus::Played)]
}
