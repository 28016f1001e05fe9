use e2e::{PASSWORD, Stack};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_touches_what_was_sent_and_null_clears() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let change = json!({"bio": "  words  ", "avatar_url": "https://example.org/a.png", "language": "ko", "preferred_currency": "KRW"});
    let me = stack.patch("/auth/me", &*person.token, &change).await.expect(200);
    assert_eq!(
        (&me["bio"], &me["language"], &me["username"]),
        (&json!("words"), &json!("ko"), &json!("hanako"))
    );
    assert!(me["profile_completed_at"].is_string());
    let me = stack.patch("/auth/me", &*person.token, &json!({"bio": null})).await.expect(200);
    assert_eq!((&me["bio"], &me["preferred_currency"]), (&Value::Null, &json!("KRW")));
    stack
        .patch("/auth/me", &*person.token, &json!({"avatar_url": "javascript:alert(1)"}))
        .await
        .refused(400, "VALIDATION_FAILED");
    let told = stack
        .patch("/auth/me", &*person.token, &json!({"preferred_currency": "BTC"}))
        .await
        .refused(400, "VALIDATION_FAILED");
    assert_eq!(told["errors"][0]["code"], "UNKNOWN_VALUE");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_frees_the_old_one() {
    let stack = Stack::start().await;
    let (person, other) = (stack.register("hanako").await, stack.register("taro").await);
    stack
        .patch("/auth/me", &*person.token, &json!({"username": "TARO"}))
        .await
        .refused(409, "USERNAME_TAKEN");
    stack.patch("/auth/me", &*person.token, &json!({"username": "Hanako"})).await.expect(200);
    stack.patch("/auth/me", &*person.token, &json!({"username": "flower"})).await.expect(200);
    stack.patch("/auth/me", &*other.token, &json!({"username": "hanako"})).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_profile_tells_nothing_private() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let seen = stack.get(&format!("/users/{}", person.id), None).await.expect(200);
    let mut members: Vec<&str> = seen.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["avatar_url", "bio", "counts", "created_at", "display_name", "id", "username"]);
    assert!(!seen.to_string().contains(&person.email) && !seen.to_string().contains(PASSWORD));
    for nobody in ["0192d3a4-5b6c-7d8e-9f01-23456789abcd", "nobody", "%00"] {
        stack.get(&format!("/users/{nobody}"), None).await.refused(404, "USER_NOT_FOUND");
    }
    stack.finish().await;
}
