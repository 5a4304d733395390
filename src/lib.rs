//! Pilothouse: a terminal operations console and an HTTP API for a WhatsApp gateway.
//!
//! ```text
//!                      ┌───────────────────────── one process ──────────────────────────┐
//!  bridge (child)      │  supervisor             engine (owns State)         store       │
//!  stdout ── NDJSON ───┼─► reader ──notices────► decide ─ apply ──writes───► writer thread│─► SQLite (WAL)
//!  stdin  ◄────────────┼── writer ◄──commands─── gate ◄─────watermark(watch)────┘         │
//!  exit, signals ◄─────┼── desired(watch) ◄───── │                        reader ─────────┤
//!                      │                         │ feed: ring + watch<Seq>  journal       │
//!                      │  api (axum) ── requests ►│                                        │
//!                      │  tui (own thread) ──────┘  Link: updates in, requests out        │
//!                      └───────────────────────────────────────────────────────────────────┘
//! attach: the same tui, and the same Link, fed over HTTP by `attach` instead of by the engine
//! ```
//!
//! # What holds
//!
//! 1. One engine task owns the domain's state. The logic is [`state::decide`] and [`state::apply`]: no clock, no I/O.
//! 2. [`state::Snapshot`] and numbered [`state::Change`]s are the only read model of consoles.
//! 3. The journal is the only read model of programs: one row for each message and each change of state.
//! 4. Nothing leaves the engine before the write that justifies it is on disk: nobody is told what a crash could take
//!    back.
//! 5. Every channel is bounded, and the engine waits only for the store.
//! 6. What is desired of the bridge is a level, not a message: it can't be lost.
//! 7. The console is one more subscriber, on its own thread: a frozen terminal costs one resync, never a message.
//! 8. There is no tick: at rest nothing is drawn.
//!
//! # Words
//!
//! *host* this program · *bridge* the child process that talks to WhatsApp · *incarnation* one run of the bridge ·
//! *account* one linked WhatsApp number · *engine* the task that owns the state · *gate* what waits for a commit ·
//! *watermark* the last committed batch · *feed* the numbered changes for consoles · *journal* the numbered events for
//! programs · *webhook* an address that the journal is sent to · *link* a console's connection to an engine · *outbox*
//! messages accepted and not settled. Events are past tense, commands and effects imperative.

pub mod access;
pub mod api;
pub mod app;
pub mod attach;
pub mod backup;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod link;
pub mod metrics;
pub mod packages;
pub mod protocol;
pub mod qr;
pub mod state;
pub mod store;
pub mod supervisor;
pub mod systemd;
pub mod telemetry;
pub mod tui;
pub mod webhooks;
