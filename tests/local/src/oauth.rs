//! Stand-ins of the OAuth providers, at `/_local/oauth/{provider}` with the providers' own paths. They speak the
//! authorization-code flow with PKCE (RFC 6749, RFC 7636) and the providers' user endpoints, and say on their page
//! that they are stand-ins. `&approve=EMAIL` on the authorize URL comes straight back; `&verified=false` gives an
//! address that the provider did not verify.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloud_mail::Mail;
use serde_json::{Value, json};

use crate::keys::parameter;
use crate::local::Local;

/// Where the product finds its providers: the stand-ins.
pub(crate) fn store(mail: &Mail, api: &str) -> Result<(), String> {
    let base = |provider: &str| format!("{api}/_local/oauth/{provider}");
    let provider = |name: &str, authorize: &str, token: &str, user: &str| {
        json!({
            "client_id": format!("local-{name}"),
            "client_secret": "local-secret",
            "authorize_url": format!("{}{authorize}", base(name)),
            "token_url": format!("{}{token}", base(name)),
            "userinfo_url": format!("{}{user}", base(name)),
        })
    };
    let mut github = provider("github", "/login/oauth/authorize", "/login/oauth/access_token", "/user");
    if let Some(object) = github.as_object_mut() {
        object.insert("emails_url".into(), json!(format!("{}/user/emails", base("github"))));
    }
    let providers = json!({
        "google": provider("google", "/o/oauth2/v2/auth", "/token", "/v1/userinfo"),
        "github": github,
        "twitter": provider("twitter", "/i/oauth2/authorize", "/2/oauth2/token", "/2/users/me"),
    });
    mail.put_parameter(&parameter("oauth/providers"), &providers.to_string()).map_err(|e| e.to_string())
}

#[derive(Clone, Default)]
struct Grants(Arc<Mutex<HashMap<String, Grant>>>);

#[derive(Clone)]
struct Grant {
    email: String,
    verified: bool,
    challenge: Option<String>,
}

impl Grants {
    fn put(&self, grant: Grant) -> String {
        let code = crate::functions::request_id();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(code.clone(), grant);
        code
    }

    fn take(&self, code: &str) -> Option<Grant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(code)
    }

    fn of_token(&self, headers: &HeaderMap) -> Option<Grant> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?.1;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

/// All providers' routes.
pub(crate) fn router(_: Arc<Local>) -> Router {
    let grants = Grants::default();
    Router::new().route("/_local/oauth/{provider}/{*path}", get(browse).post(exchange)).with_state(grants)
}

async fn browse(
    State(grants): State<Grants>,
    Path((provider, path)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    match path.as_str() {
        "o/oauth2/v2/auth" | "login/oauth/authorize" | "i/oauth2/authorize" => {
            authorize(&grants, &provider, &query)
        }
        _ => match grants.of_token(&headers) {
            Some(grant) => person(&path, &grant),
            None => StatusCode::UNAUTHORIZED.into_response(),
        },
    }
}

fn authorize(grants: &Grants, provider: &str, query: &HashMap<String, String>) -> Response {
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let wrong = match () {
        () if get("response_type") != "code" => Some("response_type must be code"),
        () if get("client_id") != format!("local-{provider}") => Some("unknown client_id"),
        () if get("redirect_uri").is_empty() || get("state").is_empty() => {
            Some("redirect_uri and state are required")
        }
        () if get("code_challenge_method") != "S256" => Some("code_challenge_method must be S256"),
        () => None,
    };
    if let Some(text) = wrong {
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    let Some(email) = query.get("approve") else { return Html(page(provider, query)).into_response() };
    let Ok(mut back) = url::Url::parse(get("redirect_uri")) else {
        return (StatusCode::BAD_REQUEST, "redirect_uri is no URL").into_response();
    };
    if email.is_empty() {
        back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", get("state"));
    } else {
        let code = grants.put(Grant {
            email: email.clone(),
            verified: get("verified") != "false",
            challenge: query.get("code_challenge").cloned(),
        });
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", get("state"));
    }
    Redirect::to(back.as_str()).into_response()
}

fn page(provider: &str, query: &HashMap<String, String>) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let hidden = query.iter().fold(String::new(), |hidden, (name, value)| {
        hidden + &format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
    });
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign in</title>\
         <link rel=\"stylesheet\" href=\"/_local/app.css\"><h1>Stand-in for {}</h1>\
         <p>This page stands in for the provider's on this machine. Who are you?</p>\
         <form>{hidden}<input type=\"email\" name=\"approve\" required> <button class=\"primary\">Approve</button></form>",
        escape(provider)
    )
}

async fn exchange(
    State(grants): State<Grants>,
    Path((provider, path)): Path<(String, String)>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if !matches!(path.as_str(), "token" | "login/oauth/access_token" | "2/oauth2/token") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let grant = grants.take(get("code"));
    let proved = grant.as_ref().is_some_and(|g| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, get("code_verifier").as_bytes());
        g.challenge.as_deref() == Some(&URL_SAFE_NO_PAD.encode(digest.as_ref()))
    });
    let Some(grant) = grant.filter(|_| proved && get("grant_type") == "authorization_code") else {
        // GitHub answers errors with 200.
        let code = if provider == "github" { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        return (code, Json(json!({"error": "invalid_grant", "error_description": "The code is not good."})))
            .into_response();
    };
    let token = grants.put(grant);
    Json(json!({"access_token": token, "token_type": "bearer", "expires_in": 3600, "scope": "openid email profile"})).into_response()
}

/// The provider's own form of a person.
fn person(path: &str, grant: &Grant) -> Response {
    let name = grant.email.split('@').next().unwrap_or_default();
    let id =
        grant.email.bytes().fold(7u64, |n, b| n.wrapping_mul(31).wrapping_add(u64::from(b))) % 100_000_000;
    let body: Value = match path {
        "v1/userinfo" => json!({
            "sub": id.to_string(), "name": name, "email": grant.email, "email_verified": grant.verified,
            "picture": "https://example.com/avatar.png",
        }),
        "user" => {
            json!({"id": id, "login": name, "name": name, "email": null, "avatar_url": "https://example.com/avatar.png"})
        }
        "user/emails" => json!([
            {"email": grant.email, "primary": true, "verified": grant.verified, "visibility": "private"},
        ]),
        "2/users/me" => {
            let mut data = json!({"id": id.to_string(), "name": name, "username": name});
            if let (true, Some(data)) = (grant.verified, data.as_object_mut()) {
                data.insert("confirmed_email".into(), json!(grant.email));
            }
            json!({"data": data})
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(body).into_response()
}
