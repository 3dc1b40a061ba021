//! Telling clients of logouts (`OpenID` Connect Back-Channel Logout 1.0; attack OAU-73).
//!
//! A client hears of the end of a session that it got a grant in, whatever ended it but the passing of time: an end that
//! was known from the start is the client's own to keep. It also hears where its rights in a session were withdrawn.

use countersign_jose::{LogoutEvents, LogoutToken};

use crate::client::{Client, ClientId};
use crate::revocation::Jti;
use crate::secret::MacKey;
use crate::token::{sid, subject};
use crate::{AccountId, SessionId, Span, Time};

/// How long a logout token counts (section 2.4 wants two minutes at most).
const TOKEN_LIFE: Span = Span::minutes(2);
/// Tries before a client is given up: the last one begins some 17 hours after the first.
pub const TRIES: u32 = 12;
/// What is older is of no use to anybody.
pub const LONGEST_WAIT: Span = Span::days(1);
/// After a try that failed, other logouts of the same client wait so long: a client that is gone costs one try in that time.
pub const REST: Span = Span::minutes(1);

/// A logout that a client has yet to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    /// Who is told.
    pub client: ClientId,
    /// What ended.
    pub session: SessionId,
    /// Whose it was.
    pub account: AccountId,
    /// When.
    pub ended_at: Time,
    /// Tries so far.
    pub tries: u32,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The client answered with this status.
    Status(u16),
    /// It did not.
    None,
    /// There is nobody to ask: the client is gone, closed, or does not want to hear any more.
    Nobody,
}

/// What follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The client knows.
    Told,
    /// The client knows better: section 2.8 has 400 for that.
    Refused,
    /// Nobody tries again.
    GivenUp,
    /// Later.
    Again,
}

impl Verdict {
    /// The word in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
            Self::Again => "again",
        }
    }
}

impl Logout {
    /// When the try after the one that begins now is due: in half a minute, then twice as long each time.
    pub fn next_try(&self, now: Time) -> Time {
        now + Span::seconds(30 << self.tries.min(TRIES))
    }

    /// Whether it is not even tried any more.
    pub fn is_stale(&self, now: Time) -> bool {
        now - self.ended_at >= LONGEST_WAIT
    }

    /// Judges the try that was just made.
    pub fn judge(&self, answer: Answer) -> Verdict {
        match answer {
            Answer::Status(200..=299) => Verdict::Told,
            Answer::Status(400) => Verdict::Refused,
            Answer::Nobody => Verdict::GivenUp,
            Answer::Status(_) | Answer::None if self.tries + 1 >= TRIES => Verdict::GivenUp,
            Answer::Status(_) | Answer::None => Verdict::Again,
        }
    }
}

/// Who tells, and the keys by which each client knows people and sessions under names of its own.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// Of pairwise subjects.
    pub subjects: &'a MacKey,
    /// Of `sid`.
    pub session_names: &'a MacKey,
}

/// What the client is told. Each try has a token of its own: the one before may be over, or its name known by now.
pub fn token(logout: &Logout, client: &Client, teller: Teller<'_>, (jti, now): (Jti, Time)) -> LogoutToken {
    let iat = now.seconds();
    LogoutToken {
        iss: teller.issuer.to_owned(),
        sub: subject::name(teller.subjects, logout.account, client),
        aud: client.id.as_str().to_owned(),
        iat,
        exp: iat + TOKEN_LIFE.as_seconds(),
        jti: jti.to_string(),
        sid: sid::name(teller.session_names, logout.session, &client.id),
        events: LogoutEvents::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Metadata, Origin, Profile, SubjectType};

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    fn logout(tries: u32) -> Logout {
        Logout {
            client: ClientId::parse("notes").unwrap(),
            session: SessionId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            ended_at: NOW,
            tries,
        }
    }

    #[test]
    fn oau_73_a_try_is_judged_by_its_answer_and_not_repeated_for_ever() {
        let table = [
            (Answer::Status(200), Verdict::Told, Verdict::Told),
            (Answer::Status(204), Verdict::Told, Verdict::Told),
            (Answer::Status(400), Verdict::Refused, Verdict::Refused),
            (Answer::Nobody, Verdict::GivenUp, Verdict::GivenUp),
            (Answer::Status(404), Verdict::Again, Verdict::GivenUp),
            (Answer::Status(500), Verdict::Again, Verdict::GivenUp),
            (Answer::Status(503), Verdict::Again, Verdict::GivenUp),
            (Answer::None, Verdict::Again, Verdict::GivenUp),
        ];
        for (answer, at_first, at_last) in table {
            assert_eq!(logout(0).judge(answer), at_first, "{answer:?}");
            assert_eq!(logout(TRIES - 2).judge(answer), at_first, "{answer:?}");
            assert_eq!(logout(TRIES - 1).judge(answer), at_last, "{answer:?}");
        }
    }

    #[test]
    fn oau_73_tries_are_further_apart_each_time_and_end_within_a_day() {
        let waits: Vec<i64> =
            (0..TRIES - 1).map(|tries| (logout(tries).next_try(NOW) - NOW).as_seconds()).collect();
        assert_eq!(waits[..3], [30, 60, 120]);
        assert!((16 * 3600..24 * 3600).contains(&waits.iter().sum::<i64>()), "{waits:?}");
        assert_eq!(logout(u32::MAX).next_try(NOW), logout(TRIES).next_try(NOW));
        assert!(!logout(0).is_stale(NOW + LONGEST_WAIT - Span::from_micros(1)));
        assert!(logout(0).is_stale(NOW + LONGEST_WAIT));
    }

    #[test]
    fn oau_73_a_logout_token_names_session_and_person_as_this_client_knows_them() {
        let (subjects, session_names) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        let teller =
            Teller { issuer: "https://id.example", subjects: &subjects, session_names: &session_names };
        let client = |subject_type| Client {
            id: ClientId::parse("notes").unwrap(),
            origin: Origin::Operator,
            profile: Profile::Oidc,
            first_party: false,
            disabled: false,
            created_at: NOW,
            expires_at: None,
            index: None,
            metadata: Metadata {
                subject_type,
                redirect_uris: vec!["https://notes.example/cb".to_owned()],
                ..Metadata::default()
            },
        };
        for subject_type in [SubjectType::Public, SubjectType::Pairwise] {
            let client = client(subject_type);
            let logout = logout(3);
            let told = token(&logout, &client, teller, (Jti::from_bytes([3; 16]), NOW));
            assert_eq!((&*told.iss, &*told.aud), ("https://id.example", "notes"));
            assert_eq!(told.sub, subject::name(&subjects, logout.account, &client));
            assert_eq!(told.sub == logout.account.to_string(), subject_type == SubjectType::Public);
            assert_eq!(told.sid, sid::name(&session_names, logout.session, &client.id));
            assert_eq!((told.iat, told.exp), (NOW.seconds(), NOW.seconds() + 120));
            assert_eq!(told.jti, Jti::from_bytes([3; 16]).to_string());
        }
    }
}
