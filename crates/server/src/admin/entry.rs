//! Clients, grants and what is found about them, as they travel, as `--json` prints them, and as `/api/v1/admin` shows
//! them. Times are RFC 3339 in UTC.

use std::fmt;

use countersign_core::Time;
use countersign_core::client::Client;
use countersign_core::client::lint::Lint;
use countersign_store::grant::list::Listed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// A client, as an operator sees it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Client)]
pub struct ClientEntry {
    /// Its `client_id`
    pub id: String,
    /// `open`, `disabled` or `expired`
    pub state: String,
    /// `built_in`, `operator`, `registered` or `document`
    pub origin: String,
    /// `oauth21`, `oidc` or `fapi2`
    pub profile: String,
    /// Whether it may have scopes of ours, without asking for consent
    pub first_party: bool,
    /// When it was made
    pub created_at: String,
    /// When it ends unless it is used, if nobody vouched for it
    pub expires_at: Option<String>,
    /// Its secrets, the newest first; not in lists
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretEntry>,
    /// What it says of itself (RFC 7591)
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Its new secret, shown this once
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub secret: Option<Told>,
}

/// How old a secret is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ClientSecret)]
pub struct SecretEntry {
    /// When it was made
    pub created_at: String,
    /// When it ends, if another one took its place
    pub expires_at: Option<String>,
}

impl ClientEntry {
    pub(super) fn of(client: &Client, secrets: &[SecretEntry], now: Time) -> Self {
        let state = match client {
            client if client.disabled => "disabled",
            client if client.is_open(now) => "open",
            _ => "expired",
        };
        // invariant: metadata is an object of JSON.
        let metadata = serde_json::to_value(&client.metadata).unwrap_or_default();
        Self {
            id: client.id.to_string(),
            state: state.to_owned(),
            origin: client.origin.as_str().to_owned(),
            profile: client.profile.as_str().to_owned(),
            first_party: client.first_party,
            created_at: client.created_at.rfc3339(),
            expires_at: client.expires_at.map(Time::rfc3339),
            secrets: secrets.to_vec(),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            secret: None,
        }
    }
}

/// A grant that was not ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Grant)]
pub struct GrantEntry {
    /// `grt_…`
    pub id: String,
    /// Whose: `acc_…`
    pub account: String,
    /// For which client
    pub client: String,
    /// The session it hangs from: `ses_…`; none for one that outlives its login
    pub session: Option<String>,
    /// What it allows, separated by spaces
    pub scope: String,
    /// When it began
    pub created_at: String,
    /// When it was used last, as far as that is written down
    pub used_at: String,
}

impl GrantEntry {
    pub(super) fn of(grant: &Listed) -> Self {
        Self {
            id: grant.id.to_string(),
            account: grant.account.to_string(),
            client: grant.client.to_string(),
            session: grant.session.map(|session| session.to_string()),
            scope: grant.scopes.to_string(),
            created_at: grant.created_at.rfc3339(),
            used_at: grant.used_at.rfc3339(),
        }
    }
}

/// Something about a client that is weak or about to break.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ClientFinding)]
pub struct LintEntry {
    /// Which client
    pub client: String,
    /// Stable, such as `secret-old`
    pub code: String,
    /// `note`, `warning` or `broken`
    pub severity: String,
    /// What it is, why, and what to do
    pub words: String,
}

impl LintEntry {
    pub(super) fn of(client: &Client, lint: &Lint) -> Self {
        Self {
            client: client.id.to_string(),
            code: lint.code.to_owned(),
            severity: lint.severity.as_str().to_owned(),
            words: lint.words.clone(),
        }
    }
}

/// A secret that is told once. Never shown by `Debug`, zeroed when dropped.
pub struct Told(Zeroizing<String>);

impl Told {
    pub(super) const fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// For whoever asked.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told(…)")
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i16_a_secret_is_told_on_the_wire_and_nowhere_else() {
        let told = Told::new(Zeroizing::new("cs_sec_hunter2".to_owned()));
        assert!(!format!("{told:?}").contains("hunter2"));
        assert_eq!(serde_json::to_string(&told).unwrap(), "\"cs_sec_hunter2\"");
        assert_eq!(told.reveal(), "cs_sec_hunter2");
    }
}
