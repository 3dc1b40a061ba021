//! What costs no more than a new try when it is lost: what throttling counts, and authorization requests that are kept for a
//! while, in this process's memory.

mod mails;
mod requests;
mod sketch;
mod throttle;

pub use requests::{Kept, Owner, Requests};
pub use throttle::{Admission, Denied, Refused, Reservation, Throttles};
