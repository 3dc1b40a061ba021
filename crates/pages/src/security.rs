//! `/account/security`

use crate::frame::{Frame, NavTab, Shell};
use crate::page::{Page, fill};
use crate::problem::{Busy, PasswordProblem};
use askama::Template;
use countersign_core::Time;
use countersign_core::audit::Kind;

/// A new password, and what happened lately. Fields: `current`, `new`.
#[derive(Clone, Debug)]
pub struct SecurityPage<'a> {
    /// The address, for password managers: which login the new password belongs to.
    pub email: &'a str,
    /// What is wrong with the form.
    pub problem: Option<SecurityProblem>,
    /// Whether the password was just changed.
    pub changed: bool,
    /// Newest first.
    pub activity: Vec<ActivityItem<'a>>,
}

/// Why a password was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProblem {
    /// The present password is another one.
    WrongCurrent,
    /// The new one was refused.
    New(PasswordProblem),
    /// Nothing was checked.
    Busy(Busy),
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct ActivityItem<'a> {
    /// What.
    pub kind: ActivityKind,
    /// When.
    pub at: Time,
    /// From where: device or network address, where known.
    pub from: Option<&'a str>,
}

/// What happened to an account, as its owner reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// The account was made, its address confirmed.
    Created,
    /// Somebody tried to register with its address.
    RegisteredAgain,
    /// An operator closed it.
    Disabled,
    /// An operator opened it again.
    Enabled,
    /// A login.
    SignedIn,
    /// A login with a wrong password.
    SignInFailed,
    /// Too many wrong passwords: strangers were kept out for a while.
    SignInPaused,
    /// Sessions ended.
    SignedOut,
    /// A new password by the old one.
    PasswordChanged,
    /// A link for a new password was asked for.
    ResetRequested,
    /// A new password by a link.
    PasswordReset,
    /// A refresh token came back that was used up: somebody may have copied it.
    TokenReused,
}

impl ActivityKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Created,
        Self::RegisteredAgain,
        Self::Disabled,
        Self::Enabled,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignInPaused,
        Self::SignedOut,
        Self::PasswordChanged,
        Self::ResetRequested,
        Self::PasswordReset,
        Self::TokenReused,
    ];

    /// What an audit event tells the owner; `None` where it is housekeeping.
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::AccountCreated => Some(Self::Created),
            Kind::RegistrationNoticed => Some(Self::RegisteredAgain),
            Kind::AccountDisabled => Some(Self::Disabled),
            Kind::AccountEnabled => Some(Self::Enabled),
            Kind::SessionOpened => Some(Self::SignedIn),
            Kind::LoginFailed => Some(Self::SignInFailed),
            Kind::LimitHit => Some(Self::SignInPaused),
            Kind::SessionEnded => Some(Self::SignedOut),
            Kind::PasswordChanged => Some(Self::PasswordChanged),
            Kind::ResetRequested => Some(Self::ResetRequested),
            Kind::PasswordReset => Some(Self::PasswordReset),
            Kind::GrantReused => Some(Self::TokenReused),
            _ => None,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Created => "activity-created",
            Self::RegisteredAgain => "activity-registered-again",
            Self::Disabled => "activity-disabled",
            Self::Enabled => "activity-enabled",
            Self::SignedIn => "activity-signed-in",
            Self::SignInFailed => "activity-sign-in-failed",
            Self::SignInPaused => "activity-sign-in-paused",
            Self::SignedOut => "activity-signed-out",
            Self::PasswordChanged => "activity-password-changed",
            Self::ResetRequested => "activity-reset-requested",
            Self::PasswordReset => "activity-password-reset",
            Self::TokenReused => "activity-token-reused",
        }
    }
}

#[derive(Template)]
#[template(path = "security.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a SecurityPage<'a>,
    wrong_current: bool,
    new_problem: Option<PasswordProblem>,
    busy: Option<Busy>,
}

impl Page for SecurityPage<'_> {
    const NAME: &'static str = "security";
    const SIGNED_IN: bool = true;

    fn render(&self, frame: &Frame<'_>) -> String {
        let (new_problem, busy) = match self.problem {
            Some(SecurityProblem::New(problem)) => (Some(problem), None),
            Some(SecurityProblem::Busy(busy)) => (None, Some(busy)),
            Some(SecurityProblem::WrongCurrent) | None => (None, None),
        };
        fill(&View {
            shell: frame.shell_in(NavTab::Security, "security-title"),
            page: self,
            wrong_current: self.problem == Some(SecurityProblem::WrongCurrent),
            new_problem,
            busy,
        })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self { email: "kim@example.org", problem: None, changed: false, activity: activity() };
        let with = |problem| Self { problem: Some(problem), ..plain.clone() };
        vec![
            ("empty", Self { activity: Vec::new(), ..plain.clone() }),
            ("activity", plain.clone()),
            ("changed", Self { changed: true, ..plain.clone() }),
            ("wrong-current", with(SecurityProblem::WrongCurrent)),
            ("same-as-old", with(SecurityProblem::New(PasswordProblem::SameAsOld))),
            ("busy", with(SecurityProblem::Busy(Busy::Throttled { minutes: 16 }))),
        ]
    }
}

fn activity() -> Vec<ActivityItem<'static>> {
    let from = [
        Some("Chrome · macOS · 2001:db8:1234:5678:9abc:def0:1234:5678"),
        None,
        Some("AnInAppBrowserWithAnUnreasonablyLongNameWithoutAnyBreak<script>alert(1)</script>'\""),
    ];
    let at = Time::from_micros(1_795_496_531_000_000);
    let kinds = ActivityKind::ALL.into_iter().zip(from.into_iter().cycle());
    kinds.map(|(kind, from)| ActivityItem { kind, at, from }).collect()
}
