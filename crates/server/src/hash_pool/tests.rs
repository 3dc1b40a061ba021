use super::*;

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Poll;

use countersign_core::random::Counter;
use countersign_core::throttle::Prefix;
use tokio::task::JoinSet;

const CHEAP: (u32, u32, u32) = (64, 1, 1);

fn params((memory, iterations, parallelism): (u32, u32, u32)) -> Params {
    Params::new(memory, iterations, parallelism).unwrap()
}

/// One thread, so that a test can hold it.
fn pool(queue: usize) -> HashPool {
    let hashing = Hashing { params: params(CHEAP), workers: 1, queue };
    HashPool::start(&hashing, Arc::new(Counter::new(1)))
}

fn password(text: &str) -> Arc<Password> {
    Arc::new(Password::parse(text).unwrap())
}

fn address(last: u8) -> Asker {
    Asker::Stranger(Prefix::of(Some(IpAddr::from([10, 0, 0, last]))))
}

fn anybody() -> Asker {
    Asker::Stranger(Prefix::Unknown)
}

/// Holds the pool's only thread until it is dropped.
struct Hold {
    release: Option<mpsc::Sender<()>>,
    held: tokio::task::JoinHandle<Result<(), Overloaded>>,
}

impl Hold {
    async fn of(pool: &Arc<HashPool>) -> Self {
        let (release, wait) = mpsc::channel();
        let (running, begun) = oneshot::channel();
        let pool = Arc::clone(pool);
        let held = tokio::spawn(async move {
            let work = move || {
                let _ = running.send(());
                let _ = wait.recv();
            };
            pool.run(address(255), work).await
        });
        begun.await.unwrap();
        Self { release: Some(release), held }
    }

    async fn release(mut self) {
        drop(self.release.take());
        assert_eq!(self.held.await.unwrap(), Ok(()));
    }
}

