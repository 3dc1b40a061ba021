//! Mails that were asked for, clients that were registered and devices that asked, by the networks that did.

use countersign_core::Time;
use countersign_core::account::Email;
use countersign_core::secret::MacKey;
use countersign_core::throttle::admit::{Asked, Limit, Of, TooMany, decide_mail};
use countersign_core::throttle::prefix::SHARES;
use countersign_core::throttle::window::{Grid, Slice};
use countersign_core::throttle::{Limits, Prefix};

use super::sketch::{Place, Sketch};
use super::throttle::Refused;

#[derive(Debug)]
pub(super) struct Mails(Sketch);

/// Where the mails of one network are counted.
struct Places {
    addresses: Place,
    requests: Place,
    /// This network's for this address.
    both: Place,
}

impl Mails {
    pub(super) fn new(table: Sketch) -> Self {
        Self(table)
    }

    /// Counts a request for a mail to an address, if one more may be made.
    pub(super) fn reserve(
        &mut self,
        key: &MacKey,
        (prefix, to): (Prefix, &Email),
        (limits, now): (&Limits, Time),
    ) -> Result<(), Refused> {
        let grid = Grid::of(limits.window);
        let slice = grid.slice(now);
        let places: Vec<_> = prefix.networks().map(|network| self.places(key, network, to)).collect();
        let asked: Vec<_> = places.iter().map(|places| self.asked(places, slice)).collect();
        match decide_mail(&asked, limits) {
            Ok(()) => {
                for (places, asked) in places.iter().zip(asked) {
                    self.count(places, asked.before, slice);
                }
                Ok(())
            }
            Err(TooMany { network, of, limit }) => {
                let Places { addresses, requests, .. } = places[network];
                let used = if of == Of::Requests { requests } else { addresses };
                let slices = self.0.slices_until_below(used, limit, slice).max(1);
                let first = self.0.tell(addresses, slice);
                Err(Refused { limit: Limit::Mails, retry_after: grid.until(now, slices), first })
            }
        }
    }

    /// Counts one more of what is limited so, if there are fewer than `most` of a prefix, or a few times as many of a wider
    /// network (attacks OAU-59, DOS-07).
    pub(super) fn reserve_one(
        &mut self,
        key: &MacKey,
        (limit, prefix, most): (Limit, Prefix, u32),
        (limits, now): (&Limits, Time),
    ) -> Result<(), Refused> {
        let grid = Grid::of(limits.window);
        let slice = grid.slice(now);
        let place = |network: Prefix| {
            self.0.place(&key.sign(&[limit.as_str().as_bytes(), &network.bytes()[..]].concat()))
        };
        let places: Vec<_> = prefix.networks().map(place).zip(SHARES).collect();
        for (place, share) in places.iter().rev() {
            let most = most.saturating_mul(*share);
            if self.0.count(*place, slice).wrong >= most {
                let slices = self.0.slices_until_below(*place, most, slice).max(1);
                let first = self.0.tell(*place, slice);
                let retry_after = grid.until(now, slices);
                return Err(Refused { limit, retry_after, first });
            }
        }
        for (place, _) in places {
            self.0.begin(place, slice);
            self.0.keep(place);
        }
        Ok(())
    }

    pub(super) fn prune(&mut self, now: Slice) {
        self.0.prune(now);
    }

    fn places(&self, key: &MacKey, network: Prefix, to: &Email) -> Places {
        let place = |code: Vec<u8>| self.0.place(&key.sign(&code));
        let network = network.bytes();
        Places {
            addresses: place([b"from", &network[..]].concat()),
            requests: place([b"asks", &network[..]].concat()),
            both: place([b"both", &network[..], to.canonical().as_bytes()].concat()),
        }
    }

    fn asked(&self, places: &Places, now: Slice) -> Asked {
        let count = |place| self.0.count(place, now).wrong;
        // A count that is too high makes any other limit tighter; this one would become ten times as wide.
        let before = !self.0.is_overrun() && count(places.both) > 0;
        Asked { before, addresses: count(places.addresses), requests: count(places.requests) }
    }

    fn count(&mut self, places: &Places, before: bool, now: Slice) {
        let counted = [Some(places.requests), Some(places.both), Some(places.addresses).filter(|_| !before)];
        for place in counted.into_iter().flatten() {
            self.0.begin(place, now);
            self.0.keep(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);

    #[test]
    fn dos_04_dos_08_where_the_table_is_overrun_nobody_mails_to_more_people() {
        let (key, limits) = (MacKey::new(&[7; 32]), Limits::default());
        let mut mails = Mails::new(Sketch::new(64));
        let mut sends = |from: &str, number: u32| {
            let to = Email::parse(&format!("{number}@example.org")).unwrap();
            mails.reserve(&key, (Prefix::of(from.parse().ok()), &to), (&limits, NOW)).is_ok()
        };
        for number in 0..100 {
            assert!(sends(&format!("198.51.100.{number}"), number));
        }
        let sent = (1000..3000).filter(|number| sends("192.0.2.1", *number)).count();
        assert!(sent <= 100, "{sent}");
    }
}
