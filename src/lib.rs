//! Pilothouse.
pub mod api;
pub mod clock;
pub mod engine;
pub mod link;
pub mod protocol;
pub mod state;
pub mod store;
pub mod supervisor;
