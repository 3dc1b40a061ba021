//! What accounts tell of themselves.

use countersign_core::account::profile::{Profile, Told};
use countersign_core::account::{Account, DisplayName, Version};
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::{AccountId, Locale, Span, Time};

use crate::db::{Error, Result};
use crate::{Batch, Store, columns, revocation};

const TOLD: &str = "
SELECT profile, profile_changed_at, created_at
  FROM accounts
 WHERE id = $1";

const CHANGE: &str = "
UPDATE accounts
   SET name = $1,
       locale = $2,
       profile = $3,
       profile_changed_at = $4,
       version = version + 1
 WHERE id = $5
   AND version = $6
   AND state <> 'deleted'";

pub(crate) const STATEMENTS: &[&str] = &[TOLD, CHANGE];

/// What the account tells of itself.
pub async fn told(store: &Store, account: AccountId) -> Result<Option<Told>> {
    let rows = store.db.read(TOLD, &[account.bytes().into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let profile = Profile::from_json(row.text(0)?);
    let profile = profile.ok_or(Error::Corrupt { column: 0, expected: "a profile" })?;
    let changed: Option<Time> = columns::opt_time(row, 1)?;
    let made = columns::time(row, 2)?;
    Ok(Some(Told { profile, updated_at: changed.unwrap_or(made) }))
}

/// What an account tells of itself from now on.
#[derive(Debug, Clone, Copy)]
pub struct NewProfile<'a> {
    /// Guarded: what was changed is what was read.
    pub version: Version,
    /// What it wants to be called.
    pub name: Option<&'a DisplayName>,
    /// The language of its mails.
    pub locale: Locale,
    /// The rest.
    pub profile: &'a Profile,
}

/// Changes what an account tells of itself. `Lost`: the account changed in the meantime.
pub fn profile_batch(
    account: &Account,
    new: &NewProfile<'_>,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Batch {
    let values = vec![
        new.name.map(DisplayName::as_str).into(),
        new.locale.as_str().into(),
        new.profile.to_json().into(),
        stamp.at.micros().into(),
        account.id.bytes().into(),
        new.version.0.into(),
    ];
    let event = Event::new(Kind::ProfileChanged).account(account.id);
    let batch = Batch::new(stamp, event).exactly(1, CHANGE, values);
    revocation::account(batch, account.id, longest_life, stamp)
}
