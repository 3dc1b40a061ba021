//! Histories made by hand: what an account may do, and every lie that must be caught (attack RACE-15).

use std::time::Duration;

use super::Answer::{Done, Got, Refused, Unknown, WrongPassword};
use super::Call::{Check, LogIn, LogInForTokens, LogOut, Mail, Refresh, Register, Verify};
use super::check::Violation;
use super::*;

/// Events with their starts and ends in milliseconds.
type Row = (u64, u64, Call, Answer);

/// An account with password 0 at time 30.
const BORN: [Row; 3] = [(0, 10, Register(0), Done), (11, 12, Mail, Done), (20, 30, Verify, Done)];

fn judge(rows: &[Row]) -> Result<(), Violation> {
    let event = |(start, end, call, answer): &Row| Event {
        start: Duration::from_millis(*start),
        end: Duration::from_millis(*end),
        call: *call,
        answer: *answer,
    };
    check(&BORN.iter().chain(rows).map(event).collect::<Vec<_>>())
}

const fn change(session: Session, cookie: Option<Proof>, current: Password, new: Password) -> Call {
    Call::Change { session, cookie, current, new }
}

const GOOD: &[(&str, &[Row])] = &[
    (
        "a life",
        &[
            (40, 50, LogIn(0), Got(1, 1)),
            (51, 52, Check(1, Some(1)), Done),
            (60, 70, change(1, Some(1), 0, 5), Got(1, 2)),
            (71, 72, Check(1, Some(1)), Refused),
            (73, 74, Check(1, Some(2)), Done),
            (75, 76, LogIn(0), Refused),
            (80, 90, LogOut(1, Some(2)), Done),
            (91, 92, Check(1, Some(2)), Refused),
            (93, 94, LogOut(1, Some(2)), Refused),
        ],
    ),
    (
        "a rotation, its repeat and an ancestor",
        &[
            (40, 50, LogInForTokens(0), Got(1, 1)),
            (51, 52, Refresh(1, 1), Got(1, 2)),
            (53, 54, Refresh(1, 1), Got(1, 2)),
            (55, 56, Refresh(1, 2), Got(1, 3)),
            (57, 58, Refresh(1, 1), Refused),
            (59, 60, Check(1, None), Refused),
            (61, 62, Refresh(1, 3), Refused),
        ],
    ),
    (
        "a logout that nobody saw, and worked",
        &[
            (40, 50, LogIn(0), Got(1, 1)),
            (51, 90, LogOut(1, Some(1)), Unknown),
            (91, 92, Check(1, Some(1)), Refused),
        ],
    ),
    (
        "a logout that nobody saw, and did not",
        &[
            (40, 50, LogIn(0), Got(1, 1)),
            (51, 90, LogOut(1, Some(1)), Unknown),
            (91, 92, Check(1, Some(1)), Done),
        ],
    ),
    (
        "a rotation that nobody saw, told by its repeat",
        &[
            (40, 50, LogInForTokens(0), Got(1, 1)),
            (51, 90, Refresh(1, 1), Unknown),
            (91, 92, Refresh(1, 1), Got(1, 2)),
            (93, 94, Refresh(1, 2), Got(1, 3)),
        ],
    ),
    (
        "a change that nobody saw: the old cookie is dead and the new one unknown",
        &[
            (40, 50, LogIn(0), Got(1, 1)),
            (51, 90, change(1, Some(1), 0, 5), Unknown),
            (91, 92, Check(1, Some(1)), Refused),
            (93, 94, LogIn(5), Got(2, 2)),
        ],
    ),
    (
        "a session in memory until its end is answered",
        &[
            (40, 50, LogInForTokens(0), Got(1, 1)),
            (60, 80, LogOut(1, None), Done),
            (61, 62, Refresh(1, 1), Refused),
            (70, 71, Check(1, None), Done),
        ],
    ),
    (
        "two ends at once",
        &[
            (40, 50, LogIn(0), Got(1, 1)),
            (60, 80, LogOut(1, Some(1)), Done),
            (61, 81, LogOut(1, Some(1)), Done),
        ],
    ),
    (
        "two changes at once, one of them first",
        &[
            (40, 50, LogIn(0), Got(1, 1)),
            (41, 51, LogIn(0), Got(2, 2)),
            (60, 80, change(1, Some(1), 0, 5), Got(1, 3)),
            (61, 81, change(2, Some(2), 0, 6), Refused),
        ],
    ),
    (
        "the wrong password, and the session stays",
        &[
            (40, 50, LogInForTokens(0), Got(1, 1)),
            (60, 80, change(1, None, 7, 8), WrongPassword),
            (81, 82, Refresh(1, 1), Got(1, 2)),
        ],
    ),
    (
        "a change by token keeps its tokens and ends the others",
        &[
            (40, 50, LogInForTokens(0), Got(1, 1)),
            (41, 51, LogInForTokens(0), Got(2, 9)),
            (60, 80, change(1, None, 0, 8), Done),
            (81, 82, Refresh(1, 1), Got(1, 2)),
            (83, 84, Refresh(2, 9), Refused),
        ],
    ),
    ("the link again", &[(40, 41, Verify, Refused), (42, 43, Mail, Done)]),
];

