use std::time::Duration;

use e2e::{Answer, Stack};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::another_session;

async fn refresh(stack: &Stack, token: &str) -> Answer {
    stack.post("/auth/refresh", None, &json!({"refresh_token": token})).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_a_new_pair_and_both_work() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let pair = refresh(&stack, &person.refresh).await.expect(200);
    assert_ne!(text(&pair["refresh_token"]), person.refresh);
    assert_eq!(pair["token_type"], "Bearer");
    stack.get("/auth/me", text(&pair["access_token"])).await.expect(200);
    refresh(&stack, text(&pair["refresh_token"])).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_used_twice_ends_its_family_and_no_other() {
    let stack = Stack::start().await;
    let stolen = stack.register("hanako").await;
    let elsewhere = another_session(&stack, &stolen).await;
    let first = refresh(&stack, &stolen.refresh).await.expect(200);
    let second = refresh(&stack, text(&first["refresh_token"])).await.expect(200);
    // Whoever holds an old token, thief or owner: nobody goes on.
    refresh(&stack, &stolen.refresh).await.refused(401, "REFRESH_TOKEN_REUSED");
    refresh(&stack, text(&second["refresh_token"])).await.refused(401, "REFRESH_TOKEN_INVALID");
    refresh(&stack, &elsewhere.refresh).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_refreshes_at_once_one_gets_the_pair() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let answers = join_all((0..8).map(|_| refresh(&stack, &person.refresh))).await;
    let pairs: Vec<&Answer> = answers.iter().filter(|a| a.status == 200).collect();
    assert_eq!(pairs.len(), 1, "{answers:#?}");
    for answer in &answers {
        assert!([200, 401, 409].contains(&answer.status.as_u16()), "{answer:?}");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_with_its_key_gets_the_same_pair_and_ends_nothing() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let call = || {
        let body = json!({"refresh_token": person.refresh});
        stack.send(
            stack.request(Method::POST, "/auth/refresh").header("idempotency-key", "lost answer").json(&body),
        )
    };
    let first = call().await.expect(200);
    let again = call().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert!(again.header("set-cookie").contains(text(&first["refresh_token"])));
    assert_eq!(again.expect(200), first);
    refresh(&stack, text(&first["refresh_token"])).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_alone_renews_a_session() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let cookie = format!("theme=dark; refresh_token={}", person.refresh);
    let answer = stack.send(stack.request(Method::POST, "/auth/refresh").header("cookie", cookie)).await;
    assert!(answer.header("set-cookie").starts_with("refresh_token="), "{answer:?}");
    answer.expect(200);
    stack.finish().await;
}

/// Clients attach their access token to every call, and refresh because its time is over.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_access_token_does_not_stand_in_the_way_of_its_renewal() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    stack.advance(Duration::from_mins(31)).await;
    stack.get("/auth/me", &*person.token).await.refused(401, "TOKEN_EXPIRED");
    let body = json!({"refresh_token": person.refresh});
    stack.post("/auth/refresh", &*person.token, &body).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_lives_seven_days_from_its_last_use() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let day = Duration::from_hours(24);
    stack.advance(day * 6).await;
    let pair = refresh(&stack, &person.refresh).await.expect(200);
    stack.advance(day * 6).await;
    let pair = refresh(&stack, text(&pair["refresh_token"])).await.expect(200);
    stack.advance(day * 7 + Duration::from_secs(1)).await;
    refresh(&stack, text(&pair["refresh_token"])).await.refused(401, "REFRESH_TOKEN_INVALID");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_refresh_token_ends_nothing() {
    let stack = Stack::start().await;
    let (person, other) = (stack.register("hanako").await, stack.register("taro").await);
    let mut guessed = person.refresh.clone().into_bytes();
    // The part behind the session's id is a guess.
    for byte in guessed.iter_mut().skip(60) {
        *byte = b'A';
    }
    let guessed = String::from_utf8(guessed).unwrap();
    for nonsense in ["", "x", &"x".repeat(107), &guessed, &person.token] {
        let answer = refresh(&stack, nonsense).await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{nonsense}: {answer:?}");
    }
    refresh(&stack, &person.refresh).await.expect(200);
    refresh(&stack, &other.refresh).await.expect(200);
    stack.finish().await;
}
