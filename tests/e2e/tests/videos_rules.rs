//! Who sees and plays what, lists, likes, comments, captions, publishing by date, counting views, deleting.

// Five videos of a list are best called a to e.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::many_single_char_names)]

use std::time::Duration;

use e2e::{Clip, Person, Stack, UPLOADS, clip, segments, uris, uris_in};
use platform::Time;
use reqwest::Method;
use serde_json::{Value, json};

const SMALL: Clip = Clip { width: 320, height: 240, seconds: 2, sound: true };

/// A call of DynamoDB.
async fn dynamodb(stack: &Stack, operation: &str, body: &Value) -> Value {
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let info = stack.local.info();
    let request = stack
        .request(Method::POST, info["aws_endpoint"].as_str().unwrap())
        .header("authorization", scope)
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string());
    stack.send(request).await.expect(200)
}

/// The follower follows the creator.
async fn follow(stack: &Stack, creator: &str, follower: &str) {
    let item = json!({
        "pk": {"S": format!("FOLLOW#{creator}")}, "sk": {"S": format!("FOLLOWER#{follower}")},
        "creator_id": {"S": creator}, "follower_id": {"S": follower}, "created_at": {"S": stack.local.now()},
    });
    dynamodb(stack, "PutItem", &json!({"TableName": "local-social", "Item": item})).await;
}

