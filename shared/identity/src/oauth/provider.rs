//! What the three providers have in common, and where they differ: how they tell who somebody is.
//!
//! - Google: the userinfo of `OpenID` Connect, `email_verified` (developers.google.com/identity/openid-connect).
//! - GitHub: `GET /user`, and `GET /user/emails` for the addresses with `primary` and `verified` (docs.github.com, "REST
//!   API endpoints for emails"); the token endpoint answers errors with 200.
//! - X: `GET /2/users/me?user.fields=confirmed_email` with the scope `users.email`; an address is there only if X has
//!   confirmed it (docs.x.com, "User").

use std::collections::BTreeMap;

use kernel::{Context, Error, Result};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _, TokenUrl,
};
use serde::Deserialize;
use serde_json::Value;
use web::Web;

use crate::codes::IdentityError;

/// One provider's part of the parameter `oauth/providers`: a JSON object of these under the providers' names.
#[derive(Clone, Deserialize)]
pub(super) struct Setup {
    client_id: String,
    client_secret: String,
    authorize_url: String,
    token_url: String,
    userinfo_url: String,
    /// GitHub's list of addresses.
    #[serde(default)]
    emails_url: Option<String>,
}

/// The providers that a parameter sets up.
pub(super) type Setups = BTreeMap<String, Setup>;

/// The providers that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Google,
    Github,
    Twitter,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "google" => Some(Self::Google),
            "github" => Some(Self::Github),
            "twitter" => Some(Self::Twitter),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Github => "github",
            Self::Twitter => "twitter",
        }
    }

    fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["openid", "email", "profile"],
            Self::Github => &["read:user", "user:email"],
            Self::Twitter => &["tweet.read", "users.read", "users.email"],
        }
    }

    /// X wants the secret in the `Authorization` header; the other two take it in the body.
    fn auth_type(self) -> AuthType {
        match self {
            Self::Twitter => AuthType::BasicAuth,
            Self::Google | Self::Github => AuthType::RequestBody,
        }
    }
}

/// A person, as a provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stranger {
    /// The provider's own id of the person, which never changes.
    pub(super) subject: String,
    /// The address, if the provider verified it.
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) login: Option<String>,
    pub(super) avatar_url: Option<String>,
}

/// One provider, set up.
pub(super) struct Provider<'a> {
    pub(super) kind: Kind,
    pub(super) setup: &'a Setup,
    /// Where the provider sends people back to.
    pub(super) callback: String,
}

impl Provider<'_> {
    /// Where to send somebody who wants to sign in.
    pub(super) fn authorize_url(&self, state: &str, verifier: &str) -> Result<String> {
        let wrong = |e: oauth2::url::ParseError| Error::internal(format!("oauth/providers: {e}"));
        let client = BasicClient::new(ClientId::new(self.setup.client_id.clone()))
            .set_auth_uri(AuthUrl::new(self.setup.authorize_url.clone()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(self.callback.clone()).map_err(wrong)?);
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
        let (url, _) = client
            .authorize_url(|| CsrfToken::new(state.to_owned()))
            .add_scopes(self.kind.scopes().iter().map(|s| Scope::new((*s).to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Ok(url.into())
    }

    /// Exchanges a code and asks who it belongs to.
    pub(super) async fn stranger(
        &self,
        context: &Context,
        web: &Web,
        code: &str,
        verifier: &str,
    ) -> Result<Stranger> {
        let token = self.token(context, web, code, verifier).await?;
        let me = match self.kind {
            // X gives the address only to those who ask for the field.
            Kind::Twitter if !self.setup.userinfo_url.contains('?') => {
                let url =
                    format!("{}?user.fields=confirmed_email,profile_image_url", self.setup.userinfo_url);
                self.ask(context, web, &url, &token).await?
            }
            _ => self.ask(context, web, &self.setup.userinfo_url, &token).await?,
        };
        match (self.kind, &self.setup.emails_url) {
            (Kind::Github, Some(url)) => {
                let emails = self.ask(context, web, url, &token).await?;
                read(self.kind, &me, Some(&emails))
            }
            _ => read(self.kind, &me, None),
        }
        .ok_or_else(|| IdentityError::OauthProviderError.into())
    }

    async fn token(&self, context: &Context, web: &Web, code: &str, verifier: &str) -> Result<String> {
        let wrong = |e: oauth2::url::ParseError| Error::internal(format!("oauth/providers: {e}"));
        let client = BasicClient::new(ClientId::new(self.setup.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.setup.client_secret.clone()))
            .set_auth_type(self.kind.auth_type())
            .set_token_uri(TokenUrl::new(self.setup.token_url.clone()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(self.callback.clone()).map_err(wrong)?);
        let carrier = Carrier { web: web.clone(), context: context.clone() };
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&carrier)
            .await;
        match answer {
            Ok(token) => Ok(token.access_token().secret().clone()),
            // `invalid_grant` and its like: the code is not one, was used, or is another client's.
            Err(RequestTokenError::ServerResponse(refusal)) => {
                Err(Error::from(IdentityError::OauthFailed).because(refusal.error()))
            }
            // GitHub refuses with 200 and `{"error": …}`.
            Err(RequestTokenError::Parse(_, body)) if refusal(&body) => {
                Err(IdentityError::OauthFailed.into())
            }
            Err(other) => Err(Error::from(IdentityError::OauthProviderError).because(other)),
        }
    }

    async fn ask(&self, context: &Context, web: &Web, url: &str, token: &str) -> Result<Value> {
        let failed = |why: String| Error::from(IdentityError::OauthProviderError).because(why);
        let request = http::Request::get(url)
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json")
            // GitHub answers nobody who does not say who asks.
            .header("user-agent", "creator-commerce")
            .body(Vec::new())
            .map_err(|e| failed(e.to_string()))?;
        let answer = web.send(context, request).await.map_err(|e| failed(e.to_string()))?;
        if !answer.status().is_success() {
            return Err(failed(format!("{} from {}", answer.status(), self.kind.name())));
        }
        serde_json::from_slice(answer.body()).map_err(|e| failed(e.to_string()))
    }
}

/// Carries the requests of the `oauth2` crate.
struct Carrier {
    web: Web,
    context: Context,
}

impl<'c> oauth2::AsyncHttpClient<'c> for Carrier {
    type Error = web::Failure;
    type Future = kernel::BoxFuture<'c, Result<oauth2::HttpResponse, web::Failure>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.web.send(&self.context, request).await?;
            Ok(answer.map(|body| body.to_vec()))
        })
    }
}

