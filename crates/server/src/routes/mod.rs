//! The handlers, a file a word: extract, load, decide, apply, respond.

pub(crate) mod api;
pub(crate) mod dev;
pub(crate) mod health;
pub(crate) mod locale;
pub(crate) mod oauth2;
pub(crate) mod pages;
pub(crate) mod static_files;
pub(crate) mod status_list;
pub(crate) mod well_known;
