//! The pages and mails of Countersign, in English and Korean.
//!
//! A page is a pair of files: `login.rs` with the values it shows and `login.html` with their places. Values are
//! display values only; nothing is decided here. Every text lives in `locales/`. [`Page::render`] puts a page into
//! its [`Frame`]; [`assets`] holds what the pages link to; [`mail`] writes the letters.

mod account;
mod apps;
mod assets;
mod check_mail;
mod consent;
mod cookie;
mod device;
mod error;
mod form_post;
mod frame;
mod home;
mod inbox;
mod login;
mod logout;
pub mod mail;
mod moment;
mod negotiate;
mod page;
mod problem;
mod profile;
mod recover;
mod register;
mod reset;
mod scopes;
mod security;
mod select;
mod sessions;
mod text;
mod verify;

pub use account::AccountPage;
pub use apps::{AppItem, AppsPage};
pub use assets::{Asset, assets};
pub use check_mail::{CheckMailPage, CodeProblem};
pub use consent::ConsentPage;
pub use cookie::CookiePage;
pub use device::{DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem};
pub use error::{ErrorKind, ErrorPage, PlainErrors};
pub use form_post::FormPostPage;
pub use frame::{Frame, NavTab};
pub use home::HomePage;
pub use inbox::{InboxMail, InboxPage};
pub use login::{Asker, LoginMessage, LoginPage};
pub use logout::{LoggedOutPage, LogoutPage};
pub use negotiate::negotiate;
pub use page::{Page, Rendered, render_samples};
pub use problem::{Busy, EmailProblem, NameProblem, PasswordProblem};
pub use profile::{ProfileItem, ProfilePage};
pub use recover::{RecoverPage, RecoverSentPage};
pub use register::{RegisterPage, RegisterProblems};
pub use reset::{ResetDeadPage, ResetPage};
pub use security::{ActivityItem, ActivityKind, SecurityPage, SecurityProblem};
pub use select::SelectPage;
pub use sessions::{SessionItem, SessionsNotice, SessionsPage};
pub use verify::{Next, VerifiedPage, VerifyDeadPage, VerifyPage};
