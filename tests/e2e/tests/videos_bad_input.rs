//! What people and networks do wrong on the way up: each ends in a state that a person understands, and leaves nothing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use cloud_core::{Bus as _, BusEvent};
use e2e::{Clip, Person, Stack, UPLOADS, clip, id_of, made};
use local::faults::{Kind, Plan};
use reqwest::Method;
use serde_json::{Value, json};

const SMALL: Clip = Clip { width: 320, height: 240, seconds: 2, sound: true };
const LARGE: usize = 100 * 1024 * 1024 + 1;

/// The video failed for this reason, in every reader's language; its owner was told; nothing is left of it.
async fn failed(stack: &Stack, owner: &Person, id: &str, code: &str) {
    stack.settle().await;
    let token = stack.token(Some(&owner.id), &["user", "creator"]).await;
    let path = format!("/api/videos/{id}/status");
    let mut sentences = Vec::new();
    for (language, script) in
        [("en", 'a'..='z'), ("ja", 'ぁ'..='ん'), ("ko", '가'..='힣'), ("zh", '一'..='龥'), ("vi", 'à'..='ỹ')]
    {
        let request =
            stack.request(Method::GET, &path).bearer_auth(&token).header("accept-language", language);
        let status = stack.send(request).await.expect(200);
        assert_eq!(
            (&status["status"], &status["error"]["code"]),
            (&json!("failed"), &json!(code)),
            "{status}"
        );
        let detail = status["error"]["detail"].as_str().unwrap().to_owned();
        assert!(detail.chars().any(|c| script.contains(&c)), "{language}: {detail}");
        assert!(!sentences.contains(&detail), "{language}: {detail}");
        sentences.push(detail);
    }
    let notices = stack.get("/notifications", token.as_str()).await.expect(200);
    let told = |n: &&Value| n["type"] == "video_failed" && n["data"]["video_id"] == id;
    let items = notices["items"].as_array().unwrap();
    assert_eq!(items.iter().filter(told).count(), 1, "{notices}");
    assert_eq!(items.iter().find(told).unwrap()["data"]["code"], code);
    stack
        .post(&format!("/api/videos/{id}/publish"), token.as_str(), &json!({}))
        .await
        .refused(409, "VIDEO_NOT_READY");
    nothing_left(stack);
}

/// No object, no open upload, no message.
fn nothing_left(stack: &Stack) {
    assert_eq!(stack.stored(), Vec::<String>::new());
    assert_eq!(stack.waiting(), Vec::<Value>::new());
}

/// The file arrives without the announced URL's checks, as it would by a key that leaked or from a client that S3
/// trusted: the back end has to look for itself.
async fn arrives(stack: &Stack, key: &str, bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    stack.local.objects.store_file(UPLOADS, key, file.path(), "video/mp4").await.unwrap();
}

/// The key that an upload's URL names.
fn key_of(upload: &Value) -> String {
    let url = upload["url"].as_str().unwrap_or_else(|| upload["parts"][0]["url"].as_str().unwrap());
    let path = url.split('?').next().unwrap();
    path.split_once(UPLOADS).unwrap().1.trim_start_matches('/').to_owned()
}

