//! Addresses, blocks and ranges of both families.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::intervals::Intervals;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The last address, as a number.
    pub const fn last(self) -> u128 {
        match self {
            Self::V4 => u32::MAX as u128,
            Self::V6 => u128::MAX,
        }
    }

    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The address with this number. IPv4 numbers past the family's last wrap to its last.
    pub fn address(self, number: u128) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))),
            Self::V6 => IpAddr::V6(Ipv6Addr::from(number)),
        }
    }
}

/// The number of an address within its family.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// An interval of addresses of one family, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// The family.
    pub family: Family,
    /// The first address, as a number.
    pub first: u128,
    /// The last address, as a number.
    pub last: u128,
}

impl AddressRange {
    /// Every address of a family.
    pub const fn all(family: Family) -> Self {
        Self { family, first: 0, last: family.last() }
    }

    /// Whether the range is its whole family.
    pub fn is_all(&self) -> bool {
        *self == Self::all(self.family)
    }

    /// The first address.
    pub fn first_address(&self) -> IpAddr {
        self.family.address(self.first)
    }

    /// The last address.
    pub fn last_address(&self) -> IpAddr {
        self.family.address(self.last)
    }

    /// The range as one block, where it is one.
    pub fn as_block(&self) -> Option<IpNet> {
        let size = self.last - self.first;
        let bits: u8 = match self.family {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        let host_bits = if size == u128::MAX { 128 } else { u8::try_from((size + 1).ilog2()).ok()? };
        let prefix = bits.checked_sub(host_bits)?;
        let block = IpNet::new(self.first_address(), prefix).ok()?;
        (block.network() == self.first_address() && block.broadcast() == self.last_address()).then_some(block)
    }
}

impl fmt::Display for AddressRange {
    /// A block where the range is one (`10.0.0.0/8`; a single address without its prefix), else `first - last`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_block() {
            Some(_) if self.first == self.last => write!(f, "{}", self.first_address()),
            Some(block) => write!(f, "{block}"),
            None => write!(f, "{} - {}", self.first_address(), self.last_address()),
        }
    }
}

/// A set of addresses of one family, as an `ipBlock` with its exceptions makes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AddressBlock {
    /// The family.
    pub family: Family,
    /// The addresses, exceptions taken out.
    pub addresses: Intervals<u128>,
}

impl AddressBlock {
    /// The block without its exceptions. Exceptions of another family take nothing out.
    pub fn new(block: IpNet, except: &[IpNet]) -> Self {
        let family = Family::of(block.addr());
        let span = |net: &IpNet| (number(net.network()), number(net.broadcast()));
        let whole = Intervals::from_spans([span(&block)]);
        let holes = Intervals::from_spans(except.iter().filter(|net| Family::of(net.addr()) == family).map(span));
        Self { family, addresses: whole.difference(&holes) }
    }

    /// Whether it holds the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        Family::of(address) == self.family && self.addresses.contains(number(address))
    }

    /// Whether it holds every address of its family.
    pub fn is_whole_family(&self) -> bool {
        self.addresses.spans() == [(0, self.family.last())]
    }
}

/// Whether a set of IPv4 addresses holds the whole Internet: everything but private, shared, loopback, link-local, multicast and
/// reserved addresses (RFC 6890), which may be there or not.
pub fn is_internet(addresses: &Intervals<u128>) -> bool {
    let not_public = Intervals::from_spans([
        (0, 0x00FF_FFFF),
        (0x0A00_0000, 0x0AFF_FFFF),
        (0x6440_0000, 0x647F_FFFF),
        (0x7F00_0000, 0x7FFF_FFFF),
        (0xA9FE_0000, 0xA9FE_FFFF),
        (0xAC10_0000, 0xAC1F_FFFF),
        (0xC0A8_0000, 0xC0A8_FFFF),
        (0xE000_0000, 0xFFFF_FFFF),
    ]);
    not_public.contains_all(&Intervals::span(0, Family::V4.last()).difference(addresses))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_its_exceptions() {
        let block = AddressBlock::new("10.1.2.3/8".parse().unwrap(), &["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert!(block.contains("10.0.255.255".parse().unwrap()));
        assert!(!block.contains("10.1.0.0".parse().unwrap()));
        assert!(block.contains("10.2.0.0".parse().unwrap()));
        assert!(!block.contains("::a00:0".parse().unwrap()), "families are apart");
    }

    #[test]
    fn ranges_show_as_blocks_where_they_are() {
        let range = |family, first, last| AddressRange { family, first, last }.to_string();
        assert_eq!(range(Family::V4, 0, u128::from(u32::MAX)), "0.0.0.0/0");
        assert_eq!(range(Family::V4, 0x0A00_0000, 0x0AFF_FFFF), "10.0.0.0/8");
        assert_eq!(range(Family::V4, 0x0A00_0000, 0x0B00_0000), "10.0.0.0 - 11.0.0.0");
        assert_eq!(range(Family::V4, 5, 5), "0.0.0.5");
        assert_eq!(range(Family::V6, 0, u128::MAX), "::/0");
        assert_eq!(range(Family::V4, 1, 2), "0.0.0.1 - 0.0.0.2", "two addresses, but no block");
    }
}
