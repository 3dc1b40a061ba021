//! Resource indicators (RFC 8707): where the tokens shall count (attack OAU-78). Whether a resource is known here is a fact that
//! the shell looks up; here is what its name says.

use crate::client::{Client, Profile};
use crate::url::{PublicUrl, ResourceId};

use super::{Error, Parameters, Refusal};

/// Not a resource of ours.
pub const UNKNOWN: Refusal = Refusal::new(Error::InvalidTarget, "Not a resource of this server.");

/// The resources asked for, each once. The issuer is where every grant counts, so naming it adds nothing.
pub fn check(
    parameters: &Parameters,
    client: &Client,
    issuer: &PublicUrl,
) -> Result<Vec<ResourceId>, Refusal> {
    let mut resources = Vec::new();
    for text in parameters.all("resource").filter(|text| *text != issuer.origin()) {
        let resource = ResourceId::parse(text).map_err(|_| UNKNOWN)?;
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    if client.profile == Profile::Fapi2 && resources.len() > 1 {
        return Err(Refusal::new(Error::InvalidTarget, "One resource a request."));
    }
    Ok(resources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::tests::{client, parameters};

    #[test]
    fn oau_78_a_resource_is_an_absolute_uri_without_a_fragment() {
        let issuer = PublicUrl::parse("https://id.example").unwrap();
        let read = |resources: &[&str], client: &Client| {
            let pairs: Vec<_> = resources.iter().map(|uri| ("resource", *uri)).collect();
            let found = check(&parameters(&pairs), client, &issuer);
            found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        let plain = client();
        assert_eq!(read(&[], &plain), Ok(String::new()));
        assert_eq!(read(&["https://id.example"], &plain), Ok(String::new()));
        let two = ["https://b.example", "https://a.example", "https://b.example"];
        assert_eq!(read(&two, &plain), Ok("https://b.example https://a.example".into()));
        for bad in ["https://a.example#x", "a", "//a.example", "https://u@a.example", "https://a.example/ "] {
            assert_eq!(read(&["https://b.example", bad], &plain), Err(UNKNOWN), "{bad}");
        }
        let mut fapi = client();
        fapi.profile = Profile::Fapi2;
        assert!(read(&two[..1], &fapi).is_ok() && read(&two, &fapi).is_err());
    }
}
