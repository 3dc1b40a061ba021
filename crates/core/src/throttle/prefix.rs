//! Who counts as one at the other end of the network.

use std::net::{IpAddr, Ipv4Addr};

/// One subscriber: an IPv4 address, an IPv6 network of 64 bits (attack HTTP-11), or all whose address is unknown together
/// (attack LOG-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// No address could be determined.
    Unknown,
    /// The whole address.
    V4(Ipv4Addr),
    /// The first half of the address.
    V6([u16; 4]),
}

impl Prefix {
    /// The prefix of an address; an IPv4 address written as an IPv6 one is an IPv4 address.
    pub const fn of(address: Option<IpAddr>) -> Self {
        let Some(address) = address else { return Self::Unknown };
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }

    /// One encoding for each, to be hashed under a key.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Unknown => vec![0],
            Self::V4(address) => [&[4], &address.octets()[..]].concat(),
            Self::V6(network) => {
                [6].into_iter().chain(network.iter().flat_map(|part| part.to_be_bytes())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_11_log_19_one_subscriber_is_one_prefix() {
        let of = |text: &str| Prefix::of(Some(text.parse().unwrap()));
        assert_eq!(of("203.0.113.7"), of("::ffff:203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(Prefix::of(None), Prefix::Unknown);
        let all = [of("0.0.0.0"), of("::"), of("::1:0:0:0:0"), Prefix::Unknown];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| one.bytes() != other.bytes()), "{one:?}");
        }
    }
}
