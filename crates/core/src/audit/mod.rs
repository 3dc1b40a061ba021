//! The audit log: what happened, who, when, from where, written in the transaction that made it happen (I17).

use std::fmt;
use std::net::IpAddr;

use crate::client::ClientId;
use crate::{AccountId, AuditId, GrantId, Random, RequestId, SessionId, Time};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A registration waits for its mail to be answered.
    RegistrationOpened,
    /// A known address was told that somebody tried to register it.
    RegistrationNoticed,
    /// A registration, or another mail for one, was answered like any other and dropped.
    RegistrationDropped,
    /// A code of a registration was tried.
    VerificationTried,
    /// An account was made.
    AccountCreated,
    /// An operator closed an account.
    AccountDisabled,
    /// An operator opened it again.
    AccountEnabled,
    /// An account is gone.
    AccountDeleted,
    /// A login failed.
    LoginFailed,
    /// Somebody was refused for guessing too often, or everybody together guesses more than usual.
    LimitHit,
    /// A session began.
    SessionOpened,
    /// Sessions ended.
    SessionEnded,
    /// When sessions were last used was written down.
    SessionSeen,
    /// A grant began.
    GrantOpened,
    /// A refresh token was replaced.
    GrantRefreshed,
    /// A refresh token that had been replaced was used: its grant ended.
    GrantReused,
    /// The password was changed.
    PasswordChanged,
    /// The password was hashed with stronger parameters.
    PasswordUpgraded,
    /// A reset was mailed.
    ResetRequested,
    /// The password was reset.
    PasswordReset,
    /// A signing key was made.
    KeyCreated,
    /// A signing key moved on.
    KeyMoved,
    /// A client was made.
    ClientCreated,
    /// A client was changed: its metadata, or its secret.
    ClientChanged,
    /// A client was closed: everything that it had ended.
    ClientDisabled,
    /// A closed client was opened again.
    ClientEnabled,
    /// A client is gone.
    ClientDeleted,
    /// A client failed to authenticate.
    ClientRefused,
    /// A code was given to a client.
    CodeIssued,
    /// A code was refused, and burned.
    CodeRefused,
    /// A code came a second time: what the first use minted ended.
    CodeReused,
    /// Somebody let a client do something.
    ConsentGiven,
    /// Somebody took that back.
    ConsentWithdrawn,
    /// A device asks for a login elsewhere.
    DeviceAsked,
    /// Somebody answered it.
    DeviceAnswered,
    /// A device's code was asked about.
    DevicePolled,
    /// A grant ended.
    GrantEnded,
    /// A single token was revoked.
    TokenRevoked,
    /// An assertion or a proof was used.
    ProofSpent,
    /// A login was proved anew in its session.
    SessionProved,
    /// The profile was changed.
    ProfileChanged,
    /// A client is about to be told of a logout: one more of its tries is used.
    LogoutTried,
    /// A client was told of a logout, or was given up.
    LogoutTold,
    /// A resource was added.
    ResourceAdded,
    /// A mail is about to be handed over: one more of its tries is used.
    MailTried,
    /// A mail left, or was given up.
    MailSent,
    /// What expired was deleted.
    CleanedUp,
    /// The store was made ready.
    StorePrepared,
    /// A backup of the store was written.
    StoreBackedUp,
    /// The store is one that was made from a backup.
    StoreRestored,
    /// What lies sealed was sealed anew under another master key.
    StoreResealed,
    /// Everything issued before a moment ended.
    EverythingEnded,
    /// A block of a status list was taken.
    StatusBlockLeased,
}

impl Kind {
    /// Every kind, in the order of this file.
    pub const ALL: [Self; 53] = [
        Self::RegistrationOpened,
        Self::RegistrationNoticed,
        Self::RegistrationDropped,
        Self::VerificationTried,
        Self::AccountCreated,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountDeleted,
        Self::LoginFailed,
        Self::LimitHit,
        Self::SessionOpened,
        Self::SessionEnded,
        Self::SessionSeen,
        Self::GrantOpened,
        Self::GrantRefreshed,
        Self::GrantReused,
        Self::PasswordChanged,
        Self::PasswordUpgraded,
        Self::ResetRequested,
        Self::PasswordReset,
        Self::KeyCreated,
        Self::KeyMoved,
        Self::ClientCreated,
        Self::ClientChanged,
        Self::ClientDisabled,
        Self::ClientEnabled,
        Self::ClientDeleted,
        Self::ClientRefused,
        Self::CodeIssued,
        Self::CodeRefused,
        Self::CodeReused,
        Self::ConsentGiven,
        Self::ConsentWithdrawn,
        Self::DeviceAsked,
        Self::DeviceAnswered,
        Self::DevicePolled,
        Self::GrantEnded,
        Self::TokenRevoked,
        Self::ProofSpent,
        Self::SessionProved,
        Self::ProfileChanged,
        Self::LogoutTried,
        Self::LogoutTold,
        Self::ResourceAdded,
        Self::MailTried,
        Self::MailSent,
        Self::CleanedUp,
        Self::StorePrepared,
        Self::StoreBackedUp,
        Self::StoreRestored,
        Self::StoreResealed,
        Self::EverythingEnded,
        Self::StatusBlockLeased,
    ];

