//! What every page can do.

use crate::frame::Frame;
use askama::Template;
use countersign_core::Locale;

/// A page: display values, and how they look in a frame.
pub trait Page: Sized {
    /// Its name, that of its files.
    const NAME: &'static str;

    /// Whether it is for people who are signed in.
    const SIGNED_IN: bool = false;

    /// The whole document, UTF-8.
    fn render(&self, frame: &Frame<'_>) -> String;

    /// Its states (empty, error, long text, …) by name: for snapshots and screenshots.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// One sample of one page.
#[derive(Debug)]
pub struct Rendered {
    /// `login.refused.ko`
    pub name: String,
    /// The whole document.
    pub html: String,
}

/// Every sample of every page in one language.
pub fn render_samples(locale: Locale) -> Vec<Rendered> {
    let pages = [
        samples_of::<crate::HomePage<'_>>,
        samples_of::<crate::LoginPage<'_>>,
        samples_of::<crate::CookiePage>,
        samples_of::<crate::ConsentPage<'_>>,
        samples_of::<crate::DevicePage>,
        samples_of::<crate::DeviceConfirmPage<'_>>,
        samples_of::<crate::DeviceDonePage>,
        samples_of::<crate::FormPostPage<'_>>,
        samples_of::<crate::SelectPage<'_>>,
        samples_of::<crate::RegisterPage<'_>>,
        samples_of::<crate::CheckMailPage<'_>>,
        samples_of::<crate::VerifyPage<'_>>,
        samples_of::<crate::VerifyDeadPage>,
        samples_of::<crate::VerifiedPage<'_>>,
        samples_of::<crate::RecoverPage<'_>>,
        samples_of::<crate::RecoverSentPage>,
        samples_of::<crate::ResetPage<'_>>,
        samples_of::<crate::ResetDeadPage>,
        samples_of::<crate::AccountPage<'_>>,
        samples_of::<crate::SessionsPage<'_>>,
        samples_of::<crate::AppsPage<'_>>,
        samples_of::<crate::SecurityPage<'_>>,
        samples_of::<crate::LogoutPage>,
        samples_of::<crate::LoggedOutPage>,
        samples_of::<crate::InboxPage<'_>>,
        samples_of::<crate::ErrorPage<'_>>,
    ];
    pages.into_iter().flat_map(|samples| samples(locale)).collect()
}

fn samples_of<P: Page>(locale: Locale) -> Vec<Rendered> {
    let frame = Frame {
        locale,
        nonce: "bm9uY2U",
        signed_in: P::SIGNED_IN,
        path: "/a?b=1&c=2",
        public_name: "Countersign",
        dev: false,
    };
    let rendered = |(state, page): (&str, P)| Rendered {
        name: format!("{}.{state}.{}", P::NAME, locale.as_str()),
        html: page.render(&frame),
    };
    P::samples().into_iter().map(rendered).collect()
}

/// Fills a template.
#[expect(clippy::expect_used, reason = "a String takes every write and no template calls a fallible filter")]
pub(crate) fn fill<T: Template>(template: &T) -> String {
    template.render().expect("invariant: writing to a String cannot fail")
}
