use std::time::Duration;

use e2e::{Answer, Clip, PASSWORD, Person, Stack, clip};
use local::faults::{Kind, Rule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{login, mail_with, registration};

async fn close(stack: &Stack, token: &str, body: &Value) -> Answer {
    stack.send(stack.request(Method::DELETE, "/auth/me").bearer_auth(token).json(body)).await
}

/// A published video of this person's.
pub(crate) async fn published(stack: &Stack, owner: &Person) -> String {
    let path = clip(Clip { width: 320, height: 180, seconds: 1, sound: false });
    let bytes = std::fs::read(path).unwrap();
    let body = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": bytes.len(), "kind": "video", "title": "The sea"});
    let upload = stack.post("/api/upload/initiate", &*owner.token, &body).await.expect(201);
    let put = stack
        .request(Method::PUT, upload["url"].as_str().unwrap())
        .header("content-type", "video/mp4")
        .body(bytes);
    assert_eq!(stack.send(put).await.status, 200);
    stack.settle().await;
    let id = upload["video_id"].as_str().unwrap().to_owned();
    let video = stack.post(&format!("/api/videos/{id}/publish"), &*owner.token, &json!({})).await.expect(200);
    assert_eq!(video["id"], id.as_str(), "{video}");
    id
}

async fn dynamodb(stack: &Stack, operation: &str, body: &Value) -> Value {
    let endpoint = stack.local.info()["aws_endpoint"].as_str().unwrap().to_owned();
    let request = stack
        .request(Method::POST, &endpoint)
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
        .body(body.to_string());
    stack.send(request).await.expect(200)
}

/// Every item of every table that holds one of these texts.
async fn rows_with(stack: &Stack, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for table in dynamodb(stack, "ListTables", &json!({})).await["TableNames"].as_array().unwrap() {
        let mut from = Value::Null;
        loop {
            let mut scan = json!({"TableName": table});
            if !from.is_null() {
                scan["ExclusiveStartKey"] = from;
            }
            let page = dynamodb(stack, "Scan", &scan).await;
            for item in page["Items"].as_array().unwrap() {
                let text = item.to_string();
                if texts.iter().any(|t| text.contains(t)) {
                    found.push(format!("{table}: {text}"));
                }
            }
            from = page["LastEvaluatedKey"].clone();
            if from.is_null() {
                break;
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_closes_at_once_by_its_password_and_its_name_is_free_when_it_is_erased() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    close(&stack, &person.token, &json!({"password": "not the password"}))
        .await
        .refused(403, "WRONG_PASSWORD");
    close(&stack, &person.token, &json!({})).await.refused(400, "VALIDATION_FAILED");
    let answer = close(&stack, &person.token, &json!({"password": PASSWORD})).await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{answer:?}");
    answer.expect(204);

    stack.get(&format!("/users/{}", person.id), None).await.refused(404, "USER_NOT_FOUND");
    stack.get("/auth/me", &*person.token).await.refused(401, "UNAUTHENTICATED");
    stack
        .post("/auth/refresh", None, &json!({"refresh_token": person.refresh}))
        .await
        .refused(401, "REFRESH_TOKEN_INVALID");
    login(&stack, &person.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    stack.settle().await;
    // It reports, once, that it is done.
    let told: Vec<Value> = stack.mails(&person.email);
    assert_eq!(told.len(), 2, "{told:#?}");
    mail_with(&stack, &person.email, "personal data are deleted");

    let anew = stack.register("hanako").await;
    assert_ne!(anew.id, person.id);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasure_reaches_every_area_and_nothing_personal_is_left_anywhere() {
    let stack = Stack::start().await;
    let (person, other) = (stack.register("hanako-yamada").await, stack.register("taro").await);
    let details =
        json!({"display_name": "花子 Yamada", "bio": "a quiet life", "phone_number": "+819012345678"});
    stack.patch("/auth/me", &*person.token, &details).await.expect(200);
    let (own, foreign) = (published(&stack, &person).await, published(&stack, &other).await);
    let on = |video: &str, what: &str| format!("/api/videos/{video}/{what}");
    stack
        .post(&on(&foreign, "comments"), &*person.token, &json!({"content": "what a view"}))
        .await
        .expect(201);
    stack.post(&on(&foreign, "like"), &*person.token, &json!({})).await.expect(200);
    stack.post(&on(&own, "comments"), &*other.token, &json!({"content": "well done"})).await.expect(201);
    stack.post(&on(&own, "like"), &*other.token, &json!({})).await.expect(200);
    stack.post("/auth/me/export", &*person.token, &json!({})).await.expect(202);
    stack.settle().await;
    let notices = stack.get("/notifications", &*person.token).await.expect(200);
    assert!(!notices["items"].as_array().unwrap().is_empty(), "{notices}");

    close(&stack, &person.token, &json!({"password": PASSWORD})).await.expect(204);
    stack.settle().await;

    stack.get(&format!("/api/videos/{own}"), None).await.refused(404, "VIDEO_NOT_FOUND");
    stack.get(&on(&own, "stream"), None).await.refused(404, "VIDEO_NOT_FOUND");
    let left = stack.get(&on(&foreign, "comments"), None).await.expect(200);
    assert!(left["items"].as_array().unwrap().is_empty(), "{left}");
    let counts = stack.get(&format!("/api/videos/{foreign}"), None).await.expect(200);
    assert_eq!((&counts["like_count"], &counts["comment_count"]), (&json!(0), &json!(0)), "{counts}");

    // What only waits for its time to be over: relayed messages, marks, answers of repeated calls, and the longest,
    // 90 days and a week, what others were told of them.
    stack.advance(Duration::from_hours(744)).await;
    let names = [
        person.email.as_str(),
        "hanako-yamada",
        "花子 Yamada",
        "a quiet life",
        "+819012345678",
        "what a view",
    ];
    let rows = rows_with(&stack, &names).await;
    let told =
        |row: &String| row.contains("local-notifications") && row.contains(&format!("USER#{}", other.id));
    assert!(rows.iter().all(told), "{rows:#?}");
    stack.advance(Duration::from_hours(1680)).await;
    let rows = rows_with(&stack, &names).await;
    assert!(rows.is_empty(), "{rows:#?}");
    // The id alone stays, so that what the law keeps under it stays whole.
    let rows = rows_with(&stack, &[person.id.as_str()]).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert!(rows[0].contains("erased_at"), "{rows:#?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_delivered_twenty_times_happens_once() {
    let stack = Stack::start().await;
    let rule = |target: &str| Rule {
        kind: Kind::Duplicate,
        target: Some(target.into()),
        function: None,
        call: None,
        probability: None,
        times: None,
        delay_ms: None,
        copies: Some(19),
    };
    stack.faults(1, vec![rule("user-erasures")]);
    let person = stack.register("hanako").await;
    close(&stack, &person.token, &json!({"password": PASSWORD})).await.expect(204);
    stack.settle().await;
    mail_with(&stack, &person.email, "personal data are deleted");
    // Somebody new under the same name is not erased by a late copy.
    stack.post("/auth/register", None, &registration("hanako")).await.expect(201);
    stack.settle().await;
    login(&stack, &person.email, PASSWORD).await.expect(200);
    stack.finish().await;
}