fn path_of(upload: &Value) -> String {
    format!("/api/upload/{}", upload["upload_id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_video_is_refused_before_anything_is_sent() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let good = json!({
        "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1000, "kind": "video", "title": "Sea",
    });
    for (field, value) in [
        ("size_bytes", json!(0)),
        ("size_bytes", json!(20 * 1024_u64.pow(3) + 1)),
        ("size_bytes", json!("much")),
        ("content_type", json!("text/plain")),
        ("content_type", json!("audio/mpeg")),
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("filename", json!("")),
        ("kind", json!("film")),
        ("tags", json!(vec!["t"; 21])),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = stack.post("/api/upload/initiate", creator.token.as_str(), &body).await;
        let problem = answer.refused(400, "VALIDATION_FAILED");
        assert_eq!(problem["errors"][0]["field"], field, "{value}: {problem}");
    }
    stack.post("/api/upload/initiate", None, &good).await.refused(401, "UNAUTHENTICATED");
    let viewer = stack.token(None, &["user"]).await;
    stack.post("/api/upload/initiate", viewer.as_str(), &good).await.refused(403, "FORBIDDEN");
    stack.settle().await;
    nothing_left(&stack);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_file_named_mp4_is_not_what_was_announced() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let text = b"This is no video, whatever its name says. ".repeat(100);
    let upload = stack.announce(&creator.token, text.len(), json!({})).await;
    stack.send_file(&upload, text).await.expect(200);
    failed(&stack, &creator, &id_of(&upload), "CONTENT_MISMATCH").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_other_than_the_announced_one_is_not_what_was_announced() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let upload = stack.announce(&creator.token, bytes.len(), json!({"content_type": "video/webm"})).await;
    stack.send_file(&upload, bytes).await.expect(200);
    failed(&stack, &creator, &id_of(&upload), "CONTENT_MISMATCH").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_mp4_is_unreadable_wherever_its_index_is() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    // Its index at the end is cut off: the probe finds none.
    let picture = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x240:rate=30:duration=4",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
    ];
    let behind = std::fs::read(made("index-behind.mp4", &picture)).unwrap();
    // Its index at the beginning promises what does not come: only transcoding finds out.
    let mut args = picture.to_vec();
    args.extend(["-movflags", "+faststart"]);
    let before = std::fs::read(made("index-before.mp4", &args)).unwrap();
    for bytes in [&behind[..behind.len() / 2], &before[..before.len() / 2]] {
        let upload = stack.announce(&creator.token, bytes.len(), json!({})).await;
        stack.send_file(&upload, bytes.to_vec()).await.expect(200);
        failed(&stack, &creator, &id_of(&upload), "UNREADABLE_MEDIA").await;
    }
    assert_eq!(jobs(&stack).await.len(), 1, "the first was not worth a job");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_alone_is_no_video() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = made("sound.mp4", &["-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:a", "aac"]);
    let id = stack.upload(&creator.token, &file, json!({})).await;
    failed(&stack, &creator, &id, "NO_VIDEO_STREAM").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_announced_url_takes_the_announced_size_and_no_other() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let upload = stack.announce(&creator.token, bytes.len(), json!({})).await;
    for other in [Vec::new(), bytes[1..].to_vec(), [&bytes[..], b"x"].concat()] {
        assert_eq!(stack.send_file(&upload, other).await.status.as_u16(), 403);
    }
    stack.settle().await;
    assert_eq!(stack.status(&creator.token, &id_of(&upload)).await["status"], "uploading");
    let early =
        stack.post(&format!("{}/complete", path_of(&upload)), creator.token.as_str(), &json!({})).await;
    early.refused(409, "UPLOAD_INCOMPLETE");
    nothing_left(&stack);
    // The right file still gets in.
    stack.send_file(&upload, bytes).await.expect(200);
    stack.settle().await;
    assert_eq!(stack.status(&creator.token, &id_of(&upload)).await["status"], "ready");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_file_of_no_bytes_or_of_another_size_is_not_what_was_announced() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    for stored in [&[][..], &bytes[..bytes.len() - 1]] {
        let upload = stack.announce(&creator.token, bytes.len(), json!({})).await;
        arrives(&stack, &key_of(&upload), stored).await;
        failed(&stack, &creator, &id_of(&upload), "CONTENT_MISMATCH").await;
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_add_up_to_another_size_are_not_what_was_announced() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let upload = stack.announce(token, LARGE, json!({})).await;
    let part = vec![0; 5 * 1024 * 1024];
    for url in upload["parts"].as_array().unwrap() {
        let put = stack.request(Method::PUT, url["url"].as_str().unwrap()).body(part.clone());
        assert_eq!(stack.send(put).await.status.as_u16(), 200);
    }
    stack.post(&format!("{}/complete", path_of(&upload)), token, &json!({})).await.expect(202);
    failed(&stack, &creator, &id_of(&upload), "CONTENT_MISMATCH").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_missing_or_changed_at_completion_are_named() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let upload = stack.announce(token, LARGE, json!({})).await;
    let complete = format!("{}/complete", path_of(&upload));
    let put = stack.request(Method::PUT, upload["parts"][2]["url"].as_str().unwrap()).body("three");
    assert_eq!(stack.send(put).await.status.as_u16(), 200);
    let missing = stack.post(&complete, token, &json!({})).await.refused(409, "UPLOAD_INCOMPLETE");
    assert_eq!(missing["missing_parts"], json!([1, 2, 4, 5, 6, 7]));
    let sent = json!({"parts": [{"part_number": 3, "etag": "\"0123456789abcdef0123456789abcdef\""}]});
    let changed = stack.post(&complete, token, &sent).await.refused(409, "UPLOAD_INCOMPLETE");
    assert_eq!(changed["missing_parts"], json!([1, 2, 3, 4, 5, 6, 7]));
    let beyond = json!({"part_numbers": [7, 8]});
    let refused = stack.post(&format!("{}/parts", path_of(&upload)), token, &beyond).await;
    assert_eq!(refused.refused(400, "VALIDATION_FAILED")["errors"][0]["field"], "part_numbers[1]");

    // Given up, nothing of it stays.
    stack.delete(&path_of(&upload), token).await.expect(204);
    stack.settle().await;
    nothing_left(&stack);
    stack.post(&complete, token, &json!({})).await.refused(409, "UPLOAD_CLOSED");
    stack.get(&format!("/api/videos/{}/status", id_of(&upload)), token).await.refused(404, "VIDEO_NOT_FOUND");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_its_owners_alone() {
    let stack = Stack::start().await;
    let (creator, stranger) = (stack.register("mina").await, stack.register("ken").await);
    let upload = stack.announce(&creator.token, 1000, json!({})).await;
    let (path, token) = (path_of(&upload), stranger.token.as_str());
    stack.get(&path, token).await.refused(404, "UPLOAD_NOT_FOUND");
    stack.delete(&path, token).await.refused(404, "UPLOAD_NOT_FOUND");
    stack.post(&format!("{path}/complete"), token, &json!({})).await.refused(404, "UPLOAD_NOT_FOUND");
    stack
        .post(&format!("{path}/parts"), token, &json!({"part_numbers": [1]}))
        .await
        .refused(404, "UPLOAD_NOT_FOUND");
    stack.get(&format!("/api/videos/{}/status", id_of(&upload)), token).await.refused(404, "VIDEO_NOT_FOUND");
    stack.get(&path, creator.token.as_str()).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_url_is_refused_by_s3_and_renewed_by_the_api() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let whole = stack.announce(&creator.token, bytes.len(), json!({})).await;
    let parts = stack.announce(&creator.token, LARGE, json!({})).await;
    stack.advance(Duration::from_secs(3601)).await;

    let late = stack.send_file(&whole, bytes.clone()).await;
    assert_eq!(late.status.as_u16(), 403, "{:?}", String::from_utf8_lossy(&late.bytes));
    let put = stack.request(Method::PUT, parts["parts"][0]["url"].as_str().unwrap()).body("one");
    assert_eq!(stack.send(put).await.status.as_u16(), 403);

    let token = stack.token(Some(&creator.id), &["user", "creator"]).await;
    let one = json!({"part_numbers": [1]});
    let fresh = stack.post(&format!("{}/parts", path_of(&whole)), token.as_str(), &one).await.expect(200);
    let url = fresh["parts"][0]["url"].as_str().unwrap();
    let put = stack.request(Method::PUT, url).header("content-type", "video/mp4").body(bytes);
    assert_eq!(stack.send(put).await.status.as_u16(), 200);
    stack.settle().await;
    assert_eq!(stack.status(&token, &id_of(&whole)).await["status"], "ready");
    let fresh = stack.post(&format!("{}/parts", path_of(&parts)), token.as_str(), &one).await.expect(200);
    let put = stack.request(Method::PUT, fresh["parts"][0]["url"].as_str().unwrap()).body("one");
    assert_eq!(stack.send(put).await.status.as_u16(), 200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_not_finished_in_a_day_has_expired() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let upload = stack.announce(&creator.token, LARGE, json!({})).await;
    let put = stack.request(Method::PUT, upload["parts"][0]["url"].as_str().unwrap()).body("one");
    assert_eq!(stack.send(put).await.status.as_u16(), 200);
    stack.advance(Duration::from_hours(24) + Duration::from_mins(1)).await;
    let token = stack.token(Some(&creator.id), &["user", "creator"]).await;
    stack.get(&path_of(&upload), token.as_str()).await.refused(410, "UPLOAD_EXPIRED");
    let complete = format!("{}/complete", path_of(&upload));
    stack.post(&complete, token.as_str(), &json!({})).await.refused(410, "UPLOAD_EXPIRED");
    failed(&stack, &creator, &id_of(&upload), "UPLOAD_EXPIRED").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_completion_of_a_whole_file_changes_nothing() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let upload = stack.announce(token, bytes.len(), json!({})).await;
    let complete = format!("{}/complete", path_of(&upload));
    stack.send_file(&upload, bytes.clone()).await.expect(200);
    let expected = json!({"video_id": id_of(&upload), "status": "queued"});
    for _ in 0..2 {
        assert_eq!(stack.post(&complete, token, &json!({})).await.expect(202), expected);
    }
    stack.settle().await;
    assert_eq!(stack.post(&complete, token, &json!({})).await.expect(202), expected);
    stack.settle().await;
    assert_eq!(stack.status(token, &id_of(&upload)).await["status"], "ready");
    stack.delete(&path_of(&upload), token).await.refused(409, "UPLOAD_CLOSED");
    // The URL still works for an hour: sending the file again makes no second video.
    stack.send_file(&upload, bytes).await.expect(200);
    stack.settle().await;
    assert_eq!(jobs(&stack).await.len(), 1);
    assert_eq!(mails_about(&stack, &creator, &id_of(&upload)), 1);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_nobody_announced_goes() {
    let stack = Stack::start().await;
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let (one, two) = ("0193a1b2-0000-7000-8000-000000000001", "0193a1b2-0000-7000-8000-000000000002");
    for key in [
        format!("uploads/{one}/{two}/source.mp4"),
        "uploads/stray.mp4".into(),
        "uploads/日本 語/+&.mp4".into(),
    ] {
        arrives(&stack, &key, &bytes).await;
    }
    stack.settle().await;
    nothing_left(&stack);
    assert_eq!(jobs(&stack).await.len(), 0);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_upload_that_s3_still_reports_leaves_nothing() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let upload = stack.announce(token, bytes.len(), json!({})).await;
    stack.delete(&path_of(&upload), token).await.expect(204);
    stack.delete(&path_of(&upload), token).await.expect(204);
    stack.settle().await;
    // The client's other tab had begun to send: the URL is good, S3 takes the file and reports it.
    stack.send_file(&upload, bytes.clone()).await.expect(200);
    stack.settle().await;
    nothing_left(&stack);
    assert_eq!(jobs(&stack).await.len(), 0);
    stack.get(&format!("/api/videos/{}", id_of(&upload)), token).await.refused(404, "VIDEO_NOT_FOUND");
    assert_eq!(stack.get(&path_of(&upload), token).await.expect(200)["status"], "aborted");
    let notices = stack.get("/notifications", token).await.expect(200);
    assert_eq!(notices["items"], json!([]), "who cancels need not be told");
    stack.finish().await;
}

/// Jobs that MediaConvert has.
async fn jobs(stack: &Stack) -> Vec<Value> {
    let info = stack.local.info();
    let url = format!("{}/2017-08-29/jobs", info["aws_endpoint"].as_str().unwrap());
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/mediaconvert/aws4_request, SignedHeaders=host, Signature=0";
    let request = stack.request(Method::GET, &url).header("authorization", scope);
    stack.send(request).await.expect(200)["jobs"].as_array().unwrap().clone()
}

async fn job_of(stack: &Stack, video: &str) -> String {
    let jobs = jobs(stack).await;
    let job =
        jobs.iter().find(|j| j["userMetadata"]["video_id"] == video).unwrap_or_else(|| panic!("{jobs:?}"));
    job["id"].as_str().unwrap().to_owned()
}

fn mails_about(stack: &Stack, owner: &Person, video: &str) -> usize {
    stack.mails(&owner.email).iter().filter(|m| m["text"].as_str().unwrap().contains(video)).count()
}

/// MediaConvert says so.
async fn event(stack: &Stack, video: &str, job: &str, status: &str, more: Value) {
    let mut detail = json!({
        "timestamp": stack.local.clock.now_ms(), "accountId": "000000000000", "jobId": job, "status": status,
        "queue": "arn:aws:mediaconvert:us-east-1:000000000000:queues/Default", "userMetadata": {"video_id": video},
    });
    if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
    let event = BusEvent {
        source: "aws.mediaconvert".into(),
        detail_type: "MediaConvert Job State Change".into(),
        detail,
        resources: vec![format!("arn:aws:mediaconvert:us-east-1:000000000000:jobs/{job}")],
    };
    stack.local.events.put(event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_after_the_end_or_about_another_job_change_nothing() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let id = stack.published(token, &clip(SMALL), json!({})).await;
    let before = stack.get(&format!("/api/videos/{id}"), None).await.expect(200);
    let objects = stack.stored();
    let job = job_of(&stack, &id).await;
    let strange = "0193a1b2-0000-7000-8000-000000000009";
    let percent = json!({"jobProgress": {"jobPercentComplete": 12}});
    let error = json!({"errorCode": 1076, "errorMessage": "cut"});
    for (video, job) in
        [(id.as_str(), job.as_str()), (&id, "1-other"), (strange, "1-strange"), ("no id", "1-strange")]
    {
        for (status, more) in [
            ("PROGRESSING", json!({})),
            ("STATUS_UPDATE", percent.clone()),
            ("ERROR", error.clone()),
            ("CANCELED", json!({})),
            ("COMPLETE", json!({})),
        ] {
            event(&stack, video, job, status, more).await;
        }
    }
    stack.settle().await;
    assert_eq!(stack.get(&format!("/api/videos/{id}"), None).await.expect(200), before);
    let status = stack.status(token, &id).await;
    assert_eq!((&status["status"], &status["progress_percent"]), (&json!("ready"), &json!(100)));
    assert_eq!(stack.stored(), objects);
    assert_eq!(stack.waiting(), Vec::<Value>::new());
    assert_eq!(mails_about(&stack, &creator, &id), 1);
    assert_eq!(stack.get("/notifications", token).await.expect(200)["items"].as_array().unwrap().len(), 1);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_out_of_order_and_many_times_over_end_in_the_same_video() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let plan: Plan = serde_json::from_value(json!({"seed": 7, "rules": [
        {"kind": "duplicate", "target": "media-ingest", "copies": 3},
        {"kind": "duplicate", "target": "transcode-events", "copies": 4},
        {"kind": "reorder", "target": "transcode-events"},
    ]}))
    .unwrap();
    assert!(plan.rules.iter().any(|r| matches!(r.kind, Kind::Reorder)));
    stack.faults(plan.seed, plan.rules);
    let file = clip(Clip { width: 640, height: 360, seconds: 4, sound: true });
    let id = stack.published(&creator.token, &file, json!({})).await;
    stack.settle().await;
    let video = stack.get(&format!("/api/videos/{id}"), None).await.expect(200);
    assert_eq!((&video["status"], &video["renditions"][0]["name"]), (&json!("ready"), &json!("360p")));
    assert_eq!(jobs(&stack).await.len(), 1);
    assert_eq!(mails_about(&stack, &creator, &id), 1);
    let notices = stack.get("/notifications", creator.token.as_str()).await.expect(200);
    assert_eq!(notices["items"].as_array().unwrap().len(), 1, "{notices}");
    assert_eq!(stack.waiting(), Vec::<Value>::new());
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_overtakes_the_job_is_final() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    // Announced, not sent: whatever is told of the job comes first.
    let upload = stack.announce(&creator.token, 1000, json!({})).await;
    let id = id_of(&upload);
    event(&stack, &id, "1-early", "ERROR", json!({"errorCode": 1030, "errorMessage": "codec"})).await;
    event(&stack, &id, "1-early", "PROGRESSING", json!({})).await;
    failed(&stack, &creator, &id, "UNSUPPORTED_CODEC").await;
    // The file that comes late goes at once.
    arrives(&stack, &key_of(&upload), &[0; 1000]).await;
    failed(&stack, &creator, &id, "UNSUPPORTED_CODEC").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_cancelled_says_so() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let upload = stack.announce(&creator.token, 1000, json!({})).await;
    event(&stack, &id_of(&upload), "1-stopped", "CANCELED", json!({})).await;
    failed(&stack, &creator, &id_of(&upload), "TRANSCODE_CANCELLED").await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_deleted_before_its_file_is_looked_at_leaves_nothing() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let bytes = std::fs::read(clip(SMALL)).unwrap();
    let upload = stack.announce(token, bytes.len(), json!({})).await;
    stack.delete(&format!("/api/videos/{}", id_of(&upload)), token).await.expect(204);
    stack.settle().await;
    stack.send_file(&upload, bytes).await.expect(200);
    stack.settle().await;
    nothing_left(&stack);
    assert_eq!(jobs(&stack).await.len(), 0);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_deleted_while_it_is_transcoded_leaves_nothing_and_its_events_change_nothing() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let token = creator.token.as_str();
    let file = clip(Clip { width: 1280, height: 720, seconds: 8, sound: true });
    let id = stack.upload(token, &file, json!({})).await;
    for _ in 0..1000 {
        if stack.status(token, &id).await["status"] == "transcoding" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stack.status(token, &id).await["status"], "transcoding");
    stack.delete(&format!("/api/videos/{id}"), token).await.expect(204);
    stack.settle().await;
    nothing_left(&stack);
    let job = job_of(&stack, &id).await;
    assert_eq!(jobs(&stack).await[0]["status"], "CANCELED", "it is not worked on for nobody");
    for status in ["STATUS_UPDATE", "COMPLETE", "COMPLETE", "ERROR"] {
        event(&stack, &id, &job, status, json!({})).await;
    }
    stack.settle().await;
    nothing_left(&stack);
    stack.get(&format!("/api/videos/{id}"), token).await.refused(404, "VIDEO_NOT_FOUND");
    assert_eq!(mails_about(&stack, &creator, &id), 0);
    stack.finish().await;
}
