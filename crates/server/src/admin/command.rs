//! What can be asked for, as it travels: one line of JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// One command. Accounts are named by `acc_…`, address or username.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Is somebody there?
    Ping,
    /// Can it do its work, as `/readyz` would say?
    Ready,
    /// Makes an account whose address the operator vouches for.
    AccountCreate(NewAccount),
    /// No more logins; everything it has ends.
    AccountDisable {
        /// Which account.
        account: String,
    },
    /// Logins again.
    AccountEnable {
        /// Which account.
        account: String,
    },
    /// Gone for good.
    AccountDelete {
        /// Which account.
        account: String,
    },
    /// The account and where it is logged in.
    AccountShow {
        /// Which account.
        account: String,
    },
    /// Changes what an account tells of itself.
    AccountUpdate {
        /// Which account.
        account: String,
        /// What becomes another.
        changes: Changes,
    },
    /// Accounts in the order they were made.
    AccountList {
        /// The last id of the page before.
        after: Option<String>,
        /// At most so many, up to [`PAGE`].
        limit: u32,
    },
    /// The signing keys.
    KeysList,
    /// A new signing key.
    KeysRotate {
        /// At once: the present one was stolen and counts no more. Verifiers that do not know the next one yet refuse its
        /// tokens until they have fetched it.
        now: bool,
    },
    /// Ends one session.
    RevokeSession {
        /// `ses_…`
        session: String,
    },
    /// Ends everything that an account has, offline grants too.
    RevokeAccount {
        /// Which account.
        account: String,
    },
    /// Ends everything: every session, grant, token and mailed link of everybody.
    RevokeEverything,
    /// Lines of the audit log.
    Audit(AuditQuery),
    /// Clients.
    Client(ClientCommand),
    /// Grants that were not ended, in the order they were made.
    GrantList {
        /// Only those of this account.
        account: Option<String>,
        /// Only those of this client.
        client: Option<String>,
        /// The last id of the page before.
        after: Option<String>,
        /// At most so many, up to [`PAGE`].
        limit: u32,
    },
    /// Ends one grant.
    GrantRevoke {
        /// `grt_…`
        grant: String,
    },
    /// Lets tokens be made for an API.
    ResourceAdd {
        /// Its identifier, exactly as tokens will carry it.
        resource: String,
    },
    /// The APIs that tokens are made for.
    ResourceList,
    /// Looks whether all is well.
    Check,
    /// Writes a verified copy of the database to one file.
    Backup {
        /// An absolute path; the server's own process writes it.
        file: String,
        /// Whether it may take the place of a file that is there.
        force: bool,
    },
}

/// What is done to clients, which are named by their `client_id`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientCommand {
    /// Makes one.
    Create(NewClient),
    /// Says something else of one: all that holds from now on.
    Update {
        /// Which.
        client: String,
        /// Its metadata; the rest of it stays.
        new: NewClient,
    },
    /// Clients in the order of their ids.
    List {
        /// The last id of the page before.
        after: Option<String>,
        /// At most so many, up to [`PAGE`].
        limit: u32,
    },
    /// One, with how old its secrets are.
    Show {
        /// Which.
        client: String,
    },
    /// Makes another secret.
    RotateSecret {
        /// Which.
        client: String,
        /// Seconds that the one before goes on to count.
        window: i64,
    },
    /// Closes it: all that it was let do ends.
    Disable {
        /// Which.
        client: String,
    },
    /// Opens it again.
    Enable {
        /// Which.
        client: String,
    },
    /// Gone for good.
    Delete {
        /// Which.
        client: String,
    },
    /// Looks what is weak about one, or about all.
    Check {
        /// Which.
        client: Option<String>,
    },
    /// Makes an initial access token.
    Invite {
        /// Seconds that it counts.
        life: i64,
    },
}

/// A client to be made.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its name; none: one that nobody else has.
    pub id: Option<String>,
    /// How strict the server is with it: `oauth21`, `oidc` or `fapi2`.
    pub profile: Option<String>,
    /// Whether it is ours.
    pub first_party: bool,
    /// What it says of itself (RFC 7591 section 2).
    pub metadata: Map<String, Value>,
}

/// The most rows in one reply.
pub const PAGE: u32 = 500;

/// An account to be made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its address.
    pub email: String,
    /// What it is called.
    pub name: Option<String>,
    /// Whether it runs this server.
    pub admin: bool,
    /// Its password: held to the same policy as everybody's.
    pub password: Typed,
}

/// What an account tells of itself from now on; what is not named stays, an empty text takes it away.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// What it is called.
    pub name: Option<String>,
    /// `en` or `ko`
    pub locale: Option<String>,
    /// Fields of the profile, such as `given_name`.
    pub fields: BTreeMap<String, String>,
    /// Whether somebody proved to have the telephone number.
    pub phone_number_verified: Option<bool>,
    /// Claims of `claims.custom`, by name.
    pub claims: BTreeMap<String, String>,
}

/// Which lines of the audit log; the newest come first.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only what this account is the subject of.
    pub account: Option<String>,
    /// Only what happened so, such as `login.failed`.
    pub kind: Option<String>,
    /// Nothing older: microseconds since 1970.
    pub since: Option<i64>,
    /// The last id of the page before.
    pub before: Option<String>,
    /// At most so many, up to [`PAGE`].
    pub limit: u32,
}

/// A password as it was typed. Never shown, zeroed when dropped; its only way out is the line to the server.
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// Takes it.
    pub const fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

impl Serialize for Typed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i16_a_password_is_on_the_wire_and_nowhere_else() {
        let command = Command::AccountCreate(NewAccount {
            email: "kim@example.org".to_owned(),
            name: None,
            admin: true,
            password: Typed::new(Zeroizing::new("hunter2 hunter2".to_owned())),
        });
        assert!(!format!("{command:?}").contains("hunter2"));
        let line = serde_json::to_string(&command).unwrap();
        let Ok(Command::AccountCreate(read)) = serde_json::from_str(&line) else { panic!("{line}") };
        assert_eq!((read.password.reveal(), read.admin), ("hunter2 hunter2", true));
    }

    #[test]
    fn what_is_no_command_is_refused() {
        assert!(matches!(serde_json::from_str(r#""ping""#), Ok(Command::Ping)));
        for line in ["", "{}", r#""pong""#, r#"{"keys_rotate":{}}"#, r#"{"keys_rotate":{"now":true,"x":1}}"#]
        {
            assert!(serde_json::from_str::<Command>(line).is_err(), "{line}");
        }
    }
}
