//! Verification: the address is proved and the account made; and accounts that an operator makes.

use countersign_core::account::register::Pending;
use countersign_core::account::verify::CODE_TRIES;
use countersign_core::account::{DisplayName, Email, Role};
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::secret::Hash;
use countersign_core::{AccountId, CredentialId, Locale, Time};

use crate::db::{Result, Row};
use crate::{Batch, Store, columns};

const BY_TOKEN: &str = "
SELECT p.id, p.slot, p.display, p.email, p.name, p.locale, p.password, p.token_hash, p.code, p.browser, p.created_at,
       p.expires_at, p.spent_at, i.account_id
  FROM pending_accounts p
  LEFT JOIN identifiers i ON i.kind = 'email' AND i.canonical = p.email
 WHERE p.token_hash = $1";

const BY_EMAIL: &str = "
SELECT p.id, p.slot, p.display, p.email, p.name, p.locale, p.password, p.token_hash, p.code, p.browser, p.created_at,
       p.expires_at, p.spent_at, i.account_id
  FROM pending_accounts p
  LEFT JOIN identifiers i ON i.kind = 'email' AND i.canonical = p.email
 WHERE p.email = $1
   AND p.spent_at IS NULL
   AND p.expires_at > $2
 ORDER BY p.slot";

const CODE_TRIES_USED: &str = "
SELECT COALESCE((SELECT tries FROM code_tries WHERE email = $1 AND expires_at > $2), 0)
  FROM pending_accounts
 WHERE email = $1
   AND spent_at IS NULL
   AND expires_at > $2
 LIMIT 1";

const TRY_CODE: &str = "
INSERT INTO code_tries (email, tries, expires_at)
VALUES ($1, 1, $2)
ON CONFLICT (email) DO UPDATE
   SET tries = CASE WHEN code_tries.expires_at <= $3 THEN 1 ELSE code_tries.tries + 1 END,
       expires_at = CASE WHEN code_tries.expires_at <= $3 THEN excluded.expires_at ELSE code_tries.expires_at END
 WHERE code_tries.tries < $4
    OR code_tries.expires_at <= $3";

const CREATE: &str = "
INSERT INTO accounts (id, state, version, name, locale, sessions_opened, created_at)
VALUES ($1, 'active', 1, $2, $3, 0, $4)";

const NAME: &str = "
INSERT INTO identifiers (kind, canonical, display, account_id, verified_at, created_at)
VALUES ('email', $1, $2, $3, $4, $4)";

const GIVE_PASSWORD: &str = "
INSERT INTO credentials (id, account_id, kind, data, created_at, changed_at)
VALUES ($1, $2, 'password', $3, $4, $4)";

const GIVE_ROLE: &str = "
INSERT INTO roles (account_id, role, granted_at)
VALUES ($1, $2, $3)";

const SPEND: &str = "
UPDATE pending_accounts
   SET spent_at = $1
 WHERE id = $2
   AND spent_at IS NULL
   AND expires_at > $1
   AND created_at >= (SELECT not_before FROM epoch WHERE id = 1)";

const DROP_OTHERS: &str = "
DELETE FROM pending_accounts
 WHERE email = $1
   AND id <> $2";

const DROP_TRIES: &str = "
DELETE FROM code_tries
 WHERE email = $1";

pub(crate) const STATEMENTS: &[&str] = &[
    BY_TOKEN,
    BY_EMAIL,
    CODE_TRIES_USED,
    TRY_CODE,
    CREATE,
    NAME,
    GIVE_PASSWORD,
    GIVE_ROLE,
    SPEND,
    DROP_OTHERS,
    DROP_TRIES,
];

/// A registration, and what has become of it and of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The registration.
    pub pending: Pending,
    /// It was answered already.
    pub spent: bool,
    /// The address has an account.
    pub known: bool,
}

/// An account to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    /// Never used before (attack SES-12).
    pub id: AccountId,
    /// The password's id.
    pub credential: CredentialId,
    /// Its address, proved.
    pub email: &'a Email,
    /// What it will be called.
    pub name: Option<&'a DisplayName>,
    /// The language of its mails.
    pub locale: Locale,
    /// Hash of the password (PHC string).
    pub password: &'a str,
}

/// The registration with this link, spent and expired ones included.
pub async fn verify_facts_by_token(store: &Store, token: Hash) -> Result<Option<Found>> {
    let rows = store.db.read(BY_TOKEN, &[token.as_bytes().into()]).await?;
    rows.first().map(found).transpose()
}

