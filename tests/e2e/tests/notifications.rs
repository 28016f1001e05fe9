//! Notices to people: told once, folded, in the reader's language.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use cloud_queues::{AttributeData, MessageAttribute, Outgoing};
use e2e::{PASSWORD, Person, Stack};
use local::faults::{Kind, Rule};
use serde_json::{Value, json};

/// Puts a notice on the queue as the outbox's relay does.
fn tell(stack: &Stack, message_id: &str, notice: &Value) {
    let mut message = Outgoing::text(notice.to_string());
    let id = MessageAttribute { data_type: "String".into(), value: AttributeData::Text(message_id.into()) };
    message.attributes.insert("message_id".into(), id);
    stack.local.queues.send(&stack.local.staged("notifications"), message).unwrap();
}

fn liked(reader: &Person, actor: &str, video: &str) -> Value {
    json!({"user": reader.id, "kind": "video_liked", "actor": actor,
        "data": {"actor_name": "Mina", "title": "The sea", "video_id": video}})
}

fn ready(reader: &Person, title: &str) -> Value {
    json!({"user": reader.id, "kind": "video_ready", "data": {"title": title, "video_id": title}})
}

/// An id of nobody in particular.
fn somebody(n: u8) -> String {
    format!("0192d3a4-5b6c-7d8e-9f01-2345678901{n:02x}")
}

async fn list(stack: &Stack, reader: &Person) -> (Vec<Value>, u64) {
    let page = stack.get("/notifications?limit=100", &*reader.token).await.expect(200);
    (page["items"].as_array().unwrap().clone(), page["unread_count"].as_u64().unwrap())
}

