//! Leave to watch: CloudFront's signed URLs and signed cookies, and our own playback token for manifests.
//!
//! One custom policy covers a whole folder (`{CDN_URL}/videos/{id}/*`), so a playlist of thousands of segments costs
//! one signature. Signed with SHA-256 (`Hash-Algorithm=SHA256`) by the key in the parameter `cdn/signing-key`, JSON
//! `{"key_pair_id": "K…", "pem": "-----BEGIN …"}`: ECDSA P-256 (short URLs, 30 µs) or RSA 2048.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-custom-policy.html>

mod key;
mod pair;
mod token;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{BoxFuture, Context, Env, Result, Settings, Time};
use parameters::Parameter;
use serde_json::json;
use tokio::sync::Mutex;

use key::Key;
pub use pair::KeyPair;
pub use token::TokenProblem;

/// Signs for the CDN. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct Signer {
    parameter: Parameter,
    cdn_url: Arc<str>,
    key: Arc<Mutex<Option<Known>>>,
    lasting: Arc<Mutex<HashMap<String, (Time, Leave)>>>,
}

/// A key, and the text that it was read from.
type Known = (Arc<str>, Arc<Key>);

/// Leave to fetch what a policy covers until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    policy: String,
    signature: String,
    key_pair_id: String,
}

/// What [`Signer::lasting`] gives is good for between one and two of these.
const LASTING_S: i64 = 12 * 3600;
/// Leaves kept in memory before they are forgotten; forgetting costs a signature.
const LASTING_MAX: usize = 2_000;

impl Leave {
    /// The query that makes a URL below the policy's folder a signed one.
    #[must_use]
    pub fn query(&self) -> String {
        format!(
            "Policy={}&Signature={}&Key-Pair-Id={}&Hash-Algorithm=SHA256",
            self.policy, self.signature, self.key_pair_id
        )
    }

    /// The cookies that do the same: name and value.
    #[must_use]
    pub fn cookies(&self) -> [(&'static str, &str); 4] {
        [
            ("CloudFront-Policy", &self.policy),
            ("CloudFront-Signature", &self.signature),
            ("CloudFront-Key-Pair-Id", &self.key_pair_id),
            ("CloudFront-Hash-Algorithm", "SHA256"),
        ]
    }
}

impl Signer {
    /// Reads `CDN_URL` and `CDN_SIGNING_KEY_PARAMETER`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self {
            parameter: Parameter::open(env, settings, "cdn/signing-key"),
            cdn_url: settings.text("CDN_URL").trim_end_matches('/').into(),
            key: Arc::default(),
            lasting: Arc::default(),
        }
    }

    /// Base URL of the CDN, without a slash at the end.
    #[must_use]
    pub fn cdn_url(&self) -> &str {
        &self.cdn_url
    }

    /// Leave to fetch everything that matches `path` (with `*`) until then.
    pub fn sign<'a>(
        &'a self,
        context: &'a Context,
        path: &'a str,
        until: Time,
    ) -> BoxFuture<'a, Result<Leave>> {
        Box::pin(async move { self.key(context).await?.leave(&self.cdn_url, path, until) })
    }

    /// As [`Signer::sign`] for half a day and more, the same for a whole half day, so that answers that carry it stay
    /// the same and caches find them unchanged.
    pub fn lasting<'a>(&'a self, context: &'a Context, path: &'a str) -> BoxFuture<'a, Result<Leave>> {
        Box::pin(async move {
            let now = context.now().s();
            let until = Time::from_ms((now - now.rem_euclid(LASTING_S) + 2 * LASTING_S) * 1000);
            let mut lasting = self.lasting.lock().await;
            if let Some((end, leave)) = lasting.get(path)
                && *end == until
            {
                return Ok(leave.clone());
            }
            let leave = self.key(context).await?.leave(&self.cdn_url, path, until)?;
            if lasting.len() >= LASTING_MAX {
                lasting.clear();
            }
            lasting.insert(path.to_owned(), (until, leave.clone()));
            Ok(leave)
        })
    }

    /// A playback token: whoever holds it may read manifests of `subject` until then.
    pub fn token<'a>(
        &'a self,
        context: &'a Context,
        subject: &'a str,
        until: Time,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move { Ok(token::make(self.key(context).await?.secret(), subject, until)) })
    }

    /// Until when the token is good.
    ///
    /// # Errors
    /// The outer result when the key cannot be read, the inner one when the token is not ours or its time is over.
    pub fn verify<'a>(
        &'a self,
        context: &'a Context,
        subject: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Result<Time, TokenProblem>>> {
        Box::pin(async move {
            Ok(token::verify(self.key(context).await?.secret(), subject, token, context.now()))
        })
    }

    async fn key(&self, context: &Context) -> Result<Arc<Key>> {
        let text = self.parameter.value(context).await?;
        let mut known = self.key.lock().await;
        if let Some((of, key)) = &*known
            && *of == text
        {
            return Ok(key.clone());
        }
        let key = Arc::new(Key::parse(&text)?);
        *known = Some((text, key.clone()));
        Ok(key)
    }
}

