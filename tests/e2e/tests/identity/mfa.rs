use std::time::Duration;

use aws_lc_rs::hmac;
use e2e::{Answer, PASSWORD, Person, Stack};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::login;

/// RFC 6238 by hand: the authenticator is somebody else's program.
fn totp(secret_base32: &str, at_s: i64) -> String {
    let (mut bits, mut held, mut secret) = (0u32, 0u32, Vec::new());
    for letter in secret_base32.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            other => panic!("{other} is not in base 32"),
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            secret.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = hmac::sign(&key, &u64::try_from(at_s / 30).unwrap().to_be_bytes());
    let digest = tag.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Somebody with a second factor.
struct Guarded {
    person: Person,
    secret: String,
    recovery: Vec<String>,
}

impl Guarded {
    fn code(&self, stack: &Stack) -> String {
        totp(&self.secret, stack.local.clock.now_s())
    }
}

async fn guarded(stack: &Stack, name: &str, number: Option<&str>) -> Guarded {
    let person = stack.register(name).await;
    if let Some(number) = number {
        stack.patch("/auth/me", &*person.token, &json!({"phone_number": number})).await.expect(200);
    }
    let enrolment = stack.post("/auth/mfa/totp", &*person.token, &json!({})).await.expect(200);
    let secret = enrolment["secret"].as_str().unwrap().to_owned();
    let uri = enrolment["otpauth_uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&secret), "{uri}");
    assert!(enrolment["qr_svg"].as_str().unwrap().contains("<svg"));
    let code = json!({"code": totp(&secret, stack.local.clock.now_s())});
    let answer = stack.post("/auth/mfa/totp/confirm", &*person.token, &code).await.expect(200);
    let recovery: Vec<String> =
        answer["recovery_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    Guarded { person, secret, recovery }
}

/// The first step; its token.
async fn first_step(stack: &Stack, who: &Guarded) -> String {
    let answer = login(stack, &who.person.email, PASSWORD).await;
    assert_eq!(answer.header("set-cookie"), "", "no tokens before the second step");
    let asked = answer.expect(200);
    assert_eq!(asked["mfa_required"], true);
    assert!(asked.get("access_token").is_none() && asked.get("user").is_none(), "{asked}");
    asked["mfa_token"].as_str().unwrap().to_owned()
}

async fn verify(stack: &Stack, token: &str, method: &str, code: &str) -> Answer {
    stack.post("/auth/mfa/verify", None, &json!({"mfa_token": token, "method": method, "code": code})).await
}

async fn challenge(stack: &Stack, token: &str, method: &str) -> Answer {
    stack.post("/auth/mfa/challenge", None, &json!({"mfa_token": token, "method": method})).await
}

/// The first run of six digits.
fn digits(text: &str) -> String {
    let found = text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
    found.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

async fn mailed_code(stack: &Stack, token: &str, email: &str) -> String {
    challenge(stack, token, "email").await.expect(202);
    stack.settle().await;
    digits(stack.mails(email)[0]["text"].as_str().unwrap())
}

fn other_than(code: &str) -> String {
    if code == "000000" { "111111".into() } else { "000000".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_asks_for_a_code_of_the_authenticator_and_takes_each_once() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let asked = login(&stack, &who.person.email, PASSWORD).await.expect(200);
    assert_eq!(asked["methods"], json!(["totp", "email", "recovery"]));
    let code = who.code(&stack);
    let token = first_step(&stack, &who).await;
    let session = Person::of(&verify(&stack, &token, "totp", &code).await.expect(200));
    assert_eq!(session.id, who.person.id);
    stack.get("/auth/me", &*session.token).await.expect(200);
    // The login is over, and so is the code.
    verify(&stack, &token, "totp", &code).await.refused(401, "MFA_TOKEN_INVALID");
    let token = first_step(&stack, &who).await;
    verify(&stack, &token, "totp", &code).await.refused(401, "INVALID_CODE");
    stack.advance(Duration::from_mins(1)).await;
    verify(&stack, &token, "totp", &who.code(&stack)).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_opens_one_of_two_logins_that_bring_it_at_once() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(first_step(&stack, &who).await);
    }
    let code = who.code(&stack);
    let answers = join_all(tokens.iter().map(|t| verify(&stack, t, "totp", &code))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1, "{answers:#?}");
    assert!(answers.iter().all(|a| [200, 401, 409].contains(&a.status.as_u16())), "{answers:#?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_codes_are_looked_at_and_the_sixth_is_not_even_when_it_is_right() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let token = first_step(&stack, &who).await;
    let code = who.code(&stack);
    for _ in 0..5 {
        verify(&stack, &token, "totp", &other_than(&code)).await.refused(401, "INVALID_CODE");
    }
    verify(&stack, &token, "totp", &code).await.refused(429, "TOO_MANY_ATTEMPTS");
    verify(&stack, &token, "recovery", &who.recovery[0]).await.refused(429, "TOO_MANY_ATTEMPTS");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_made_at_once_count_like_tries_made_one_by_one() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let token = first_step(&stack, &who).await;
    let wrong = other_than(&who.code(&stack));
    let answers = join_all((0..12).map(|_| verify(&stack, &token, "totp", &wrong))).await;
    let looked_at = answers.iter().filter(|a| a.json["code"] == "INVALID_CODE").count();
    assert!(looked_at <= 5, "{looked_at} codes were looked at");
    assert!(answers.iter().all(|a| a.status == 401 || a.status == 429), "{answers:#?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_shut_the_account_like_wrong_passwords_whoever_signs_in_again() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    for _ in 0..2 {
        let token = first_step(&stack, &who).await;
        let wrong = other_than(&who.code(&stack));
        for _ in 0..5 {
            verify(&stack, &token, "totp", &wrong).await.refused(401, "INVALID_CODE");
        }
    }
    login(&stack, &who.person.email, PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_code_holds_ten_minutes_and_only_the_newest_counts() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let token = first_step(&stack, &who).await;
    let first = mailed_code(&stack, &token, &who.person.email).await;
    let sent = challenge(&stack, &token, "email").await.expect(202);
    assert_eq!(sent["sent_to"], "h***@example.org");
    stack.settle().await;
    let newest = digits(stack.mails(&who.person.email)[0]["text"].as_str().unwrap());
    if first != newest {
        verify(&stack, &token, "email", &first).await.refused(401, "INVALID_CODE");
    }
    // A code that was mailed is none of another kind.
    verify(&stack, &token, "sms", &newest).await.refused(401, "INVALID_CODE");
    verify(&stack, &token, "email", &newest).await.expect(200);
    verify(&stack, &token, "email", &newest).await.refused(401, "MFA_TOKEN_INVALID");

    let token = first_step(&stack, &who).await;
    let code = mailed_code(&stack, &token, &who.person.email).await;
    stack.advance(Duration::from_secs(601)).await;
    verify(&stack, &token, "email", &code).await.refused(401, "MFA_TOKEN_INVALID");
    challenge(&stack, &token, "email").await.refused(401, "MFA_TOKEN_INVALID");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_by_text_message_goes_to_the_number_that_stood_there_before() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", Some("+819012345678")).await;
    stack
        .patch("/auth/me", &*who.person.token, &json!({"phone_number": "+819099999999"}))
        .await
        .refused(409, "MFA_PROTECTS_NUMBER");
    let token = first_step(&stack, &who).await;
    let sent = challenge(&stack, &token, "sms").await.expect(202);
    assert_eq!((&sent["sent_to"], &sent["expires_in"]), (&json!("+***78"), &json!(600)));
    stack.settle().await;
    let texts = stack.local.mail.texts().unwrap();
    assert_eq!(texts.iter().map(|t| t.to.as_str()).collect::<Vec<_>>(), ["+819012345678"]);
    verify(&stack, &token, "sms", &digits(&texts[0].text)).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_number_there_is_no_text_message_and_five_codes_are_sent_at_most() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let token = first_step(&stack, &who).await;
    challenge(&stack, &token, "sms").await.refused(400, "MFA_METHOD_UNAVAILABLE");
    for _ in 0..5 {
        challenge(&stack, &token, "email").await.expect(202);
    }
    challenge(&stack, &token, "email").await.refused(429, "TOO_MANY_ATTEMPTS");
    challenge(&stack, "made up", "email").await.refused(401, "MFA_TOKEN_INVALID");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_recovery_code_works_once_however_it_is_typed() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    let typed = who.recovery[3].to_uppercase().replace('-', " ");
    let token = first_step(&stack, &who).await;
    verify(&stack, &token, "recovery", &typed).await.expect(200);
    let token = first_step(&stack, &who).await;
    verify(&stack, &token, "recovery", &who.recovery[3]).await.refused(401, "INVALID_CODE");
    verify(&stack, &token, "recovery", &who.recovery[4]).await.expect(200);

    // Two logins that bring the same one: one is opened.
    let tokens = [first_step(&stack, &who).await, first_step(&stack, &who).await];
    let answers = join_all(tokens.iter().map(|t| verify(&stack, t, "recovery", &who.recovery[5]))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1, "{answers:#?}");
    stack.finish().await;
}

async fn disable(stack: &Stack, who: &Guarded, body: &Value) -> Answer {
    stack
        .send(stack.request(Method::DELETE, "/auth/mfa/totp").bearer_auth(&who.person.token).json(body))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_goes_by_both_factors_and_its_codes_with_it() {
    let stack = Stack::start().await;
    let who = guarded(&stack, "hanako", None).await;
    stack.post("/auth/mfa/totp", &*who.person.token, &json!({})).await.refused(409, "MFA_ALREADY_ENABLED");
    let me = stack.get("/auth/me", &*who.person.token).await.expect(200);
    assert_eq!(me["mfa"]["enabled"], true);
    let code = who.code(&stack);
    disable(&stack, &who, &json!({"password": "not the password", "code": code}))
        .await
        .refused(403, "WRONG_PASSWORD");
    disable(&stack, &who, &json!({"password": PASSWORD, "code": other_than(&code)}))
        .await
        .refused(403, "WRONG_CODE");
    disable(&stack, &who, &json!({"code": code})).await.refused(400, "VALIDATION_FAILED");
    disable(&stack, &who, &json!({"password": PASSWORD, "code": code})).await.expect(204);
    disable(&stack, &who, &json!({"password": PASSWORD, "code": code})).await.refused(409, "MFA_NOT_ENABLED");
    let _ = Person::of(&login(&stack, &who.person.email, PASSWORD).await.expect(200));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_guards_nothing_until_a_code_comes_back_and_ends_after_five_wrong_ones() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let confirm = |code: String| {
        let (stack, token) = (&stack, person.token.clone());
        async move { stack.post("/auth/mfa/totp/confirm", &*token, &json!({"code": code})).await }
    };
    confirm("123456".into()).await.refused(409, "MFA_NOT_PENDING");
    let enrolment = stack.post("/auth/mfa/totp", &*person.token, &json!({})).await.expect(200);
    let secret = enrolment["secret"].as_str().unwrap();
    let _ = Person::of(&login(&stack, &person.email, PASSWORD).await.expect(200));
    let right = totp(secret, stack.local.clock.now_s());
    for _ in 0..5 {
        confirm(other_than(&right)).await.refused(403, "WRONG_CODE");
    }
    confirm(right).await.refused(409, "MFA_NOT_PENDING");
    // Beginning anew gives another secret, which ends after ten minutes.
    let again = stack.post("/auth/mfa/totp", &*person.token, &json!({})).await.expect(200);
    assert_ne!(again["secret"], secret);
    stack.advance(Duration::from_secs(601)).await;
    let late = totp(again["secret"].as_str().unwrap(), stack.local.clock.now_s());
    confirm(late).await.refused(409, "MFA_NOT_PENDING");
    stack.finish().await;
}
