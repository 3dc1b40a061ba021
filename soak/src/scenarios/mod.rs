//! One file for each scenario.

mod faults;
pub(crate) mod history;
pub(crate) mod kills;
pub(crate) mod postgres;
pub(crate) mod restarts;
