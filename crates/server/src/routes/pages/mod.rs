//! The pages: plain forms that work without a script.

pub(crate) mod account;
pub(crate) mod apps;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod profile;
pub(crate) mod recover;
pub(crate) mod register;
pub(crate) mod request;
pub(crate) mod reset;
pub(crate) mod security;
pub(crate) mod select;
pub(crate) mod sessions;
pub(crate) mod verify;
