use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::time::Duration;

use e2e::{PASSWORD, Person, Stack};
use local::faults::{Kind, Rule};
use serde_json::{Value, json};

use crate::erasure::published;

/// Where a mail leads.
fn link_of(mail: &str) -> String {
    let start = mail.find("http").unwrap_or_else(|| panic!("no link in {mail}"));
    mail[start..].split_whitespace().next().unwrap().to_owned()
}

fn unpacked(bytes: Vec<u8>) -> BTreeMap<String, Value> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|n| {
            let mut file = archive.by_index(n).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

async fn exported(stack: &Stack, person: &Person) -> String {
    stack.post("/auth/me/export", &*person.token, &json!({})).await.expect(202);
    stack.settle().await;
    link_of(stack.mails(&person.email)[0]["text"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_zip_of_everything_fetched_by_the_mailed_link_for_a_day() {
    let stack = Stack::start().await;
    let (person, other) = (stack.register("hanako").await, stack.register("taro").await);
    let video = published(&stack, &person).await;
    stack
        .post(&format!("/api/videos/{video}/comments"), &*other.token, &json!({"content": "well done"}))
        .await
        .expect(201);
    stack
        .post(&format!("/api/videos/{video}/comments"), &*person.token, &json!({"content": "thank you"}))
        .await
        .expect(201);
    stack.post(&format!("/api/videos/{video}/like"), &*person.token, &json!({})).await.expect(200);
    stack.settle().await;

    let link = exported(&stack, &person).await;
    let answer = stack.get(&link, None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("content-disposition").contains("my-data.zip"), "{answer:?}");
    let files = unpacked(answer.bytes);
    let account = &files["account.json"];
    assert_eq!(account["profile"]["email"], person.email.as_str());
    assert_eq!(account["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(files["videos.json"]["videos"][0]["id"], video.as_str());
    assert_eq!(files["videos.json"]["comments"].as_array().unwrap().len(), 1);
    assert_eq!(files["videos.json"]["comments"][0]["content"], "thank you");
    assert_eq!(files["videos.json"]["likes"].as_array().unwrap().len(), 1);
    assert!(!files["notifications.json"]["notifications"].as_array().unwrap().is_empty());
    assert_eq!(files["notifications.json"]["settings"]["marketing"], false);
    // Nothing that guards the account, nothing of anybody else.
    let all = json!(files).to_string();
    for secret in ["argon2", "password_hash", "secret_hash", "family_hash", PASSWORD, other.email.as_str()] {
        assert!(!all.contains(secret), "{secret} is in the export");
    }

    stack.advance(Duration::from_hours(23)).await;
    assert_eq!(stack.get(&link, None).await.status, 200);
    stack.advance(Duration::from_mins(61)).await;
    assert_eq!(stack.get(&link, None).await.status, 403);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_delivered_twenty_times_is_mailed_once() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let rule = Rule {
        kind: Kind::Duplicate,
        target: Some("data-exports".into()),
        function: None,
        call: None,
        probability: None,
        times: None,
        delay_ms: None,
        copies: Some(19),
    };
    stack.faults(1, vec![rule]);
    let before = stack.mails(&person.email).len();
    stack.settle().await;
    assert!(before <= 1);
    exported(&stack, &person).await;
    assert_eq!(stack.mails(&person.email).len(), 2);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_closes_the_account_gets_no_export_any_more() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let request = stack.request(reqwest::Method::DELETE, "/auth/me").bearer_auth(&person.token);
    stack.send(request.json(&json!({"password": PASSWORD}))).await.expect(204);
    stack.post("/auth/me/export", &*person.token, &json!({})).await.refused(401, "UNAUTHENTICATED");
    stack.finish().await;
}