/// Polls a call once: it is in the queue now, or refused.
async fn polled_once<F: Future>(call: F) -> Option<F::Output> {
    let mut call = pin!(call);
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn a_hash_fits_its_password_and_no_other() {
    let pool = pool(4);
    let phc = pool.hash(password("correct horse"), anybody()).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
    assert_ne!(pool.hash(password("correct horse"), anybody()).await.unwrap(), phc, "the salt is new");
    let verify = async |text| pool.verify(password(text), Some(phc.clone()), address(1)).await;
    assert_eq!(verify("correct horse").await, Ok(Proof::Matches { upgrade: None }));
    assert_eq!(verify("correct horsf").await, Ok(Proof::Differs));
    assert_eq!(verify("correct hors").await, Ok(Proof::Differs));
}

#[tokio::test]
async fn nothing_and_a_corrupt_hash_fit_no_password() {
    let pool = pool(4);
    let verify =
        async |phc: Option<&str>| pool.verify(password("anything"), phc.map(str::to_owned), anybody()).await;
    for phc in [None, Some(""), Some("$argon2id$v=19$m=4294967295,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$AAAA")] {
        assert_eq!(verify(phc).await, Ok(Proof::Differs), "{phc:?}");
    }
}

#[tokio::test]
async fn i14_an_unknown_account_costs_a_hash_with_todays_parameters() {
    // 32 MiB, so that the hash is what takes the time.
    let today = params((32 * 1024, 1, 1));
    let mut memory = Memory::default();
    let differs = verify(&password("anything"), None, (today, [0; SALT_LEN]), &mut memory);
    assert_eq!(differs, Proof::Differs);
    assert_eq!(memory.taken(), 32 * 1024);
}

#[tokio::test]
async fn log_03_a_wrong_password_for_a_cheaper_hash_costs_what_todays_costs() {
    let old = pool(4).hash(password("correct horse"), anybody()).await.unwrap();
    let (today, mut memory) = (params((32 * 1024, 1, 1)), Memory::default());
    let differs = verify(&password("wrong"), Some(&old), (today, [0; SALT_LEN]), &mut memory);
    assert_eq!(differs, Proof::Differs);
    assert_eq!(memory.taken(), 32 * 1024 - CHEAP.0 as usize, "what the old one left to do");
}

#[tokio::test]
async fn log_31_a_hash_with_other_parameters_is_made_anew_at_login() {
    let old = pool(4).hash(password("correct horse"), anybody()).await.unwrap();
    let hashing = Hashing { params: params((128, 2, 1)), workers: 1, queue: 4 };
    let pool = HashPool::start(&hashing, Arc::new(Counter::new(9)));
    let verify = async |text, phc: &str| pool.verify(password(text), Some(phc.to_owned()), anybody()).await;
    assert_eq!(verify("wrong", &old).await, Ok(Proof::Differs));
    let Ok(Proof::Matches { upgrade: Some(new) }) = verify("correct horse", &old).await else {
        panic!("not upgraded")
    };
    assert!(new.starts_with("$argon2id$v=19$m=128,t=2,p=1$"), "{new}");
    assert_eq!(verify("correct horse", &new).await, Ok(Proof::Matches { upgrade: None }));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let pool = Arc::new(pool(2));
    let hold = Hold::of(&pool).await;
    let mut waiting = JoinSet::new();
    for _ in 0..2 {
        let (pool, (entered, in_queue)) = (Arc::clone(&pool), oneshot::channel());
        waiting.spawn(async move {
            let mut call = pin!(pool.hash(password("correct horse"), address(1)));
            let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
            assert!(first.is_pending());
            let _ = entered.send(());
            call.await
        });
        in_queue.await.unwrap();
    }
    // The thread is held: an answer now is an answer without waiting.
    let refused = polled_once(pool.verify(password("correct horse"), None, address(1))).await;
    assert_eq!(refused, Some(Err(Overloaded)));
    hold.release().await;
    while let Some(hashed) = waiting.join_next().await {
        assert!(hashed.unwrap().is_ok());
    }
}

#[tokio::test]
async fn what_nobody_waits_for_is_never_computed() {
    let pool = Arc::new(pool(8));
    let computed = Arc::new(AtomicUsize::new(0));
    let count = || {
        let computed = Arc::clone(&computed);
        move || computed.fetch_add(1, Ordering::SeqCst)
    };
    let hold = Hold::of(&pool).await;
    for _ in 0..5 {
        assert_eq!(polled_once(pool.run(address(1), count())).await, None);
    }
    hold.release().await;
    assert_eq!(pool.run(address(1), count()).await, Ok(0));
    assert_eq!(computed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn dos_03_an_address_is_served_before_the_flood_of_another_ends() {
    let pool = Arc::new(pool(20));
    let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hold = Hold::of(&pool).await;
    let mut calls = JoinSet::new();
    // The last address comes when the queue is full.
    for last in std::iter::repeat_n(1, 20).chain([2]) {
        let (pool, order) = (Arc::clone(&pool), Arc::clone(&order));
        let (entered, in_queue) = oneshot::channel();
        calls.spawn(async move {
            let mut call = pin!(pool.run(address(last), move || order.lock().push(last)));
            let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
            let _ = entered.send(());
            assert!(first.is_pending());
            (last, call.await)
        });
        in_queue.await.unwrap();
    }
    hold.release().await;
    let results = calls.join_all().await;
    let refused: Vec<_> = results.iter().filter(|(_, result)| result.is_err()).collect();
    assert_eq!(refused, [&(1, Err(Overloaded))], "the flood gave one place up");
    let place = order.lock().iter().position(|last| *last == 2);
    assert!(place.is_some_and(|place| place <= 1), "{place:?}");
}

#[tokio::test]
async fn http_32_a_panic_reaches_the_asker_and_leaves_the_thread() {
    let pool = Arc::new(pool(4));
    let asker = Arc::clone(&pool);
    let panics = tokio::spawn(async move { asker.run::<()>(anybody(), || panic!("a defect")).await });
    assert!(panics.await.unwrap_err().is_panic());
    assert!(pool.hash(password("correct horse"), anybody()).await.is_ok());
}

#[tokio::test]
async fn a_pool_that_goes_refuses_what_waits() {
    let pool = Arc::new(pool(4));
    let hold = Hold::of(&pool).await;
    pool.queue.close();
    assert_eq!(polled_once(pool.run(anybody(), || ())).await, Some(Err(Overloaded)));
    hold.release().await;
    let pool = Arc::into_inner(pool);
    assert!(pool.is_some());
    drop(pool);
}

#[test]
fn there_are_never_more_threads_than_cores() {
    let cores = thread::available_parallelism().unwrap().get();
    assert_eq!(workers(0), cores);
    assert_eq!(workers(1), 1);
    assert_eq!(workers(usize::MAX), cores);
}
