//! `countersign openapi`

use countersign_server::openapi::document;

use super::out;

/// `countersign openapi`
pub(super) fn run() {
    out::text(&document());
}
