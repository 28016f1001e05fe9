//! Rules of signing in, against a real table.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod world;

use identity::{
    ChallengeRequest, Channel, CodeSender, Disable, Login, Method, MfaCode, MfaRequired, ProfileChange,
    SignedIn,
};
use kernel::Result;
use serde_json::json;
use totp_rs::{Builder, Secret};
use world::{PASSWORD, World, code};

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_one_answer_at_one_cost() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    let mut costs = Vec::new();
    for email in ["a@example.com", "b@example.com"] {
        let context = world.context();
        let credentials =
            identity::Credentials { email: email.to_owned(), password: "wrong wrong".to_owned() };
        assert_eq!(code(world.sign_in().login(&context, &credentials).await), "INVALID_CREDENTIALS");
        costs.push(context.meter.usage().calls);
    }
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test]
async fn ten_failures_in_fifteen_minutes_shut_an_account_known_or_not() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    for email in ["a@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            assert_eq!(code(world.login(email, "wrong wrong").await), "INVALID_CREDENTIALS");
        }
        let shut = world.login(email, PASSWORD).await.unwrap_err();
        assert_eq!((shut.code().name, shut.retry_after_s()), ("TOO_MANY_ATTEMPTS", Some(900)));
    }
    world.advance_s(901);
    world.signed_in("a@example.com", PASSWORD).await;
}

#[tokio::test]
async fn a_success_clears_the_count() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    for _ in 0..3 {
        for _ in 0..9 {
            assert_eq!(code(world.login("a@example.com", "wrong wrong").await), "INVALID_CREDENTIALS");
        }
        world.signed_in("a@example.com", PASSWORD).await;
    }
}

#[tokio::test]
async fn guesses_made_at_the_same_moment_get_no_more_answers_than_ten() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    let tries = (0..30).map(|_| world.login("a@example.com", "wrong wrong"));
    let outcomes: Vec<_> = futures::future::join_all(tries).await.into_iter().map(code).collect();
    assert_eq!(outcomes.iter().filter(|c| **c == "INVALID_CREDENTIALS").count(), 10, "{outcomes:?}");
    assert_eq!(code(world.login("a@example.com", PASSWORD).await), "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn somebody_may_sign_in_from_many_places_at_once() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    let tries = (0..20).map(|_| world.login("a@example.com", PASSWORD));
    for outcome in futures::future::join_all(tries).await {
        assert_eq!(code(outcome), "OK");
    }
}

