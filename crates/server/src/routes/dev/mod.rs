//! Dev mode alone.

pub(crate) mod inbox;
