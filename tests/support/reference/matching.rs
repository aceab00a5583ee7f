//! Labels and blocks of addresses, as the API text has them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use crate::oracle::{list, text};

pub(super) type Labels = BTreeMap<String, String>;

pub(super) fn string_map(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// meta/v1 `LabelSelector`: every entry of matchLabels and every expression must hold; an empty or absent selector matches everything.
pub(super) fn selector_matches(selector: &Value, labels: &Labels) -> bool {
    selector_matches_by(selector, |key| labels.get(key).cloned())
}

/// The same, for labels that are looked up.
pub(super) fn selector_matches_by(selector: &Value, label: impl Fn(&str) -> Option<String>) -> bool {
    string_map(&selector["matchLabels"]).iter().all(|(key, value)| label(key).as_ref() == Some(value))
        && list(selector, "matchExpressions").iter().all(|expression| {
            let found = label(text(expression, "key"));
            let is_listed = list(expression, "values").iter().any(|value| found.is_some() && value.as_str() == found.as_deref());
            match text(expression, "operator") {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

/// Whether a selector asks for nothing at all, so that it matches whatever the labels are.
pub(super) fn is_empty_selector(selector: &Value) -> bool {
    string_map(&selector["matchLabels"]).is_empty() && list(selector, "matchExpressions").is_empty()
}

/// The addresses of a family from a first to a last, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) is_v6: bool,
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Block {
    /// Reads `address/prefix`.
    pub(super) fn parse(cidr: &str) -> Option<Self> {
        let (address, prefix) = cidr.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv6() { 128 } else { 32_u32 };
        let n_host_bits = bits.checked_sub(prefix.parse().ok()?)?;
        let mask = if n_host_bits == 128 { u128::MAX } else { (1 << n_host_bits) - 1 };
        let number = number(address);
        Some(Self { is_v6: address.is_ipv6(), first: number & !mask, last: number | mask })
    }

    /// Whether an address is in it.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        self.is_v6 == address.is_ipv6() && (self.first..=self.last).contains(&number(address))
    }

    /// Its first and last address and their neighbours outside.
    pub(super) fn around(&self) -> Vec<IpAddr> {
        let max = if self.is_v6 { u128::MAX } else { u128::from(u32::MAX) };
        let numbers = [self.first.checked_sub(1), Some(self.first), Some(self.last), self.last.checked_add(1)];
        numbers.into_iter().flatten().filter(|number| *number <= max).map(|number| address(number, self.is_v6)).collect()
    }
}

/// An address as a number.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// A number as an address.
pub(super) fn address(number: u128, is_v6: bool) -> IpAddr {
    if is_v6 { IpAddr::V6(number.into()) } else { IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into()) }
}
