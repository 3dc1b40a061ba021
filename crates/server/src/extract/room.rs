//! Room for the requests whose bodies are still coming (attack HTTP-03).
//!
//! A peer that sends all of a body but its end has the server keep it, on HTTP/2 many times on one connection. So what
//! such requests hold is counted, heads included: all of them together have so much room, a network a part of it, and the
//! less there is left, the fewer bytes a newcomer and his networks may hold already: never more than are free.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::throttle::Prefix;
use countersign_core::throttle::prefix::SHARES;
use parking_lot::Mutex;

/// Bytes that all may hold: a thousand of the largest bodies, and tens of thousands of usual ones.
const ROOM: usize = 64 * 1024 * 1024;
/// Bytes that one prefix may hold; the wider networks of IPv6 around it a few times as many.
const PER_PREFIX: usize = ROOM / 16;
/// How long a body may be on its way while less than a quarter of the room is free.
const CROWDED: Duration = Duration::from_secs(3);

/// All the room.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    taken: Arc<Mutex<Taken>>,
    patience: Duration,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// What each network holds; none holds nothing.
    held: HashMap<Prefix, usize>,
}

/// What one request holds; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    room: Room,
    prefix: Prefix,
    bytes: usize,
}

/// There is no room for more from there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Room {
    /// Nothing yet, for a request from there.
    pub(crate) fn enter(&self, prefix: Prefix) -> Held {
        Held { room: self.clone(), prefix, bytes: 0 }
    }

    /// Waits until a body that began to come now has taken too long: for ever, unless others want its room.
    pub(crate) async fn outstayed(&self) {
        loop {
            tokio::time::sleep(self.patience).await;
            if self.is_crowded() {
                return;
            }
        }
    }

    fn is_crowded(&self) -> bool {
        self.taken.lock().all > ROOM / 4 * 3
    }
}

impl Default for Room {
    fn default() -> Self {
        Self { taken: Arc::default(), patience: CROWDED }
    }
}

impl Held {
    /// So many bytes more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let mut taken = self.room.taken.lock();
        let free = ROOM.saturating_sub(taken.all);
        let fits = self.prefix.networks().zip(SHARES).all(|(network, share)| {
            let held = taken.held.get(&network).copied().unwrap_or(0);
            held.saturating_add(bytes) <= PER_PREFIX.saturating_mul(share as usize).min(free)
        });
        if !fits {
            return Err(Full);
        }
        taken.all += bytes;
        for network in self.prefix.networks() {
            *taken.held.entry(network).or_default() += bytes;
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock();
        taken.all -= self.bytes;
        for network in self.prefix.networks() {
            if let Entry::Occupied(mut held) = taken.held.entry(network) {
                *held.get_mut() -= self.bytes;
                if *held.get() == 0 {
                    held.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    const KIB: usize = 1024;

    fn enter(room: &Room, address: &str) -> Held {
        room.enter(Prefix::of(Some(address.parse().unwrap())))
    }

    /// How many bodies of 64 KiB there is room for, of ten thousand.
    fn crowd(room: &Room, address: impl Fn(usize) -> String) -> Vec<Held> {
        let body = |number| {
            let mut held = enter(room, &address(number));
            held.grow(64 * KIB).is_ok().then_some(held)
        };
        (0..10_000).filter_map(body).collect()
    }

    #[test]
    fn http_03_bodies_under_way_have_so_much_room_and_one_network_a_part_of_it() {
        let room = Room::default();
        let one = crowd(&room, |_| "192.0.2.1".into());
        assert_eq!(one.len(), 64);
        let wide = crowd(&room, |number| format!("2001:db8:1:{:x}::1", number % 4096 * 16));
        assert_eq!(wide.len(), 256, "a /48");
        let everywhere = crowd(&room, |number| format!("198.18.{}.{}", number / 250, number % 250));
        assert!(room.taken.lock().all <= ROOM);
        drop(one);
        assert_eq!(crowd(&room, |_| "192.0.2.1".into()).len(), 32, "half of what is free");
        drop((wide, everywhere));
        let taken = room.taken.lock();
        assert!(taken.all == 0 && taken.held.is_empty(), "given back");
    }

    #[test]
    fn http_03_the_last_room_is_for_those_who_hold_little() {
        let room = Room::default();
        let greedy: Vec<_> = (1..=20).map(|last| crowd(&room, |_| format!("192.0.2.{last}"))).collect();
        assert!(greedy.iter().all(|bodies| bodies.len() <= 64));
        assert_eq!(enter(&room, "198.51.100.1").grow(KIB), Ok(()));
    }

    #[tokio::test]
    async fn http_03_while_room_is_scarce_no_body_is_waited_for_long() {
        let room = Room { patience: Duration::from_millis(1), ..Room::default() };
        let mut greedy: Vec<_> = (1..=12).map(|last| crowd(&room, |_| format!("192.0.2.{last}"))).collect();
        assert!(!room.is_crowded(), "a quarter is free");
        greedy.push(crowd(&room, |_| "198.51.100.1".into()));
        assert!(room.outstayed().now_or_never().is_none(), "each has its time");
        room.outstayed().await;
    }
}
