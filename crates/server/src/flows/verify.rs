//! Verifying: whoever reads the mail of an address proves it, and the account is made.

use std::sync::Arc;

use countersign_core::account::Email;
use countersign_core::account::verify::{Decision, Facts, Proof, Refusal, decide, may_try};
use countersign_core::audit::{Actor, Event, Kind as AuditKind};
use countersign_core::credential::Password;
use countersign_core::credential::password::PasswordError;
use countersign_core::login::password;
use countersign_core::revocation::Epoch;
use countersign_core::secret::{Hash, Secret};
use countersign_core::throttle::Subject;
use countersign_core::{AccountId, CredentialId};
use countersign_store::Batch;
use countersign_store::account::verify::{self as store, Found};

use crate::ctx::Ctx;
use crate::respond::problem::Problem;

use super::register::coded;
use super::throttle::{self, About, stranger};

/// What the mail brought.
pub(crate) enum Claim {
    /// The link; what is no secret names no registration.
    Link(Option<Secret>),
    /// The code, and the address that it was mailed to.
    Code(Email, Code),
}

/// Six digits.
pub(crate) struct Code(String);

impl Code {
    /// Reads a code as people type it: spaces between the digits do not count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != ' ').take(7).collect();
        (digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(Self(digits))
    }
}

/// A verification.
pub(crate) struct Verification {
    pub(crate) claim: Claim,
    /// The chosen password, where one came along; what is no password does not fit.
    pub(crate) password: Option<Result<Arc<Password>, PasswordError>>,
    /// Hash of the login cookie that came along.
    pub(crate) browser: Option<Hash>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The account is there.
    Done,
    /// Another browser than the one that registered: the chosen password is needed.
    AskPassword,
    /// Nothing changed.
    Refused(Refusal),
}

/// Verifies. Codes, and passwords to a link, can be guessed at; a link alone cannot.
pub(crate) async fn verify(ctx: &Ctx, verification: &Verification) -> Result<Verified, Problem> {
    if matches!(verification.claim, Claim::Link(_)) && verification.password.is_none() {
        return prove(ctx, verification).await;
    }
    let subject = subject(ctx, &verification.claim).await?;
    let (verified, held) =
        throttle::guess(ctx, About::mailed(subject), Box::pin(prove(ctx, verification))).await?;
    // A link that was used tells nothing of the password that came along; one that was never mailed costs a hash.
    let wrong = match (&verification.claim, verified) {
        (Claim::Code(..), Verified::Refused(_))
        | (_, Verified::Refused(Refusal::WrongPassword | Refusal::Unknown)) => true,
        (_, Verified::Done | Verified::AskPassword | Verified::Refused(_)) => false,
    };
    if !wrong {
        held.release();
    }
    Ok(verified)
}

/// What the guess is about; nothing where no registration has the link.
async fn subject(ctx: &Ctx, claim: &Claim) -> Result<Option<Subject>, Problem> {
    Ok(match claim {
        Claim::Code(email, _) => Some(Subject::of_code(email)),
        Claim::Link(_) => find(ctx, claim).await?.map(|found| Subject::Pending(found.pending.id)),
    })
}

/// A code costs one of the few tries of its address before anything is compared (attack REC-17).
async fn prove(ctx: &Ctx, verification: &Verification) -> Result<Verified, Problem> {
    if let Claim::Code(email, _) = &verification.claim
        && !reserve_try(ctx, email).await?
    {
        return Ok(Verified::Refused(Refusal::Unknown));
    }
    let mut attempts = ctx.attempts();
    let mut compared = None;
    loop {
        let found = find(ctx, &verification.claim).await?;
        let id = found.as_ref().map(|found| found.pending.id);
        // The password is compared once for each registration: a lost batch does not cost another hash.
        let proof = match compared {
            Some((this, proof)) if this == id => proof,
            _ => compare(ctx, verification, found.as_ref()).await?,
        };
        compared = Some((id, proof));
        let facts = facts(found, verification, (proof, ctx.app.store.epoch().await?));
        let pending = match decide(&facts, ctx.now) {
            Decision::Create(pending) => pending,
            Decision::AskPassword => return Ok(Verified::AskPassword),
            Decision::Refuse(refusal) => return Ok(Verified::Refused(refusal)),
        };
        let random = ctx.app.random.as_ref();
        let (account, credential) = (AccountId::new(ctx.now, random), CredentialId::new(ctx.now, random));
        let stamp = ctx.stamp(Actor::Account(account));
        if attempts.apply(store::create_batch(&pending, account, credential, &stamp)).await? {
            return Ok(Verified::Done);
        }
    }
}

/// Whether one more code of this address may be compared. Where it may not, no try is kept, and it costs the same line
/// in the log and the same wait for the disk (I14).
async fn reserve_try(ctx: &Ctx, email: &Email) -> Result<bool, Problem> {
    let (until, stamp) = (ctx.now + ctx.app.policy.verification, ctx.stamp(Actor::Anonymous));
    let mut attempts = ctx.attempts();
    loop {
        let may = may_try(store::code_tries(&ctx.app.store, email, ctx.now).await?);
        let batch = if may {
            store::code_try_batch(email, until, &stamp)
        } else {
            Batch::new(&stamp, Event::new(AuditKind::VerificationTried).detail("compared", "nothing"))
        };
        if attempts.apply(batch).await? {
            return Ok(may);
        }
    }
}

async fn find(ctx: &Ctx, claim: &Claim) -> Result<Option<Found>, Problem> {
    match claim {
        Claim::Link(None) => Ok(None),
        Claim::Link(Some(token)) => Ok(store::verify_facts_by_token(&ctx.app.store, token.hash()).await?),
        Claim::Code(email, Code(digits)) => {
            let mut fitting = None;
            // All of them are compared, each in constant time.
            for found in store::pendings_by_email(&ctx.app.store, email, ctx.now).await? {
                if ctx.app.codes.verify(&coded(found.pending.id, digits), &found.pending.code) {
                    fitting = Some(found);
                }
            }
            Ok(fitting)
        }
    }
}

/// Where nothing was found, a password is hashed all the same, so that it takes as long (I14).
async fn compare(ctx: &Ctx, verification: &Verification, found: Option<&Found>) -> Result<Proof, Problem> {
    let password = match &verification.password {
        None => return Ok(Proof::NotGiven),
        Some(Err(_)) => return Ok(Proof::Differs),
        Some(Ok(password)) => Arc::clone(password),
    };
    let stored = found.map(|found| found.pending.password.clone());
    Ok(match ctx.app.hashes.verify(password, stored, stranger(ctx)).await? {
        password::Proof::Matches { .. } => Proof::Matches,
        password::Proof::Differs => Proof::Differs,
    })
}

fn facts(found: Option<Found>, verification: &Verification, (proof, epoch): (Proof, Epoch)) -> Facts {
    let (spent, known) = found.as_ref().map_or((false, false), |found| (found.spent, found.known));
    let browser = verification.browser;
    Facts { pending: found.map(|found| found.pending), spent, known, browser, proof, epoch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_however_they_are_spaced() {
        for typed in ["012345", "012 345", " 012345 ", "0 1 2 3 4 5"] {
            assert_eq!(Code::parse(typed).map(|code| code.0).as_deref(), Some("012345"), "{typed}");
        }
        for typed in ["", "01234", "0123456", "012345 6", "01234a", "-12345", "012\t345", "٠١٢٣٤٥"] {
            assert!(Code::parse(typed).is_none(), "{typed}");
        }
    }
}
