//! What a signature allows.
//!
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-custom-policy.html>

use std::net::IpAddr;

use cloud_core::Millis;
use serde::Deserialize;

use super::refusal::Refusal;

/// A policy statement that was signed by a trusted key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// With wildcards; `None` covers everything.
    resource: Option<String>,
    /// Seconds since the epoch.
    less_than: i64,
    greater_than: Option<i64>,
    source: Option<String>,
}

/// The one request a policy is held against.
pub(super) struct Access<'a> {
    /// As requested, without the parameters of the signature.
    pub url: &'a str,
    pub now: Millis,
    /// Unknown when the server does not say.
    pub from: Option<IpAddr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    resource: Option<String>,
    condition: Conditions,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Conditions {
    date_less_than: EpochTime,
    date_greater_than: Option<EpochTime>,
    ip_address: Option<SourceIp>,
}

#[derive(Deserialize)]
struct EpochTime {
    #[serde(rename = "AWS:EpochTime")]
    seconds: i64,
}

#[derive(Deserialize)]
struct SourceIp {
    #[serde(rename = "AWS:SourceIp")]
    range: String,
}

/// The text that a canned policy stands for: CloudFront rebuilds it from the URL and `Expires`, so order and the lack
/// of white space matter.
pub(super) fn canned(url: &str, expires: i64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

impl Policy {
    /// From a custom policy.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let document: Document = serde_json::from_slice(text).map_err(|_| Refusal::MalformedPolicy)?;
        let mut statements = document.statement.into_iter();
        // A policy has exactly one statement.
        let (Some(statement), None) = (statements.next(), statements.next()) else {
            return Err(Refusal::MalformedPolicy);
        };
        let condition = statement.condition;
        Ok(Self {
            resource: statement.resource,
            less_than: condition.date_less_than.seconds,
            greater_than: condition.date_greater_than.map(|time| time.seconds),
            source: condition.ip_address.map(|ip| ip.range),
        })
    }

    /// What a canned policy says: this URL, until then.
    pub(super) fn until(expires: i64) -> Self {
        Self { resource: None, less_than: expires, greater_than: None, source: None }
    }

    pub(super) fn allows(&self, access: &Access<'_>) -> Result<(), Refusal> {
        let covered = self.resource.as_deref().is_none_or(|pattern| matches(pattern, access.url));
        let in_time = access.now < self.less_than.saturating_mul(1000)
            && self.greater_than.is_none_or(|start| access.now > start.saturating_mul(1000));
        let from_there = self.source.as_deref().is_none_or(|range| contains(range, access.from));
        if covered && in_time && from_there { Ok(()) } else { Err(Refusal::AccessDenied) }
    }
}

/// `*` stands for any characters, `?` for exactly one. Linear in the text for each `*`, never exponential.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: it takes one character more.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&character) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&one) if one == b'?' || one == character => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, taken)) => {
                    retry = Some((after, taken + 1));
                    p = after;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}

/// An address or a CIDR range. CloudFront knows IPv4 here; IPv6 costs nothing more.
fn contains(range: &str, address: Option<IpAddr>) -> bool {
    let (network, length) = match range.split_once('/') {
        Some((network, length)) => (network, length.parse::<u32>().ok()),
        None => (range, Some(u32::MAX)),
    };
    let Some(length) = length else { return false };
    if length == 0 {
        return true;
    }
    let bits = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let (Ok(network), Some(address)) = (network.parse::<IpAddr>(), address) else { return false };
    let ((network, width), (address, other)) = (bits(network), bits(address));
    let host_bits = 128 - length.min(width);
    width == other && (network ^ address) >> host_bits == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_documented() {
        assert!(matches("http://h/a/*", "http://h/a/b/c.ts"));
        assert!(matches("http*://h/*.m3u8", "https://h/a/b.m3u8"));
        assert!(matches("http://h/img-??.jpg", "http://h/img-01.jpg"));
        assert!(matches("*", "http://h/anything"));
        assert!(matches("http://h/a*", "http://h/a"));
        assert!(matches("http://h/*a*b", "http://h/xaab-a-b"));
        assert!(!matches("http://h/img-??.jpg", "http://h/img-1.jpg"));
        assert!(!matches("http://h/a/*", "http://h/b/c.ts"));
        assert!(!matches("http://h/a", "http://h/ab"));
    }

    #[test]
    fn address_ranges_hold_what_is_inside() {
        let from = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert!(contains("192.0.2.0/24", from("192.0.2.77")));
        assert!(contains("192.0.2.7", from("192.0.2.7")));
        assert!(contains("192.0.2.7/32", from("::ffff:192.0.2.7")));
        assert!(contains("0.0.0.0/0", None));
        assert!(!contains("192.0.2.0/24", from("192.0.3.1")));
        assert!(!contains("192.0.2.0/24", None));
        assert!(!contains("192.0.2.0/24", from("2001:db8::1")));
        assert!(!contains("nonsense", from("192.0.2.1")));
    }

    #[test]
    fn a_policy_has_one_statement_and_an_end() {
        let one = r#"{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":10}}}]}"#;
        let policy = Policy::parse(one.as_bytes()).unwrap();
        let at = |now| policy.allows(&Access { url: "http://h/", now, from: None }).is_ok();
        assert!(at(9_999));
        assert!(!at(10_000));
        assert!(Policy::parse(br#"{"Statement":[]}"#).is_err());
        assert!(Policy::parse(br#"{"Statement":[{"Resource":"*","Condition":{}}]}"#).is_err());
    }
}
