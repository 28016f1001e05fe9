use e2e::{PASSWORD, Stack};
use serde_json::{Value, json};

use crate::login;

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_compared_without_case_and_a_password_with_it() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let answer = login(&stack, "Hanako@EXAMPLE.org", PASSWORD).await;
    assert!(answer.header("set-cookie").contains("HttpOnly"));
    assert_eq!(answer.expect(200)["user"]["id"], person.id.as_str());
    login(&stack, &person.email, &PASSWORD.to_uppercase()).await.refused(401, "INVALID_CREDENTIALS");
    stack.finish().await;
}

/// AWS calls that logins have made so far, by operation.
fn calls(stack: &Stack) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = stack
        .local
        .calls
        .all()
        .into_iter()
        .filter(|((function, ..), _)| function == "identity-login")
        .map(|((_, service, operation), count)| (format!("{service} {operation}"), count))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_and_a_wrong_password_are_one_answer_for_one_effort() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    // The first call of the function also reads its parameters.
    login(&stack, "somebody@example.org", "not the password").await.refused(401, "INVALID_CREDENTIALS");

    let mut efforts = Vec::new();
    let mut answers: Vec<Value> = Vec::new();
    for email in ["nobody@example.org", &person.email] {
        let before = calls(&stack);
        answers.push(login(&stack, email, "not the password").await.refused(401, "INVALID_CREDENTIALS"));
        let effort: Vec<(String, u64)> = calls(&stack)
            .into_iter()
            .map(|(name, count)| {
                let had = before.iter().find(|(n, _)| *n == name).map_or(0, |(_, c)| *c);
                (name, count - had)
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        efforts.push(effort);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(efforts[0], efforts[1]);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_login_is_written_to_the_log() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    login(&stack, &person.email, "a secret attempt").await.refused(401, "INVALID_CREDENTIALS");
    let session = login(&stack, &person.email, PASSWORD).await.expect(200);
    stack.post("/auth/refresh", None, &json!({"refresh_token": session["refresh_token"]})).await.expect(200);
    stack.settle().await;
    let text: String = stack.local.logs.last(None, usize::MAX).iter().map(ToString::to_string).collect();
    assert!(text.contains("identity-login"));
    for secret in [
        PASSWORD,
        "a secret attempt",
        person.email.as_str(),
        session["access_token"].as_str().unwrap(),
        session["refresh_token"].as_str().unwrap(),
    ] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
    stack.finish().await;
}
