//! One file for each scenario.

pub(crate) mod disk;
mod faults;
pub(crate) mod history;
pub(crate) mod kills;
pub(crate) mod postgres;
pub(crate) mod power;
pub(crate) mod races;
pub(crate) mod restarts;
