//! The connections of one listener: who gets one, and who has to give it up.
//!
//! Nobody from one address can keep the others out (attack HTTP-03): an address has a limit of its own, the wider networks
//! of IPv6 around it a few times as much, and the scarcer seats are, the fewer a newcomer and his networks may hold already:
//! never more than are free. Memory is bounded by the seats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::throttle::Prefix;
use countersign_core::throttle::prefix::SHARES;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::guest::{Guest, Ticks, Verdict};
use super::limits::{Limits, Tolerance};

/// Looking at all guests takes a tick, a part of them at a time: thousands that came together and are told to go together
/// would keep everybody else waiting.
pub(super) const PARTS: u32 = 10;

/// One of so many seats is kept free, if somebody holds many.
const RESERVE: usize = 32;
/// Whoever holds more than one of so many seats holds many.
const GREEDY: usize = 100;

/// All seats.
#[derive(Debug, Clone)]
pub(super) struct Seats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    ticks: Ticks,
    parts: AtomicU64,
    taken: Mutex<Taken>,
    turned_away: AtomicU64,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    /// Who sits where, and whose he is.
    guests: HashMap<u64, (Option<Prefix>, Arc<Guest>)>,
    /// How many each network has; none has none.
    held: HashMap<Prefix, usize>,
    /// How many handshakes each network began in this tick.
    shook: HashMap<Prefix, usize>,
}

/// One seat; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    number: u64,
    /// Whose it is; a proxy's is nobody's.
    prefix: Option<Prefix>,
    /// Who sits there.
    pub(super) guest: Arc<Guest>,
}

impl Seats {
    /// All of them free.
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            limits,
            ticks: Ticks::default(),
            parts: AtomicU64::new(0),
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
        let prefix = (!proxy).then(|| Prefix::of(Some(peer)));
        let mut taken = inner.taken.lock();
        if !taken.has_room(prefix, shakes_hands, &inner.limits) {
            inner.turned_away.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        taken.last += 1;
        let number = taken.last;
        let tolerance = if proxy { Tolerance::PROXY } else { Tolerance::PEER };
        let guest = Arc::new(Guest::new(Arc::clone(&inner.ticks), tolerance));
        taken.guests.insert(number, (prefix, Arc::clone(&guest)));
        for network in prefix.into_iter().flat_map(Prefix::networks) {
            *taken.held.entry(network).or_default() += 1;
            if shakes_hands {
                *taken.shook.entry(network).or_default() += 1;
            }
        }
        drop(taken);
        Some(Seat { seats: self.clone(), number, prefix, guest })
    }

    /// A part of a tick more: those whose turn it is are told if they have stayed too long. Returns the ticks when one is
    /// over.
    pub(super) fn part_of_tick(&self) -> Option<u64> {
        let inner = &*self.0;
        let part = inner.parts.fetch_add(1, Ordering::Relaxed) + 1;
        let over = part.is_multiple_of(PARTS.into());
        let now = inner.ticks.fetch_add(over.into(), Ordering::Relaxed) + u64::from(over);
        let mut taken = inner.taken.lock();
        if over {
            taken.shook.clear();
        }
        let crowded = taken.guests.len() > inner.limits.connections / 4 * 3;
        let due = taken.guests.iter().filter(|(number, _)| (**number + part).is_multiple_of(PARTS.into()));
        for (_, guest) in due.map(|(_, seated)| seated) {
            let verdict = guest.judge(now, &inner.limits.times, crowded);
            if verdict > Verdict::Stay {
                guest.tell(verdict);
            }
        }
        taken.make_room(inner.limits.connections);
        over.then_some(now)
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
        taken.guests.values().for_each(|(_, guest)| guest.tell(verdict));
        taken.guests.len()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let inner = &*self.seats.0;
        let mut taken = inner.taken.lock();
        taken.guests.remove(&self.number);
        for network in self.prefix.into_iter().flat_map(Prefix::networks) {
            if let Entry::Occupied(mut held) = taken.held.entry(network) {
                *held.get_mut() -= 1;
                if *held.get() == 0 {
                    held.remove();
                }
            }
        }
        let empty = taken.guests.is_empty();
        drop(taken);
        if empty {
            inner.emptied.notify_waiters();
        }
    }
}

impl Taken {
    /// Where hardly a seat of `all` is free, asks as many as are missing of the network that holds most to leave: those
    /// who keep their connections busy would hold them for ever. Where each network holds few, nobody is greedy.
    fn make_room(&self, all: usize) {
        let missing = (all / RESERVE).saturating_sub(all.saturating_sub(self.guests.len()));
        let fullest = self.held.iter().max_by_key(|(_, held)| **held).filter(|_| missing > 0);
        let Some((greedy, _)) = fullest.filter(|(_, held)| **held > all / GREEDY) else { return };
        let of = |prefix: &Option<Prefix>| prefix.is_some_and(|own| own.networks().any(|net| net == *greedy));
        let theirs = self.guests.values().filter(|(prefix, _)| of(prefix));
        theirs.take(missing).for_each(|(_, guest)| guest.tell(Verdict::Leave));
    }

