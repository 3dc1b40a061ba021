//! What an account tells of itself beyond its names: the standard claims of `OpenID` Connect (Core section 5.1) that no login
//! proves, and those of an operator's own.
//!
//! Every field is typed and bounded: applications get what stands here, and believe it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::Time;

use super::identifier::DisplayName;

/// A field of the profile. Names are those of the claims, addresses in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Given names.
    GivenName,
    /// Family names.
    FamilyName,
    /// Middle names.
    MiddleName,
    /// What friends say.
    Nickname,
    /// What they want to be called at an application. No identifier: anybody may take any.
    PreferredUsername,
    /// A page about them.
    Profile,
    /// A picture of them.
    Picture,
    /// A page of theirs.
    Website,
    /// In their own words.
    Gender,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    Birthdate,
    /// A name of the time zone database.
    Zoneinfo,
    /// E.164: `+` and digits.
    PhoneNumber,
    /// Street, house, floor.
    StreetAddress,
    /// City.
    Locality,
    /// State, province.
    Region,
    /// Postal code.
    PostalCode,
    /// Country.
    Country,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Line,
    Link,
    Date,
    Zone,
    Phone,
}

impl Field {
    /// All of them, in the order of a form.
    pub const ALL: [Self; 17] = [
        Self::GivenName,
        Self::FamilyName,
        Self::MiddleName,
        Self::Nickname,
        Self::PreferredUsername,
        Self::Profile,
        Self::Picture,
        Self::Website,
        Self::Gender,
        Self::Birthdate,
        Self::Zoneinfo,
        Self::PhoneNumber,
        Self::StreetAddress,
        Self::Locality,
        Self::Region,
        Self::PostalCode,
        Self::Country,
    ];

    /// The parts of an address, in the order of an envelope.
    pub const ADDRESS: [Self; 5] =
        [Self::StreetAddress, Self::PostalCode, Self::Locality, Self::Region, Self::Country];

    /// The name in claims, forms, the API and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::MiddleName => "middle_name",
            Self::Nickname => "nickname",
            Self::PreferredUsername => "preferred_username",
            Self::Profile => "profile",
            Self::Picture => "picture",
            Self::Website => "website",
            Self::Gender => "gender",
            Self::Birthdate => "birthdate",
            Self::Zoneinfo => "zoneinfo",
            Self::PhoneNumber => "phone_number",
            Self::StreetAddress => "street_address",
            Self::Locality => "locality",
            Self::Region => "region",
            Self::PostalCode => "postal_code",
            Self::Country => "country",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    const fn shape(self) -> Shape {
        match self {
            Self::Profile | Self::Picture | Self::Website => Shape::Link,
            Self::Birthdate => Shape::Date,
            Self::Zoneinfo => Shape::Zone,
            Self::PhoneNumber => Shape::Phone,
            _ => Shape::Line,
        }
    }

    /// The text as it is kept; nothing typed is an empty field.
    fn read(self, text: &str) -> Option<String> {
        let text = text.trim();
        match self.shape() {
            Shape::Line => DisplayName::parse(text).ok().map(|line| line.as_str().to_owned()),
            Shape::Link => is_link(text).then(|| text.to_owned()),
            Shape::Date => is_date(text).then(|| text.to_owned()),
            Shape::Zone => is_zone(text).then(|| text.to_owned()),
            Shape::Phone => phone(text),
        }
    }
}

/// A field that cannot be what was typed. The client is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} {}", .0.as_str(), self.problem())]
pub struct ProfileError(pub Field);

impl ProfileError {
    /// What it must be.
    pub const fn problem(self) -> &'static str {
        match self.0.shape() {
            Shape::Line => "must be one line of at most 100 characters",
            Shape::Link => "must be a URL that begins with https:// or http://, of at most 1,024 characters",
            Shape::Date => "must be YYYY-MM-DD, 0000-MM-DD or YYYY",
            Shape::Zone => "must be a name of the time zone database, such as Asia/Seoul",
            Shape::Phone => "must be an international number, such as +82 2 312 3456",
        }
    }
}

/// A profile: what is not set is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    fields: BTreeMap<Field, String>,
    phone_number_verified: bool,
    /// Claims of the operator's own, by name: no account changes them by itself.
    custom: BTreeMap<String, String>,
}

