//! Mails that are asked for too often, and by too many from one network (attack DOS-08).

use countersign_core::account::Email;
use countersign_core::throttle::Prefix;
use countersign_core::{Span, Time};

use crate::throttles::{NOW, limits, throttles};

#[tokio::test]
async fn dos_08_whoever_asks_too_often_is_told_when_that_is_over() {
    let throttles = throttles();
    let ask = |at: Time| {
        let to = Email::parse("person@example.org").unwrap();
        throttles.reserve_mail(Prefix::of("10.0.0.1".parse().ok()), &to, (&limits(), at))
    };
    for number in 0..limits().mails * 10 {
        let early = if number == 0 { Span::ZERO } else { Span::minutes(10) };
        assert_eq!(ask(NOW + early), Ok(()), "{number}");
    }
    // The first of them leaves the window in five minutes, and one more may be sent.
    let refused = ask(NOW + Span::minutes(10)).unwrap_err();
    assert!(refused.retry_after > Span::minutes(5) && refused.retry_after <= Span::minutes(6), "{refused:?}");
    assert_eq!(ask(NOW + Span::minutes(10) + refused.retry_after), Ok(()));
}

#[tokio::test]
async fn dos_08_http_11_a_network_of_many_prefixes_asks_for_mails_to_a_few_times_as_many() {
    let throttles = throttles();
    let mut sent = 0;
    for number in 0..1000 {
        let to = Email::parse(&format!("person{number}@example.org")).unwrap();
        let prefix = Prefix::of(format!("2001:db8:1:{:x}::1", number * 16).parse().ok());
        sent += u32::from(throttles.reserve_mail(prefix, &to, (&limits(), NOW)).is_ok());
    }
    assert_eq!(sent, limits().mails * 4);
}
