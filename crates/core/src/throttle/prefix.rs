//! Who counts as one at the other end of the network.

use std::iter::successors;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network that counts as one: an IPv4 address, an IPv6 network (attack HTTP-11), or all whose address is unknown
/// together (attack LOG-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// No address could be determined.
    Unknown,
    /// The whole address.
    V4(Ipv4Addr),
    /// The beginning of the address.
    V6 {
        /// The first half of the address; what does not count is zero.
        half: u64,
        /// How many bits count.
        length: u8,
    },
}

/// So many networks around one address count, the narrowest first.
pub const WIDTHS: usize = 3;
/// How many times what one prefix may, each of its networks may, itself first. Not as many times as it has prefixes: few
/// people forget their passwords at once, and no network may look like an attack from everywhere.
pub const SHARES: [u32; WIDTHS] = [1, 2, 4];

/// A subscriber has a network of 64 bits at least, a household often one of 56, a company one of 48 (RFC 6177).
const LENGTHS: [u8; WIDTHS] = [64, 56, 48];
/// IPv4 addresses as IPv6 hosts see them through a translator (RFC 6052 section 2.1): `64:ff9b::/96`. Its
/// first half; the second one holds nothing but the address.
const TRANSLATED: u64 = 0x0064_ff9b_0000_0000;

impl Prefix {
    /// The narrowest prefix of an address; an IPv4 address written as an IPv6 one, or translated, is an IPv4 address.
    pub fn of(address: Option<IpAddr>) -> Self {
        let Some(address) = address else { return Self::Unknown };
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let (half, rest) = halves(address);
                match u32::try_from(rest) {
                    Ok(translated) if half == TRANSLATED => Self::V4(Ipv4Addr::from_bits(translated)),
                    _ => Self::V6 { half, length: LENGTHS[0] },
                }
            }
        }
    }

    /// The networks that it lies in, itself first. Whoever has a wide one has as many addresses as he likes in it.
    pub fn networks(self) -> impl Iterator<Item = Self> {
        successors(Some(self), |network| network.wider())
    }

    /// The last of its networks.
    #[must_use]
    pub fn widest(self) -> Self {
        self.networks().last().unwrap_or(self)
    }

    fn wider(self) -> Option<Self> {
        let Self::V6 { half, length } = self else { return None };
        let length = LENGTHS.into_iter().find(|wider| *wider < length)?;
        let unused = 64 - u32::from(length);
        Some(Self::V6 { half: half >> unused << unused, length })
    }

    /// One encoding for each, to be hashed under a key.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Unknown => vec![0],
            Self::V4(address) => [&[4], &address.octets()[..]].concat(),
            Self::V6 { half, length } => [&[6, *length], &half.to_be_bytes()[..]].concat(),
        }
    }
}

fn halves(address: Ipv6Addr) -> (u64, u64) {
    let half = |parts: &[u16]| parts.iter().fold(0, |half, part| half << 16 | u64::from(*part));
    let segments = address.segments();
    let (first, second) = segments.split_at(segments.len() / 2);
    (half(first), half(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Prefix {
        Prefix::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn http_11_log_19_one_subscriber_is_one_prefix() {
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

    #[test]
    fn http_11_behind_a_translator_each_ipv4_address_is_one() {
        assert_eq!(of("64:ff9b::203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("64:ff9b::203.0.113.7"), of("64:ff9b::203.0.113.8"));
        assert_ne!(of("64:ff9b:0:0:0:1:cb00:7107"), of("203.0.113.7"), "that is no such address");
        assert_ne!(of("65:ff9b::203.0.113.7"), of("203.0.113.7"));
    }

    #[test]
    fn http_11_networks_of_ipv6_lie_in_wider_ones_and_nothing_else_does() {
        let networks = |text| of(text).networks().collect::<Vec<_>>();
        let (one, same_56) = (networks("2001:db8:1:2ab::1"), networks("2001:db8:1:2cd::1"));
        let same_48 = networks("2001:db8:1:ffff::1");
        assert_eq!((one.len(), networks("203.0.113.7").len()), (WIDTHS, 1));
        assert_eq!(Prefix::Unknown.networks().count(), 1);
        let shared = |other: &[Prefix]| -> Vec<bool> { one.iter().zip(other).map(|(a, b)| a == b).collect() };
        assert_eq!(shared(&same_56), [false, true, true]);
        assert_eq!(shared(&same_48), [false, false, true]);
        assert_eq!(shared(&networks("2001:db8:2:2ab::1")), [false; 3]);
        assert_eq!(of("2001:db8:1:2ab::1").widest(), one[2]);
        // A narrow one whose end is zero is not the wide one around it.
        let zeros = networks("2001:db8:1::1");
        assert!(zeros[0].bytes() != zeros[1].bytes() && zeros[1].bytes() != zeros[2].bytes());
    }
}