impl Key {
    fn leave(&self, cdn_url: &str, path: &str, until: Time) -> Result<Leave> {
        let resource = format!("{cdn_url}/{}", path.trim_start_matches('/'));
        let policy = json!({"Statement": [{
            "Resource": resource,
            "Condition": {"DateLessThan": {"AWS:EpochTime": until.s()}},
        }]})
        .to_string();
        Ok(Leave {
            signature: url_safe(&self.sign(policy.as_bytes())?),
            policy: url_safe(policy.as_bytes()),
            key_pair_id: self.key_pair_id().to_owned(),
        })
    }
}

/// CloudFront's own base64: what URLs do not like is replaced by `-`, `_` and `~`.
fn url_safe(bytes: &[u8]) -> String {
    STANDARD.encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
        RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    fn pem(kind: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|i| &text[i..text.len().min(i + 64)]).collect();
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
    }

    fn stored(pem: &str) -> String {
        json!({"key_pair_id": "K2JCJMDEHXQW5F", "pem": pem}).to_string()
    }

    fn plain(text: &str) -> Vec<u8> {
        STANDARD.decode(text.replace('-', "+").replace('_', "=").replace('~', "/")).unwrap()
    }

    fn holds(key: &Key, algorithm: &'static dyn VerificationAlgorithm, public: &[u8]) {
        let leave =
            key.leave("https://cdn.example.com", "/videos/1/*", Time::from_ms(1_800_000_000_000)).unwrap();
        let policy = plain(&leave.policy);
        assert_eq!(
            String::from_utf8(policy.clone()).unwrap(),
            r#"{"Statement":[{"Resource":"https://cdn.example.com/videos/1/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}}]}"#
        );
        UnparsedPublicKey::new(algorithm, public).verify(&policy, &plain(&leave.signature)).unwrap();
        assert!(leave.query().ends_with("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"));
        assert!(!leave.query().contains(['+', '/', ' ']));
    }

    #[test]
    fn an_elliptic_key_signs_what_cloudfront_can_verify() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let sec1 = pair.private_key().as_der().unwrap();
        for text in [pem("PRIVATE KEY", pkcs8.as_ref()), pem("EC PRIVATE KEY", sec1.as_ref())] {
            let key = Key::parse(&stored(&text)).unwrap();
            holds(&key, &ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref());
        }
    }

    #[test]
    fn an_rsa_key_signs_what_cloudfront_can_verify() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = pair.as_der().unwrap();
        let key = Key::parse(&stored(&pem("PRIVATE KEY", der.as_ref()))).unwrap();
        holds(&key, &RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    }

    #[test]
    fn anything_else_is_no_key() {
        for text in ["", "{}", r#"{"key_pair_id":"K","pem":"x"}"#] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
    }
}
