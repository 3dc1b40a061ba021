//! Claims about a person: which there are, by which scope or request an application gets them, and where.

pub mod custom;
pub mod request;
pub mod select;

pub use custom::CustomClaim;
pub use request::ClaimsRequest;

/// The scopes of `OpenID` Connect that stand for claims (Core section 5.4), and their claims.
pub const SCOPES: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// The scope that makes a request one of `OpenID` Connect.
pub const OPENID: &str = "openid";

/// Every claim of a person that has a standard name.
pub fn standard() -> impl Iterator<Item = &'static str> {
    SCOPES.into_iter().flat_map(|(_, claims)| claims.iter().copied())
}
