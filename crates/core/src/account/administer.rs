//! Who may administer this server over `/api/v1/admin` (attacks ADM-03, ADM-08): an account with the role, by its session or by
//! a token with the scope; or a client that an operator gave the scope, for itself.

use crate::{Span, Time};

use super::Role;

/// What makes or opens something, or cannot be taken back, is for whoever proved themselves so recently.
pub const RECENT: Span = Span::minutes(15);

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// A person.
    Account {
        /// What the account may do, at this moment.
        roles: &'a [Role],
        /// When the login behind the request was proved.
        authenticated_at: Time,
    },
    /// A client by a token of its own, which it got for a proof of minutes ago.
    Client,
}

/// What is known of a request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who asks.
    pub who: Who<'a>,
    /// By the cookie of a session, or by a token that names the scope and is of a client that may have it.
    pub opened: bool,
}

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// To look, and to close what is open: that must never wait.
    Any,
    /// A proof that is [`RECENT`].
    Recent,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is for something else.
    Scope,
    /// The account has no such role.
    Role,
    /// The login was too long ago.
    Stale,
}

/// Decides whether a request may go on.
pub fn decide(facts: Facts<'_>, demand: Demand, now: Time) -> Result<(), Refusal> {
    if !facts.opened {
        return Err(Refusal::Scope);
    }
    match facts.who {
        Who::Account { roles, .. } if !roles.contains(&Role::Admin) => Err(Refusal::Role),
        Who::Account { authenticated_at, .. }
            if demand == Demand::Recent && now >= authenticated_at + RECENT =>
        {
            Err(Refusal::Stale)
        }
        Who::Account { .. } | Who::Client => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::Demand::{Any, Recent};
    use super::*;

    #[test]
    fn adm_03_adm_08_only_a_role_or_a_scope_opens_and_only_a_recent_login_opens_all() {
        const LOGIN: Time = Time::from_micros(1_700_000_000_000_000);
        let person = |roles| Who::Account { roles, authenticated_at: LOGIN };
        let (admin, nobody) = (person(&[Role::Admin][..]), person(&[]));
        let (just_now, later) = (LOGIN + Span::seconds(899), LOGIN + RECENT);
        let table = [
            ("an administrator", admin, true, Recent, just_now, Ok(())),
            ("who logged in a while ago", admin, true, Recent, later, Err(Refusal::Stale)),
            ("and only looks", admin, true, Any, later, Ok(())),
            ("whose token is for something else", admin, false, Any, just_now, Err(Refusal::Scope)),
            ("somebody", nobody, true, Any, just_now, Err(Refusal::Role)),
            ("somebody long ago", nobody, true, Recent, later, Err(Refusal::Role)),
            ("a client", Who::Client, true, Recent, later, Ok(())),
            ("a client for something else", Who::Client, false, Any, later, Err(Refusal::Scope)),
        ];
        for (name, who, opened, demand, now, expected) in table {
            assert_eq!(decide(Facts { who, opened }, demand, now), expected, "{name}");
        }
    }
}
