//! Hosts: what an API takes as one.

use super::Reader;

/// What an API takes as a host beside plain names and `*.` before a name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Besides {
    /// `*` for all.
    pub(super) all: bool,
    /// Addresses.
    pub(super) addresses: bool,
}

/// Warns of a host that is none: a name, or `*.` and a name; no address, no port. An empty one stands for all, and is well.
pub(super) fn check(host: &str, pointer: &str, besides: Besides, reader: &mut Reader<'_>) {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if host.is_empty() || (besides.all && host == "*") {
        return;
    }
    if name.is_empty() || name.contains('*') {
        reader.warn(pointer, format!("{host:?} is not a host: a wildcard is the whole first label, and a name follows it"));
    } else if name.parse::<std::net::IpAddr>().is_ok() {
        if !besides.addresses {
            reader.warn(pointer, format!("{host:?} is an address, and a host must be a name"));
        }
    } else if name.contains(':') {
        reader.warn(pointer, format!("{host:?} names a port, and a host must not"));
    } else if name.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#')) {
        reader.warn(pointer, format!("{host:?} is not a host: a name has letters, digits, dashes and dots"));
    }
}
