//! One file for each scenario.

pub(crate) mod clock;
pub(crate) mod disk;
mod faults;
pub(crate) mod history;
pub(crate) mod ids;
pub(crate) mod kills;
pub(crate) mod postgres;
pub(crate) mod power;
pub(crate) mod races;
pub(crate) mod restarts;
pub(crate) mod storm;
pub(crate) mod timing;
