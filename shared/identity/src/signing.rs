//! The keys that access tokens are signed with.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kernel::{BoxFuture, ConfigError, Context, Domain, Env, Error, Random, Result};
use parameters::Parameter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Public keys by which anyone verifies our tokens (RFC 7517).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Jwks {
    /// The keys; during a rotation the old one stays until its last token has expired.
    pub keys: Vec<Jwk>,
}

/// An Ed25519 key (RFC 8037).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// Id, as in the header of tokens.
    pub kid: String,
    /// The public key in base64url.
    pub x: String,
    /// `EdDSA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "use")]
    pub usage: Option<String>,
}

/// Gives the public keys out.
#[derive(Clone)]
pub struct PublicKeys {
    parameter: Parameter,
}

impl Domain for PublicKeys {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let parameter = Parameter::open(env, &mut settings, "auth/jwks");
        settings.finish()?;
        Ok(Self { parameter })
    }
}

impl PublicKeys {
    /// The keys of the parameter `auth/jwks`.
    pub fn jwks<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Jwks>> {
        Box::pin(async move {
            let text = self.parameter.value(context).await?;
            serde_json::from_str(&text).map_err(|e| Error::internal(format!("JWKS: {e}")))
        })
    }
}

/// PKCS#8 of an Ed25519 seed (RFC 8410, 7): everything before the 32 bytes.
const PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A new key pair: the text of the parameter `auth/signing-key` (`{kid, pem}`) and a JWKS with its public half, the
/// text of the parameter `auth/jwks`.
///
/// # Errors
/// When the cryptography refuses the seed, which it does for none.
pub fn new_signing_key(random: &dyn Random) -> Result<(String, String)> {
    let mut seed = [0u8; 32];
    random.fill(&mut seed);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
        .map_err(|e| Error::internal(format!("signing key: {e}")))?;
    let public = pair.public_key().as_ref();
    // RFC 7638's thumbprint would do as well; the first bytes of the key name it just as uniquely.
    let kid = hex::encode(public.get(..8).unwrap_or(public));
    let der = [PKCS8.as_slice(), &seed].concat();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    let stored = json!({"kid": kid, "pem": pem}).to_string();
    let key = Jwk {
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        kid,
        x: URL_SAFE_NO_PAD.encode(public),
        alg: Some("EdDSA".into()),
        usage: Some("sig".into()),
    };
    let jwks = serde_json::to_string(&Jwks { keys: vec![key] })
        .map_err(|e| Error::internal(format!("JWKS: {e}")))?;
    Ok((stored, jwks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use kernel::SystemRandom;
    use serde_json::Value;

    #[test]
    fn what_the_private_half_signs_the_public_half_verifies() {
        let (stored, jwks) = new_signing_key(&SystemRandom).unwrap();
        let stored: Value = serde_json::from_str(&stored).unwrap();
        let jwks: Jwks = serde_json::from_str(&jwks).unwrap();
        assert_eq!(stored["kid"], jwks.keys[0].kid.as_str());
        let pem = stored["pem"].as_str().unwrap();
        let body: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
        let pair = Ed25519KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
        let public = URL_SAFE_NO_PAD.decode(&jwks.keys[0].x).unwrap();
        UnparsedPublicKey::new(&ED25519, public).verify(b"token", pair.sign(b"token").as_ref()).unwrap();
    }
}
