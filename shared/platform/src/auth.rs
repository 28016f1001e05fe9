use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::ids::{SessionId, UserId};
use kernel::{Caller, CommonError, Context, Env, Error, Result, Settings, Time};
use parameters::Parameter;
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;

/// What an access token says (RFC 7519 names).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The person.
    pub sub: UserId,
    /// The session; none for service tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Roles at the time of issue.
    pub roles: Vec<String>,
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// Issued at, seconds.
    pub iat: i64,
    /// Expires at, seconds.
    pub exp: i64,
    /// Identity of the token.
    pub jti: String,
}

/// Verifies access tokens in process: Ed25519, keys by id from the JWKS parameter, which is read again when a key id
/// is unknown (rotation), at most once a minute.
#[derive(Clone)]
pub struct Verifier {
    parameter: Parameter,
    issuer: Arc<str>,
    audience: Arc<str>,
    keys: Keys,
}

/// Keys by id, with the text of the JWKS that they were read from.
type Keys = Arc<RwLock<(Arc<str>, HashMap<String, DecodingKey>)>>;

const REREAD_S: i64 = 60;

impl Verifier {
    /// Reads `AUTH_JWKS_PARAMETER`, `AUTH_ISSUER` and `AUTH_AUDIENCE`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self {
            parameter: Parameter::open(env, settings, "auth/jwks"),
            issuer: settings.or("AUTH_ISSUER", "creator-commerce".to_owned()).into(),
            audience: settings.or("AUTH_AUDIENCE", "creator-commerce".to_owned()).into(),
            keys: Arc::new(RwLock::new(("".into(), HashMap::new()))),
        }
    }

    /// The caller that this token proves.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for anything that is not our token, `TOKEN_EXPIRED` for one whose time is over.
    pub async fn verify(&self, context: &Context, token: &str) -> Result<Caller> {
        let refuse = || Error::from(CommonError::Unauthenticated);
        let header = jsonwebtoken::decode_header(token).map_err(|_| refuse())?;
        let kid = header.kid.ok_or_else(refuse)?;
        if header.alg != Algorithm::EdDSA {
            return Err(refuse());
        }
        let key = self.key(context, &kid).await?.ok_or_else(refuse)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        // Expiry is checked below, by the context's clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| refuse())?.claims;
        let now = context.now().s();
        if claims.exp <= now {
            return Err(CommonError::TokenExpired.into());
        }
        // A minute for clocks that differ.
        if claims.iat > now + 60 {
            return Err(refuse());
        }
        Ok(Caller {
            user: claims.sub,
            session: claims.sid,
            roles: claims.roles,
            issued_at: Time::from_ms(claims.iat.saturating_mul(1000)),
        })
    }

    async fn key(&self, context: &Context, kid: &str) -> Result<Option<DecodingKey>> {
        let text = self.parameter.value(context).await?;
        if let Some(key) = self.known(&text, kid).await {
            return Ok(Some(key));
        }
        let text = self.parameter.fresh(context, REREAD_S).await?;
        self.parse(&text).await?;
        Ok(self.known(&text, kid).await)
    }

    async fn known(&self, text: &Arc<str>, kid: &str) -> Option<DecodingKey> {
        let keys = self.keys.read().await;
        (Arc::ptr_eq(&keys.0, text) || keys.0 == *text).then(|| keys.1.get(kid).cloned()).flatten()
    }

    async fn parse(&self, text: &Arc<str>) -> Result<()> {
        let set: JwkSet = serde_json::from_str(text).map_err(|e| Error::internal(format!("JWKS: {e}")))?;
        let keys = set
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)))
            .collect();
        *self.keys.write().await = (text.clone(), keys);
        Ok(())
    }
}

/// The private key that signs access tokens; only functions that issue tokens read it.
///
/// The parameter `auth/signing-key` is JSON `{"kid": "…", "pem": "-----BEGIN PRIVATE KEY-----…"}` (PKCS#8, Ed25519).
#[derive(Clone)]
pub struct SigningKey {
    parameter: Parameter,
}

#[derive(Deserialize)]
struct StoredKey {
    kid: String,
    pem: String,
}

impl SigningKey {
    /// Reads `AUTH_SIGNING_KEY_PARAMETER`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self { parameter: Parameter::open(env, settings, "auth/signing-key") }
    }

    /// A compact JWS of any claims, with the key's id in its header.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub async fn sign(&self, context: &Context, claims: &serde_json::Value) -> Result<String> {
        let text = self.parameter.value(context).await?;
        let stored: StoredKey =
            serde_json::from_str(&text).map_err(|_| Error::internal("signing key: not {kid, pem}"))?;
        let key = EncodingKey::from_ed_pem(stored.pem.as_bytes())
            .map_err(|e| Error::internal(format!("signing key: {e}")))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(stored.kid);
        jsonwebtoken::encode(&header, claims, &key).map_err(|e| Error::internal(format!("signing: {e}")))
    }
}
