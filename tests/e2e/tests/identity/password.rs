use std::time::Duration;

use e2e::{PASSWORD, Stack};
use serde_json::json;

use crate::{another_session, login, mail_with, token_of};

const NEW: &str = "an entirely new one";

#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_the_other_sessions_and_keeps_this_one() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let elsewhere = another_session(&stack, &person).await;
    let wrong = json!({"current_password": "not the password", "new_password": NEW});
    stack.put("/auth/password", &*person.token, &wrong).await.refused(403, "WRONG_PASSWORD");
    let right = json!({"current_password": PASSWORD, "new_password": NEW});
    stack.put("/auth/password", &*person.token, &right).await.expect(204);

    stack
        .post("/auth/refresh", None, &json!({"refresh_token": elsewhere.refresh}))
        .await
        .refused(401, "REFRESH_TOKEN_INVALID");
    stack.post("/auth/refresh", None, &json!({"refresh_token": person.refresh})).await.expect(200);
    login(&stack, &person.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    login(&stack, &person.email, NEW).await.expect(200);
    // The other session's access token is still out there, and may no longer do this.
    let again = json!({"current_password": NEW, "new_password": PASSWORD});
    stack.put("/auth/password", &*elsewhere.token, &again).await.refused(401, "UNAUTHENTICATED");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_the_mailed_token_once_and_ends_every_session() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    stack.post("/auth/password/forgot", None, &json!({"email": "HANAKO@example.org"})).await.expect(202);
    stack.settle().await;
    let token = token_of(&mail_with(&stack, &person.email, "/reset-password?"));

    let weak = json!({"token": token, "new_password": "password123"});
    stack.post("/auth/password/reset", None, &weak).await.refused(400, "VALIDATION_FAILED");
    let reset = json!({"token": token, "new_password": NEW});
    stack.post("/auth/password/reset", None, &reset).await.expect(204);
    stack.post("/auth/password/reset", None, &reset).await.refused(400, "INVALID_TOKEN");

    stack
        .post("/auth/refresh", None, &json!({"refresh_token": person.refresh}))
        .await
        .refused(401, "REFRESH_TOKEN_INVALID");
    login(&stack, &person.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let session = login(&stack, &person.email, NEW).await.expect(200);
    // Whoever reads the mail has the address.
    assert_eq!(session["user"]["is_verified"], true);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_one_answer_whether_or_not_the_address_exists() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let known = stack.post("/auth/password/forgot", None, &json!({"email": person.email})).await.expect(202);
    let unknown =
        stack.post("/auth/password/forgot", None, &json!({"email": "nobody@example.org"})).await.expect(202);
    assert_eq!(known, unknown);
    stack.settle().await;
    assert!(stack.mails("nobody@example.org").is_empty());
    mail_with(&stack, &person.email, "/reset-password?");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_to_reset_lives_an_hour_and_opens_nothing_else() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    stack.post("/auth/password/forgot", None, &json!({"email": person.email})).await.expect(202);
    stack.settle().await;
    let token = token_of(&mail_with(&stack, &person.email, "/reset-password?"));
    let confirmation = token_of(&mail_with(&stack, &person.email, "/verify-email?"));
    stack.post("/auth/email/confirm", None, &json!({"token": token})).await.refused(400, "INVALID_TOKEN");
    let other = json!({"token": confirmation, "new_password": NEW});
    stack.post("/auth/password/reset", None, &other).await.refused(400, "INVALID_TOKEN");
    stack.advance(Duration::from_secs(3601)).await;
    let late = json!({"token": token, "new_password": NEW});
    stack.post("/auth/password/reset", None, &late).await.refused(400, "INVALID_TOKEN");
    login(&stack, &person.email, PASSWORD).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_opens_an_account_that_guesses_had_shut() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    for _ in 0..10 {
        login(&stack, &person.email, "not the password").await.refused(401, "INVALID_CREDENTIALS");
    }
    stack.post("/auth/password/forgot", None, &json!({"email": person.email})).await.expect(202);
    stack.settle().await;
    let token = token_of(&mail_with(&stack, &person.email, "/reset-password?"));
    stack.post("/auth/password/reset", None, &json!({"token": token, "new_password": NEW})).await.expect(204);
    login(&stack, &person.email, NEW).await.expect(200);
    stack.finish().await;
}