#[tokio::test]
async fn an_old_hash_is_replaced_at_the_first_login() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let old = bcrypt::hash_with_salt("password of old", 4, [1; 16]).unwrap().to_string();
    let key = json!({"pk": {"S": format!("USER#{}", who.user.id)}, "sk": {"S": "SECRETS"}});
    let update = json!({
        "TableName": "identity", "Key": key, "UpdateExpression": "SET password_hash = :h",
        "ExpressionAttributeValues": {":h": {"S": old}},
    });
    world.tables.invoke("UpdateItem", &update).await.unwrap();
    world.signed_in("a@example.com", "password of old").await;
    let row = world.tables.invoke("GetItem", &json!({"TableName": "identity", "Key": key})).await.unwrap();
    assert!(row["Item"]["password_hash"]["S"].as_str().unwrap().starts_with("$argon2id$"));
    world.signed_in("a@example.com", "password of old").await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let world = World::new().await;
    let first = world.register("a@example.com", "aaa").await.unwrap().tokens;
    let second = world.refresh(&first.refresh_token).await.unwrap();
    let third = world.refresh(&second.refresh_token).await.unwrap();
    assert_eq!(code(world.refresh(&first.refresh_token).await), "REFRESH_TOKEN_REUSED");
    assert_eq!(code(world.refresh(&third.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let call = world.call(&third.access_token).await;
    assert_eq!(code(world.identity().session_alive(&call).await), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_made_up_token_ends_nobodys_session() {
    let world = World::new().await;
    let tokens = world.register("a@example.com", "aaa").await.unwrap().tokens;
    // Who knows person and session, but never held a token, cannot forge one that counts as used.
    let mut forged: Vec<u8> = tokens.refresh_token.bytes().collect();
    for byte in &mut forged[44..106] {
        *byte = b'A';
    }
    let forged = String::from_utf8(forged).unwrap();
    for bad in [forged.as_str(), "", "x", &tokens.access_token] {
        assert_eq!(code(world.refresh(bad).await), "REFRESH_TOKEN_INVALID");
    }
    world.refresh(&tokens.refresh_token).await.unwrap();
}

#[tokio::test]
async fn of_two_refreshes_at_the_same_moment_one_wins_and_the_session_goes_on() {
    let world = World::new().await;
    let mut tokens = world.register("a@example.com", "aaa").await.unwrap().tokens;
    for _ in 0..5 {
        let (a, b) =
            futures::join!(world.refresh(&tokens.refresh_token), world.refresh(&tokens.refresh_token));
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        assert_eq!(code(lost), "CONFLICT");
        tokens = won.unwrap();
    }
}

#[tokio::test]
async fn a_session_ends_by_logout_by_its_owner_and_by_time() {
    let world = World::new().await;
    let a = world.register("a@example.com", "aaa").await.unwrap();
    let b = world.signed_in("a@example.com", PASSWORD).await.tokens;
    let c = world.signed_in("a@example.com", PASSWORD).await.tokens;
    let stranger = world.register("b@example.com", "bbb").await.unwrap().tokens;
    let identity = world.identity();
    let (call, other) = (world.call(&a.tokens.access_token).await, world.call(&b.access_token).await);
    assert_eq!(identity.sessions(&call, 20, None).await.unwrap().items.len(), 3);
    identity.logout(&call).await.unwrap();
    identity.logout(&call).await.unwrap();
    assert_eq!(code(world.refresh(&a.tokens.refresh_token).await), "REFRESH_TOKEN_INVALID");
    let session = world.call(&c.access_token).await.caller().unwrap().session.unwrap();
    let stranger = world.call(&stranger.access_token).await;
    assert_eq!(code(identity.end_session(&stranger, session).await), "SESSION_NOT_FOUND");
    identity.end_session(&other, session).await.unwrap();
    assert_eq!(code(identity.end_session(&other, session).await), "SESSION_NOT_FOUND");
    assert_eq!(code(world.refresh(&c.refresh_token).await), "REFRESH_TOKEN_INVALID");
    world.advance_s(604_801);
    assert_eq!(code(world.refresh(&b.refresh_token).await), "REFRESH_TOKEN_INVALID");
}

fn app(secret: &str, at_s: i64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    Builder::new().with_secret(secret).build().unwrap().generate(u64::try_from(at_s).unwrap()).to_string()
}

/// Turns the second factor on: the secret and the recovery codes.
async fn guarded(world: &World, who: &SignedIn) -> (String, Vec<String>) {
    let (identity, call) = (world.identity(), world.call(&who.tokens.access_token).await);
    let enrolment = identity.enroll_totp(&call).await.unwrap();
    assert!(enrolment.otpauth_uri.starts_with("otpauth://totp/"), "{}", enrolment.otpauth_uri);
    assert!(enrolment.qr_svg.contains("<svg"));
    assert_eq!(code(identity.confirm_totp(&call, "000000").await), "WRONG_CODE");
    let now = app(&enrolment.secret, world.now_s());
    let codes = identity.confirm_totp(&call, &now).await.unwrap().recovery_codes;
    assert_eq!(codes.len(), 10);
    assert_eq!(code(identity.enroll_totp(&call).await), "MFA_ALREADY_ENABLED");
    (enrolment.secret, codes)
}

async fn half(world: &World) -> MfaRequired {
    match world.login("a@example.com", PASSWORD).await.unwrap() {
        Login::MfaRequired(required) => required,
        Login::SignedIn(_) => panic!("no code is asked for"),
    }
}

async fn give(world: &World, token: &str, method: Method, code: &str) -> Result<SignedIn> {
    let given = MfaCode { mfa_token: token.to_owned(), method, code: code.to_owned() };
    world.sign_in().verify_mfa(&world.context(), &given).await
}

#[tokio::test]
async fn with_a_second_factor_a_login_gives_no_tokens_and_no_code_works_twice() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let (secret, codes) = guarded(&world, &who).await;
    let required = half(&world).await;
    assert!(required.mfa_required);
    assert_eq!(required.methods, [Method::Totp, Method::Email, Method::Recovery]);
    let now = app(&secret, world.now_s());
    give(&world, &required.mfa_token, Method::Totp, &now).await.unwrap();
    assert_eq!(code(give(&world, &required.mfa_token, Method::Totp, &now).await), "MFA_TOKEN_INVALID");
    let again = half(&world).await.mfa_token;
    assert_eq!(code(give(&world, &again, Method::Totp, &now).await), "INVALID_CODE");
    world.advance_s(30);
    give(&world, &again, Method::Totp, &app(&secret, world.now_s())).await.unwrap();

    let by_recovery = half(&world).await.mfa_token;
    give(&world, &by_recovery, Method::Recovery, &codes[3].to_uppercase()).await.unwrap();
    let again = half(&world).await.mfa_token;
    assert_eq!(code(give(&world, &again, Method::Recovery, &codes[3]).await), "INVALID_CODE");
    give(&world, &again, Method::Recovery, &codes[4]).await.unwrap();
}

#[tokio::test]
async fn a_code_of_one_step_given_twice_at_the_same_moment_opens_one_session() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let (secret, _) = guarded(&world, &who).await;
    let (a, b) = (half(&world).await.mfa_token, half(&world).await.mfa_token);
    let now = app(&secret, world.now_s());
    let (a, b) = futures::join!(give(&world, &a, Method::Totp, &now), give(&world, &b, Method::Totp, &now));
    let mut outcomes = [code(a), code(b)];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["INVALID_CODE", "OK"]);
}

#[tokio::test]
async fn a_login_takes_five_codes_and_ten_minutes() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let (secret, _) = guarded(&world, &who).await;
    let token = half(&world).await.mfa_token;
    for _ in 0..5 {
        assert_eq!(code(give(&world, &token, Method::Totp, "000000").await), "INVALID_CODE");
    }
    let now = app(&secret, world.now_s());
    assert_eq!(code(give(&world, &token, Method::Totp, &now).await), "TOO_MANY_ATTEMPTS");
    let token = half(&world).await.mfa_token;
    world.advance_s(601);
    let now = app(&secret, world.now_s());
    assert_eq!(code(give(&world, &token, Method::Totp, &now).await), "MFA_TOKEN_INVALID");
    assert_eq!(code(give(&world, "made up", Method::Totp, &now).await), "MFA_TOKEN_INVALID");
}

