//! What an operator does to an account: closing it ends all that hangs from it (I1).

use countersign_core::account::State;
use countersign_core::account::change::Decision;
use countersign_core::audit::{Event, Kind, Stamp};
use countersign_core::session::EndReason;
use countersign_core::session::end::{self, Scope};
use countersign_core::{AccountId, Span};

use crate::{Batch, recovery, revocation, session};

const MOVE: &str = "
UPDATE accounts
   SET state = $1,
       version = version + 1
 WHERE id = $2
   AND state = $3";

const FORGET_PROFILE: &str = "
UPDATE accounts
   SET name = NULL,
       profile = '{}'
 WHERE id = $1";

const FORGET_IDENTIFIERS: &str = "
DELETE FROM identifiers
 WHERE account_id = $1";

const FORGET_CREDENTIALS: &str = "
DELETE FROM credentials
 WHERE account_id = $1";

const FORGET_ROLES: &str = "
DELETE FROM roles
 WHERE account_id = $1";

const FORGET_RESETS: &str = "
DELETE FROM resets
 WHERE account_id = $1";

// Where a registration came from, until the clean-up takes it. One that still waits is somebody's who may want the
// address next.
const FORGET_REGISTRATIONS: &str = "
DELETE FROM pending_accounts
 WHERE spent_at IS NOT NULL
   AND email IN (SELECT canonical FROM identifiers WHERE account_id = $1 AND kind = 'email')";

const FORGET_CONSENTS: &str = "
DELETE FROM consents
 WHERE account_id = $1";

const FORGET_DEVICES: &str = "
UPDATE sessions
   SET browser = NULL,
       system = NULL,
       ip = NULL
 WHERE account_id = $1";

const FORGET_PLACES: &str = "
UPDATE audit
   SET ip = NULL
 WHERE account_id = $1
   AND ip IS NOT NULL";

pub(crate) const STATEMENTS: &[&str] = &[
    MOVE,
    FORGET_PROFILE,
    FORGET_IDENTIFIERS,
    FORGET_CREDENTIALS,
    FORGET_ROLES,
    FORGET_RESETS,
    FORGET_REGISTRATIONS,
    FORGET_CONSENTS,
    FORGET_DEVICES,
    FORGET_PLACES,
];

/// What the decision writes; none where it changes nothing. `Lost`: the account is in another state by now.
///
/// A deleted account keeps its id alone, so that none ever gets it again (attack SES-12); its names are free. The audit
/// log keeps every line: what happened, when, and the id, which by now is nobody's name. Where its owner was when it
/// happened goes (attack LOGG-05).
pub fn change_batch(
    decision: &Decision,
    account: AccountId,
    longest_life: Span,
    stamp: &Stamp<'_>,
) -> Option<Batch> {
    let Decision::Move { from, to, ends } = *decision else { return None };
    let id = || vec![account.bytes().into()];
    let mut batch = Batch::new(stamp, Event::new(kind(to)).account(account)).exactly(
        1,
        MOVE,
        vec![to.as_str().into(), account.bytes().into(), from.as_str().into()],
    );
    if ends {
        let end = end::decide(account, Scope::All, EndReason::AccountClosed);
        batch = session::end(batch, &end, longest_life, stamp);
        batch = recovery::kill(batch, account, stamp);
    }
    if to == State::Deleted {
        batch = batch
            .exactly(1, FORGET_PROFILE, id())
            .any(FORGET_REGISTRATIONS, id())
            .any(FORGET_IDENTIFIERS, id())
            .any(FORGET_CREDENTIALS, id())
            .any(FORGET_ROLES, id())
            .any(FORGET_RESETS, id())
            .any(FORGET_CONSENTS, id())
            .any(FORGET_DEVICES, id())
            .any(FORGET_PLACES, id());
    }
    Some(revocation::account(batch, account, longest_life, stamp))
}

const fn kind(to: State) -> Kind {
    match to {
        State::Active => Kind::AccountEnabled,
        State::Disabled => Kind::AccountDisabled,
        State::Deleted => Kind::AccountDeleted,
    }
}
