//! Pilothouse.
pub mod clock;
pub mod link;
pub mod protocol;
pub mod state;
pub mod store;
pub mod supervisor;
