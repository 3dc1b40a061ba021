//! What costs no more than a new try when it is lost: so far what throttling counts, in this process's memory.

mod sketch;
mod throttle;

pub use throttle::{Admission, Refused, Reservation, Throttles};
