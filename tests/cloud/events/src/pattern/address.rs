use std::net::IpAddr;

use super::PatternError;

/// A block of IP addresses, such as `10.0.0.0/24` or `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    network: IpAddr,
    prefix_len: u32,
}

impl Block {
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError(format!("Malformed CIDR, one '/' required or address invalid: {text}"));
        let (address, len) = text.split_once('/').ok_or_else(error)?;
        let network: IpAddr = address.parse().map_err(|_| error())?;
        let prefix_len: u32 = len.parse().map_err(|_| error())?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        if prefix_len > bits { Err(error()) } else { Ok(Self { network, prefix_len }) }
    }

    pub fn contains(&self, text: &str) -> bool {
        let (a, b, bits) = match (self.network, text.parse()) {
            (IpAddr::V4(a), Ok(IpAddr::V4(b))) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
            (IpAddr::V6(a), Ok(IpAddr::V6(b))) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        // With a prefix of nothing there is nothing to compare, and nothing to shift by so much.
        let shift = bits - self.prefix_len;
        a.checked_shr(shift) == b.checked_shr(shift)
    }
}
