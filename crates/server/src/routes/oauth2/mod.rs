//! `/oauth2`: the endpoints of RFC 6749.

pub(crate) mod authorize;
pub(crate) mod device_authorization;
pub(crate) mod introspect;
pub(crate) mod logout;
pub(crate) mod par;
pub(crate) mod register;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;
