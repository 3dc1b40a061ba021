//! Counting guesses: many at once, and whoever hangs up.

use std::sync::Arc;

use countersign_core::account::Email;
use countersign_core::secret::MacKey;
use countersign_core::throttle::admit::Limit;
use countersign_core::throttle::{DeviceId, Familiar, Guess, Limits, Prefix, Subject, Weight};
use countersign_core::{AccountId, Span, Time};
use countersign_store::ephemeral::{Admission, Denied, Refused, Reservation, Throttles};
use futures_util::FutureExt as _;

pub(crate) const NOW: Time = Time::from_micros(1_700_000_000_000_000);

pub(crate) fn throttles() -> Arc<Throttles> {
    Arc::new(Throttles::new(MacKey::new(&[7; 32])))
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

fn kim() -> Subject {
    Subject::Account(AccountId::from_bytes([1; 16]))
}

fn lee() -> Subject {
    Subject::Account(AccountId::from_bytes([2; 16]))
}

fn from(address: &str, subject: Subject) -> Guess {
    let prefix = Prefix::of(address.parse().ok());
    Guess { subject: Some(subject), typed: None, prefix, familiar: None, weight: Weight::Compared }
}

fn known(address: &str, subject: Subject) -> Guess {
    device(9, address, subject)
}

fn device(id: u8, address: &str, subject: Subject) -> Guess {
    let familiar = Some(Familiar::Device(DeviceId::from_bytes([id; 16])));
    Guess { familiar, ..from(address, subject) }
}

fn name(number: u32) -> Subject {
    Subject::Name(format!("name {number}"))
}

async fn reserve(throttles: &Arc<Throttles>, guess: &Guess, now: Time) -> Result<Reservation, Refused> {
    refused(throttles.reserve(guess, &limits(), now).await)
}

fn refused(admission: Admission) -> Result<Reservation, Refused> {
    admission.verdict.map_err(|denied| match denied {
        Denied::Refused(refused) => refused,
        Denied::Crowded => panic!("too many wait"),
    })
}

/// Whether a guess is admitted; it is wrong.
async fn wrong(throttles: &Arc<Throttles>, guess: &Guess, now: Time) -> bool {
    reserve(throttles, guess, now).await.is_ok()
}

/// The same, and others get to run before it is known.
async fn slowly_wrong(throttles: &Arc<Throttles>, guess: &Guess) -> bool {
    let held = reserve(throttles, guess, NOW).await;
    tokio::task::yield_now().await;
    held.is_ok()
}

#[tokio::test]
async fn log_12_the_eleventh_wrong_guess_is_refused_until_the_window_is_over() {
    let throttles = throttles();
    for number in 0..10 {
        assert!(wrong(&throttles, &from(&format!("10.0.0.{number}"), kim()), NOW).await, "{number}");
    }
    let refused = reserve(&throttles, &from("10.0.0.99", kim()), NOW).await.unwrap_err();
    assert_eq!((refused.limit, refused.first), (Limit::Account, true));
    assert!(refused.retry_after > Span::minutes(15) && refused.retry_after <= Span::minutes(16));
    assert!(!reserve(&throttles, &from("10.0.0.99", kim()), NOW).await.unwrap_err().first);
    assert!(wrong(&throttles, &from("10.0.0.99", lee()), NOW).await);
    // Being refused made nobody wait longer (attack RACE-10).
    assert!(!wrong(&throttles, &from("10.0.0.99", kim()), NOW + Span::minutes(14)).await);
    assert!(wrong(&throttles, &from("10.0.0.99", kim()), NOW + refused.retry_after).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_13_of_five_hundred_wrong_guesses_at_once_no_more_than_the_limit_are_made() {
    for round in 0..10_u8 {
        let throttles = throttles();
        let tasks: Vec<_> = (0..500_u16)
            .map(|number| {
                let (throttles, address) = (Arc::clone(&throttles), format!("10.{round}.{}.1", number % 256));
                tokio::spawn(async move { slowly_wrong(&throttles, &from(&address, kim())).await })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            made += u32::from(task.await.unwrap());
        }
        assert_eq!(made, limits().account, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_right_logins_at_once_are_all_let_in() {
    let throttles = throttles();
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let throttles = Arc::clone(&throttles);
            tokio::spawn(async move {
                let reservation = reserve(&throttles, &from("10.0.0.1", kim()), NOW).await;
                tokio::task::yield_now().await;
                reservation.map(Reservation::release)
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
    for _ in 0..10 {
        assert!(wrong(&throttles, &from("10.0.0.1", kim()), NOW).await, "a right login was counted");
    }
}

#[tokio::test]
async fn log_17_what_was_right_takes_back_itself_and_nothing_else() {
    let throttles = throttles();
    for number in 0..9 {
        assert!(wrong(&throttles, &from("10.0.0.1", kim()), NOW).await, "{number}");
        reserve(&throttles, &from("10.0.0.1", lee()), NOW).await.unwrap().release();
        reserve(&throttles, &from("10.0.0.1", kim()), NOW).await.unwrap().release();
    }
    assert!(wrong(&throttles, &from("10.0.0.1", kim()), NOW).await);
    assert!(!wrong(&throttles, &from("10.0.0.1", kim()), NOW).await);
    // The address's own count stands as well.
    for number in 0..90 {
        let name = Subject::Name(format!("name {number}"));
        assert!(wrong(&throttles, &from("10.0.0.1", name), NOW).await, "{number}");
        if let Ok(right) = reserve(&throttles, &from("10.0.0.1", lee()), NOW).await {
            right.release();
        }
    }
    let refused = reserve(&throttles, &from("10.0.0.1", lee()), NOW).await.unwrap_err();
    assert_eq!(refused.limit, Limit::Prefix);
}

#[tokio::test]
async fn log_15_a_known_device_gets_in_while_its_account_and_its_address_are_locked() {
    let throttles = throttles();
    for number in 0..100 {
        let subject = if number < 10 { kim() } else { Subject::Name(format!("name {number}")) };
        assert!(wrong(&throttles, &from("10.0.0.1", subject), NOW).await);
    }
    assert!(!wrong(&throttles, &from("10.0.0.1", kim()), NOW).await);
    reserve(&throttles, &known("10.0.0.1", kim()), NOW).await.unwrap().release();
    for number in 0..10 {
        assert!(wrong(&throttles, &known("10.0.0.1", kim()), NOW).await, "{number}");
    }
    assert!(!wrong(&throttles, &known("10.0.0.1", kim()), NOW).await, "a device guesses without end");
    assert!(!wrong(&throttles, &known("10.0.0.2", kim()), NOW).await, "a device guesses without end");
    // What it is known for is one account.
    assert!(wrong(&throttles, &known("10.0.0.2", lee()), NOW).await);
}

#[tokio::test]
async fn a_device_that_used_up_its_guesses_used_up_those_of_strangers_too() {
    let throttles = throttles();
    for number in 0..10 {
        assert!(wrong(&throttles, &known("10.0.0.1", kim()), NOW).await, "{number}");
    }
    assert!(!wrong(&throttles, &known("10.0.0.1", kim()), NOW).await);
    assert!(!wrong(&throttles, &from("10.0.0.2", kim()), NOW).await);
}

#[tokio::test]
async fn http_11_log_19_an_address_is_its_network_and_none_is_one() {
    let throttles = throttles();
    let guess = |prefix, number: u32| Guess { prefix, ..from("10.0.0.1", name(number)) };
    for number in 0..100_u32 {
        let address = format!("2001:db8:1:2:{number:x}::{number:x}");
        assert!(wrong(&throttles, &guess(Prefix::of(address.parse().ok()), number), NOW).await);
        assert!(wrong(&throttles, &guess(Prefix::of(None), number + 1000), NOW).await);
    }
    let of = |address: &str| Prefix::of(address.parse().ok());
    assert!(!wrong(&throttles, &guess(of("2001:db8:1:2:ffff::1"), 2000), NOW).await, "rotated within a /64");
    assert!(!wrong(&throttles, &guess(Prefix::of(None), 2001), NOW).await, "no address is no limit");
    assert!(wrong(&throttles, &guess(of("2001:db8:1:3::1"), 2002), NOW).await);
}

#[tokio::test]
async fn http_11_a_network_of_many_prefixes_has_a_few_times_the_guesses_of_one_and_is_told_of_once() {
    let throttles = throttles();
    // Each from a /64 of its own, in 16 networks of 56 bits.
    let guess = |number: u32| from(&format!("2001:db8:1:{:x}::1", number % 4096), name(number));
    let mut made = 0;
    for number in 0..1000 {
        made += u32::from(wrong(&throttles, &guess(number), NOW).await);
    }
    assert_eq!(made, 400, "a /48");
    let refused = reserve(&throttles, &guess(1000), NOW).await.unwrap_err();
    assert_eq!((refused.limit, refused.first), (Limit::Prefix, false));
    assert!(refused.retry_after > Span::minutes(15));
    let mut made = 0;
    for number in 0..300 {
        made += u32::from(
            wrong(&throttles, &from(&format!("2001:db8:2:{:x}::1", number * 128), name(number)), NOW).await,
        );
    }
    assert_eq!(made, 300, "another /48, of which each /56 has 200");
    // Nobody else noticed: that was far from unusual.
    for number in 0..50 {
        assert!(wrong(&throttles, &from("10.0.0.1", name(2000 + number)), NOW).await, "{number}");
    }
}

#[tokio::test]
async fn dos_03_what_compares_nothing_is_counted_for_its_sender_alone() {
    let throttles = throttles();
    let limits = Limits { global: 50, ..limits() };
    for number in 0..200_u32 {
        let made_up =
            Guess { subject: None, weight: Weight::Nothing, ..from(&format!("10.0.{number}.1"), kim()) };
        let admission = throttles.reserve(&made_up, &limits, NOW).await;
        assert!(admission.verdict.is_ok() && !admission.unusual, "{number}");
    }
    let made_up = Guess { subject: None, weight: Weight::Nothing, ..from("10.1.0.1", kim()) };
    for _ in 0..100 {
        assert!(throttles.reserve(&made_up, &limits, NOW).await.verdict.is_ok());
    }
    let sender = refused(throttles.reserve(&made_up, &limits, NOW).await);
    assert_eq!(sender.unwrap_err().limit, Limit::Prefix);
}

#[tokio::test]
async fn log_15_a_drawer_full_of_known_devices_has_fifty_guesses_and_no_more() {
    let throttles = throttles();
    let mut made = 0;
    for id in 0..100 {
        for _ in 0..10 {
            made += u32::from(wrong(&throttles, &device(id, "10.0.0.1", kim()), NOW).await);
        }
    }
    assert_eq!(made, 50);
    // Another account's devices are none of them.
    assert!(wrong(&throttles, &device(1, "10.0.0.2", lee()), NOW).await);
}

#[tokio::test]
async fn i14_the_count_of_a_name_goes_on_when_an_account_gets_it() {
    let throttles = throttles();
    let guess = |account: Option<Subject>| Guess {
        subject: account,
        typed: Some(name(1)),
        ..from("10.0.0.1", kim())
    };
    for number in 0..10 {
        assert!(wrong(&throttles, &guess(None), NOW).await, "{number}");
    }
    let before = reserve(&throttles, &guess(None), NOW).await.unwrap_err();
    let after = reserve(&throttles, &guess(Some(kim())), NOW).await.unwrap_err();
    assert_eq!((after.limit, after.retry_after), (before.limit, before.retry_after));
    // And goes on counting for the account, whatever it is called.
    let other = Guess { typed: Some(name(2)), ..guess(Some(kim())) };
    for number in 0..10 {
        assert!(wrong(&throttles, &other, NOW).await, "{number}");
    }
    assert!(!wrong(&throttles, &Guess { typed: Some(name(3)), ..other }, NOW).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dos_04_those_who_wait_for_others_are_bounded_and_nobody_else_waits() {
    let (throttles, guess) = (throttles(), from("10.0.0.1", kim()));
    let held: Vec<_> = futures_util::future::join_all(
        (0..10).map(|_| async { reserve(&throttles, &from("10.0.0.1", kim()), NOW).await.unwrap() }),
    )
    .await;
    let mut waiting: Vec<_> = Vec::new();
    for _ in 0..2000 {
        let mut call = Box::pin(reserve(&throttles, &guess, NOW));
        assert!((&mut call).now_or_never().is_none(), "it does not wait");
        waiting.push(call);
    }
    let one_more = throttles.reserve(&from("10.0.0.1", kim()), &limits(), NOW).await.verdict;
    assert_eq!(one_more.err(), Some(Denied::Crowded));
    assert!(wrong(&throttles, &from("10.0.0.2", lee()), NOW).await, "somebody else waits");
    // Whoever gives up makes room.
    waiting.pop();
    let mut call = Box::pin(reserve(&throttles, &guess, NOW));
    assert!((&mut call).now_or_never().is_none(), "it does not wait");
    held.into_iter().for_each(Reservation::release);
    assert!(call.await.is_ok());
}

#[tokio::test]
async fn in_unusual_times_strangers_get_a_tenth_and_it_is_told_once() {
    let throttles = throttles();
    let limits = Limits { global: 50, ..limits() };
    let guess = async |address: &str, number: u32| -> Admission {
        let guess = from(address, Subject::Name(format!("name {number}")));
        throttles.reserve(&guess, &limits, NOW).await
    };
    let mut told = 0;
    for number in 0..60 {
        let admission = guess(&format!("10.0.{number}.1"), number).await;
        told += u32::from(admission.unusual);
        assert!(admission.verdict.is_ok());
    }
    assert_eq!(told, 1);
    for number in 0..9 {
        assert!(guess("10.0.1.1", 100 + number).await.verdict.is_ok(), "{number}");
    }
    assert_eq!(refused(guess("10.0.1.1", 200).await).unwrap_err().limit, Limit::Prefix);
    let known = known("10.0.1.1", kim());
    assert!(throttles.reserve(&known, &limits, NOW).await.verdict.is_ok());
}

#[tokio::test]
async fn dos_08_mails_are_counted_by_prefix_and_apart_from_guesses() {
    let throttles = throttles();
    let ask = |address: &str, number: u32| {
        let to = Email::parse(&format!("person{number}@example.org")).unwrap();
        throttles.reserve_mail(Prefix::of(address.parse().ok()), &to, (&limits(), NOW))
    };
    for number in 0..limits().mails {
        assert_eq!(ask("2001:db8::1", number), Ok(()));
        assert_eq!(ask("2001:db8::1", number), Ok(()));
    }
    let refused = ask("2001:db8::2", 1000).unwrap_err();
    assert_eq!((refused.limit, refused.first), (Limit::Mails, true));
    assert!(refused.retry_after > Span::minutes(15));
    assert!(!ask("2001:db8::3", 1000).unwrap_err().first);
    assert_eq!(ask("2001:db8:0:1::1", 1000), Ok(()));
    // To the same addresses, ten times as often: each costs a line of the audit log (attack DOS-07).
    for _ in 0..limits().mails * 8 {
        assert_eq!(ask("2001:db8::1", 1), Ok(()));
    }
    let often = ask("2001:db8::1", 1).unwrap_err();
    assert_eq!(often.limit, Limit::Mails);
    assert!(wrong(&throttles, &from("2001:db8::1", kim()), NOW).await);
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_counted() {
    let throttles = throttles();
    for _ in 0..10 {
        let (throttles, guess) = (Arc::clone(&throttles), from("10.0.0.1", kim()));
        let task = tokio::spawn(async move {
            let _held = reserve(&throttles, &guess, NOW).await;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    assert!(!wrong(&throttles, &from("10.0.0.1", kim()), NOW).await);
}

#[tokio::test]
async fn dos_11_ten_thousand_locked_accounts_keep_no_known_device_out() {
    let throttles = throttles();
    let limits = Limits { global: 1_000_000, ..limits() };
    let account = |number: u128| Subject::Account(AccountId::from_bytes(number.to_be_bytes()));
    for number in 0..10_000_u128 {
        let address = format!("10.{}.{}.1", number / 256, number % 256);
        for _ in 0..limits.account {
            let guess = from(&address, account(number));
            drop(throttles.reserve(&guess, &limits, NOW).await.verdict);
        }
    }
    for number in 0..10_000_u128 {
        let stranger = throttles.reserve(&from("192.0.2.1", account(number)), &limits, NOW).await;
        assert_eq!(refused(stranger).unwrap_err().limit, Limit::Account, "{number}");
        let owner = throttles.reserve(&known("192.0.2.1", account(number)), &limits, NOW).await.verdict;
        owner.unwrap().release();
    }
}