#[tokio::test]
async fn codes_cannot_be_guessed_by_logging_in_again_and_again() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    guarded(&world, &who).await;
    for _ in 0..2 {
        let token = half(&world).await.mfa_token;
        for _ in 0..5 {
            assert_eq!(code(give(&world, &token, Method::Totp, "000000").await), "INVALID_CODE");
        }
    }
    assert_eq!(code(world.login("a@example.com", PASSWORD).await), "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn a_code_by_mail_holds_for_its_login_once_and_until_the_next_one() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    guarded(&world, &who).await;
    let token = half(&world).await.mfa_token;
    let sender: CodeSender = world.domain();
    let ask = ChallengeRequest { mfa_token: token.clone(), method: Channel::Email };
    let sent = sender.send(&world.context(), &ask).await.unwrap();
    assert_eq!(sent.sent_to, "a***@example.com");
    let first = world.mailed("mfa_code", "code").await;
    world.advance_s(1);
    sender.send(&world.context(), &ask).await.unwrap();
    let second = world.mailed("mfa_code", "code").await;
    if first != second {
        assert_eq!(code(give(&world, &token, Method::Email, &first).await), "INVALID_CODE");
    }
    assert_eq!(code(give(&world, &token, Method::Sms, &second).await), "INVALID_CODE");
    give(&world, &token, Method::Email, &second).await.unwrap();
    let sms = ChallengeRequest { mfa_token: half(&world).await.mfa_token, method: Channel::Sms };
    assert_eq!(code(sender.send(&world.context(), &sms).await), "MFA_METHOD_UNAVAILABLE");
}

#[tokio::test]
async fn the_second_factor_goes_by_both_factors_and_guards_the_number_while_it_is_on() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let (identity, call) = (world.identity(), world.call(&who.tokens.access_token).await);
    let off =
        |password: &str, code: &str| Disable { password: Some(password.to_owned()), code: code.to_owned() };
    assert_eq!(code(identity.disable_totp(&call, &off(PASSWORD, "000000")).await), "MFA_NOT_ENABLED");
    let (secret, _) = guarded(&world, &who).await;
    let number = ProfileChange {
        phone_number: identity::Edit::Set("+819012345678".to_owned()),
        ..ProfileChange::default()
    };
    assert_eq!(code(identity.change_profile(&call, &number).await), "MFA_PROTECTS_NUMBER");
    let now = app(&secret, world.now_s());
    assert_eq!(code(identity.disable_totp(&call, &off("not the password", &now)).await), "WRONG_PASSWORD");
    assert_eq!(code(identity.disable_totp(&call, &off(PASSWORD, "000000")).await), "WRONG_CODE");
    identity.disable_totp(&call, &off(PASSWORD, &now)).await.unwrap();
    world.signed_in("a@example.com", PASSWORD).await;
    identity.change_profile(&call, &number).await.unwrap();
}

#[tokio::test]
async fn an_enrolment_ends_after_five_wrong_codes_or_ten_minutes() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let (identity, call) = (world.identity(), world.call(&who.tokens.access_token).await);
    assert_eq!(code(identity.confirm_totp(&call, "000000").await), "MFA_NOT_PENDING");
    identity.enroll_totp(&call).await.unwrap();
    for _ in 0..5 {
        assert_eq!(code(identity.confirm_totp(&call, "000000").await), "WRONG_CODE");
    }
    assert_eq!(code(identity.confirm_totp(&call, "000000").await), "MFA_NOT_PENDING");
    let secret = identity.enroll_totp(&call).await.unwrap().secret;
    world.advance_s(601);
    assert_eq!(code(identity.confirm_totp(&call, &app(&secret, world.now_s())).await), "MFA_NOT_PENDING");
}
