//! Nothing that somebody typed becomes markup, on any page or in any mail.

use countersign_core::mail::{Mail, Message};
use countersign_core::session::{Face, Method};
use countersign_core::{Locale, Time};
use countersign_pages::{
    AccountPage, ActivityItem, ActivityKind, CheckMailPage, ErrorKind, ErrorPage, Frame, HomePage, InboxMail,
    InboxPage, LoginPage, Page, PlainErrors, RecoverPage, RegisterPage, RegisterProblems, ResetPage,
    SecurityPage, SessionItem, SessionsPage, VerifyPage, mail,
};

const PROBE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}";

/// How often the probe shows as text; fails where a part of it is markup.
fn shown(page: &impl Page) -> usize {
    let probe = Frame {
        locale: Locale::Ko,
        nonce: PROBE,
        signed_in: true,
        path: PROBE,
        public_name: PROBE,
        dev: true,
    };
    let html = page.render(&probe);
    assert!(!html.contains("<script>alert") && !html.contains("<img") && !html.contains("\"'>"), "{html}");
    html.matches("&#62;&#60;script&#62;alert(1)&#60;/script&#62;").count()
}

/// In the frame: title, mark, nonce, and where the language buttons return to.
const FRAME: usize = 4;

#[test]
fn nothing_typed_into_a_form_becomes_markup() {
    let login = LoginPage { username: PROBE, return_to: Some(PROBE), ..LoginPage::default() };
    let register = RegisterPage {
        email: PROBE,
        name: PROBE,
        request: Some(PROBE),
        problems: RegisterProblems::default(),
    };
    let check_mail = CheckMailPage { email: PROBE, code: PROBE, ..CheckMailPage::default() };
    let recover = RecoverPage { email: PROBE, ..RecoverPage::default() };
    assert_eq!(shown(&login), FRAME + 2);
    assert_eq!(shown(&register), FRAME + 4);
    assert_eq!(shown(&check_mail), FRAME + 4);
    assert_eq!(shown(&VerifyPage { token: PROBE, ..VerifyPage::default() }), FRAME + 1);
    assert_eq!(shown(&recover), FRAME + 1);
    assert_eq!(shown(&ResetPage { token: PROBE, ..ResetPage::default() }), FRAME + 1);
    assert_eq!(shown(&HomePage { try_at: Some(PROBE) }), FRAME + 1);
    assert_eq!(shown(&ErrorPage { kind: ErrorKind::Internal, request_id: Some(PROBE) }), FRAME + 1);
}

#[test]
fn nothing_kept_about_an_account_becomes_markup() {
    let now = Time::from_micros(0);
    let account = AccountPage { name: Some(PROBE), email: PROBE, email_verified: true, member_since: now };
    let session = SessionItem {
        id: PROBE,
        face: Face::Token,
        browser: Some(PROBE),
        system: Some(PROBE),
        current: false,
        methods: vec![Method::Password],
        created: now,
        last_seen: now,
    };
    let activity = vec![ActivityItem { kind: ActivityKind::SignedIn, at: now, from: Some(PROBE) }];
    let security = SecurityPage { email: PROBE, problem: None, changed: false, activity };
    let letter = InboxMail { to: PROBE, subject: PROBE, text: PROBE, code: Some(PROBE), at: now };
    let link = InboxMail { text: &format!("https://{PROBE}"), ..letter.clone() };
    assert_eq!(shown(&account), FRAME + 2);
    assert_eq!(shown(&SessionsPage { items: vec![session], notice: None }), FRAME + 3);
    assert_eq!(shown(&security), FRAME + 2);
    assert_eq!(shown(&InboxPage { mails: vec![letter] }), FRAME + 4);
    assert_eq!(shown(&InboxPage { mails: vec![link] }), FRAME + 5);
}

#[test]
fn the_name_of_the_service_is_text_on_ready_made_pages() {
    let errors = PlainErrors::new(PROBE);
    assert!(!errors.get(ErrorKind::WrongHost, Locale::En).contains("<script"));
}

#[test]
fn a_name_is_inert_text_in_a_mail() {
    let link = "https://id.example/verify?token=a&b=c".to_owned();
    let sender = mail::Sender { public_name: "Countersign", origin: "https://id.example" };
    for name in ["{{7*7}}", "<a href>", "%s", "{ $link }", "<b>x", "&amp;"] {
        let message = Message::Verify { link: link.clone(), code: "012345".to_owned() };
        let whom = Mail { to: String::new(), name: Some(name.to_owned()), locale: Locale::En, message };
        let mail = sender.write(&whom);
        assert!(mail.text.starts_with(&format!("Hello {name},\n")), "{}", mail.text);
        assert!(!mail.html.contains("<a href>") && !mail.html.contains("<b>"), "{}", mail.html);
        assert!(!mail.subject.contains(name));
        assert!(mail.text.contains(&format!("\n{link}\n")) && mail.text.contains("\n012345\n"));
    }
}

#[test]
fn a_mail_links_to_the_configured_origin_alone_and_loads_nothing() {
    for locale in Locale::ALL {
        for (name, mail) in mail::samples(locale) {
            let both = mail.text + &mail.html;
            assert_eq!(both.matches("://").count(), both.matches("http://localhost:8080/").count(), "{name}");
            assert!(!both.contains("src=") && !both.contains("url(") && !both.contains("<link"), "{name}");
            assert!(!both.contains('⟦') && !mail.subject.contains(['⟦', '\n', '\r']), "{name}");
        }
    }
}
