//! `/account`

use crate::frame::{Frame, NavTab, Shell};
use crate::page::{Page, fill};
use askama::Template;
use countersign_core::Time;

/// Who one is here.
#[derive(Clone, Debug)]
pub struct AccountPage<'a> {
    /// The name, where one was given.
    pub name: Option<&'a str>,
    /// The address as it was typed at registration.
    pub email: &'a str,
    /// Whether the address is confirmed.
    pub email_verified: bool,
    /// When the account was made.
    pub member_since: Time,
}

#[derive(Template)]
#[template(path = "account.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a AccountPage<'a>,
}

impl Page for AccountPage<'_> {
    const NAME: &'static str = "account";
    const SIGNED_IN: bool = true;

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell_in(NavTab::Account, "account-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            name: Some("김민지"),
            email: "kim@example.org",
            email_verified: true,
            member_since: Time::from_micros(1_795_496_531_000_000),
        };
        let empty = Self { name: None, email_verified: false, ..plain.clone() };
        let long = Self {
            name: Some(
                "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff Senior '\"><script>alert(1)</script>",
            ),
            email: "a-very-long-address-that-somebody-really-has-and-types-without-a-break@example.org",
            ..plain.clone()
        };
        vec![("full", plain), ("empty", empty), ("long", long)]
    }
}
