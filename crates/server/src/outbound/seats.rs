//! How many requests are under way at once: a peer that is slow holds its own up, not those to others (attack OAU-62).

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests under way at once.
const SEATS: usize = 32;
/// Of these, to one host.
const PER_HOST: usize = 4;

/// Seats for requests.
#[derive(Debug)]
pub(super) struct Seats {
    all: Semaphore,
    hosts: Arc<Mutex<HashMap<String, Host>>>,
}

#[derive(Debug)]
struct Host {
    seats: Arc<Semaphore>,
    /// Who sits or waits: the host is forgotten with the last of them, so that names fill nothing up.
    guests: usize,
}

/// A seat; free again when it is dropped.
pub(super) struct Seat<'a> {
    // In this order: the host's is given back first.
    _host: tokio::sync::OwnedSemaphorePermit,
    _all: SemaphorePermit<'a>,
    _guest: Guest,
}

struct Guest {
    hosts: Arc<Mutex<HashMap<String, Host>>>,
    host: String,
}

impl Default for Seats {
    fn default() -> Self {
        Self { all: Semaphore::new(SEATS), hosts: Arc::default() }
    }
}

impl Seats {
    /// Waits for a seat at this host. The caller stops waiting when its patience ends.
    pub(super) async fn take(&self, host: &str) -> Seat<'_> {
        let (guest, seats) = self.enter(host);
        // The host's first: whoever waits for a busy host must not sit on a seat meanwhile.
        let host = forever(seats.acquire_owned().await).await;
        let all = forever(self.all.acquire().await).await;
        Seat { _host: host, _all: all, _guest: guest }
    }

    fn enter(&self, host: &str) -> (Guest, Arc<Semaphore>) {
        let mut hosts = self.hosts.lock();
        let entry = hosts
            .entry(host.to_owned())
            .or_insert_with(|| Host { seats: Arc::new(Semaphore::new(PER_HOST)), guests: 0 });
        entry.guests += 1;
        let seats = Arc::clone(&entry.seats);
        (Guest { hosts: Arc::clone(&self.hosts), host: host.to_owned() }, seats)
    }
}

/// The permit; a semaphore that is never closed always gives one.
async fn forever<T, E>(permit: Result<T, E>) -> T {
    match permit {
        Ok(permit) => permit,
        Err(_) => std::future::pending().await,
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut hosts = self.hosts.lock();
        if let Some(entry) = hosts.get_mut(&self.host) {
            entry.guests -= 1;
            if entry.guests == 0 {
                hosts.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn oau_62_a_busy_host_takes_no_seats_from_others_and_names_leave_nothing_behind() {
        let seats = Seats::default();
        let mut slow = Vec::new();
        for _ in 0..PER_HOST {
            slow.push(seats.take("slow.example").await);
        }
        assert!(seats.take("slow.example").now_or_never().is_none());
        let mut others = Vec::new();
        for number in 0..SEATS - PER_HOST {
            others.push(seats.take(&format!("{number}.example")).now_or_never().unwrap());
        }
        assert!(seats.take("one.more.example").now_or_never().is_none());
        assert_eq!(seats.hosts.lock().len(), 1 + others.len());
        slow.pop();
        assert!(seats.take("slow.example").now_or_never().is_some());
        drop((slow, others));
        assert!(seats.hosts.lock().is_empty());
    }
}