const OPENED: Row = (40, 50, LogIn(0), Got(1, 1));
const TOKENS: Row = (40, 50, LogInForTokens(0), Got(1, 1));

const BAD: &[(&str, &[Row])] = &[
    ("a link spent twice", &[(40, 50, Verify, Done)]),
    ("a mail lost", &[(40, 50, Mail, Refused)]),
    ("an account lost", &[(40, 50, LogIn(0), Refused)]),
    ("a stranger let in", &[(40, 50, LogIn(3), Got(1, 1))]),
    ("a session lost", &[OPENED, (51, 52, Check(1, Some(1)), Refused)]),
    ("a logout lost", &[OPENED, (51, 60, LogOut(1, Some(1)), Done), (61, 62, Check(1, Some(1)), Done)]),
    (
        "a dead session that logs out",
        &[OPENED, (51, 60, LogOut(1, Some(1)), Done), (61, 62, LogOut(1, Some(1)), Done)],
    ),
    (
        "a refresh after the logout",
        &[TOKENS, (51, 60, LogOut(1, None), Done), (61, 62, Refresh(1, 1), Got(1, 2))],
    ),
    ("a rotation lost", &[TOKENS, (51, 52, Refresh(1, 1), Got(1, 2)), (53, 54, Refresh(1, 2), Refused)]),
    ("two successors", &[TOKENS, (51, 60, Refresh(1, 1), Got(1, 2)), (52, 61, Refresh(1, 1), Got(1, 3))]),
    (
        "a token spent twice",
        &[
            TOKENS,
            (51, 52, Refresh(1, 1), Got(1, 2)),
            (53, 54, Refresh(1, 2), Got(1, 3)),
            (55, 56, Refresh(1, 1), Got(1, 3)),
        ],
    ),
    (
        "a rotation that went back",
        &[TOKENS, (51, 52, Refresh(1, 1), Got(1, 2)), (53, 54, Refresh(1, 2), Got(1, 1))],
    ),
    (
        "reuse that ends nothing",
        &[
            TOKENS,
            (51, 52, Refresh(1, 1), Got(1, 2)),
            (53, 54, Refresh(1, 2), Got(1, 3)),
            (55, 56, Refresh(1, 1), Refused),
            (57, 58, Check(1, None), Done),
        ],
    ),
    (
        "a change lost",
        &[OPENED, (51, 60, change(1, Some(1), 0, 5), Got(1, 2)), (61, 62, LogIn(0), Got(2, 3))],
    ),
    (
        "a cookie that outlives its change",
        &[OPENED, (51, 60, change(1, Some(1), 0, 5), Got(1, 2)), (61, 62, Check(1, Some(1)), Done)],
    ),
    (
        "another session that outlives a change",
        &[
            OPENED,
            (41, 51, LogIn(0), Got(2, 2)),
            (52, 60, change(1, Some(1), 0, 5), Got(1, 3)),
            (61, 62, Check(2, Some(2)), Done),
        ],
    ),
    (
        "two changes from one password",
        &[
            OPENED,
            (41, 51, LogIn(0), Got(2, 2)),
            (60, 80, change(1, Some(1), 0, 5), Got(1, 3)),
            (61, 81, change(2, Some(2), 0, 6), Got(2, 4)),
        ],
    ),
    (
        "one that worked long after it was given up",
        &[
            OPENED,
            (51, 60, LogOut(1, Some(1)), Unknown),
            (61, 62, Check(1, Some(1)), Done),
            (63, 64, Check(1, Some(1)), Refused),
        ],
    ),
];
#[test]
fn race_15_what_one_account_can_do_fits() {
    for (name, rows) in GOOD {
        assert_eq!(judge(rows), Ok(()), "{name}");
    }
}

#[test]
fn race_15_every_lie_is_caught() {
    for (name, rows) in BAD {
        let violation = judge(rows).expect_err(name);
        assert!(!violation.too_large, "{name}");
        assert!(!violation.stuck.is_empty(), "{name}");
    }
}

#[test]
fn race_15_what_is_too_long_to_be_judged_is_no_proof() {
    let long: Vec<Row> = (0..126).map(|at| (100 + at, 100 + at, Mail, Done)).collect();
    assert!(judge(&long).expect_err("129 events").too_large);
    assert_eq!(judge(&long[1..]), Ok(()));
}