/// The live registrations of an address, whose codes may be compared: at most `register::SLOTS`.
pub async fn pendings_by_email(store: &Store, email: &Email, now: Time) -> Result<Vec<Found>> {
    let rows = store.db.read(BY_EMAIL, &[email.canonical().into(), now.micros().into()]).await?;
    rows.iter().map(found).collect()
}

fn found(row: &Row) -> Result<Found> {
    let pending = Pending {
        id: columns::id(row, 0)?,
        slot: columns::small(row, 1)?,
        email: Email::stored(row.text(2)?.to_owned(), row.text(3)?.to_owned()),
        name: super::opt_name(row, 4)?,
        locale: columns::word(row, 5, Locale::parse, "a language")?,
        password: row.text(6)?.to_owned(),
        token: Hash::from_bytes(row.array(7)?),
        code: row.array(8)?,
        browser: columns::opt_hash(row, 9)?,
        created_at: columns::time(row, 10)?,
        expires_at: columns::time(row, 11)?,
    };
    Ok(Found { pending, spent: row.opt_int(12)?.is_some(), known: row.opt_array::<16>(13)?.is_some() })
}

/// How many of its tries an address has used; nothing where no registration of it waits.
pub async fn code_tries(store: &Store, email: &Email, now: Time) -> Result<Option<u32>> {
    let rows = store.db.read(CODE_TRIES_USED, &[email.canonical().into(), now.micros().into()]).await?;
    rows.first().map(|row| columns::count(row, 0)).transpose()
}

/// Reserves one of the [`CODE_TRIES`] of an address before a code is compared; they last until `until`, counted from
/// the first. `Lost`: none is left, and only the link works.
pub fn code_try_batch(email: &Email, until: Time, stamp: &Stamp<'_>) -> Batch {
    Batch::new(stamp, Event::new(Kind::VerificationTried)).exactly(
        1,
        TRY_CODE,
        vec![
            email.canonical().into(),
            until.micros().into(),
            stamp.at.micros().into(),
            i64::from(CODE_TRIES).into(),
        ],
    )
}

/// Makes the account of a proved registration, once; what else waited for the address is gone. `Lost`: the
/// registration was spent, or its address has an account.
pub fn create_batch(pending: &Pending, id: AccountId, credential: CredentialId, stamp: &Stamp<'_>) -> Batch {
    let account = NewAccount {
        id,
        credential,
        email: &pending.email,
        name: pending.name.as_ref(),
        locale: pending.locale,
        password: &pending.password,
    };
    let event = Event::new(Kind::AccountCreated).account(id).detail("by", "verification");
    // The unique address comes first: of two registrations the second one waits there, holding nothing that the first
    // one is about to delete.
    insert(Batch::new(stamp, event), &account, stamp)
        .exactly(1, SPEND, vec![stamp.at.micros().into(), pending.id.bytes().into()])
        .any(DROP_OTHERS, vec![pending.email.canonical().into(), pending.id.bytes().into()])
        .any(DROP_TRIES, vec![pending.email.canonical().into()])
}

/// Makes an account for an operator, who vouches for the address. `Lost`: the address has one.
pub fn create_direct_batch(account: &NewAccount<'_>, roles: &[Role], stamp: &Stamp<'_>) -> Batch {
    let event = Event::new(Kind::AccountCreated).account(account.id).detail("by", "operator");
    let event = roles.iter().fold(event, |event, role| event.detail("role", role.as_str()));
    let batch = insert(Batch::new(stamp, event), account, stamp);
    roles.iter().fold(batch, |batch, role| {
        let values = vec![account.id.bytes().into(), role.as_str().into(), stamp.at.micros().into()];
        batch.exactly(1, GIVE_ROLE, values)
    })
}

fn insert(batch: Batch, account: &NewAccount<'_>, stamp: &Stamp<'_>) -> Batch {
    let now = || stamp.at.micros().into();
    let id = || account.id.bytes().into();
    let name = account.name.map(DisplayName::as_str).into();
    let (canonical, display) = (account.email.canonical(), account.email.display());
    batch
        .exactly(1, CREATE, vec![id(), name, account.locale.as_str().into(), now()])
        .exactly(1, NAME, vec![canonical.into(), display.into(), id(), now()])
        .exactly(
            1,
            GIVE_PASSWORD,
            vec![account.credential.bytes().into(), id(), account.password.into(), now()],
        )
}
