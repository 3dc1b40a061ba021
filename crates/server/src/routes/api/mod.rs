//! `/api/v1`: both faces on one API.

pub(crate) mod accounts;
pub(crate) mod admin;
mod input;
pub(crate) mod login;
pub(crate) mod openapi;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod recover;
pub(crate) mod reset;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod verify;
