//! The product's keys, made at the first start and kept with the state: one pair signs access tokens, one playback.

use cloud_mail::Mail;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::local::STAGE;

/// Keys as they are stored in parameters.
#[derive(Clone)]
pub(crate) struct Keys {
    signing: Value,
    jwks: String,
    cdn_private: String,
    /// PEM of the public key that the CDN trusts.
    pub(crate) cdn_public: String,
}

pub(crate) fn parameter(name: &str) -> String {
    format!("/{STAGE}/{name}")
}

impl Keys {
    /// Reads the keys, or makes them.
    pub(crate) fn load(mail: &Mail) -> Result<Self, String> {
        let read = |name: &str| mail.parameter(&parameter(name)).map_err(|e| e.to_string());
        let (signing, jwks) = (read("auth/signing-key")?, read("auth/jwks")?);
        let (cdn_private, cdn_public) = (read("local/cdn-private-key")?, read("local/cdn-public-key")?);
        match (signing, jwks, cdn_private, cdn_public) {
            (Some(signing), Some(jwks), Some(cdn_private), Some(cdn_public)) => {
                let signing = serde_json::from_str(&signing).map_err(|e| e.to_string())?;
                Ok(Self { signing, jwks, cdn_private, cdn_public })
            }
            _ => Self::make(),
        }
    }

    fn make() -> Result<Self, String> {
        let (signing, jwks) =
            identity::new_signing_key(&platform::SystemRandom).map_err(|e| e.to_string())?;
        let pair = playback::KeyPair::generate().map_err(|e| e.to_string())?;
        let signing = serde_json::from_str(&signing).map_err(|e| e.to_string())?;
        Ok(Self { signing, jwks, cdn_private: pair.private_pem, cdn_public: pair.public_pem })
    }

    /// Writes the keys where functions read them.
    pub(crate) fn store(&self, mail: &Mail, key_pair_id: &str) -> Result<(), String> {
        let cdn = json!({"key_pair_id": key_pair_id, "pem": self.cdn_private}).to_string();
        for (name, value) in [
            ("auth/signing-key", self.signing.to_string()),
            ("auth/jwks", self.jwks.clone()),
            ("cdn/signing-key", cdn),
            ("local/cdn-private-key", self.cdn_private.clone()),
            ("local/cdn-public-key", self.cdn_public.clone()),
        ] {
            mail.put_parameter(&parameter(name), &value).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Signs claims as the product does.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, String> {
        let text = |name: &str| self.signing.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(text("kid").to_owned());
        let key = EncodingKey::from_ed_pem(text("pem").as_bytes()).map_err(|e| e.to_string())?;
        jsonwebtoken::encode(&header, claims, &key).map_err(|e| e.to_string())
    }
}