    /// The word in the log: a noun and what happened to it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegistrationOpened => "registration.opened",
            Self::RegistrationNoticed => "registration.noticed",
            Self::RegistrationDropped => "registration.dropped",
            Self::VerificationTried => "verification.tried",
            Self::AccountCreated => "account.created",
            Self::AccountDisabled => "account.disabled",
            Self::AccountEnabled => "account.enabled",
            Self::AccountDeleted => "account.deleted",
            Self::LoginFailed => "login.failed",
            Self::LimitHit => "limit.hit",
            Self::SessionOpened => "session.opened",
            Self::SessionEnded => "session.ended",
            Self::SessionSeen => "session.seen",
            Self::GrantOpened => "grant.opened",
            Self::GrantRefreshed => "grant.refreshed",
            Self::GrantReused => "grant.reused",
            Self::PasswordChanged => "password.changed",
            Self::PasswordUpgraded => "password.upgraded",
            Self::ResetRequested => "reset.requested",
            Self::PasswordReset => "password.reset",
            Self::KeyCreated => "key.created",
            Self::KeyMoved => "key.moved",
            Self::ClientCreated => "client.created",
            Self::ClientChanged => "client.changed",
            Self::ClientDisabled => "client.disabled",
            Self::ClientEnabled => "client.enabled",
            Self::ClientDeleted => "client.deleted",
            Self::ClientRefused => "client.refused",
            Self::CodeIssued => "code.issued",
            Self::CodeRefused => "code.refused",
            Self::CodeReused => "code.reused",
            Self::ConsentGiven => "consent.given",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::DeviceAsked => "device.asked",
            Self::DeviceAnswered => "device.answered",
            Self::DevicePolled => "device.polled",
            Self::GrantEnded => "grant.ended",
            Self::TokenRevoked => "token.revoked",
            Self::ProofSpent => "proof.spent",
            Self::SessionProved => "session.proved",
            Self::ProfileChanged => "profile.changed",
            Self::LogoutTried => "logout.tried",
            Self::LogoutTold => "logout.told",
            Self::ResourceAdded => "resource.added",
            Self::MailTried => "mail.tried",
            Self::MailSent => "mail.sent",
            Self::CleanedUp => "cleanup.done",
            Self::StorePrepared => "store.prepared",
            Self::StoreBackedUp => "store.backed_up",
            Self::StoreRestored => "store.restored",
            Self::StoreResealed => "store.resealed",
            Self::EverythingEnded => "everything.ended",
            Self::StatusBlockLeased => "status_list.leased",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// Nobody who proved anything yet.
    Anonymous,
    /// An account, by a session or token of its own.
    Account(AccountId),
    /// A client, by a token of its own.
    Client(&'a ClientId),
    /// An operator at the command line.
    Operator,
    /// The server itself: a job or a schedule.
    System,
}

impl fmt::Display for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Account(id) => id.fmt(f),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

/// What happened, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// Whose account.
    pub account: Option<AccountId>,
    /// Which session.
    pub session: Option<SessionId>,
    /// Which grant.
    pub grant: Option<GrantId>,
    /// Which client.
    pub client: Option<ClientId>,
    /// Words for the reader; never a secret, never free text of a stranger.
    pub detail: Vec<(&'static str, String)>,
}

impl Event {
    /// An event without a subject.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, account: None, session: None, grant: None, client: None, detail: Vec::new() }
    }

    /// Whose account it is about.
    #[must_use]
    pub const fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// Which session it is about.
    #[must_use]
    pub const fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Which grant it is about.
    #[must_use]
    pub const fn grant(mut self, grant: GrantId) -> Self {
        self.grant = Some(grant);
        self
    }

    /// Which client it is about.
    #[must_use]
    pub fn client(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// One word more.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.detail.push((name, value.into()));
        self
    }
}

/// When, by whom and from where: the same for all that one request does.
#[derive(Clone, Copy)]
pub struct Stamp<'a> {
    /// Now.
    pub at: Time,
    /// Makes the ids of events.
    pub random: &'a dyn Random,
    /// Who.
    pub actor: Actor<'a>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// In which request.
    pub request: Option<RequestId>,
}

impl Stamp<'_> {
    /// The event as the log keeps it.
    pub fn entry(&self, event: Event) -> Entry {
        let id = AuditId::new(self.at, self.random);
        Entry { id, at: self.at, actor: self.actor.to_string(), ip: self.ip, request: self.request, event }
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `evt_…`
    pub id: AuditId,
    /// When.
    pub at: Time,
    /// Who: `anonymous`, `operator`, `system`, `acc_…` or `client:…`.
    pub actor: String,
    /// From where.
    pub ip: Option<IpAddr>,
    /// In which request.
    pub request: Option<RequestId>,
    /// What.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_word_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("account"), None);
    }
}