fn refusal(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|v| v.get("error").is_some_and(Value::is_string))
}

/// Reads a provider's words; `None` when they lack the person's id.
fn read(kind: Kind, me: &Value, emails: Option<&Value>) -> Option<Stranger> {
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    match kind {
        Kind::Google => Some(Stranger {
            subject: text(me, "sub").or_else(|| text(me, "id"))?,
            email: text(me, "email").filter(|_| {
                ["email_verified", "verified_email"]
                    .iter()
                    .any(|n| me.get(n).and_then(Value::as_bool) == Some(true))
            }),
            name: text(me, "name"),
            login: None,
            avatar_url: text(me, "picture"),
        }),
        Kind::Github => {
            let verified = |e: &&Value| e.get("verified").and_then(Value::as_bool) == Some(true);
            let primary = |e: &Value| e.get("primary").and_then(Value::as_bool) == Some(true);
            let list = emails.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let email =
                list.iter().filter(verified).max_by_key(|e| primary(e)).and_then(|e| text(e, "email"));
            Some(Stranger {
                subject: me.get("id").and_then(Value::as_i64)?.to_string(),
                email,
                name: text(me, "name"),
                login: text(me, "login"),
                avatar_url: text(me, "avatar_url"),
            })
        }
        Kind::Twitter => {
            let me = me.get("data")?;
            Some(Stranger {
                subject: text(me, "id")?,
                email: text(me, "confirmed_email"),
                name: text(me, "name"),
                login: text(me, "username"),
                avatar_url: text(me, "profile_image_url"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn setup() -> Setup {
        Setup {
            client_id: "the-client".into(),
            client_secret: "secret".into(),
            authorize_url: "https://accounts.example.com/auth?prompt=select_account".into(),
            token_url: "https://accounts.example.com/token".into(),
            userinfo_url: "https://accounts.example.com/me".into(),
            emails_url: None,
        }
    }

    #[test]
    fn the_authorize_url_carries_challenge_and_state_and_no_secret() {
        let setup = setup();
        let callback = "https://api.example.com/auth/oauth/google/callback".to_owned();
        let provider = Provider { kind: Kind::Google, setup: &setup, callback };
        // The verifier and challenge of RFC 7636, appendix B.
        let url = provider.authorize_url("st", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let url = url::Url::parse(&url).unwrap();
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["code_challenge"], "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["state"], "st");
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["scope"], "openid email profile");
        assert_eq!(query["prompt"], "select_account");
        assert!(!url.as_str().contains("secret"));
    }

    #[test]
    fn only_an_address_that_google_verified_counts() {
        let said =
            |verified: bool| json!({"sub": "1", "email": "a@b.co", "email_verified": verified, "name": "A"});
        assert_eq!(read(Kind::Google, &said(true), None).unwrap().email.as_deref(), Some("a@b.co"));
        assert_eq!(read(Kind::Google, &said(false), None).unwrap().email, None);
        assert_eq!(read(Kind::Google, &json!({"email": "a@b.co"}), None), None);
    }

    #[test]
    fn github_gives_its_primary_verified_address_and_never_the_public_one() {
        let me = json!({"id": 7, "login": "octo", "name": null, "email": "public@b.co"});
        let emails = json!([
            {"email": "old@b.co", "primary": false, "verified": true},
            {"email": "main@b.co", "primary": true, "verified": true},
            {"email": "new@b.co", "primary": false, "verified": false},
        ]);
        let stranger = read(Kind::Github, &me, Some(&emails)).unwrap();
        assert_eq!((stranger.subject.as_str(), stranger.email.as_deref()), ("7", Some("main@b.co")));
        let unverified = json!([{"email": "main@b.co", "primary": true, "verified": false}]);
        assert_eq!(read(Kind::Github, &me, Some(&unverified)).unwrap().email, None);
        assert_eq!(read(Kind::Github, &me, None).unwrap().email, None);
    }

    #[test]
    fn x_gives_an_address_only_when_it_confirmed_one() {
        let me = json!({"data": {"id": "9", "name": "X", "username": "xx", "confirmed_email": "a@b.co"}});
        assert_eq!(read(Kind::Twitter, &me, None).unwrap().email.as_deref(), Some("a@b.co"));
        let without = json!({"data": {"id": "9", "name": "X", "username": "xx"}});
        assert_eq!(read(Kind::Twitter, &without, None).unwrap().email, None);
        assert_eq!(read(Kind::Twitter, &json!({"errors": []}), None), None);
    }
}
