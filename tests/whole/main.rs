//! The whole of it: the real bridge, with the real Baileys, against a simulator of WhatsApp; and the real program,
//! headless and in a pseudo-terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod about;
mod access;
mod attach;
mod backup;
mod bridge;
mod browser;
mod chaos;
mod cli;
mod disk;
mod doctor;
mod durability;
mod events;
mod gateway;
mod groups;
mod hard;
mod linking;
mod page;
mod passkey;
mod plain;
mod process;
mod settings;
mod supervision;
mod support;
mod systemd;
mod terminal;
mod webhooks;
