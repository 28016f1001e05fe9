use std::time::Duration;

use e2e::{PASSWORD, Stack};
use futures::future::join_all;
use serde_json::json;

use crate::login;

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_failures_an_account_is_shut_for_fifteen_minutes_even_for_the_right_password() {
    let stack = Stack::start().await;
    let (person, other) = (stack.register("hanako").await, stack.register("taro").await);
    for _ in 0..10 {
        login(&stack, &person.email, "not the password").await.refused(401, "INVALID_CREDENTIALS");
    }
    let answer = login(&stack, &person.email, PASSWORD).await;
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    answer.refused(429, "TOO_MANY_ATTEMPTS");
    // The window is the account's, not the address's.
    login(&stack, &other.email, PASSWORD).await.expect(200);
    // It guards everything that guesses at the password.
    stack
        .put(
            "/auth/password",
            &*person.token,
            &json!({"current_password": PASSWORD, "new_password": "another fine one"}),
        )
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    stack.advance(Duration::from_secs(15 * 60 + 1)).await;
    login(&stack, &person.email, PASSWORD).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_shut_like_a_known_one() {
    let stack = Stack::start().await;
    for _ in 0..10 {
        login(&stack, "nobody@example.org", "not the password").await.refused(401, "INVALID_CREDENTIALS");
    }
    login(&stack, "nobody@example.org", "not the password").await.refused(429, "TOO_MANY_ATTEMPTS");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_begins_the_count_anew() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    for _ in 0..2 {
        for _ in 0..9 {
            login(&stack, &person.email, "not the password").await.refused(401, "INVALID_CREDENTIALS");
        }
        login(&stack, &person.email, PASSWORD).await.expect(200);
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_made_at_once_get_no_more_answers_than_guesses_made_one_by_one() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let answers = join_all((0..30).map(|_| login(&stack, &person.email, "not the password"))).await;
    let looked_at = answers.iter().filter(|a| a.status == 401).count();
    assert!(looked_at <= 10, "{looked_at} guesses were looked at");
    for answer in answers.into_iter().filter(|a| a.status != 401) {
        answer.refused(429, "TOO_MANY_ATTEMPTS");
    }
    stack.finish().await;
}
