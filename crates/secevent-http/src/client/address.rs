//! Address ranges, and those of them that no stranger's URL may lead to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A range of addresses in CIDR notation, such as `10.0.0.0/8` or `fd00::/8`; a lone address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    /// Invariant: at most 32 for IPv4, 128 for IPv6.
    prefix: u8,
}

/// Text that is no address range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address range; give one such as 10.0.0.0/8 or fd00::/8")]
pub struct BadCidr(String);

impl Cidr {
    /// Whether the address is in the range; IPv4 inside IPv6 (`::ffff:0:0/96`) counts as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.network, ip.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => v4(network, self.prefix, ip),
            (IpAddr::V6(network), IpAddr::V6(ip)) => v6(network, self.prefix, ip),
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let bad = || BadCidr(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let network: IpAddr = address.parse().map_err(|_| bad())?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| bad()))?;
        if prefix > longest { Err(bad()) } else { Ok(Self { network, prefix }) }
    }
}

/// Whether an address is one that URLs of strangers must not lead to: everything that is not global unicast, and
/// what embeds an IPv4 address.
pub(super) fn is_blocked(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            BLOCKED_V4.iter().any(|(network, prefix)| v4(Ipv4Addr::from(*network), *prefix, ip))
        }
        IpAddr::V6(ip) => {
            let (network, prefix) = GLOBAL_V6;
            !v6(Ipv6Addr::from(network), prefix, ip)
                || BLOCKED_V6.iter().any(|(network, prefix)| v6(Ipv6Addr::from(*network), *prefix, ip))
        }
    }
}

/// Whether an address belongs to a closed network or to this machine.
pub(super) fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            PRIVATE_V4.iter().any(|(network, prefix)| v4(Ipv4Addr::from(*network), *prefix, ip))
        }
        IpAddr::V6(ip) => ip != METADATA_V6 && (ip.is_loopback() || ip.is_unique_local()),
    }
}

/// Whether an address is this machine's own.
pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn v4(network: Ipv4Addr, prefix: u8, ip: Ipv4Addr) -> bool {
    let host_bits = 32 - u32::from(prefix);
    let differing = u64::from(network.to_bits() ^ ip.to_bits());
    differing >> host_bits == 0
}

fn v6(network: Ipv6Addr, prefix: u8, ip: Ipv6Addr) -> bool {
    let differing = network.to_bits() ^ ip.to_bits();
    differing.checked_shr(128 - u32::from(prefix)).unwrap_or_default() == 0
}

/// The IANA special-purpose registry, with the whole of 240/4.
const BLOCKED_V4: [([u8; 4], u8); 18] = [
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // carrier-grade NAT
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, metadata services of clouds
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 31, 196, 0], 24), // AS112
    ([192, 52, 193, 0], 24), // AMT
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([192, 175, 48, 0], 24), // AS112
    ([198, 18, 0, 0], 15),   // benchmarking
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// Global unicast; whatever lies outside is blocked, loopback, link-local, NAT64 and multicast among it.
const GLOBAL_V6: ([u16; 8], u8) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The ranges inside [`GLOBAL_V6`] that are not what they seem.
const BLOCKED_V6: [([u16; 8], u8); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),     // Teredo, benchmarking, ORCHID
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),     // 6to4, which embeds IPv4
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),     // documentation
];

const PRIVATE_V4: [([u8; 4], u8); 5] = [
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
];

/// The metadata service of AWS lies within the unique local addresses; a closed network does not mean it.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
