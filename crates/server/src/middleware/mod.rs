//! What happens to every request before and after its handler: one layer, told what to do by the URL table.

pub(crate) mod access;
pub(crate) mod cors;
pub(crate) mod csrf;
pub(crate) mod gate;
pub(crate) mod host;

pub(crate) use access::{Access, Faces, Surface};
