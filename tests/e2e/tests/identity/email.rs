use std::time::Duration;

use e2e::Stack;
use serde_json::json;

use crate::{mail_with, token_of};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_confirmed_by_whoever_holds_the_mailed_token_and_once() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    stack.settle().await;
    let token = token_of(&mail_with(&stack, &person.email, "/verify-email?"));
    // Without being signed in: the mail may be read elsewhere.
    let confirmed = stack.post("/auth/email/confirm", None, &json!({"token": token})).await.expect(200);
    assert_eq!(confirmed, json!({"user_id": person.id, "is_verified": true}));
    let me = stack.get("/auth/me", &*person.token).await.expect(200);
    assert_eq!(me["is_verified"], true);
    assert!(me["email_verified_at"].is_string());
    stack.post("/auth/email/confirm", None, &json!({"token": token})).await.refused(400, "INVALID_TOKEN");
    stack.post("/auth/email/verify", &*person.token, &json!({})).await.refused(409, "EMAIL_ALREADY_VERIFIED");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_an_address_lives_a_day_and_can_be_sent_again() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    stack.settle().await;
    let first = token_of(&mail_with(&stack, &person.email, "/verify-email?"));
    stack.advance(Duration::from_secs(86_401)).await;
    stack.post("/auth/email/confirm", None, &json!({"token": first})).await.refused(400, "INVALID_TOKEN");

    let session = crate::another_session(&stack, &person).await;
    stack.post("/auth/email/verify", &*session.token, &json!({})).await.expect(202);
    stack.settle().await;
    let newest = stack.mails(&person.email)[0]["text"].as_str().unwrap().to_owned();
    stack.post("/auth/email/confirm", None, &json!({"token": token_of(&newest)})).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_speaks_the_language_of_its_reader() {
    let stack = Stack::start().await;
    let mut subjects = Vec::new();
    for language in ["ja", "en", "ko", "zh", "vi"] {
        let mut body = crate::registration(&format!("reader-{language}"));
        body["language"] = json!(language);
        stack.post("/auth/register", None, &body).await.expect(201);
        stack.settle().await;
        let mails = stack.mails(&format!("reader-{language}@example.org"));
        assert_eq!(mails.len(), 1);
        assert!(mails[0]["html"].as_str().is_some_and(|h| h.contains("verify-email?token=")));
        subjects.push(mails[0]["subject"].as_str().unwrap().to_owned());
    }
    let told = subjects.clone();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 5, "{told:?}");
    stack.finish().await;
}
