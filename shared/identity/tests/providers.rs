//! Rules of signing in at a provider, against a real table and a provider that speaks GitHub's and Google's format.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod world;

use std::collections::HashMap;

use axum::extract::{Form, Query};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use identity::{Callback, Federation, Login, OauthStart, SignedIn};
use kernel::Result;
use serde_json::{Value, json};
use world::{PASSWORD, World, code};

/// A provider: the code is `address|verified`, and comes back as the access token.
async fn provider() -> Value {
    async fn token(Form(form): Form<HashMap<String, String>>) -> Json<Value> {
        let complete = ["code_verifier", "redirect_uri"].iter().all(|n| form.contains_key(*n));
        if !complete || form["grant_type"] != "authorization_code" || form["code"] == "bad" {
            return Json(json!({"error": "bad_verification_code"}));
        }
        Json(json!({"access_token": form["code"], "token_type": "bearer"}))
    }
    async fn person(headers: HeaderMap) -> Json<Value> {
        let token = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
        let (email, verified) = token.split_once('|').unwrap();
        let subject = email.len().to_string();
        Json(json!({"sub": subject, "name": "Octo", "email": email, "email_verified": verified == "true"}))
    }
    let router = Router::new().route("/token", post(token)).route("/me", get(person));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    json!({"google": {
        "client_id": "client", "client_secret": "secret", "authorize_url": "https://accounts.example.com/auth",
        "token_url": format!("{base}/token"), "userinfo_url": format!("{base}/me"),
    }})
}

async fn state(world: &World) -> String {
    let start = world.domain::<OauthStart>().start(&world.context(), "google").await.unwrap();
    let url = url::Url::parse(&start.authorize_url).unwrap();
    let Query(query): Query<HashMap<String, String>> =
        Query::try_from_uri(&url.as_str().parse().unwrap()).unwrap();
    assert_eq!(query["redirect_uri"], "https://api.example.com/auth/oauth/google/callback");
    query["state"].clone()
}

async fn come_back(world: &World, state: &str, code: &str) -> Result<Login> {
    let callback = Callback { code: Some(code.to_owned()), state: Some(state.to_owned()), error: None };
    world.domain::<Federation>().complete(&world.context(), "google", &callback).await
}

async fn through(world: &World, code: &str) -> Result<SignedIn> {
    match come_back(world, &state(world).await, code).await? {
        Login::SignedIn(signed_in) => Ok(*signed_in),
        Login::MfaRequired(_) => panic!("a code is asked for"),
    }
}

#[tokio::test]
async fn a_newcomer_gets_a_verified_account_and_comes_back_to_it() {
    let world = World::with(provider().await).await;
    world.register("b@example.com", "octo").await.unwrap();
    let first = through(&world, "octo@example.com|true").await.unwrap();
    assert!(first.user.is_verified && first.user.username.starts_with("octo-"), "{:?}", first.user);
    // The link counts, whatever the provider says of the address now.
    let second = through(&world, "octo@example.com|false").await.unwrap();
    assert_eq!(second.user.id, first.user.id);
}

#[tokio::test]
async fn an_address_that_the_provider_did_not_verify_links_and_makes_nothing() {
    let world = World::with(provider().await).await;
    world.register("a@example.com", "aaa").await.unwrap();
    assert_eq!(code(through(&world, "a@example.com|false").await), "OAUTH_EMAIL_UNVERIFIED");
    assert_eq!(code(through(&world, "new@example.com|false").await), "OAUTH_EMAIL_UNVERIFIED");
    world.signed_in("a@example.com", PASSWORD).await;
}

#[tokio::test]
async fn a_link_to_a_confirmed_account_keeps_its_password_and_one_to_an_unconfirmed_takes_it() {
    let world = World::with(provider().await).await;
    let sure = world.register("sure@example.com", "sure").await.unwrap();
    let token = world.mailed("verify_email", "token").await;
    world.identity().confirm_email(&world.context(), &token).await.unwrap();
    assert_eq!(through(&world, "sure@example.com|true").await.unwrap().user.id, sure.user.id);
    world.signed_in("sure@example.com", PASSWORD).await;
    world.refresh(&sure.tokens.refresh_token).await.unwrap();

    // Somebody took the address before its owner came.
    let squatter = world.register("owner+x@example.com", "squatter").await.unwrap();
    let owner = through(&world, "owner+x@example.com|true").await.unwrap();
    assert_eq!(owner.user.id, squatter.user.id);
    assert!(owner.user.is_verified);
    assert_eq!(code(world.login("owner+x@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    assert_eq!(code(world.refresh(&squatter.tokens.refresh_token).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn a_state_works_once_for_ten_minutes_and_a_bad_code_is_told_from_a_bad_provider() {
    let world = World::with(provider().await).await;
    let used = state(&world).await;
    come_back(&world, &used, "a@example.com|true").await.unwrap();
    assert_eq!(code(come_back(&world, &used, "a@example.com|true").await), "OAUTH_STATE_INVALID");
    assert_eq!(code(come_back(&world, "made up", "a@example.com|true").await), "OAUTH_STATE_INVALID");
    let late = state(&world).await;
    world.advance_s(601);
    assert_eq!(code(come_back(&world, &late, "a@example.com|true").await), "OAUTH_STATE_INVALID");
    assert_eq!(code(through(&world, "bad").await), "OAUTH_FAILED");
    let denied =
        Callback { code: None, state: Some(state(&world).await), error: Some("access_denied".to_owned()) };
    let federation: Federation = world.domain();
    assert_eq!(code(federation.complete(&world.context(), "google", &denied).await), "OAUTH_DENIED");
    for unknown in ["github", "myspace", ""] {
        let start = world.domain::<OauthStart>().start(&world.context(), unknown).await;
        assert_eq!(code(start), "OAUTH_PROVIDER_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_not_the_callers_fault() {
    let mut setup = provider().await;
    setup["google"]["token_url"] = json!("http://127.0.0.1:1/token");
    let world = World::with(setup).await;
    assert_eq!(code(through(&world, "a@example.com|true").await), "OAUTH_PROVIDER_ERROR");
}
