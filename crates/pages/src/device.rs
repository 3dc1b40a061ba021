//! `/device`

use crate::frame::{Frame, Shell};
use crate::page::{Page, fill};
use crate::problem::Busy;
use crate::scopes::AskedFor;
use crate::text::Texts;
use askama::Template;
use countersign_core::Time;

/// The form for the code that a device shows. Field: `user_code`; button: `device-submit`.
#[derive(Clone, Copy, Debug)]
pub struct DevicePage {
    /// What is wrong.
    pub problem: Option<DeviceProblem>,
}

/// Why a code leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceProblem {
    /// Never given, over, or answered: all the same.
    Unknown,
    /// Nothing was looked up.
    Busy(Busy),
}

/// Who asks by a code, what for and from where. The person has to know that it is their own device: the link may be somebody
/// else's (RFC 8628 section 5.4). Buttons: `consent-allow`, `consent-deny`.
#[derive(Clone, Debug)]
pub struct DeviceConfirmPage<'a> {
    /// What the application calls itself.
    pub client: &'a str,
    /// Who is signed in.
    pub account: &'a str,
    /// The scopes that it asks for.
    pub scopes: Vec<&'a str>,
    /// The APIs that it asks for.
    pub resources: Vec<&'a str>,
    /// As the device shows it.
    pub user_code: &'a str,
    /// The address that the device asked from, if it is known.
    pub ip: Option<&'a str>,
    /// When it asked.
    pub asked_at: Time,
}

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub struct DeviceDonePage {
    /// Whether the device is let in.
    pub allowed: bool,
}

#[derive(Template)]
#[template(path = "device.html")]
struct View<'a> {
    shell: Shell<'a>,
    wrong: bool,
    busy: Option<Busy>,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
struct ConfirmView<'a> {
    shell: Shell<'a>,
    page: &'a DeviceConfirmPage<'a>,
    asked: AskedFor<'a>,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DoneView<'a> {
    shell: Shell<'a>,
    allowed: bool,
}

impl Page for DevicePage {
    const NAME: &'static str = "device";

    fn render(&self, frame: &Frame<'_>) -> String {
        let busy = match self.problem {
            Some(DeviceProblem::Busy(busy)) => Some(busy),
            Some(DeviceProblem::Unknown) | None => None,
        };
        let wrong = self.problem == Some(DeviceProblem::Unknown);
        fill(&View { shell: frame.shell("device-title"), wrong, busy })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let with = |problem| Self { problem: Some(problem) };
        vec![
            ("empty", Self { problem: None }),
            ("unknown", with(DeviceProblem::Unknown)),
            ("busy", with(DeviceProblem::Busy(Busy::Throttled { minutes: 7 }))),
        ]
    }
}

impl Page for DeviceConfirmPage<'_> {
    const NAME: &'static str = "device_confirm";

    fn render(&self, frame: &Frame<'_>) -> String {
        let title = Texts::of(frame.locale).with("device-confirm-title", "app", self.client);
        let asked = AskedFor { scopes: &self.scopes, resources: &self.resources };
        fill(&ConfirmView { shell: frame.shell_titled(title), page: self, asked })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            client: "Notes for TV",
            account: "kim@example.org",
            scopes: vec!["openid", "profile", "offline_access"],
            resources: vec![],
            user_code: "BCDF-GHJK",
            ip: Some("203.0.113.7"),
            asked_at: Time::from_micros(1_795_496_531_000_000),
        };
        let odd = Self {
            client: "\"><script>alert(1)</script>, the app with the longest name that anybody ever thought of",
            account: "a-very-long-address-that-somebody-really-has-and-types-without-a-break@example.org",
            scopes: vec!["openid", "account", "notes.<read>"],
            resources: vec!["https://api.example.com/an/unreasonably/long/path/that/goes/on/and/on"],
            ip: Some("2001:db8:1234:5678:9abc:def0:1234:5678"),
            ..plain.clone()
        };
        let bare = Self { scopes: vec![], ip: None, ..plain.clone() };
        vec![("plain", plain), ("nothing", bare), ("odd", odd)]
    }
}

impl Page for DeviceDonePage {
    const NAME: &'static str = "device_done";

    fn render(&self, frame: &Frame<'_>) -> String {
        let title = if self.allowed { "device-allowed-title" } else { "device-denied-title" };
        fill(&DoneView { shell: frame.shell(title), allowed: self.allowed })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        vec![("allowed", Self { allowed: true }), ("denied", Self { allowed: false })]
    }
}
