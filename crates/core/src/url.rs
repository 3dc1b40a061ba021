//! The URLs that decide something: our own origin, resources that tokens are for, and where to go after a login.

mod public_url;
mod resource_id;
mod return_to;

pub use public_url::{PublicUrl, PublicUrlError};
pub use resource_id::{ResourceId, ResourceIdError, is_loopback_url, is_strict_uri};
pub use return_to::ReturnTo;
