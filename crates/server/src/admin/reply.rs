//! What comes back, as it travels and as `--json` prints it. Times are RFC 3339 in UTC.

use std::collections::BTreeMap;

use countersign_core::account::{Account, Role};
use countersign_core::key;
use countersign_core::session::Session;
use countersign_store::audit::Line;
use countersign_store::db::snapshot::{Progress, Snapshot, Stage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entry::{ClientEntry, GrantEntry, LintEntry, Told};

/// The answer to a command that was obeyed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Somebody is there.
    Pong {
        /// Its version.
        version: String,
        /// The origin that it is reached at.
        origin: String,
    },
    /// The account after the command.
    Account(AccountEntry),
    /// The account, and where it is logged in.
    Shown {
        /// The account.
        account: AccountEntry,
        /// What it tells of itself: claims by name, those of `claims.custom` among them.
        profile: BTreeMap<String, String>,
        /// Its live sessions, the oldest first.
        sessions: Vec<SessionEntry>,
    },
    /// A page of accounts.
    Accounts(Vec<AccountEntry>),
    /// The signing keys.
    Keys(Vec<KeyEntry>),
    /// What rotation did; nothing where the next key is not known for long enough yet.
    Rotated {
        /// In this order.
        steps: Vec<KeyStep>,
        /// The keys now.
        keys: Vec<KeyEntry>,
        /// The next key may take over from then on.
        ready_at: Option<String>,
    },
    /// These sessions of the account lived until now.
    Revoked {
        /// `acc_…`
        account: String,
        /// `ses_…`
        sessions: Vec<String>,
    },
    /// All that was ever issued is dead.
    EverythingRevoked {
        /// Whatever was issued before this moment (RFC 3339), which is seconds ahead.
        not_before: String,
    },
    /// A page of the audit log.
    Audit(Vec<AuditEntry>),
    /// The client after the command.
    Client(ClientEntry),
    /// A page of clients.
    Clients(Vec<ClientEntry>),
    /// It is gone.
    ClientDeleted {
        /// Its `client_id`.
        client: String,
    },
    /// What is weak about clients.
    Linted(Vec<LintEntry>),
    /// An initial access token.
    Invited {
        /// The token, shown this once.
        token: Told,
        /// When it ends.
        until: String,
    },
    /// A page of grants.
    Grants(Vec<GrantEntry>),
    /// The APIs that tokens are made for.
    Resources(Vec<ResourceEntry>),
    /// What was looked at.
    Checked(Vec<Finding>),
    /// It is under way; more lines follow.
    Working,
    /// How far a command is that takes long; more lines follow.
    Progress(ProgressEntry),
    /// The backup is on disk, and sound.
    BackedUp(BackupEntry),
}

/// An account, as an operator sees it.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountEntry {
    /// `acc_…`
    pub id: String,
    /// `active`, `disabled` or `deleted`
    pub state: String,
    /// None once it is deleted.
    pub email: Option<String>,
    /// Whether the address was proved.
    pub email_verified: bool,
    /// What it is called.
    pub name: Option<String>,
    /// `en` or `ko`
    pub locale: String,
    /// Such as `admin`.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_at: String,
}

impl AccountEntry {
    pub(super) fn of(account: &Account, roles: &[Role]) -> Self {
        Self {
            id: account.id.to_string(),
            state: account.state.as_str().to_owned(),
            email: account.email.as_ref().map(|email| email.display().to_owned()),
            email_verified: account.email_verified_at.is_some(),
            name: account.name.as_ref().map(|name| name.as_str().to_owned()),
            locale: account.locale.as_str().to_owned(),
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
            created_at: account.created_at.rfc3339(),
        }
    }
}

/// A live session.
#[derive(Debug, Serialize, Deserialize)]
pub struct SessionEntry {
    /// `ses_…`
    pub id: String,
    /// `cookie` or `token`
    pub face: String,
    /// When it began.
    pub created_at: String,
    /// When it was last used.
    pub last_seen_at: String,
    /// When it ends however much it is used.
    pub expires_at: String,
    /// Such as `Firefox`.
    pub browser: Option<String>,
    /// Such as `Windows`.
    pub system: Option<String>,
    /// Where it began.
    pub ip: Option<String>,
}

impl SessionEntry {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            face: session.face.as_str().to_owned(),
            created_at: session.created_at.rfc3339(),
            last_seen_at: session.seen_at.rfc3339(),
            expires_at: session.absolute_ends_at.rfc3339(),
            browser: session.device.browser.map(str::to_owned),
            system: session.device.system.map(str::to_owned),
            ip: session.ip.map(|ip| ip.to_string()),
        }
    }
}

/// A signing key.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Such as `ES256`.
    pub alg: String,
    /// `next`, `active`, `retiring`, `retired` or `revoked` (stolen)
    pub state: String,
    /// When it was made and so published.
    pub created_at: String,
    /// When it entered its present state.
    pub since: String,
}

