use std::time::Duration;

use e2e::{Answer, PASSWORD, Person, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::login;

const PROVIDERS: [&str; 3] = ["google", "github", "twitter"];

/// Begins a sign-in; the provider's page.
async fn start(stack: &Stack, provider: &str) -> Url {
    let path = format!("/auth/oauth/{provider}/start");
    let request = stack.request(Method::GET, &path).header("accept", "application/json");
    let answer = stack.send(request).await.expect(200);
    Url::parse(answer["authorize_url"].as_str().unwrap()).unwrap()
}

/// What the provider does when somebody approves: where it sends the browser.
async fn approve(stack: &Stack, page: &Url, email: &str, more: &str) -> String {
    let email: String = url::form_urlencoded::byte_serialize(email.as_bytes()).collect();
    let answer = stack.get(&format!("{page}&approve={email}{more}"), None).await;
    assert!(answer.status.is_redirection(), "{answer:?}");
    answer.header("location").to_owned()
}

async fn sign_in(stack: &Stack, provider: &str, email: &str, more: &str) -> Answer {
    let page = start(stack, provider).await;
    let back = approve(stack, &page, email, more).await;
    assert!(back.contains(&format!("/auth/oauth/{provider}/callback?")), "{back}");
    stack.get(&back, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_makes_an_account_once_and_knows_it_again() {
    let stack = Stack::start().await;
    for provider in PROVIDERS {
        let email = format!("{provider}@example.net");
        let first = sign_in(&stack, provider, &email, "").await;
        assert!(first.header("set-cookie").contains("HttpOnly"), "{first:?}");
        let first = first.expect(200);
        assert_eq!((&first["user"]["email"], &first["user"]["is_verified"]), (&json!(email), &json!(true)));
        let again = sign_in(&stack, provider, &email, "").await.expect(200);
        assert_eq!(again["user"]["id"], first["user"]["id"]);
        stack.get("/auth/me", Person::of(&again).token.as_str()).await.expect(200);
        // There is no password to sign in by.
        login(&stack, &email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_provider_did_not_verify_opens_and_makes_nothing() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    for provider in PROVIDERS {
        for email in [person.email.as_str(), "newcomer@example.net"] {
            sign_in(&stack, provider, email, "&verified=false").await.refused(403, "OAUTH_EMAIL_UNVERIFIED");
        }
    }
    // The address is still free.
    let body = json!({"email": "newcomer@example.net", "username": "newcomer", "password": PASSWORD});
    stack.post("/auth/register", None, &body).await.expect(201);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_address_links_to_the_account_that_confirmed_it() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    stack.settle().await;
    let token = crate::token_of(&crate::mail_with(&stack, &person.email, "/verify-email?"));
    stack.post("/auth/email/confirm", None, &json!({"token": token})).await.expect(200);
    for provider in PROVIDERS {
        let session = sign_in(&stack, provider, "HANAKO@example.org", "").await.expect(200);
        assert_eq!(session["user"]["id"], person.id.as_str(), "{provider}");
    }
    // What opened the account before still does.
    login(&stack, &person.email, PASSWORD).await.expect(200);
    stack.post("/auth/refresh", None, &json!({"refresh_token": person.refresh})).await.expect(200);
    stack.finish().await;
}

/// Somebody may have registered with a foreign address and wait for its owner.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_never_confirmed_its_address_loses_its_password_and_sessions_to_the_addresses_owner()
{
    let stack = Stack::start().await;
    let squatter = stack.register("squatter").await;
    let owner = sign_in(&stack, "google", &squatter.email, "").await.expect(200);
    assert_eq!(owner["user"]["id"], squatter.id.as_str());
    assert_eq!(owner["user"]["is_verified"], true);
    login(&stack, &squatter.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    stack
        .post("/auth/refresh", None, &json!({"refresh_token": squatter.refresh}))
        .await
        .refused(401, "REFRESH_TOKEN_INVALID");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_works_once_for_its_own_provider_and_for_ten_minutes() {
    let stack = Stack::start().await;
    let page = start(&stack, "google").await;
    let back = approve(&stack, &page, "a@example.net", "").await;
    stack.get(&back, None).await.expect(200);
    stack.get(&back, None).await.refused(400, "OAUTH_STATE_INVALID");

    let page = start(&stack, "google").await;
    let back = approve(&stack, &page, "a@example.net", "").await;
    stack.get(&back.replace("/google/", "/github/"), None).await.refused(400, "OAUTH_STATE_INVALID");

    let page = start(&stack, "google").await;
    let back = approve(&stack, &page, "a@example.net", "").await;
    stack.advance(Duration::from_secs(601)).await;
    stack.get(&back, None).await.refused(400, "OAUTH_STATE_INVALID");

    for made_up in ["?code=x&state=made-up", "?code=x", ""] {
        stack
            .get(&format!("/auth/oauth/google/callback{made_up}"), None)
            .await
            .refused(400, "OAUTH_STATE_INVALID");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_at_the_provider_is_not_signed_in_and_a_made_up_code_fails() {
    let stack = Stack::start().await;
    for provider in PROVIDERS {
        let page = start(&stack, provider).await;
        let back = approve(&stack, &page, "", "").await;
        stack.get(&back, None).await.refused(403, "OAUTH_DENIED");

        let page = start(&stack, provider).await;
        let state = page.query_pairs().find(|(n, _)| n == "state").unwrap().1.into_owned();
        let path = format!("/auth/oauth/{provider}/callback?code=made-up&state={state}");
        stack.get(&path, None).await.refused(400, "OAUTH_FAILED");
    }
    stack.get("/auth/oauth/myspace/start", None).await.refused(404, "OAUTH_PROVIDER_NOT_FOUND");
    stack
        .get("/auth/oauth/myspace/callback?code=x&state=y", None)
        .await
        .refused(404, "OAUTH_PROVIDER_NOT_FOUND");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_sent_on_with_a_challenge_and_a_state_of_its_own() {
    let stack = Stack::start().await;
    let mut states = Vec::new();
    for provider in PROVIDERS {
        let answer = stack.get(&format!("/auth/oauth/{provider}/start"), None).await;
        assert_eq!(answer.status, 302);
        let page = Url::parse(answer.header("location")).unwrap();
        let get = |name: &str| page.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
        assert_eq!(get("code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(get("code_challenge").map(|c| c.len()), Some(43), "SHA-256 in base64url");
        assert_eq!(get("code_verifier"), None);
        assert_eq!(get("response_type").as_deref(), Some("code"));
        states.push(get("state").unwrap());
    }
    states.dedup();
    assert_eq!(states.len(), 3);
    assert!(states.iter().all(|s| s.len() >= 43), "256 bits: {states:?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_gets_digits_behind() {
    let stack = Stack::start().await;
    stack.register("popular").await;
    let session = sign_in(&stack, "github", "popular@example.net", "").await.expect(200);
    let name = session["user"]["username"].as_str().unwrap();
    assert!(name.starts_with("popular-"), "{name}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_password_a_fresh_login_is_what_closes_an_account() {
    let stack = Stack::start().await;
    let person = Person::of(&sign_in(&stack, "google", "a@example.net", "").await.expect(200));
    let close = |token: String| {
        let stack = &stack;
        async move {
            stack.send(stack.request(Method::DELETE, "/auth/me").bearer_auth(token).json(&json!({}))).await
        }
    };
    stack.advance(Duration::from_secs(301)).await;
    close(person.token.clone()).await.refused(403, "FRESH_LOGIN_REQUIRED");
    let fresh = Person::of(&sign_in(&stack, "google", "a@example.net", "").await.expect(200));
    close(fresh.token).await.expect(204);
    stack.settle().await;
    // The link went with the account: the same person is somebody new.
    let anew: Value = sign_in(&stack, "google", "a@example.net", "").await.expect(200);
    assert_ne!(anew["user"]["id"], person.id.as_str());
    stack.finish().await;
}
