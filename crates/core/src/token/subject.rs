//! `sub`: who a token is about, as its client knows them (`OpenID` Connect Core section 8).
//!
//! Never an address or another name: it is the id of the account, which no other account ever gets (attack OAU-76), or for a
//! pairwise client a name that means nothing in another sector.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::AccountId;
use crate::client::{Client, SubjectType, sector};
use crate::secret::MacKey;

/// The account's `sub` at this client: `acc_…`, or 43 characters under the deployment's key.
pub fn name(key: &MacKey, account: AccountId, client: &Client) -> String {
    match client.metadata.subject_type {
        SubjectType::Public => account.to_string(),
        SubjectType::Pairwise => {
            let sector = sector::of(&client.metadata).unwrap_or_else(|| client.id.as_str().to_owned());
            // The sector comes first and holds no NUL, the account's id has one length: no two pairs are one text.
            let named = [sector.as_bytes(), &[0], account.bytes()].concat();
            URL_SAFE_NO_PAD.encode(key.sign(&named))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::client::{ClientId, Metadata, Origin, Profile};

    fn client(id: &str, metadata: Metadata) -> Client {
        Client {
            id: ClientId::parse(id).unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oidc,
            first_party: false,
            disabled: false,
            created_at: Time::from_micros(0),
            expires_at: None,
            index: None,
            metadata,
        }
    }

    fn pairwise(uris: &[&str], sector: Option<&str>) -> Metadata {
        Metadata {
            subject_type: SubjectType::Pairwise,
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            sector_identifier_uri: sector.map(str::to_owned),
            ..Metadata::default()
        }
    }

    #[test]
    fn oau_76_a_pairwise_sub_is_stable_and_another_one_in_each_sector() {
        let key = MacKey::new(&[7; 32]);
        let (kim, lee) = (AccountId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]));
        let one = client("one", pairwise(&["https://a.example/cb"], None));
        let same_sector = client("two", pairwise(&["https://a.example/x", "https://a.example/y"], None));
        let by_uri =
            client("three", pairwise(&["https://b.example/cb"], Some("https://a.example/uris.json")));
        let other = client("four", pairwise(&["https://b.example/cb"], None));
        assert_eq!(name(&key, kim, &one), name(&key, kim, &same_sector));
        assert_eq!(name(&key, kim, &one), name(&key, kim, &by_uri));
        assert_ne!(name(&key, kim, &one), name(&key, kim, &other));
        assert_ne!(name(&key, kim, &one), name(&key, lee, &one));
        assert_ne!(name(&key, kim, &one), name(&MacKey::new(&[8; 32]), kim, &one));
        assert_eq!(name(&key, kim, &one).len(), 43);
        assert_eq!(name(&key, kim, &client("five", Metadata::default())), kim.to_string());
    }
}