impl KeyEntry {
    pub(super) fn of(key: &key::Key) -> Self {
        Self {
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            state: key.state.as_str().to_owned(),
            created_at: key.created_at.rfc3339(),
            since: key.since.rfc3339(),
        }
    }
}

/// One move of a signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStep {
    /// A key was made.
    Created {
        /// Such as `ES256`.
        alg: String,
        /// `next`, or `active` where there was none.
        state: String,
    },
    /// A key took over from another one.
    Replaced {
        /// Signed until now, and stays published for a while.
        active: String,
        /// Signs from now on.
        next: String,
    },
    /// A stolen key counts no more.
    Revoked {
        /// Signed until now; neither published nor accepted from now on.
        active: String,
        /// Signs from now on.
        next: String,
    },
    /// The first key of an algorithm begins to sign.
    Activated {
        /// Which.
        kid: String,
    },
    /// A key is no longer published.
    Retired {
        /// Which.
        kid: String,
    },
    /// A key that was dated by a clock ahead counts from now on.
    Redated {
        /// Which.
        kid: String,
    },
}

impl From<key::rotate::Step> for KeyStep {
    fn from(step: key::rotate::Step) -> Self {
        use key::rotate::Step;
        match step {
            Step::Create { alg, state } => {
                Self::Created { alg: alg.as_str().to_owned(), state: state.as_str().to_owned() }
            }
            Step::Replace { active, next } => Self::Replaced { active, next },
            Step::Revoke { active, next } => Self::Revoked { active, next },
            Step::Activate { next } => Self::Activated { kid: next },
            Step::Retire { kid } => Self::Retired { kid },
            Step::Redate { kid } => Self::Redated { kid },
        }
    }
}

/// A line of the audit log.
#[derive(Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    /// `evt_…`
    pub id: String,
    /// When.
    pub at: String,
    /// What, such as `login.failed`.
    pub kind: String,
    /// `anonymous`, `operator`, `system`, `acc_…` or `client:…`
    pub actor: String,
    /// Whose account.
    pub account: Option<String>,
    /// Which session.
    pub session: Option<String>,
    /// Which grant.
    pub grant: Option<String>,
    /// Which client.
    pub client: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// In which request, as answers and the server's log name it.
    pub request: Option<String>,
    /// Words for the reader.
    pub detail: BTreeMap<String, String>,
}

impl From<Line> for AuditEntry {
    fn from(line: Line) -> Self {
        Self {
            id: line.id.to_string(),
            at: line.at.rfc3339(),
            kind: line.kind,
            actor: line.actor,
            account: line.account.map(|id| id.to_string()),
            session: line.session.map(|id| id.to_string()),
            grant: line.grant.map(|id| id.to_string()),
            client: line.client,
            ip: line.ip,
            request: line.request.map(|id| id.to_string()),
            detail: line.detail,
        }
    }
}

/// An API that tokens are made for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Resource)]
pub struct ResourceEntry {
    /// Its identifier.
    pub resource: String,
    /// It stands in the settings (`resources.allowed`), not in the database.
    pub configured: bool,
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressEntry {
    /// What is being done.
    pub stage: StageEntry,
    /// Pages of the database.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// A part of a backup or restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageEntry {
    /// Pages are copied.
    Copying,
    /// The copy is read again and looked at.
    Verifying,
}

impl From<Progress> for ProgressEntry {
    fn from(Progress { stage, done, total }: Progress) -> Self {
        let stage = match stage {
            Stage::Copying => StageEntry::Copying,
            Stage::Verifying => StageEntry::Verifying,
        };
        Self { stage, done, total }
    }
}

/// A backup, as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEntry {
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Of the file: 64 hexadecimal digits.
    pub sha256: String,
    /// The last migration in it.
    pub schema: i64,
    /// How many it holds.
    pub accounts: u64,
    /// How many it holds, ended ones included.
    pub sessions: u64,
    /// Lines of the audit log.
    pub events: u64,
}

impl BackupEntry {
    /// What is in the file of that name.
    pub fn of(file: String, snapshot: &Snapshot) -> Self {
        let Snapshot { bytes, sha256, schema, accounts, sessions, events } = snapshot.clone();
        Self { file, bytes, sha256, schema, accounts, sessions, events }
    }
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, such as `database`.
    pub what: String,
    /// How bad it is.
    pub level: Level,
    /// What was found and, where it is not well, what to do.
    pub words: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All is well.
    Fine,
    /// It works, but look at it.
    Warning,
    /// It does not work.
    Broken,
}

impl Finding {
    /// A finding.
    pub fn new(what: &str, level: Level, words: impl Into<String>) -> Self {
        Self { what: what.to_owned(), level, words: words.into() }
    }
}
