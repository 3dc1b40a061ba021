//! `/account/profile`

use crate::frame::{Frame, NavTab, Shell};
use crate::page::{Page, fill};
use crate::problem::NameProblem;
use askama::Template;
use countersign_core::account::profile::Field;

/// What applications may be told: a form with a field for each. Fields: `name`, and those of the profile.
#[derive(Clone, Debug)]
pub struct ProfilePage<'a> {
    /// The name, as typed or as it is.
    pub name: &'a str,
    /// What is wrong with it.
    pub name_problem: Option<NameProblem>,
    /// The others, in the order of the form.
    pub fields: Vec<ProfileItem<'a>>,
    /// Whether it was just saved.
    pub saved: bool,
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct ProfileItem<'a> {
    /// Which.
    pub field: Field,
    /// As typed or as it is.
    pub text: &'a str,
    /// Whether it cannot be what was typed.
    pub refused: bool,
}

/// For the template.
impl ProfileItem<'_> {
    fn name(&self) -> &'static str {
        self.field.as_str()
    }

    fn label(&self) -> &'static str {
        match self.field {
            Field::GivenName => "profile-given-name",
            Field::FamilyName => "profile-family-name",
            Field::MiddleName => "profile-middle-name",
            Field::Nickname => "profile-nickname",
            Field::PreferredUsername => "profile-preferred-username",
            Field::Profile => "profile-profile",
            Field::Picture => "profile-picture",
            Field::Website => "profile-website",
            Field::Gender => "profile-gender",
            Field::Birthdate => "profile-birthdate",
            Field::Zoneinfo => "profile-zoneinfo",
            Field::PhoneNumber => "profile-phone-number",
            Field::StreetAddress => "profile-street-address",
            Field::Locality => "profile-locality",
            Field::Region => "profile-region",
            Field::PostalCode => "profile-postal-code",
            Field::Country => "profile-country",
        }
    }

    fn kind(&self) -> &'static str {
        match self.field {
            Field::Profile | Field::Picture | Field::Website => "url",
            Field::PhoneNumber => "tel",
            _ => "text",
        }
    }

    fn autocomplete(&self) -> &'static str {
        match self.field {
            Field::GivenName => "given-name",
            Field::FamilyName => "family-name",
            Field::MiddleName => "additional-name",
            Field::Nickname => "nickname",
            Field::Website => "url",
            Field::Birthdate => "bday",
            Field::PhoneNumber => "tel",
            Field::StreetAddress => "street-address",
            Field::Locality => "address-level2",
            Field::Region => "address-level1",
            Field::PostalCode => "postal-code",
            Field::Country => "country-name",
            _ => "off",
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self.field {
            Field::Profile | Field::Picture | Field::Website => Some("profile-hint-link"),
            Field::Birthdate => Some("profile-hint-date"),
            Field::Zoneinfo => Some("profile-hint-zone"),
            Field::PhoneNumber => Some("profile-hint-phone"),
            _ => None,
        }
    }

    fn heading(&self) -> Option<&'static str> {
        match self.field {
            Field::Profile => Some("profile-about"),
            Field::PhoneNumber => Some("profile-contact"),
            _ => None,
        }
    }

    fn error(&self) -> &'static str {
        match self.hint() {
            Some(hint) => hint,
            None => "profile-line",
        }
    }
}

#[derive(Template)]
#[template(path = "profile.html")]
struct View<'a> {
    shell: Shell<'a>,
    page: &'a ProfilePage<'a>,
}

impl Page for ProfilePage<'_> {
    const NAME: &'static str = "profile";
    const SIGNED_IN: bool = true;

    fn render(&self, frame: &Frame<'_>) -> String {
        fill(&View { shell: frame.shell_in(NavTab::Account, "profile-title"), page: self })
    }

    fn samples() -> Vec<(&'static str, Self)> {
        let fields = |text, refused| Field::ALL.map(|field| ProfileItem { field, text, refused }).into();
        let empty = Self { name: "", name_problem: None, fields: fields("", false), saved: false };
        let long = "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff '\"><script>alert(1)</script>";
        vec![
            ("empty", empty.clone()),
            ("saved", Self { name: "김민지", saved: true, ..empty.clone() }),
            (
                "refused",
                Self {
                    name_problem: Some(NameProblem::Invalid),
                    name: long,
                    fields: fields(long, true),
                    ..empty
                },
            ),
        ]
    }
}
