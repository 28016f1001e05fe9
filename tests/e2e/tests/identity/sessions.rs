use e2e::{PASSWORD, Stack};
use serde_json::{Value, json};

use crate::another_session;

#[tokio::test(flavor = "multi_thread")]
async fn logout_ends_the_session_and_takes_the_cookie_away() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let elsewhere = another_session(&stack, &person).await;
    let answer = stack.post("/auth/logout", &*person.token, &json!({})).await;
    assert!(answer.header("set-cookie").contains("refresh_token=; Max-Age=0"), "{answer:?}");
    answer.expect(204);
    stack
        .post("/auth/refresh", None, &json!({"refresh_token": person.refresh}))
        .await
        .refused(401, "REFRESH_TOKEN_INVALID");
    // Twice is the same as once.
    stack.post("/auth/logout", &*person.token, &json!({})).await.expect(204);
    stack.post("/auth/refresh", None, &json!({"refresh_token": elsewhere.refresh})).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_newest_first_page_by_page_and_ended_one_by_one() {
    let stack = Stack::start().await;
    let first = stack.register("hanako").await;
    let second = another_session(&stack, &first).await;
    let third = another_session(&stack, &first).await;

    let (mut found, mut path): (Vec<Value>, String) = (Vec::new(), "/auth/sessions?limit=2".into());
    loop {
        let page = stack.get(&path, &*third.token).await.expect(200);
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/auth/sessions?limit=2&cursor={cursor}");
    }
    assert_eq!(found.len(), 3);
    assert_eq!(found.iter().map(|s| s["current"] == true).collect::<Vec<_>>(), [true, false, false]);

    let oldest = found[2]["id"].as_str().unwrap();
    stack.delete(&format!("/auth/sessions/{oldest}"), &*third.token).await.expect(204);
    stack.delete(&format!("/auth/sessions/{oldest}"), &*third.token).await.refused(404, "SESSION_NOT_FOUND");
    stack
        .post("/auth/refresh", None, &json!({"refresh_token": first.refresh}))
        .await
        .refused(401, "REFRESH_TOKEN_INVALID");
    stack.post("/auth/refresh", None, &json!({"refresh_token": second.refresh})).await.expect(200);

    // Somebody else's session is not there.
    let stranger = stack.register("taro").await;
    let newest = found[0]["id"].as_str().unwrap();
    stack
        .delete(&format!("/auth/sessions/{newest}"), &*stranger.token)
        .await
        .refused(404, "SESSION_NOT_FOUND");
    let seen = stack.get("/auth/sessions", &*stranger.token).await.expect(200);
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    stack.finish().await;
}

/// Access tokens live out their time, but not where it matters.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_cannot_touch_password_second_factor_erasure_or_people() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let admin = stack.admin().await;
    for ended in [&person, &admin] {
        stack.post("/auth/logout", &*ended.token, &json!({})).await.expect(204);
        stack.get("/auth/me", &*ended.token).await.expect(200);
    }
    let token = &*person.token;
    let change = json!({"current_password": PASSWORD, "new_password": "another fine one"});
    stack.put("/auth/password", token, &change).await.refused(401, "UNAUTHENTICATED");
    stack.post("/auth/mfa/totp", token, &json!({})).await.refused(401, "UNAUTHENTICATED");
    stack
        .post("/auth/mfa/totp/confirm", token, &json!({"code": "123456"}))
        .await
        .refused(401, "UNAUTHENTICATED");
    let with_body = |path: &str, body: &Value| {
        stack.send(stack.request(reqwest::Method::DELETE, path).bearer_auth(token).json(body))
    };
    with_body("/auth/mfa/totp", &json!({"password": PASSWORD, "code": "123456"}))
        .await
        .refused(401, "UNAUTHENTICATED");
    with_body("/auth/me", &json!({"password": PASSWORD})).await.refused(401, "UNAUTHENTICATED");

    let token = &*admin.token;
    stack.get("/api/admin/users", token).await.refused(401, "UNAUTHENTICATED");
    let roles = json!({"roles": ["user"]});
    stack
        .put(&format!("/api/admin/users/{}/roles", person.id), token, &roles)
        .await
        .refused(401, "UNAUTHENTICATED");
    stack.finish().await;
}