/// Codes, and who is told each.
type Others<'a> = &'a [(&'a str, &'a [&'a str])];

#[tokio::test(flavor = "multi_thread")]
async fn who_may_play_what() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let owner = creator.token.as_str();
    let id = stack.published(owner, &clip(SMALL), json!({})).await;
    let (path, play) = (format!("/api/videos/{id}"), format!("/api/videos/{id}/stream"));

    let fan = "0193a1b2-0000-7000-8000-000000000003";
    follow(&stack, &creator.id, fan).await;
    let user = stack.token(None, &["user"]).await;
    let follower = stack.token(Some(fan), &["user"]).await;
    let premium = stack.token(None, &["user", "premium"]).await;
    let plus = stack.token(None, &["user", "premium-plus"]).await;
    let adult = stack.token(None, &["user", "adult-verified"]).await;
    let all = stack.token(Some(fan), &["user", "premium-plus", "adult-verified"]).await;
    let moderator = stack.token(None, &["user", "moderator"]).await;
    let viewers: [(&str, Option<&str>); 9] = [
        ("nobody", None),
        ("user", Some(&user)),
        ("follower", Some(&follower)),
        ("premium", Some(&premium)),
        ("plus", Some(&plus)),
        ("adult", Some(&adult)),
        ("all", Some(&all)),
        ("owner", Some(owner)),
        ("moderator", Some(&moderator)),
    ];

    // What the video asks for; who plays it; what each of the others is told.
    let table: [(Value, &[&str], Others); 8] = [
        (
            json!({"visibility": "public"}),
            &["nobody", "user", "follower", "premium", "plus", "adult", "all"],
            &[],
        ),
        (
            json!({"visibility": "unlisted"}),
            &["nobody", "user", "follower", "premium", "plus", "adult", "all"],
            &[],
        ),
        (
            json!({"visibility": "private"}),
            &[],
            &[("VIDEO_NOT_FOUND", &["nobody", "user", "follower", "premium", "plus", "adult", "all"])],
        ),
        (
            json!({"visibility": "followers"}),
            &["follower", "all"],
            &[("FOLLOWERS_ONLY", &["nobody", "user", "premium", "plus", "adult"])],
        ),
        (
            json!({"visibility": "subscribers"}),
            &["premium", "plus", "all"],
            &[("SUBSCRIBERS_ONLY", &["nobody", "user", "follower", "adult"])],
        ),
        (
            json!({"visibility": "public", "min_plan": "premium"}),
            &["premium", "plus", "all"],
            &[("PLAN_REQUIRED", &["nobody", "user", "follower", "adult"])],
        ),
        (
            json!({"min_plan": "premium_plus"}),
            &["plus", "all"],
            &[("PLAN_REQUIRED", &["nobody", "user", "follower", "adult", "premium"])],
        ),
        (
            json!({"min_plan": "free", "is_adult": true}),
            &["adult", "all"],
            &[("AGE_VERIFICATION_REQUIRED", &["nobody", "user", "follower", "premium", "plus"])],
        ),
    ];
    for (asked, players, others) in table {
        stack.put(&path, owner, &asked).await.expect(200);
        for (name, token) in viewers {
            let answer = stack.get(&play, token).await;
            let code = others.iter().find(|(_, names)| names.contains(&name)).map(|(code, _)| *code);
            let plays = players.contains(&name) || ["owner", "moderator"].contains(&name);
            assert!(plays != code.is_some(), "the table does not say what {name} meets with {asked}");
            match code {
                Some(code @ "VIDEO_NOT_FOUND") => {
                    answer.refused(404, code);
                }
                Some(code) => {
                    answer.refused(403, code);
                }
                None => {
                    answer.expect(200);
                }
            }
            // To be told what a video asks for, one may know of it.
            let seen = if asked["visibility"] == "private" && !plays { 404 } else { 200 };
            stack.get(&path, token).await.expect(seen);
        }
    }
    let refusal = json!({"min_plan": "premium", "is_adult": false});
    stack.put(&path, owner, &refusal).await.expect(200);
    let told = stack.get(&play, user.as_str()).await.refused(403, "PLAN_REQUIRED");
    assert_eq!(told["required_plan"], "premium");
    // Views and leave go by the same rules.
    let watched = json!({"position_seconds": 2, "watched_seconds": 2});
    stack.post(&format!("{path}/view"), user.as_str(), &watched).await.refused(403, "PLAN_REQUIRED");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_exists_for_its_owner_alone_and_others_change_nothing() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let stranger = stack.register("ken").await;
    let id = stack.video(&creator.token, &clip(SMALL), json!({})).await;
    let path = format!("/api/videos/{id}");
    let token = stranger.token.as_str();
    for part in ["", "/stream", "/status", "/comments"] {
        stack.get(&format!("{path}{part}"), token).await.refused(404, "VIDEO_NOT_FOUND");
    }
    stack.post(&format!("{path}/like"), token, &json!({})).await.refused(404, "VIDEO_NOT_FOUND");
    stack.post(&format!("{path}/publish"), token, &json!({})).await.refused(404, "VIDEO_NOT_FOUND");
    stack.put(&path, token, &json!({"title": "Mine"})).await.refused(404, "VIDEO_NOT_FOUND");
    stack.delete(&path, token).await.refused(404, "VIDEO_NOT_FOUND");

    stack.publish(&creator.token, &id, &json!({})).await;
    stack.put(&path, token, &json!({"title": "Mine"})).await.refused(403, "FORBIDDEN");
    stack.delete(&path, token).await.refused(403, "FORBIDDEN");
    stack.get(&format!("{path}/status"), token).await.refused(403, "FORBIDDEN");
    stack.put(&path, None, &json!({"title": "Mine"})).await.refused(401, "UNAUTHENTICATED");
    stack.get("/api/videos/0193a1b2-0000-7000-8000-000000000001", None).await.refused(404, "VIDEO_NOT_FOUND");
    stack.get("/api/videos/none", None).await.refused(404, "VIDEO_NOT_FOUND");
    assert_eq!(stack.get(&path, None).await.expect(200)["title"], "Sea");
    let changed = stack.put(&path, creator.token.as_str(), &json!({"title": " Waves "})).await.expect(200);
    assert_eq!(changed["title"], "Waves");
    stack.finish().await;
}

/// The ids of a page.
fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|v| v["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_by_cursor_and_are_narrowed_by_what_is_asked() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let other = stack.register("ken").await;
    let file = clip(Clip { width: 160, height: 120, seconds: 1, sound: false });
    let mut videos = Vec::new();
    for (who, more) in [
        (&creator, json!({"tags": ["Cats"], "category": "pets"})),
        (&creator, json!({"tags": ["cats", "dogs"], "category": "pets", "kind": "short"})),
        (&creator, json!({"tags": ["dogs"], "category": "news"})),
        (&other, json!({"tags": ["cats"], "category": "news"})),
        (&other, json!({"tags": ["cats"]})),
    ] {
        videos.push((stack.upload(&who.token, &file, more).await, who.token.clone()));
    }
    stack.settle().await;
    for (id, token) in &videos {
        stack.publish(token, id, &json!({})).await;
        // Published one after the other.
        stack.local.advance(Duration::from_millis(10)).await.unwrap();
    }
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|n: usize| videos[n].0.as_str());
    stack
        .put(&format!("/api/videos/{e}"), other.token.as_str(), &json!({"is_adult": true}))
        .await
        .expect(200);
    let list = async |query: &str| stack.get(&format!("/api/videos?{query}"), None).await.expect(200);

    // Newest first, two at a time, without gaps or repetitions, until there is no more.
    let adult = stack.token(None, &["user", "adult-verified"]).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = stack.get(&format!("/api/videos?limit=2{cursor}"), adult.as_str()).await.expect(200);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [e, d, c, b, a]);

    assert_eq!(ids(&list("").await), [d, c, b, a], "nobody's age is not verified");
    assert_eq!(ids(&list("tag=CATS").await), [d, b, a]);
    assert_eq!(ids(&list("category=pets").await), [b, a]);
    assert_eq!(ids(&list("category=pets&kind=video").await), [a]);
    assert_eq!(ids(&list("kind=short").await), [b]);
    assert_eq!(ids(&list(&format!("owner_id={}", creator.id)).await), [c, b, a]);
    assert_eq!(ids(&list(&format!("owner_id={}&tag=dogs", creator.id)).await), [c, b]);
    let published = |id: &str| videos.iter().position(|(v, _)| v == id).unwrap();
    assert_eq!(published(c), 2);
    let third = stack.get(&format!("/api/videos/{c}"), None).await.expect(200);
    let moment = third["published_at"].as_str().unwrap();
    assert_eq!(ids(&list(&format!("from={moment}")).await), [d, c]);
    assert_eq!(ids(&list(&format!("to={moment}")).await), [c, b, a]);
    assert_eq!(ids(&list(&format!("from={}", &moment[..10])).await), [d, c, b, a]);

    // By popularity.
    let watched = json!({"position_seconds": 1, "watched_seconds": 1});
    for (id, viewers) in [(b, 2), (a, 1)] {
        for _ in 0..viewers {
            let viewer = stack.token(None, &["user"]).await;
            stack.post(&format!("/api/videos/{id}/view"), viewer.as_str(), &watched).await.expect(200);
        }
    }
    assert_eq!(ids(&list("sort=popular").await), [b, a, d, c]);

    // One's own list holds what is not out as well; hidden ones leave the public lists.
    stack
        .put(&format!("/api/videos/{c}"), creator.token.as_str(), &json!({"visibility": "unlisted"}))
        .await
        .expect(200);
    assert_eq!(ids(&list("").await), [d, b, a]);
    let own = stack.get("/api/videos?owner_id=me", creator.token.as_str()).await.expect(200);
    assert_eq!(ids(&own), [c, b, a]);
    stack.get("/api/videos?owner_id=me", None).await.refused(401, "UNAUTHENTICATED");

    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("sort=best", "sort"),
        ("kind=film", "kind"),
        ("from=soon", "from"),
        ("cursor=nonsense", "cursor"),
    ] {
        let problem =
            stack.get(&format!("/api/videos?{query}"), None).await.refused(400, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
    stack.finish().await;
}

async fn notices(stack: &Stack, of: &Person, kind: &str) -> Vec<Value> {
    stack.settle().await;
    let all = stack.get("/notifications?limit=100", of.token.as_str()).await.expect(200);
    all["items"].as_array().unwrap().iter().filter(|n| n["type"] == kind).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_like_counts_once_per_person_and_can_be_taken_back() {
    let stack = Stack::start().await;
    let (creator, fan) = (stack.register("mina").await, stack.register("ken").await);
    let id = stack.published(&creator.token, &clip(SMALL), json!({})).await;
    let like = format!("/api/videos/{id}/like");
    for _ in 0..3 {
        let liked = stack.post(&like, fan.token.as_str(), &json!({})).await.expect(200);
        assert_eq!(liked, json!({"liked": true, "like_count": 1}));
    }
    let own = stack.post(&like, creator.token.as_str(), &json!({})).await.expect(200);
    assert_eq!(own["like_count"], 2);
    assert_eq!(notices(&stack, &creator, "video_liked").await.len(), 1, "nobody is told of their own doings");
    stack.post(&like, None, &json!({})).await.refused(401, "UNAUTHENTICATED");
    for _ in 0..2 {
        stack.delete(&like, fan.token.as_str()).await.expect(204);
    }
    assert_eq!(stack.get(&format!("/api/videos/{id}"), None).await.expect(200)["like_count"], 1);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_changed_by_their_authors_and_deleted_by_those_who_answer_for_them() {
    let stack = Stack::start().await;
    let (creator, fan, other) =
        (stack.register("mina").await, stack.register("ken").await, stack.register("yuna").await);
    let id = stack.published(&creator.token, &clip(SMALL), json!({})).await;
    let path = format!("/api/videos/{id}/comments");
    let mut comments = Vec::new();
    for n in 0..5 {
        let made =
            stack.post(&path, fan.token.as_str(), &json!({"content": format!("Nice {n}")})).await.expect(201);
        assert_eq!((&made["content"], &made["author_id"]), (&json!(format!("Nice {n}")), &json!(fan.id)));
        comments.push(made["id"].as_str().unwrap().to_owned());
    }
    assert!(!notices(&stack, &creator, "new_comment").await.is_empty());
    let count =
        async || stack.get(&format!("/api/videos/{id}"), None).await.expect(200)["comment_count"].clone();
    assert_eq!(count().await, 5);

    let first = stack.get(&format!("{path}?limit=3"), None).await.expect(200);
    let rest = format!("{path}?limit=3&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = stack.get(&rest, None).await.expect(200);
    assert_eq!(rest["next_cursor"], Value::Null);
    let newest: Vec<&str> = comments.iter().rev().map(String::as_str).collect();
    assert_eq!([ids(&first), ids(&rest)].concat(), newest);

    let at = |n: usize| format!("{path}/{}", comments[n]);
    let text = json!({"content": "Better"});
    assert_eq!(stack.put(&at(0), fan.token.as_str(), &text).await.expect(200)["content"], "Better");
    stack.put(&at(0), creator.token.as_str(), &text).await.refused(403, "FORBIDDEN");
    stack.put(&at(0), other.token.as_str(), &text).await.refused(403, "FORBIDDEN");
    stack.delete(&at(0), other.token.as_str()).await.refused(403, "FORBIDDEN");
    stack.delete(&at(0), fan.token.as_str()).await.expect(204);
    stack.delete(&at(0), fan.token.as_str()).await.refused(404, "COMMENT_NOT_FOUND");
    stack.put(&at(0), fan.token.as_str(), &text).await.refused(404, "COMMENT_NOT_FOUND");
    stack.delete(&at(1), creator.token.as_str()).await.expect(204);
    let moderator = stack.token(None, &["user", "moderator"]).await;
    stack.delete(&at(2), moderator.as_str()).await.expect(204);
    assert_eq!(count().await, 2);

    for content in [json!(""), json!("   "), json!("x".repeat(2001)), json!(7), Value::Null] {
        let answer = stack.post(&path, fan.token.as_str(), &json!({"content": content})).await;
        assert_eq!(answer.refused(400, "VALIDATION_FAILED")["errors"][0]["field"], "content");
    }
    stack.post(&path, None, &text).await.refused(401, "UNAUTHENTICATED");
    stack.finish().await;
}

const SRT: &str =
    "1\r\n00:00:00,000 --> 00:00:01,500\r\nこんにちは\r\n\r\n2\r\n00:00:01,500 --> 00:00:02,000\r\n海\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn captions_stand_in_the_manifest_and_play_from_signed_addresses() {
    let stack = Stack::start().await;
    let (creator, stranger) = (stack.register("mina").await, stack.register("ken").await);
    let token = creator.token.as_str();
    let id = stack.published(token, &clip(SMALL), json!({})).await;
    let path = format!("/api/videos/{id}/captions");
    let text = async |url: &str| {
        let answer = stack.get(url, None).await;
        assert_eq!(answer.status.as_u16(), 200, "{url}: {}", answer.json);
        String::from_utf8(answer.bytes).unwrap()
    };
    let english =
        json!({"language": "en", "format": "vtt", "content": "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"});
    stack.post(&path, token, &json!({"language": "JA", "format": "srt", "content": SRT})).await.expect(201);
    let added = stack.post(&path, token, &english).await.expect(201);
    assert_eq!(added["language"], "en");
    assert!(text(added["url"].as_str().unwrap()).await.contains("Hello"));
    stack.settle().await;

    let stream = stack.stream(&id, None).await;
    let languages: Vec<&str> =
        stream["captions"].as_array().unwrap().iter().map(|c| c["language"].as_str().unwrap()).collect();
    assert_eq!(languages, ["en", "ja"]);
    let master = text(stream["manifest_url"].as_str().unwrap()).await;
    assert_eq!(master.matches("TYPE=SUBTITLES").count(), 2, "{master}");
    assert_eq!(master.matches(",SUBTITLES=\"").count(), uris(&master).len(), "{master}");
    assert!(master.contains("LANGUAGE=\"ja\"") && master.contains("NAME=\"日本語\""), "{master}");
    let playlists = uris_in("#EXT-X-MEDIA", &master);
    assert_eq!(playlists.len(), 2);
    let japanese = playlists.iter().find(|u| u.contains("captions_ja")).unwrap();
    let cues = segments(&text(japanese).await);
    assert_eq!(cues.len(), 1);
    let vtt = text(&cues[0].uri).await;
    assert!(vtt.starts_with("WEBVTT") && vtt.contains("00:00:00.000 --> 00:00:01.500\nこんにちは"), "{vtt}");
    assert_eq!(stack.get(cues[0].uri.split('?').next().unwrap(), None).await.status.as_u16(), 403);

    // The same language again replaces; the picture still plays.
    let again =
        json!({"language": "en", "format": "vtt", "content": "WEBVTT\n\n00:00.000 --> 00:01.000\nGoodbye\n"});
    stack.post(&path, token, &again).await.expect(201);
    stack.settle().await;
    let stream = stack.stream(&id, None).await;
    let english = stream["captions"].as_array().unwrap().iter().find(|c| c["language"] == "en").unwrap();
    assert!(text(english["url"].as_str().unwrap()).await.contains("Goodbye"));
    let master = text(stream["manifest_url"].as_str().unwrap()).await;
    assert_eq!(master.matches("TYPE=SUBTITLES").count(), 2, "{master}");
    let replaced = added["url"].as_str().unwrap().split('?').next().unwrap().rsplit('/').next().unwrap();
    assert!(!stack.stored().iter().any(|key| key.ends_with(replaced)), "{replaced} is still there");
    let segment = segments(&text(&uris(&master)[0]).await)[0].uri.clone();
    assert_eq!(stack.get(&segment, None).await.status.as_u16(), 200);

    let bad = json!({"language": "ko", "format": "vtt", "content": "no captions at all"});
    assert!(stack.post(&path, token, &bad).await.refused(400, "CAPTIONS_INVALID")["line"].is_number());
    let bad = json!({"language": "Japanese!", "format": "vtt", "content": "WEBVTT\n"});
    let problem = stack.post(&path, token, &bad).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(problem["errors"][0]["field"], "language");
    stack.post(&path, stranger.token.as_str(), &again).await.refused(403, "FORBIDDEN");
    let draft = stack.announce(token, 1000, json!({})).await;
    let draft = format!("/api/videos/{}/captions", draft["video_id"].as_str().unwrap());
    stack.post(&draft, token, &again).await.refused(409, "VIDEO_NOT_READY");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_video_comes_out_at_its_time() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = clip(Clip { width: 160, height: 120, seconds: 1, sound: false });
    let id = stack.upload(&creator.token, &file, json!({})).await;
    let called_off = stack.upload(&creator.token, &file, json!({})).await;
    stack.settle().await;
    let at = Time::from_ms(stack.local.clock.now_ms() + 3_600_000).to_string();
    for id in [&id, &called_off] {
        let video = stack.publish(&creator.token, id, &json!({"publish_at": at})).await;
        assert_eq!((&video["publication"], &video["publish_at"]), (&json!("scheduled"), &json!(at)));
        stack.get(&format!("/api/videos/{id}"), None).await.refused(404, "VIDEO_NOT_FOUND");
    }
    stack.delete(&format!("/api/videos/{called_off}"), creator.token.as_str()).await.expect(204);

    stack.advance(Duration::from_mins(59)).await;
    stack.get(&format!("/api/videos/{id}"), None).await.refused(404, "VIDEO_NOT_FOUND");
    assert_eq!(ids(&stack.get("/api/videos", None).await.expect(200)), Vec::<&str>::new());
    stack.advance(Duration::from_mins(2)).await;
    let video = stack.get(&format!("/api/videos/{id}"), None).await.expect(200);
    assert_eq!((&video["publication"], &video["publish_at"]), (&json!("published"), &Value::Null));
    assert!(video["published_at"].as_str().unwrap() >= at.as_str());
    assert_eq!(ids(&stack.get("/api/videos", None).await.expect(200)), [id.as_str()]);
    stack.stream(&id, None).await;
    // The next minute publishes nothing again.
    stack.advance(Duration::from_mins(1)).await;
    assert_eq!(stack.get(&format!("/api/videos/{id}"), None).await.expect(200), video);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_counts_once_per_viewer_and_half_hour_after_ten_seconds_or_a_tenth() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let id = stack.published(&creator.token, &clip(SMALL), json!({})).await;
    let path = format!("/api/videos/{id}/view");
    let viewer = "0193a1b2-0000-7000-8000-000000000003";
    let token = stack.token(Some(viewer), &["user"]).await;
    let watched = |seconds: f64| json!({"position_seconds": seconds, "watched_seconds": seconds});
    let short = stack.post(&path, token.as_str(), &watched(0.1)).await.expect(200);
    assert_eq!(short, json!({"counted": false, "view_count": 0}), "less than a tenth of two seconds");
    let first = stack.post(&path, token.as_str(), &watched(0.5)).await.expect(200);
    assert_eq!(first, json!({"counted": true, "view_count": 1}));
    for _ in 0..3 {
        let again = stack.post(&path, token.as_str(), &watched(2.0)).await.expect(200);
        assert_eq!(again, json!({"counted": false, "view_count": 1}));
    }
    // Others count for themselves; without an account, by address and browser.
    assert_eq!(stack.post(&path, None, &watched(1.0)).await.expect(200)["view_count"], 2);
    assert_eq!(stack.post(&path, None, &watched(1.0)).await.expect(200)["counted"], false);
    let browser =
        stack.request(Method::POST, &path).header("user-agent", "another browser").json(&watched(1.0));
    assert_eq!(stack.send(browser).await.expect(200)["view_count"], 3);

    stack.advance(Duration::from_secs(1800 - 30)).await;
    let token = stack.token(Some(viewer), &["user"]).await;
    assert_eq!(stack.post(&path, token.as_str(), &watched(1.0)).await.expect(200)["counted"], false);
    stack.advance(Duration::from_secs(31)).await;
    let later = stack.post(&path, token.as_str(), &watched(1.0)).await.expect(200);
    assert_eq!(later, json!({"counted": true, "view_count": 4}));
    assert_eq!(stack.get(&format!("/api/videos/{id}"), None).await.expect(200)["view_count"], 4);
    for bad in
        [json!({"position_seconds": -1, "watched_seconds": 1}), json!({"watched_seconds": "long"}), json!({})]
    {
        stack.post(&path, token.as_str(), &bad).await.refused(400, "VALIDATION_FAILED");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_at_the_same_moment_count_once() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let id = stack.published(&creator.token, &clip(SMALL), json!({})).await;
    let viewer = stack.token(None, &["user"]).await;
    let (path, body) =
        (format!("/api/videos/{id}/view"), json!({"position_seconds": 2, "watched_seconds": 2}));
    let (path, body, viewer, stack_ref) = (&path, &body, viewer.as_str(), &stack);
    let calls = (0..8).map(|_| async move { stack_ref.post(path, viewer, body).await.expect(200) });
    let answers = futures::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|a| a["counted"] == true).count(), 1, "{answers:?}");
    assert_eq!(stack.get(&format!("/api/videos/{id}"), None).await.expect(200)["view_count"], 1);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_video_removes_every_object_and_every_trace_in_lists() {
    let stack = Stack::start().await;
    let (creator, fan) = (stack.register("mina").await, stack.register("ken").await);
    let token = creator.token.as_str();
    let id = stack.published(token, &clip(SMALL), json!({"tags": ["sea"]})).await;
    let other = stack.published(token, &clip(SMALL), json!({})).await;
    let path = format!("/api/videos/{id}");
    stack.post(&format!("{path}/like"), fan.token.as_str(), &json!({})).await.expect(200);
    for n in 0..3 {
        stack
            .post(&format!("{path}/comments"), fan.token.as_str(), &json!({"content": format!("{n}")}))
            .await
            .expect(201);
    }
    stack
        .post(&format!("{path}/captions"), token, &json!({"language": "ja", "format": "srt", "content": SRT}))
        .await
        .expect(201);
    stack.settle().await;
    let stream = stack.stream(&id, None).await;
    let picture = stream["thumbnails"][0].as_str().unwrap().to_owned();
    assert!(stack.stored().iter().any(|k| k.starts_with(UPLOADS) && k.contains(&id)));
    let of_other: Vec<String> = stack.stored().into_iter().filter(|k| k.contains(&other)).collect();

    assert!(rows_of(&stack, &id).await.len() > 5);
    stack.delete(&path, token).await.expect(204);
    stack.settle().await;
    assert_eq!(stack.stored(), of_other, "nothing of it, and all of the other");
    assert_eq!(stack.waiting(), Vec::<Value>::new());
    for part in ["", "/stream", "/status", "/comments"] {
        stack.get(&format!("{path}{part}"), token).await.refused(404, "VIDEO_NOT_FOUND");
    }
    stack.delete(&path, token).await.refused(404, "VIDEO_NOT_FOUND");
    for query in ["", "?tag=sea", "?owner_id=me"] {
        let page = stack.get(&format!("/api/videos{query}"), token).await.expect(200);
        assert!(!ids(&page).contains(&id.as_str()), "{query}");
    }
    assert_eq!(rows_of(&stack, &id).await, Vec::<Value>::new());
    assert_ne!(stack.get(&picture, None).await.status.as_u16(), 200);
    stack.finish().await;
}

/// Rows of the table `videos` that are a video's own.
async fn rows_of(stack: &Stack, id: &str) -> Vec<Value> {
    let query = json!({
        "TableName": "local-videos", "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": format!("VIDEO#{id}")}},
    });
    dynamodb(stack, "Query", &query).await["Items"].as_array().unwrap().clone()
}
