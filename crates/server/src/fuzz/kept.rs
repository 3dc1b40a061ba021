//! What comes back from the database and from the operator's socket.

use countersign_jose::json::Value;

use crate::admin::Command;
use crate::admin::socket::MAX_LINE;
use crate::hash_pool::phc::Phc;

use super::text;

/// One text, and costs that were bounded before anything is allocated for them.
pub(super) fn stored_hash(input: &[u8]) {
    let text = text(input);
    let Some(hash) = Phc::parse(text) else { return };
    assert_eq!(hash.to_string(), text);
    let number = |name: &str| {
        let after = text.split_once(name).map_or("", |(_, rest)| rest);
        after.split([',', '$']).next().and_then(|digits| digits.parse::<u32>().ok())
    };
    assert!(number("$m=").is_some_and(|kib| (8..=256 * 1024).contains(&kib)));
    assert!(number(",t=").is_some_and(|passes| (1..=20).contains(&passes)));
    assert!(number(",p=").is_some_and(|lanes| (1..=8).contains(&lanes)));
}

/// A command is the same after it has travelled; the line has its limit, and nothing is taken that another JSON reader
/// would refuse.
pub(super) fn admin_command(input: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(input) else { return };
    let written = serde_json::to_vec(&command).unwrap_or_default();
    let again = serde_json::from_slice::<Command>(&written).and_then(|command| serde_json::to_vec(&command));
    assert!(again.is_ok_and(|again| again == written));
    assert!(written.len() <= MAX_LINE || input.len() > MAX_LINE / 8);
    assert!(Value::parse(&written).is_ok(), "each member once");
    assert!(!format!("{command:?}").contains("hunter2") || !text(input).contains("\"password\":\"hunter2\""));
}
