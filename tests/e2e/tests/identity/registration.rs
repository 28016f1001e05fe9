use e2e::{PASSWORD, Person, Stack};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{login, registration};

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_answers_the_account_signed_in() {
    let stack = Stack::start().await;
    let answer = stack.post("/auth/register", None, &registration("hanako")).await;
    let cookie = answer.header("set-cookie").to_owned();
    let location = answer.header("location").to_owned();
    let body = answer.expect(201);
    assert_eq!(body["user"]["email"], "hanako@example.org");
    assert_eq!(body["user"]["username"], "hanako");
    assert_eq!(body["user"]["display_name"], "hanako");
    assert_eq!(body["user"]["language"], "en");
    assert_eq!(body["user"]["preferred_currency"], "JPY");
    assert_eq!(body["user"]["roles"], json!(["user", "creator"]));
    assert_eq!(body["user"]["is_verified"], false);
    assert_eq!(body["user"]["avatar_url"], Value::Null);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(1800)));
    assert_eq!(location, format!("/users/{}", body["user"]["id"].as_str().unwrap()));
    for part in
        ["HttpOnly", "Secure", "SameSite=Lax", "Max-Age=604800", body["refresh_token"].as_str().unwrap()]
    {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let person = Person::of(&body);
    let me = stack.get("/auth/me", &*person.token).await.expect(200);
    assert_eq!(me["id"], body["user"]["id"]);
    assert_eq!(me["mfa"], json!({"enabled": false, "methods": []}));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_register_an_address_at_once_one_has_it_and_the_others_names_stay_free() {
    let stack = Stack::start().await;
    let tries = (0..12).map(|n| {
        let mut body = registration(&format!("racer{n}"));
        // The same address, however it is written.
        body["email"] = json!(if n % 2 == 0 { "same@example.org" } else { "SAME@Example.org" });
        let stack = &stack;
        async move { (n, stack.post("/auth/register", None, &body).await) }
    });
    let (mut winners, mut losers) = (Vec::new(), Vec::new());
    for (n, answer) in join_all(tries).await {
        if answer.status == 201 {
            winners.push(n);
        } else {
            answer.refused(409, "EMAIL_TAKEN");
            losers.push(n);
        }
    }
    assert_eq!((winners.len(), losers.len()), (1, 11));
    for n in losers.into_iter().take(3) {
        stack.register(&format!("racer{n}")).await;
    }
    let taken = registration(&format!("racer{}", winners[0]));
    stack.post("/auth/register", None, &taken).await.refused(409, "USERNAME_TAKEN");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_register_a_name_at_once_one_has_it_without_regard_to_case() {
    let stack = Stack::start().await;
    let tries = (0..8).map(|n| {
        let name = if n % 2 == 0 { "OneName" } else { "onename" };
        let body = json!({"email": format!("n{n}@example.org"), "username": name, "password": PASSWORD});
        let stack = &stack;
        async move { (n, stack.post("/auth/register", None, &body).await) }
    });
    let mut winner = None;
    for (n, answer) in join_all(tries).await {
        if answer.status == 201 {
            assert_eq!(winner.replace(n), None, "two have the name");
        } else {
            answer.refused(409, "USERNAME_TAKEN");
        }
    }
    let winner = winner.unwrap();
    for n in 0..8 {
        let answer = login(&stack, &format!("n{n}@example.org"), PASSWORD).await;
        if n == winner {
            answer.expect(200);
        } else {
            answer.refused(401, "INVALID_CREDENTIALS");
        }
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_names_each_field_that_is_wrong() {
    let stack = Stack::start().await;
    let body = json!({"email": "nobody", "username": "a b", "password": "short", "display_name": " "});
    let told = stack.post("/auth/register", None, &body).await.refused(400, "VALIDATION_FAILED");
    let mut wrong: Vec<(&str, &str)> = told["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap()))
        .collect();
    wrong.sort_unstable();
    assert_eq!(
        wrong,
        [
            ("display_name", "REQUIRED"),
            ("email", "INVALID_FORMAT"),
            ("password", "TOO_SHORT"),
            ("username", "INVALID_FORMAT"),
        ]
    );
    for common in ["password123", "PASSWORD123", "aaaaaaaaaaaa", "commoner", "commoner@example.org"] {
        let mut body = registration("commoner");
        body["password"] = json!(common);
        stack.post("/auth/register", None, &body).await.refused(400, "VALIDATION_FAILED");
    }
    stack.finish().await;
}
