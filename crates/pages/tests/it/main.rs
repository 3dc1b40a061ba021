//! The pages and mails as whole documents, in both languages.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod html;
mod locales;
mod markup;
mod probe;
mod snapshots;