async fn reader_in(stack: &Stack, language: &str) -> Person {
    let name = format!("reader-{language}");
    let body = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD, "language": language});
    Person::of(&stack.post("/auth/register", None, &body).await.expect(201))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_delivered_twenty_times_out_of_order_is_told_once_with_one_mail() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    stack.settle().await;
    let rule = |kind, target: &str, copies| Rule {
        kind,
        target: Some(target.into()),
        function: None,
        call: None,
        probability: None,
        times: None,
        delay_ms: None,
        copies,
    };
    stack.faults(
        7,
        vec![
            rule(Kind::Duplicate, "notifications", Some(19)),
            rule(Kind::Reorder, "notifications", None),
            rule(Kind::Duplicate, "emails", Some(19)),
        ],
    );
    for n in 0..3 {
        tell(&stack, &somebody(n), &ready(&reader, &format!("Video {n}")));
    }
    stack.settle().await;
    // Copies that came while another was being worked off were refused, and came again.
    stack.expect_failures();
    for queue in stack.local.queue_list() {
        assert_eq!(queue["dlq"]["visible"].as_u64().unwrap_or(0), 0, "{queue}");
    }
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!((items.len(), unread), (3, 3), "{items:#?}");
    // One mail to confirm the address, one for each video.
    assert_eq!(stack.mails(&reader.email).len(), 4);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_about_one_thing_folds_into_one_notification_that_counts() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    for n in 0..12 {
        tell(&stack, &somebody(100 + n), &liked(&reader, &somebody(n), "a"));
    }
    tell(&stack, &somebody(200), &liked(&reader, &somebody(1), "b"));
    stack.settle().await;
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!((items.len(), unread), (2, 2), "{items:#?}");
    let burst = items.iter().find(|i| i["data"]["video_id"] == "a").unwrap();
    assert_eq!((&burst["count"], &burst["type"]), (&json!(12), &json!("video_liked")));
    assert_eq!(burst["text"], "12 people liked “The sea”.");
    let one = items.iter().find(|i| i["data"]["video_id"] == "b").unwrap();
    assert_eq!(one["text"], "Mina liked “The sea”.");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn liking_again_is_not_told_again_and_nobody_is_told_of_their_own_doings() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    for message in 0..3 {
        tell(&stack, &somebody(100 + message), &liked(&reader, &somebody(1), "a"));
    }
    tell(&stack, &somebody(110), &liked(&reader, &reader.id, "a"));
    stack.settle().await;
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!((items.len(), unread), (1, 1));
    assert_eq!(items[0]["count"], 1);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_reading_or_after_an_hour_begins_another_notification() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    let like = |n: u8| tell(&stack, &somebody(100 + n), &liked(&reader, &somebody(n), "a"));
    like(1);
    stack.settle().await;
    let id = list(&stack, &reader).await.0[0]["id"].as_str().unwrap().to_owned();
    stack.put(&format!("/notifications/{id}/read"), &*reader.token, &json!({})).await.expect(200);
    like(2);
    stack.settle().await;
    assert_eq!(list(&stack, &reader).await.0.len(), 2);
    stack.put("/notifications/read", &*reader.token, &json!({})).await.expect(200);
    like(3);
    stack.settle().await;
    assert_eq!(list(&stack, &reader).await.1, 1);
    stack.advance(std::time::Duration::from_secs(3601)).await;
    like(4);
    stack.settle().await;
    let reader = Person { token: stack.token(Some(&reader.id), &["user"]).await, ..reader };
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!((items.len(), unread), (4, 2), "{items:#?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_marked_read_once_and_only_by_its_reader() {
    let stack = Stack::start().await;
    let (reader, stranger) = (stack.register("hanako").await, stack.register("taro").await);
    for n in 0..3 {
        tell(&stack, &somebody(n), &ready(&reader, &format!("Video {n}")));
    }
    stack.settle().await;
    let (items, _) = list(&stack, &reader).await;
    let path = format!("/notifications/{}/read", items[1]["id"].as_str().unwrap());
    stack.put(&path, &*stranger.token, &json!({})).await.refused(404, "NOTIFICATION_NOT_FOUND");
    let read = stack.put(&path, &*reader.token, &json!({})).await.expect(200);
    assert_eq!((&read["is_read"], &read["id"]), (&json!(true), &items[1]["id"]));
    assert!(read["read_at"].is_string());
    let again = stack.put(&path, &*reader.token, &json!({})).await.expect(200);
    assert_eq!(again["read_at"], read["read_at"]);
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!(unread, 2);
    assert_eq!(items.iter().map(|i| i["is_read"] == true).collect::<Vec<_>>(), [false, true, false]);
    for nothing in [somebody(9), "nonsense".into()] {
        let path = format!("/notifications/{nothing}/read");
        stack.put(&path, &*reader.token, &json!({})).await.refused(404, "NOTIFICATION_NOT_FOUND");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_marked_read_and_what_comes_later_is_not() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    let none = stack.put("/notifications/read", &*reader.token, &json!({})).await.expect(200);
    assert_eq!(none, json!({"unread_count": 0}));
    for n in 0..25 {
        tell(&stack, &somebody(n), &ready(&reader, &format!("Video {n}")));
    }
    stack.settle().await;
    assert_eq!(list(&stack, &reader).await.1, 25);
    stack.put("/notifications/read", &*reader.token, &json!({})).await.expect(200);
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!((items.len(), unread), (25, 0));
    assert!(items.iter().all(|i| i["is_read"] == true && i["read_at"].is_string()));
    tell(&stack, &somebody(50), &ready(&reader, "Late"));
    stack.settle().await;
    let (items, unread) = list(&stack, &reader).await;
    assert_eq!((items.len(), unread, &items[0]["is_read"]), (26, 1, &json!(false)));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_paged_newest_first_and_each_page_knows_the_whole_count() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    for n in 0..7 {
        tell(&stack, &somebody(n), &ready(&reader, &format!("Video {n}")));
        stack.settle().await;
    }
    let (mut titles, mut path) = (Vec::new(), "/notifications?limit=3".to_owned());
    loop {
        let page = stack.get(&path, &*reader.token).await.expect(200);
        assert_eq!(page["unread_count"], 7);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        titles.extend(items.iter().map(|i| i["data"]["title"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/notifications?limit=3&cursor={cursor}");
    }
    let wanted: Vec<String> = (0..7).rev().map(|n| format!("Video {n}")).collect();
    assert_eq!(titles, wanted);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn title_and_text_are_in_the_readers_language_whoever_caused_them() {
    let stack = Stack::start().await;
    let wanted = [
        ("ja", "12人が", "いいね"),
        ("en", "12 people", "New like"),
        ("ko", "12명이", "좋아요"),
        ("zh", "12人", "收到点赞"),
        ("vi", "12 người", "Lượt thích mới"),
    ];
    for (at, (language, many, title)) in (0u8..).zip(wanted) {
        let reader = reader_in(&stack, language).await;
        for n in 0..12 {
            tell(&stack, &somebody(20 * at + n), &liked(&reader, &somebody(n), "a"));
        }
        stack.settle().await;
        let (items, _) = list(&stack, &reader).await;
        assert_eq!(items[0]["title"], title);
        assert!(items[0]["text"].as_str().unwrap().starts_with(many), "{items:#?}");
    }
    stack.finish().await;
}

/// A reader who changed nothing hears of everything but offers, by every channel.
#[tokio::test(flavor = "multi_thread")]
async fn by_default_every_kind_arrives_and_a_ready_video_brings_a_mail() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    let kinds = [
        "video_ready",
        "video_failed",
        "new_video",
        "video_liked",
        "new_comment",
        "new_follower",
        "character_liked",
        "payment_complete",
        "order_paid",
        "credits_low",
        "challenge_joined",
        "badge_earned",
        "live_started",
    ];
    for (n, kind) in (0u8..).zip(kinds) {
        let notice = json!({"user": reader.id, "kind": kind, "actor": somebody(200),
            "data": {"actor_name": "Mina", "title": "The sea", "video_id": "v", "order_number": "O-1", "balance": 3}});
        tell(&stack, &somebody(n), &notice);
    }
    stack.settle().await;
    let (items, unread) = list(&stack, &reader).await;
    let mut arrived: Vec<&str> = items.iter().map(|i| i["type"].as_str().unwrap()).collect();
    arrived.sort_unstable();
    let mut wanted = kinds;
    wanted.sort_unstable();
    assert_eq!((arrived.as_slice(), unread), (wanted.as_slice(), 13));
    for item in &items {
        for member in ["title", "text"] {
            let text = item[member].as_str().unwrap();
            assert!(!text.is_empty() && !text.contains('{'), "{item}");
        }
    }
    let mails = stack.mails(&reader.email);
    assert_eq!(mails.iter().filter(|m| m["text"].as_str().unwrap().contains("/videos/v")).count(), 1);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_what_concerns_a_closed_account() {
    let stack = Stack::start().await;
    let reader = stack.register("hanako").await;
    let close = stack.request(reqwest::Method::DELETE, "/auth/me").bearer_auth(&reader.token);
    stack.send(close.json(&json!({"password": PASSWORD}))).await.expect(204);
    stack.settle().await;
    let before = stack.mails(&reader.email).len();
    tell(&stack, &somebody(1), &ready(&reader, "Late"));
    stack.settle().await;
    assert_eq!(stack.mails(&reader.email).len(), before);
    assert!(list(&stack, &reader).await.0.is_empty());
    stack.finish().await;
}