    /// Whether there is a seat for one more from there.
    fn has_room(&self, prefix: Option<Prefix>, shakes_hands: bool, limits: &Limits) -> bool {
        let free = limits.connections.saturating_sub(self.guests.len());
        let count = |counts: &HashMap<Prefix, usize>, network| counts.get(&network).copied().unwrap_or(0);
        let mut networks = prefix.into_iter().flat_map(Prefix::networks).zip(SHARES);
        free > 0
            && networks.all(|(network, share)| {
                let may = |limit: usize| limit.saturating_mul(share as usize);
                let shakes = !shakes_hands || count(&self.shook, network) < may(limits.handshakes);
                shakes && count(&self.held, network) < may(limits.per_address).min(free)
            })
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
        while seats.part_of_tick().is_none() {}
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
    fn http_03_http_11_a_network_of_many_prefixes_has_a_few_times_the_seats_of_one() {
        let all = seats(1000, 10);
        let from = |number: usize| take(&all, &format!("2001:db8:1:{:x}::1", number * 16));
        let held: Vec<_> = (0..1000).filter_map(from).collect();
        assert_eq!(held.len(), 40, "a /48");
        let home: Vec<_> =
            (0..100).filter_map(|number| take(&all, &format!("2001:db8:2:{number:x}::1"))).collect();
        assert_eq!(home.len(), 20, "a /56");
        drop((held, home));
        assert!(all.0.taken.lock().held.is_empty());
        // And never more than are free, however many it may have.
        let few = seats(100, 1000);
        let greedy: Vec<_> =
            (0..100).filter_map(|number| take(&few, &format!("2001:db8:1:{:x}::1", number * 16))).collect();
        assert_eq!(greedy.len(), 50);
        assert!(take(&few, "192.0.2.1").is_some());
        let translated: Vec<_> =
            (0..60).filter_map(|last| take(&few, &format!("64:ff9b::192.0.2.{last}"))).collect();
        assert_eq!(translated.len(), 50, "behind a translator each is one");
    }

    #[test]
    fn http_03_of_many_that_came_together_a_tenth_is_sent_away_at_a_time_and_each_within_a_tick() {
        let seats = seats(1000, 1000);
        let held: Vec<_> = (0..100).filter_map(|_| take(&seats, "192.0.2.1")).collect();
        let gone = || held.iter().filter(|seat| seat.guest.told() == Verdict::Go).count();
        while seats.part_of_tick() != Some(Times::DESIGN.head) {
            assert_eq!(gone(), 0);
        }
        assert_eq!(seats.part_of_tick(), None);
        for parts in 1..=usize::try_from(PARTS).unwrap() * 2 {
            seats.part_of_tick();
            assert!(gone() <= parts * 10, "{} after {parts} parts", gone());
        }
        assert_eq!(gone(), 100);
    }

    #[test]
    fn a_proxy_stands_for_many() {
        let seats = seats(20, 3);
        let held: Vec<_> = (0..20).filter_map(|_| take(&seats, "10.1.2.3")).collect();
        assert_eq!(held.len(), 20);
        assert!(take(&seats, "192.0.2.1").is_none(), "there is no seat at all");
    }

    #[test]
    fn http_06_what_one_of_many_takes_back_does_not_end_a_proxys_connection() {
        let seats = seats(20, 3);
        let seated = [take(&seats, "10.1.2.3").unwrap(), take(&seats, "192.0.2.1").unwrap()];
        let [proxy, other] = seated.each_ref().map(|seat| &seat.guest);
        for _ in 0..=Tolerance::PEER.taken_back {
            proxy.took_back();
            other.took_back();
        }
        assert_eq!((proxy.told(), other.told()), (Verdict::Stay, Verdict::Go));
        for _ in 0..Tolerance::PROXY.taken_back {
            proxy.took_back();
        }
        assert_eq!(proxy.told(), Verdict::Go, "a proxy floods too");
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
    fn http_03_when_all_seats_are_taken_the_network_that_holds_most_gives_some_up() {
        let seats = seats(320, 1000);
        let tries = (0..20).flat_map(|last| std::iter::repeat_n(last, 320));
        let mut seated: Vec<_> = tries.filter_map(|last| take(&seats, &format!("192.0.2.{last}"))).collect();
        let newcomer = || take(&seats, "198.51.100.1");
        assert!(newcomer().is_none(), "there is no seat at all");
        seats.part_of_tick();
        let told = |seat: &Seat| seat.guest.told() == Verdict::Leave;
        assert_eq!(seated.iter().filter(|seat| told(seat)).count(), 10);
        let greediest = Prefix::of(Some("192.0.2.0".parse().unwrap()));
        assert!(seated.iter().filter(|seat| told(seat)).all(|seat| seat.prefix == Some(greediest)));
        seated.retain(|seat| !told(seat));
        assert!(newcomer().is_some());
        assert!(take(&seats, "192.0.2.0").is_none(), "not for those who hold many");
    }

    #[test]
    fn nobody_is_asked_to_leave_while_each_holds_few() {
        let seats = seats(320, 1000);
        let one = |number: u32| take(&seats, &format!("192.0.{}.{}", number / 200, number % 200));
        let held: Vec<_> = (0..320).filter_map(one).collect();
        seats.part_of_tick();
        assert_eq!(held.len(), 320);
        assert!(held.iter().all(|seat| seat.guest.told() == Verdict::Stay));
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
