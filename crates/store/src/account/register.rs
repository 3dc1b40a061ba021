//! Registrations that wait for their mail to be answered.

use countersign_core::account::register::{Facts, MOST, NOTICE_WINDOW, Pending};
use countersign_core::account::{DisplayName, Email};
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::{AccountId, Time};

use crate::db::Result;
use crate::job::{self, Job};
use crate::{Batch, Store, columns};

const KNOWN: &str = "
SELECT account_id
  FROM identifiers
 WHERE kind = 'email'
   AND canonical = $1";

const TAKEN_SLOTS: &str = "
SELECT slot
  FROM pending_accounts
 WHERE email = $1
   AND spent_at IS NULL
   AND expires_at > $2";

const RECENT_NOTICES: &str = "
SELECT COUNT(*)
  FROM jobs
 WHERE recipient = $1
   AND kind = 'known_address'
   AND created_at > $2";

/// One row where so many wait, none where fewer do; those that are over are deleted soon.
const CROWD: &str = "
SELECT 1
  FROM pending_accounts
 WHERE spent_at IS NULL
 LIMIT 1
OFFSET $1";

const FREE_SLOT: &str = "
DELETE FROM pending_accounts
 WHERE email = $1
   AND slot = $2
   AND (spent_at IS NOT NULL OR expires_at <= $3)";

const PEND: &str = "
INSERT INTO pending_accounts (id, email, slot, display, name, locale, password, token_hash, code, browser, created_at,
                              expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const HOLD_ACCOUNT: &str = "
UPDATE accounts
   SET state = state
 WHERE id = $1";

const HOLD_NOTICES: &str = "
UPDATE accounts
   SET state = state
 WHERE id = $1
   AND (SELECT COUNT(*)
          FROM jobs
         WHERE recipient = $2
           AND kind = 'known_address'
           AND created_at > $3) <= $4";

pub(crate) const STATEMENTS: &[&str] =
    &[KNOWN, TAKEN_SLOTS, RECENT_NOTICES, CROWD, FREE_SLOT, PEND, HOLD_ACCOUNT, HOLD_NOTICES];

/// What is known of an address that somebody wants to register.
pub async fn register_facts(store: &Store, email: &Email, now: Time) -> Result<Facts> {
    let address = || email.canonical().into();
    let known = store.db.read(KNOWN, &[address()]).await?;
    let known = known.first().map(|row| columns::id(row, 0)).transpose()?;
    let slots = store.db.read(TAKEN_SLOTS, &[address(), now.micros().into()]).await?;
    let taken_slots = slots.iter().map(|row| columns::small(row, 0)).collect::<Result<_>>()?;
    let since = (now - NOTICE_WINDOW).micros();
    let notices = [job::recipient(email).as_bytes().into(), since.into()];
    let notices = store.db.read(RECENT_NOTICES, &notices).await?;
    let recent_notices = notices.first().map_or(Ok(0), |row| columns::count(row, 0))?;
    Ok(Facts { known, taken_slots, recent_notices, crowded: wait(store, MOST).await? })
}

/// Whether so many registrations wait, over all addresses.
pub async fn wait(store: &Store, count: u32) -> Result<bool> {
    let last = store.db.read(CROWD, &[i64::from(count.saturating_sub(1)).into()]).await?;
    Ok(!last.is_empty())
}

/// Keeps the registration in its slot, with the mail that proves it. `Lost`: another one took the slot.
pub fn pend_batch(pending: &Pending, mail: &Job, stamp: &Stamp<'_>) -> Batch {
    let slot = i64::from(pending.slot);
    let address = || pending.email.canonical().into();
    let batch =
        Batch::new(stamp, Event::new(Kind::RegistrationOpened).detail("pending", pending.id.to_string()))
            .any(FREE_SLOT, vec![address(), slot.into(), stamp.at.micros().into()])
            .exactly(
                1,
                PEND,
                vec![
                    pending.id.bytes().into(),
                    address(),
                    slot.into(),
                    pending.email.display().into(),
                    pending.name.as_ref().map(DisplayName::as_str).into(),
                    pending.locale.as_str().into(),
                    pending.password.as_str().into(),
                    pending.token.as_bytes().into(),
                    pending.code.into(),
                    pending.browser.map(|browser| *browser.as_bytes()).into(),
                    pending.created_at.micros().into(),
                    pending.expires_at.micros().into(),
                ],
            );
    job::insert(batch, mail, stamp.at)
}

/// Tells the owner of a known address. `recent` is what the facts counted: `Lost` when another notice went out since,
/// so that parallel registrations cannot send more than the cap (attack DOS-08).
pub fn notice_batch(account: AccountId, mail: &Job, recent: u32, stamp: &Stamp<'_>) -> Batch {
    let since = (stamp.at - NOTICE_WINDOW).micros();
    // The first statement waits for whoever holds the account; only the second one then sees what that one wrote.
    let batch = Batch::new(stamp, Event::new(Kind::RegistrationNoticed).account(account))
        .exactly(1, HOLD_ACCOUNT, vec![account.bytes().into()])
        .exactly(
            1,
            HOLD_NOTICES,
            vec![
                account.bytes().into(),
                mail.recipient.as_bytes().into(),
                since.into(),
                i64::from(recent).into(),
            ],
        );
    job::insert(batch, mail, stamp.at)
}
