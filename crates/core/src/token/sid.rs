//! `sid`: the name by which one client knows a session (OpenID Connect Back-Channel Logout section 2.1).
//!
//! Never `ses_…`: two clients that compare notes must not learn that they serve the same login.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::SessionId;
use crate::client::ClientId;
use crate::secret::MacKey;

/// The session's name for this client: 128 bits under the deployment's key, 22 characters of base64url.
pub fn name(key: &MacKey, session: SessionId, client: &ClientId) -> String {
    let code = key.sign(&[&session.bytes()[..], client.as_str().as_bytes()].concat());
    URL_SAFE_NO_PAD.encode(&code[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_knows_a_session_by_another_name() {
        let key = MacKey::new(&[1; 32]);
        let (one, two) = (SessionId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]));
        let (ours, theirs) = (ClientId::built_in(), ClientId::parse("notes").unwrap());
        assert_eq!(name(&key, one, &ours), name(&key, one, &ours));
        assert_ne!(name(&key, one, &ours), name(&key, one, &theirs));
        assert_ne!(name(&key, one, &ours), name(&key, two, &ours));
        assert_ne!(name(&key, one, &ours), name(&MacKey::new(&[2; 32]), one, &ours));
        assert_eq!(name(&key, one, &ours).len(), 22);
    }
}