impl Profile {
    /// What the store keeps of it.
    pub fn to_json(&self) -> String {
        let mut json = Map::new();
        for (field, text) in &self.fields {
            json.insert(field.as_str().to_owned(), text.clone().into());
        }
        if self.phone_number_verified {
            json.insert(VERIFIED.to_owned(), true.into());
        }
        if !self.custom.is_empty() {
            let custom = self.custom.iter().map(|(name, text)| (name.clone(), text.clone().into()));
            json.insert(CUSTOM.to_owned(), Value::Object(custom.collect()));
        }
        Value::Object(json).to_string()
    }

    /// Reads [`to_json`](Self::to_json). What a later release may have added is left out.
    pub fn from_json(text: &str) -> Option<Self> {
        let Value::Object(json) = serde_json::from_str(text).ok()? else { return None };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let fields = json.iter().filter_map(|(name, value)| Some((Field::parse(name)?, text(value)?)));
        let custom = json.get(CUSTOM).and_then(Value::as_object).into_iter().flatten();
        let custom = custom.filter_map(|(name, value)| Some((name.clone(), text(value)?)));
        Some(Self {
            fields: fields.collect(),
            phone_number_verified: json.get(VERIFIED).and_then(Value::as_bool).unwrap_or(false),
            custom: custom.collect(),
        })
    }

    /// The profile with this field as typed; nothing typed takes it away. Another telephone number is not verified.
    pub fn with(mut self, field: Field, text: &str) -> Result<Self, ProfileError> {
        let before = self.fields.remove(&field);
        if !text.trim().is_empty() {
            self.fields.insert(field, field.read(text).ok_or(ProfileError(field))?);
        }
        if field == Field::PhoneNumber && self.fields.get(&field) != before.as_ref() {
            self.phone_number_verified = false;
        }
        Ok(self)
    }

    /// The profile with a telephone number that somebody proved, or did not.
    #[must_use]
    pub fn with_phone_verified(self, verified: bool) -> Self {
        let phone_number_verified = verified && self.fields.contains_key(&Field::PhoneNumber);
        Self { phone_number_verified, ..self }
    }

    /// The profile with a claim of the operator's own, one line of text; nothing takes it away. `None`: it is no line.
    #[must_use]
    pub fn with_custom(mut self, name: &str, text: &str) -> Option<Self> {
        self.custom.remove(name);
        if !text.trim().is_empty() {
            let line = DisplayName::parse(text).ok()?;
            self.custom.insert(name.to_owned(), line.as_str().to_owned());
        }
        Some(self)
    }

    /// A field.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }

    /// Whether somebody proved to have the telephone number.
    pub fn phone_number_verified(&self) -> bool {
        self.phone_number_verified
    }

    /// A claim of the operator's own.
    pub fn custom(&self, name: &str) -> Option<&str> {
        self.custom.get(name).map(String::as_str)
    }

    /// Every claim of the operator's own, by name.
    pub fn customs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.custom.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The address in lines, as it stands on an envelope.
    pub fn formatted_address(&self) -> Option<String> {
        let mut lines = String::new();
        for line in Field::ADDRESS.into_iter().filter_map(|field| self.get(field)) {
            // invariant: a String takes whatever is written to it.
            let _ = writeln!(lines, "{line}");
        }
        Some(lines.trim_end().to_owned()).filter(|lines| !lines.is_empty())
    }
}

const VERIFIED: &str = "phone_number_verified";
const CUSTOM: &str = "custom";

/// A profile, and when it was changed last: `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it says.
    pub profile: Profile,
    /// Never before the account.
    pub updated_at: Time,
}

/// Applications put these into `src` and `href`: no other scheme, nothing that ends an attribute (attack OAU-63).
fn is_link(text: &str) -> bool {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'<' | b'>'));
    let web = text.starts_with("https://") || text.starts_with("http://");
    let host = url::Url::parse(text).is_ok_and(|url| url.host_str().is_some() && url.username().is_empty());
    text.len() <= 1024 && plain && web && host
}

