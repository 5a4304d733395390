//! Figures: what was measured in several runs, what it is compared with, and how all of them are told.

mod compare;
mod record;
mod row;
mod spread;
mod table;

pub use compare::comparison;
pub use record::Record;
pub use row::{Better, Limit, Row};
pub use spread::{at, count, milliseconds};
pub use table::{insert, readme, table};
