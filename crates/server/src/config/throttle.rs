//! The section `throttle`: limits that hold somebody back, and not everybody.

use countersign_core::Span;
use countersign_core::throttle::Limits;

use super::findings::Findings;
use super::raw;

/// No limit is higher: beyond it, it would be none.
const MOST: u32 = 1_000_000;

pub(super) fn limits(raw: &raw::Throttle, found: &mut Findings) -> Limits {
    let counts = [
        ("throttle.account", raw.account, 1000),
        ("throttle.prefix", raw.prefix, 10_000),
        ("throttle.global", raw.global, MOST),
        ("throttle.mails", raw.mails, 10_000),
    ];
    for (key, count, most) in counts {
        found.demand(&[key], (1..=most).contains(&count), format!("must be from 1 to {most}"));
    }
    found.demand(
        &["throttle.prefix", "throttle.account"],
        raw.prefix >= raw.account,
        "throttle.prefix must be at least throttle.account: one person's mistakes must not lock a household",
    );
    found.demand(
        &["throttle.global", "throttle.prefix"],
        raw.global >= raw.prefix,
        "throttle.global must be at least throttle.prefix: one address is no attack on everything",
    );
    let window = (Span::minutes(1)..=Span::hours(24)).contains(&raw.window);
    found.demand(&["throttle.window"], window, "must be from 1m to 24h");
    Limits {
        account: raw.account,
        prefix: raw.prefix,
        global: raw.global,
        mails: raw.mails,
        window: raw.window,
    }
}
