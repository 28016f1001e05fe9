//! Signed URLs and signed cookies: which parts there are, and whether a trusted key made them.
//!
//! RSA 2048 or ECDSA P-256 over the policy, hashed with SHA-1 unless `Hash-Algorithm=SHA256` is given.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-linux-openssl.html>

use std::collections::HashMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::COOKIE;

use super::policy::{Access, Policy, canned};
use super::refusal::Refusal;

/// The query parameters that make a URL a signed one; CloudFront keeps them from the origin and from the resource.
const PARAMETERS: [&str; 5] = ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"];

/// A public key that signatures may come from.
pub(super) struct TrustedKey {
    sha1: ParsedPublicKey,
    sha256: ParsedPublicKey,
}

impl TrustedKey {
    /// From PEM, `-----BEGIN PUBLIC KEY-----`, RSA of at least 2048 bits or ECDSA P-256.
    pub(super) fn parse(pem: &str) -> Option<Self> {
        let body: String = pem
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(body).ok()?;
        let algorithms: [[&'static dyn VerificationAlgorithm; 2]; 2] = [
            [&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, &RSA_PKCS1_2048_8192_SHA256],
            [&ECDSA_P256_SHA1_ASN1, &ECDSA_P256_SHA256_ASN1],
        ];
        algorithms.into_iter().find_map(|[sha1, sha256]| {
            let key = |algorithm| ParsedPublicKey::new(algorithm, &der).ok();
            Some(Self { sha1: key(sha1)?, sha256: key(sha256)? })
        })
    }
}

/// A signature as it came, in the query or in cookies.
#[derive(Debug, Default)]
struct Signed {
    expires: Option<String>,
    policy: Option<String>,
    signature: Option<String>,
    key_pair: Option<String>,
    hash: Option<String>,
}

impl Signed {
    fn set(&mut self, name: &str, value: &str) -> bool {
        let slot = match name {
            "Expires" => &mut self.expires,
            "Policy" => &mut self.policy,
            "Signature" => &mut self.signature,
            "Key-Pair-Id" => &mut self.key_pair,
            "Hash-Algorithm" => &mut self.hash,
            _ => return false,
        };
        // The first of a name counts.
        slot.get_or_insert_with(|| value.to_owned());
        true
    }
}

/// Whether the request may have what it asks for.
///
/// `base` is scheme, host and path as requested; a signed URL takes precedence over cookies, which are then not
/// looked at.
pub(super) fn verify(
    keys: &HashMap<String, TrustedKey>,
    base: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    access: impl FnOnce(&str, &Policy) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (in_url, rest) = from_query(query);
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{rest}") };
    let signed = in_url.or_else(|| from_cookies(headers)).ok_or(Refusal::MissingKey)?;
    let policy = authentic(keys, &signed, &url)?;
    access(&url, &policy)
}

/// Convenience over [`Policy::allows`] for [`verify`].
pub(super) fn at(
    now: i64,
    from: Option<std::net::IpAddr>,
) -> impl FnOnce(&str, &Policy) -> Result<(), Refusal> {
    move |url, policy| policy.allows(&Access { url, now, from })
}

/// The policy, once its signature is seen to be by a trusted key.
fn authentic(keys: &HashMap<String, TrustedKey>, signed: &Signed, url: &str) -> Result<Policy, Refusal> {
    let key_pair = signed.key_pair.as_deref().filter(|id| !id.is_empty()).ok_or(Refusal::MissingKey)?;
    let key = keys.get(key_pair).ok_or(Refusal::InvalidKey)?;
    let signature = signed.signature.as_deref().ok_or(Refusal::AccessDenied)?;
    let signature = decode(signature).ok_or(Refusal::MalformedSignature)?;
    let (text, policy) = match (&signed.policy, &signed.expires) {
        (Some(policy), _) => {
            let text = decode(policy).ok_or(Refusal::MalformedPolicy)?;
            let policy = Policy::parse(&text)?;
            (text, policy)
        }
        (None, Some(expires)) => {
            let expires: i64 = expires.parse().map_err(|_| Refusal::MalformedPolicy)?;
            (canned(url, expires).into_bytes(), Policy::until(expires))
        }
        (None, None) => return Err(Refusal::AccessDenied),
    };
    let key = match signed.hash.as_deref() {
        None | Some("SHA1") => &key.sha1,
        Some("SHA256") => &key.sha256,
        Some(_) => return Err(Refusal::AccessDenied),
    };
    key.verify_sig(&text, &signature).map_err(|_| Refusal::AccessDenied)?;
    Ok(policy)
}

/// The signature in the query, if any part of one is there, and the query without it.
fn from_query(query: Option<&str>) -> (Option<Signed>, String) {
    let mut signed = Signed::default();
    let mut any = false;
    let mut rest = Vec::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if PARAMETERS.contains(&name) {
            // Its alphabet needs no percent-encoding, but some clients do it all the same.
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            any |= signed.set(name, &value);
        } else {
            rest.push(pair);
        }
    }
    (any.then_some(signed), rest.join("&"))
}

/// The signature in the cookies; `Hash-Algorithm` alone is none.
fn from_cookies(headers: &HeaderMap) -> Option<Signed> {
    let mut signed = Signed::default();
    let mut any = false;
    let cookies = headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    for cookie in cookies {
        let Some((name, value)) = cookie.trim().split_once('=') else { continue };
        if let Some(name) = name.strip_prefix("CloudFront-") {
            any |= signed.set(name, value.trim_matches('"'));
        }
    }
    any.then_some(signed)
}

/// Base64 with CloudFront's own replacements for `+`, `=` and `/`.
fn decode(text: &str) -> Option<Vec<u8>> {
    let standard: String = text
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '=',
            '~' => '/',
            other => other,
        })
        .collect();
    STANDARD.decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_the_other_parameters_in_their_order() {
        let (signed, rest) =
            from_query(Some("b=2&Expires=1&a=1&Signature=x&Key-Pair-Id=K&Hash-Algorithm=SHA256"));
        assert!(signed.is_some());
        assert_eq!(rest, "b=2&a=1");
        assert!(from_query(Some("b=2")).0.is_none());
    }

    #[test]
    fn cookies_of_others_do_not_matter() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "session=1; CloudFront-Expires=5; CloudFront-Key-Pair-Id=K".parse().unwrap());
        let signed = from_cookies(&headers).unwrap();
        assert_eq!(signed.expires.as_deref(), Some("5"));
        assert_eq!(signed.key_pair.as_deref(), Some("K"));
    }

    #[test]
    fn the_alphabet_is_cloudfronts() {
        assert_eq!(decode("-~__"), None);
        assert_eq!(decode("~-8_"), STANDARD.decode("/+8=").ok());
    }
}
