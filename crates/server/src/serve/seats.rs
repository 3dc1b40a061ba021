//! The connections of one listener: who gets one, and who has to give it up.
//!
//! Nobody from one address can keep the others out (attack HTTP-03): an address has a limit of its own, and the scarcer
//! seats are, the fewer a newcomer may hold already: never more than are free. Memory is bounded by the seats.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::guest::{Guest, Ticks, Verdict};
use super::limits::Limits;

/// All seats.
#[derive(Debug, Clone)]
pub(super) struct Seats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    ticks: Ticks,
    taken: Mutex<Taken>,
    turned_away: AtomicU64,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    guests: HashMap<u64, Arc<Guest>>,
    /// How many each address has; none has none.
    held: HashMap<IpAddr, usize>,
    /// How many handshakes each address began in this tick.
    shook: HashMap<IpAddr, usize>,
}

/// One seat; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    number: u64,
    address: Option<IpAddr>,
    /// Who sits there.
    pub(super) guest: Arc<Guest>,
}

impl Seats {
    /// All of them free.
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            ticks: Ticks::default(),
            taken: Mutex::default(),
            turned_away: AtomicU64::new(0),
            emptied: Notify::new(),
        }))
    }

    /// A seat for somebody from there, if there is one; and if it begins with a handshake of TLS, if its address has not
    /// begun too many.
    pub(super) fn take(&self, peer: IpAddr, shakes_hands: bool) -> Option<Seat> {
        let (inner, peer) = (&*self.0, peer.to_canonical());
        let proxy = inner.limits.proxies.iter().any(|net| net.contains(&peer));
        let address = (!proxy).then(|| prefix(peer));
        let mut taken = inner.taken.lock();
        let held = address.map_or(0, |address| taken.held.get(&address).copied().unwrap_or(0));
        let free = inner.limits.connections.saturating_sub(taken.guests.len());
        let shook = address.and_then(|address| taken.shook.get(&address).copied()).unwrap_or(0);
        let too_many = shakes_hands && shook >= inner.limits.handshakes;
        if too_many || held >= inner.limits.per_address.min(free) {
            inner.turned_away.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        taken.last += 1;
        let number = taken.last;
        let guest = Arc::new(Guest::new(Arc::clone(&inner.ticks)));
        taken.guests.insert(number, Arc::clone(&guest));
        if let Some(address) = address {
            *taken.held.entry(address).or_default() += 1;
            if shakes_hands {
                *taken.shook.entry(address).or_default() += 1;
            }
        }
        drop(taken);
        Some(Seat { seats: self.clone(), number, address, guest })
    }

    /// One tick more: whoever has stayed too long is told. Returns the ticks.
    pub(super) fn tick(&self) -> u64 {
        let inner = &*self.0;
        let now = inner.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        let mut taken = inner.taken.lock();
        taken.shook.clear();
        let crowded = taken.guests.len() > inner.limits.connections / 4 * 3;
        for guest in taken.guests.values() {
            let verdict = guest.judge(now, &inner.limits.times, crowded);
            if verdict > Verdict::Stay {
                guest.tell(verdict);
            }
        }
        now
    }

    /// How many there was no seat for since this was asked last.
    pub(super) fn turned_away(&self) -> u64 {
        self.0.turned_away.swap(0, Ordering::Relaxed)
    }

    /// Asks everybody to leave, waits, and throws out who is still there. Returns how many those were.
    pub(super) async fn clear(&self, patience: Duration) -> usize {
        self.tell_all(Verdict::Leave);
        let left = tokio::time::timeout(patience, self.empty()).await;
        if left.is_ok() { 0 } else { self.tell_all(Verdict::Go) }
    }

    async fn empty(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            if self.0.taken.lock().guests.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn tell_all(&self, verdict: Verdict) -> usize {
        let taken = self.0.taken.lock();
        taken.guests.values().for_each(|guest| guest.tell(verdict));
        taken.guests.len()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let inner = &*self.seats.0;
        let mut taken = inner.taken.lock();
        taken.guests.remove(&self.number);
        if let Some(address) = self.address
            && let Some(held) = taken.held.get_mut(&address)
        {
            *held -= 1;
            if *held == 0 {
                taken.held.remove(&address);
            }
        }
        let empty = taken.guests.is_empty();
        drop(taken);
        if empty {
            inner.emptied.notify_waiters();
        }
    }
}

/// Whom an address stands for: of IPv6, a customer has a /64.
fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::limits::Times;

    fn seats(connections: usize, per_address: usize) -> Seats {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Seats::new(Limits { connections, per_address, handshakes: 10, proxies, times: Times::DESIGN })
    }

    fn take(seats: &Seats, address: &str) -> Option<Seat> {
        seats.take(address.parse().unwrap(), false)
    }

    #[test]
    fn http_03_one_address_shakes_hands_so_often_in_a_second_and_others_go_on() {
        let seats = seats(1000, 100);
        let shake = |address: &str| seats.take(address.parse().unwrap(), true).is_some();
        assert_eq!((0..99).filter(|_| shake("192.0.2.1")).count(), 10, "though each ends at once");
        assert_eq!((0..99).filter(|_| shake("10.1.2.3")).count(), 99, "a proxy");
        assert!(shake("192.0.2.2"));
        assert!(take(&seats, "192.0.2.1").is_some(), "in clear it costs nothing");
        seats.tick();
        assert!(shake("192.0.2.1"));
    }

    #[test]
    fn http_03_one_address_gets_its_limit_and_others_go_on() {
        let seats = seats(100, 3);
        let held: Vec<_> = (0..3).map(|_| take(&seats, "192.0.2.1").unwrap()).collect();
        assert!(take(&seats, "192.0.2.1").is_none());
        assert!(take(&seats, "::ffff:192.0.2.1").is_none(), "the same address in IPv6");
        assert!(take(&seats, "192.0.2.2").is_some());
        drop(held);
        assert!(take(&seats, "192.0.2.1").is_some(), "a seat given back is free");
    }

    #[test]
    fn http_03_a_network_of_ipv6_is_one_address() {
        let seats = seats(100, 1);
        let _held = take(&seats, "2001:db8::1").unwrap();
        assert!(take(&seats, "2001:db8::ffff:1").is_none());
        assert!(take(&seats, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn a_proxy_stands_for_many() {
        let seats = seats(20, 3);
        let held: Vec<_> = (0..20).filter_map(|_| take(&seats, "10.1.2.3")).collect();
        assert_eq!(held.len(), 20);
        assert!(take(&seats, "192.0.2.1").is_none(), "there is no seat at all");
    }

    #[test]
    fn http_03_the_last_seats_are_for_those_who_have_few() {
        let seats = seats(100, 100);
        let greedy: Vec<_> = (0..100).filter_map(|_| take(&seats, "192.0.2.1")).collect();
        assert_eq!(greedy.len(), 50, "half of all");
        let second: Vec<_> = (0..100).filter_map(|_| take(&seats, "192.0.2.2")).collect();
        assert_eq!(second.len(), 25, "half of what is left");
        assert!(take(&seats, "192.0.2.3").is_some());
    }

    #[test]
    fn memory_is_given_back_with_the_seats() {
        let seats = seats(1000, 1000);
        let held: Vec<_> = (0..=255).filter_map(|last| take(&seats, &format!("192.0.2.{last}"))).collect();
        assert_eq!(held.len(), 256);
        drop(held);
        let taken = seats.0.taken.lock();
        assert!(taken.guests.is_empty() && taken.held.is_empty());
    }

    #[test]
    fn who_was_turned_away_is_counted_once() {
        let seats = seats(1, 1);
        let _held = take(&seats, "192.0.2.1");
        assert!(take(&seats, "192.0.2.2").is_none() && take(&seats, "192.0.2.2").is_none());
        assert_eq!((seats.turned_away(), seats.turned_away()), (2, 0));
    }
}
