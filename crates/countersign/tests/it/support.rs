//! People, logins and questions that many tests ask alike: they are the testkit's.

pub(crate) use countersign_testkit::people::*;