fn is_date(text: &str) -> bool {
    let number = |text: &str, len, range: std::ops::RangeInclusive<u16>| {
        text.len() == len
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse().is_ok_and(|number| range.contains(&number))
    };
    let (year, rest) = text.split_once('-').unwrap_or((text, ""));
    let Some((month, day)) = rest.split_once('-') else { return number(text, 4, 1..=9999) };
    let days = match month {
        "04" | "06" | "09" | "11" => 30,
        "02" => 29,
        _ => 31,
    };
    number(year, 4, 0..=9999) && number(month, 2, 1..=12) && number(day, 2, 1..=days)
}

/// `Area/Location` of the time zone database, by its characters: which names there are changes with every release of it.
fn is_zone(text: &str) -> bool {
    let fits = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    text.len() <= 64 && text.split('/').all(fits)
}

/// E.164, however it is grouped.
fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let number = digits.strip_prefix('+')?;
    let fits = (7..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    (fits && !number.starts_with('0')).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_takes_what_its_claim_may_be() {
        let long = format!("https://a.example/{}", "x".repeat(1024));
        let table: &[(Field, &str, Option<&str>)] = &[
            (Field::GivenName, " 길동 ", Some("길동")),
            (Field::GivenName, "a\nb", None),
            (Field::Website, "https://kim.example/me?a=b", Some("https://kim.example/me?a=b")),
            (Field::Website, "javascript:alert(1)", None),
            (Field::Website, "data:text/html,x", None),
            (Field::Website, "https://a.example/\"onerror=", None),
            (Field::Website, "https://user@a.example/", None),
            (Field::Website, "https://", None),
            (Field::Website, &long, None),
            (Field::Birthdate, "1999-02-28", Some("1999-02-28")),
            (Field::Birthdate, "0000-02-29", Some("0000-02-29")),
            (Field::Birthdate, "1999", Some("1999")),
            (Field::Birthdate, "1999-13-01", None),
            (Field::Birthdate, "1999-04-31", None),
            (Field::Birthdate, "1999-02", None),
            (Field::Birthdate, "28.2.1999", None),
            (Field::Zoneinfo, "Asia/Seoul", Some("Asia/Seoul")),
            (Field::Zoneinfo, "America/Argentina/Buenos_Aires", Some("America/Argentina/Buenos_Aires")),
            (Field::Zoneinfo, "../etc/passwd", None),
            (Field::PhoneNumber, "+82 (2) 312-3456", Some("+8223123456")),
            (Field::PhoneNumber, "02 312 3456", None),
            (Field::PhoneNumber, "+82", None),
            (Field::Country, "대한민국", Some("대한민국")),
        ];
        for (field, typed, kept) in table {
            let profile = Profile::default().with(*field, typed);
            let found = profile.as_ref().map(|profile| profile.get(*field)).map_err(|error| error.0);
            assert_eq!(found, kept.map_or(Err(*field), |kept| Ok(Some(kept))), "{field:?} {typed}");
        }
    }

    #[test]
    fn what_is_kept_is_read_again_and_nothing_typed_takes_a_field_away() {
        let mut profile = Profile::default();
        for field in Field::ALL {
            let text = match field.shape() {
                Shape::Line => "x",
                Shape::Link => "https://a.example/",
                Shape::Date => "1999-01-31",
                Shape::Zone => "Europe/Berlin",
                Shape::Phone => "+4930123456",
            };
            profile = profile.with(field, text).unwrap();
            assert_eq!(Field::parse(field.as_str()), Some(field));
        }
        let full = profile.with_phone_verified(true).with_custom("department", "R&D").unwrap();
        assert_eq!(Profile::from_json(&full.to_json()), Some(full.clone()));
        assert_eq!(full.formatted_address().unwrap().lines().count(), 5);
        let empty = Field::ALL.into_iter().try_fold(full, |profile, field| profile.with(field, " ")).unwrap();
        let empty = empty.with_custom("department", "").unwrap();
        assert_eq!((empty.to_json().as_str(), empty.formatted_address()), ("{}", None));
    }

    #[test]
    fn another_telephone_number_is_not_verified() {
        let known = Profile::default().with(Field::PhoneNumber, "+82 2 312 3456").unwrap();
        let known = known.with_phone_verified(true);
        assert!(known.clone().with(Field::PhoneNumber, "+8223123456").unwrap().phone_number_verified());
        assert!(!known.with(Field::PhoneNumber, "+8223123457").unwrap().phone_number_verified());
        assert!(!Profile::default().with_phone_verified(true).phone_number_verified());
    }
}
