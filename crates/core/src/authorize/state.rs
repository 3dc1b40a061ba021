//! `state`: returned exactly as it came, and never interpreted (RFC 6749 section 4.1.1; attack OAU-24).

use super::{NoWayBack, Parameters};

/// In bytes. A client that gets another state back than it sent has been attacked, so a longer one goes nowhere.
const MAX_BYTES: usize = 4096;

/// The state, if there is one.
pub fn check(parameters: &Parameters) -> Result<Option<String>, NoWayBack> {
    match parameters.get("state") {
        Some(state) if state.len() > MAX_BYTES => Err(NoWayBack::Malformed),
        state => Ok(state.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::parameters;

    #[test]
    fn oau_24_a_state_is_kept_exactly_up_to_four_kilobytes() {
        let longest = "x".repeat(MAX_BYTES);
        for state in ["a", "a b+c&d=e%00#", "\0", "\u{1f600}\u{202e}", "null", &longest] {
            let parameters = parameters(&[]).with("state", Some(state.to_owned()));
            assert_eq!(check(&parameters), Ok(Some(state.to_owned())));
        }
        let longer = parameters(&[]).with("state", Some(format!("{longest}x")));
        assert_eq!(check(&longer), Err(NoWayBack::Malformed));
        assert_eq!(check(&parameters(&[]).with("state", None)), Ok(None));
    }
}
