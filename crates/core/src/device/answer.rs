//! Whether a device's request may still be answered (RFC 8628 section 3.3): once, in time, for a client that is open. Where it
//! may not, the person hears no more than that: a code that is over and one that never was are alike (attack OAU-55).

use crate::Time;
use crate::client::{Client, GrantType};
use crate::grant::scope::ADMIN;
use crate::revocation::Epoch;

use super::{DeviceCode, State};

/// What is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The request of that code.
    pub code: &'a DeviceCode,
    /// Its client, as it is now.
    pub client: &'a Client,
    /// Whether the account of who answers administers this server: nobody else can let anything do it (attack ADM-03).
    pub administers: bool,
    /// What began before it is over (attack STO-16).
    pub epoch: Epoch,
}

/// The code is not to be answered any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over;

/// Decides it.
pub fn decide(facts: Facts<'_>, now: Time) -> Result<(), Over> {
    let Facts { code, client, administers, epoch } = facts;
    let in_time = now < code.expires_at && !epoch.ends(code.created_at);
    let may = client.is_open(now) && client.metadata.may_use(GrantType::DeviceCode);
    let own = administers || !code.scopes.contains(ADMIN);
    if code.state == State::Pending && in_time && may && own { Ok(()) } else { Err(Over) }
}

#[cfg(test)]
mod tests {
    use super::super::LIFE;
    use super::super::tests::{NOW, allowed, asked};
    use super::*;
    use crate::authorize::tests::client;
    use crate::grant::Scopes;
    use crate::{GrantId, Span};

    #[test]
    fn oau_55_a_request_is_answered_once_and_in_time() {
        let mut device = client();
        device.metadata.grant_types = vec![GrantType::DeviceCode];
        let closed = Client { disabled: true, ..device.clone() };
        let other = client();
        let in_state = |state| DeviceCode { state, ..asked() };
        let redeemed = State::Redeemed(allowed(), GrantId::from_bytes([7; 16]));
        let last = NOW + LIFE - Span::from_micros(1);
        let table = [
            ("at once", asked(), &device, NOW, true),
            ("at the last moment", asked(), &device, last, true),
            ("too late", asked(), &device, NOW + LIFE, false),
            ("denied before", in_state(State::Denied), &device, NOW, false),
            ("allowed before", in_state(State::Allowed(allowed())), &device, NOW, false),
            ("redeemed", in_state(redeemed), &device, NOW, false),
            ("of a closed client", asked(), &closed, NOW, false),
            ("of one without this grant", asked(), &other, NOW, false),
        ];
        for (name, code, client, now, may) in table {
            let facts = Facts { code: &code, client, administers: false, epoch: Epoch::BEGINNING };
            assert_eq!(decide(facts, now).is_ok(), may, "{name}");
        }
        let (code, epoch) = (asked(), Epoch::ending(NOW, Span::ZERO));
        let after = Facts { code: &code, client: &device, administers: false, epoch };
        assert_eq!(decide(after, NOW), Err(Over));
    }

    #[test]
    fn adm_03_only_who_administers_lets_a_device_do_it() {
        let mut device = client();
        device.metadata.grant_types = vec![GrantType::DeviceCode];
        let code = DeviceCode { scopes: Scopes::parse("openid admin").unwrap(), ..asked() };
        for administers in [true, false] {
            let facts = Facts { code: &code, client: &device, administers, epoch: Epoch::BEGINNING };
            assert_eq!(decide(facts, NOW).is_ok(), administers);
        }
    }
}
