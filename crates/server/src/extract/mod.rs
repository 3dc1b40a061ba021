//! Requests read: bytes turned into types, or refused.

pub(crate) mod access_token;
pub(crate) mod admin;
pub(crate) mod asked;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod client_auth;
pub(crate) mod cookies;
pub(crate) mod dpop;
pub(crate) mod form;
pub(crate) mod head;
pub(crate) mod id_token_hint;
pub(crate) mod json;
pub(crate) mod room;
pub(crate) mod segment;
