//! The product's main job: a clip goes up, is transcoded, published, and plays from signed addresses.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{Answer, Clip, Probe, Stack, clip, id_of, made, probe, segments, uris};
use reqwest::Method;
use serde_json::{Value, json};

/// The way of a video that comes through.
const WAY: [&str; 4] = ["uploading", "queued", "transcoding", "ready"];

/// A playlist of a video, fetched by its signed address.
async fn playlist(stack: &Stack, url: &str) -> String {
    let answer = stack.get(url, None).await;
    assert_eq!(answer.status.as_u16(), 200, "{url}: {}", answer.json);
    assert_eq!(answer.header("content-type"), "application/vnd.apple.mpegurl");
    String::from_utf8(answer.bytes).unwrap()
}

/// What the leave to watch says about each rendition, and what ffprobe finds in its segments.
async fn played(stack: &Stack, stream: &Value) -> Vec<(Value, Probe, Vec<f64>)> {
    let master = playlist(stack, stream["manifest_url"].as_str().unwrap()).await;
    let renditions = stream["renditions"].as_array().unwrap();
    let playlists = uris(&master);
    assert_eq!(playlists.len(), renditions.len(), "{master}");
    let mut found = Vec::new();
    for rendition in renditions {
        let name = rendition["name"].as_str().unwrap();
        let url = playlists.iter().find(|u| u.contains(&format!("_{name}.m3u8"))).unwrap();
        let segments = segments(&playlist(stack, url).await);
        let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
        for segment in &segments {
            let answer = stack.get(&segment.uri, None).await;
            assert_eq!(answer.status.as_u16(), 200, "{}", segment.uri);
            let real = probe(&answer.bytes).seconds;
            assert!(
                (real - segment.seconds).abs() < 0.1,
                "{name}: the playlist says {}, it is {real}",
                segment.seconds
            );
            lengths.push(segment.seconds);
            bytes.extend(answer.bytes);
        }
        found.push((rendition.clone(), probe(&bytes), lengths));
    }
    found
}

/// A creator's video of this file, ready; and what plays, rendition by rendition.
async fn renditions_of(file: &Path) -> Vec<(String, Probe)> {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let id = stack.video(&creator.token, file, json!({})).await;
    let stream = stack.stream(&id, creator.token.as_str()).await;
    let mut all = Vec::new();
    for (told, found, _) in played(&stack, &stream).await {
        let size = (told["width"].as_u64().unwrap(), told["height"].as_u64().unwrap());
        assert_eq!(size, found.size, "{told}");
        all.push((told["name"].as_str().unwrap().to_owned(), found));
    }
    stack.finish().await;
    all
}

fn sizes(renditions: &[(String, Probe)]) -> Vec<(&str, (u64, u64))> {
    renditions.iter().map(|(name, found)| (name.as_str(), found.size)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_clip_becomes_a_published_video_that_plays() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = clip(Clip { width: 1280, height: 720, seconds: 8, sound: true });
    let bytes = std::fs::read(&file).unwrap();

    let upload =
        stack.announce(&creator.token, bytes.len(), json!({"description": "Waves", "tags": ["sea"]})).await;
    let id = id_of(&upload);
    assert_eq!(upload["method"], "put");
    let status = stack.status(&creator.token, &id).await;
    assert_eq!((&status["status"], &status["progress_percent"]), (&json!("uploading"), &json!(0)));
    stack.send_file(&upload, bytes).await.expect(200);

    // The way there goes forward only.
    let mut seen = vec![(0, 0)];
    for _ in 0..1200 {
        let status = stack.status(&creator.token, &id).await;
        let place = WAY.iter().position(|s| status["status"] == *s).unwrap_or_else(|| panic!("{status}"));
        let now = (place, status["progress_percent"].as_u64().unwrap());
        if now != *seen.last().unwrap() {
            seen.push(now);
        }
        if place == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&(3, 100)));
    assert!(
        seen.iter().any(|(place, percent)| *place == 2 && (1..100).contains(percent)),
        "no progress: {seen:?}"
    );
    stack.settle().await;

    // Its owner is told, on the site and by mail, once.
    let notices = stack.get("/notifications", creator.token.as_str()).await.expect(200);
    assert_eq!(notices["unread_count"], 1, "{notices}");
    let notice = &notices["items"][0];
    assert_eq!((&notice["type"], &notice["data"]["video_id"]), (&json!("video_ready"), &json!(id)));
    assert_eq!(notice["text"], "“Sea” can now be published.");
    let mails = stack.mails(&creator.email);
    let ready: Vec<&Value> = mails.iter().filter(|m| m["text"].as_str().unwrap().contains(&id)).collect();
    assert_eq!(ready.len(), 1, "{mails:?}");
    assert!(ready[0]["subject"].as_str().unwrap().contains("Sea"), "{}", ready[0]);

    // A draft is its owner's alone.
    stack.get(&format!("/api/videos/{id}"), None).await.refused(404, "VIDEO_NOT_FOUND");
    let video = stack.publish(&creator.token, &id, &json!({})).await;
    assert_eq!((&video["publication"], &video["status"]), (&json!("published"), &json!("ready")));
    let video = stack.get(&format!("/api/videos/{id}"), None).await.expect(200);
    assert_eq!(
        (&video["width"], &video["height"], &video["description"]),
        (&json!(1280), &json!(720), &json!("Waves"))
    );
    assert!((video["duration_seconds"].as_f64().unwrap() - 8.0).abs() < 0.2, "{video}");
    let picture = stack.get(video["thumbnail_url"].as_str().unwrap(), None).await;
    assert_eq!((picture.status.as_u16(), &picture.bytes[..2]), (200, &[0xff, 0xd8][..]));

    // Anybody plays it without cookies: every URI is signed.
    let stream = stack.stream(&id, None).await;
    let found = played(&stack, &stream).await;
    let names: Vec<&str> = found.iter().map(|(told, ..)| told["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["720p", "480p", "360p"]);
    for (told, found, lengths) in &found {
        assert_eq!(found.size, (told["width"].as_u64().unwrap(), told["height"].as_u64().unwrap()));
        assert_eq!((found.picture.as_str(), found.sound.as_deref()), ("h264", Some("aac")));
        assert!((found.seconds - 8.0).abs() < 0.2, "{found:?}");
        assert!(told["bandwidth"].as_u64().unwrap() > 0);
        assert_eq!(lengths.len(), 2, "6 s and the rest: {lengths:?}");
        assert!((lengths[0] - 6.0).abs() < 0.05 && (lengths[1] - 2.0).abs() < 0.2, "{lengths:?}");
    }
    for picture in stream["thumbnails"].as_array().unwrap() {
        assert_eq!(stack.get(picture.as_str().unwrap(), None).await.status.as_u16(), 200);
    }
    assert_eq!(stream["thumbnails"].as_array().unwrap().len(), 5);

    // The time bar's pictures: one a second, each signed.
    let track = stack.get(stream["preview_url"].as_str().unwrap(), None).await;
    let track = String::from_utf8(track.bytes).unwrap();
    let pictures: Vec<&str> = track.lines().filter(|l| l.starts_with("http")).collect();
    assert_eq!(pictures.len(), 8, "{track}");
    assert_eq!(stack.get(pictures[7], None).await.status.as_u16(), 200);
    stack.finish().await;
}

/// The cookies that came with leave to watch, as a browser sends them back.
fn cookies(stream: &Value) -> String {
    let all = stream["cookies"].as_object().unwrap();
    all.iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
        .collect::<Vec<_>>()
        .join("; ")
}

async fn with_cookies(stack: &Stack, url: &str, cookies: &str) -> Answer {
    stack.send(stack.request(Method::GET, url).header("cookie", cookies)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_play_with_cookies_that_open_one_video() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = clip(Clip { width: 320, height: 240, seconds: 2, sound: true });
    let id = stack.published(&creator.token, &file, json!({})).await;
    let other = stack.published(&creator.token, &file, json!({})).await;

    let answer = stack.get(&format!("/api/videos/{id}/stream"), None).await;
    let set: Vec<String> =
        answer.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
    let stream = answer.expect(200);
    let all = stream["cookies"].as_object().unwrap();
    assert_eq!(set.len(), all.len());
    for part in ["Policy", "Signature", "Key-Pair-Id"] {
        assert!(all.contains_key(&format!("CloudFront-{part}")), "{all:?}");
    }
    for (name, value) in all {
        let whole =
            set.iter().find(|c| c.starts_with(&format!("{name}={}", value.as_str().unwrap()))).unwrap();
        assert!(whole.contains(&format!("Path=/videos/{id}/")) && whole.contains("HttpOnly"), "{whole}");
        assert!(whole.contains("Max-Age=86400"), "{whole}");
    }

    let cookies = cookies(&stream);
    let url = stream["playback_url"].as_str().unwrap();
    let folder = url.strip_suffix("master.m3u8").unwrap();
    let master = with_cookies(&stack, url, &cookies).await;
    assert_eq!(master.status.as_u16(), 200);
    let rendition = &uris(&String::from_utf8(master.bytes).unwrap())[0];
    let playlist = with_cookies(&stack, &format!("{folder}{rendition}"), &cookies).await;
    let segment = &segments(&String::from_utf8(playlist.bytes).unwrap())[0].uri;
    let segment = with_cookies(&stack, &format!("{folder}{segment}"), &cookies).await;
    assert_eq!(probe(&segment.bytes).size, (320, 240));

    assert_eq!(stack.get(url, None).await.status.as_u16(), 403, "without cookies");
    let foreign = format!("{}/master.m3u8", url.replace("/master.m3u8", "").replace(&id, &other));
    assert_eq!(with_cookies(&stack, &foreign, &cookies).await.status.as_u16(), 403, "another video's");
    let own = stack.stream(&other, None).await;
    assert_eq!(with_cookies(&stack, &foreign, &self::cookies(&own)).await.status.as_u16(), 200);
    stack.finish().await;
}

/// The URL with one parameter changed.
fn changed(url: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let (path, query) = url.split_once('?').unwrap();
    let query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((n, value)) if n == name => format!("{n}={}", change(value)),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", query.join("&"))
}

/// The text with its character at `at` replaced by another of the alphabet.
fn bent(text: &str, at: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
    letters.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cdn_refuses_tampered_foreign_and_expired_signatures() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = clip(Clip { width: 320, height: 240, seconds: 2, sound: true });
    let id = stack.published(&creator.token, &file, json!({})).await;
    let other = stack.published(&creator.token, &file, json!({})).await;
    let stream = stack.stream(&id, None).await;
    let manifest = stream["manifest_url"].as_str().unwrap();
    let master = playlist(&stack, manifest).await;
    let rendition = uris(&master)[0].clone();
    let good = segments(&playlist(&stack, &rendition).await)[0].uri.clone();
    let status = async |url: &str| stack.get(url, None).await.status.as_u16();
    assert_eq!(status(&good).await, 200);

    let bare = good.split('?').next().unwrap();
    let last = |value: &str| value.len() - 3;
    for (why, url) in [
        ("no signature", bare.to_owned()),
        ("another signature's first letter", changed(&good, "Signature", |v| bent(v, 0))),
        ("another signature's last letters", changed(&good, "Signature", |v| bent(v, last(v)))),
        ("another policy", changed(&good, "Policy", |v| bent(v, 40))),
        ("another key", changed(&good, "Key-Pair-Id", |v| bent(v, 1))),
        ("a signature left out", changed(&good, "Signature", |_| String::new())),
        ("another video's signature", good.replace(&id, &other)),
        ("a way out of the folder", good.replace("/master", &format!("/../{other}/master"))),
    ] {
        assert_eq!(status(&url).await, 403, "{why}: {url}");
    }

    // So with the token of signed playlists.
    let token = |v: &str| bent(v, v.len() / 2);
    stack.get(&changed(manifest, "token", token), None).await.refused(401, "UNAUTHENTICATED");
    stack.get(manifest.split('?').next().unwrap(), None).await.refused(401, "UNAUTHENTICATED");
    stack.get(&manifest.replace(&id, &other), None).await.refused(401, "UNAUTHENTICATED");

    // And with cookies.
    let cookies = cookies(&stream);
    let url = stream["playback_url"].as_str().unwrap();
    assert_eq!(with_cookies(&stack, url, &cookies).await.status.as_u16(), 200);
    for name in ["CloudFront-Signature=", "CloudFront-Policy=", "CloudFront-Key-Pair-Id="] {
        let at = cookies.find(name).unwrap() + name.len() + 5;
        assert_eq!(with_cookies(&stack, url, &bent(&cookies, at)).await.status.as_u16(), 403, "{name}");
    }

    // Leave lasts a day, and no longer.
    stack.advance(Duration::from_hours(24) - Duration::from_mins(1)).await;
    assert_eq!(status(&good).await, 200);
    assert_eq!(with_cookies(&stack, url, &cookies).await.status.as_u16(), 200);
    playlist(&stack, manifest).await;
    stack.advance(Duration::from_secs(61)).await;
    assert_eq!(status(&good).await, 403);
    assert_eq!(with_cookies(&stack, url, &cookies).await.status.as_u16(), 403);
    stack.get(manifest, None).await.refused(401, "TOKEN_EXPIRED");
    stack.get(&rendition, None).await.refused(401, "TOKEN_EXPIRED");
    let again = stack.stream(&id, None).await;
    playlist(&stack, again["manifest_url"].as_str().unwrap()).await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vertical_clip_is_measured_by_its_shorter_side() {
    let made = renditions_of(&clip(Clip { width: 540, height: 960, seconds: 2, sound: true })).await;
    assert_eq!(sizes(&made), [("480p", (480, 854)), ("360p", (360, 640))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_clip_stays_silent() {
    let made = renditions_of(&clip(Clip { width: 640, height: 360, seconds: 2, sound: false })).await;
    assert_eq!(sizes(&made), [("360p", (640, 360))]);
    assert_eq!(made[0].1.sound, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_clip_is_not_scaled_up() {
    let made = renditions_of(&clip(Clip { width: 320, height: 240, seconds: 2, sound: true })).await;
    assert_eq!(sizes(&made), [("240p", (320, 240))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_sizes_become_even_ones_not_above_the_source() {
    let odd = clip(Clip { width: 853, height: 481, seconds: 2, sound: true });
    assert_eq!(probe(&std::fs::read(&odd).unwrap()).size, (853, 481));
    assert_eq!(sizes(&renditions_of(&odd).await), [("480p", (852, 480)), ("360p", (638, 360))]);
    let odd = clip(Clip { width: 321, height: 241, seconds: 2, sound: false });
    assert_eq!(probe(&std::fs::read(&odd).unwrap()).size, (321, 241));
    assert_eq!(sizes(&renditions_of(&odd).await), [("240p", (320, 240))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_containers_are_taken_too() {
    let webm = made(
        "a.webm",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x240:rate=30:duration=2",
            "-c:v",
            "libvpx",
            "-deadline",
            "realtime",
        ],
    );
    let mov = made(
        "a.mov",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x240:rate=30:duration=2",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
        ],
    );
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let webm = stack
        .upload(&creator.token, &webm, json!({"filename": "a.webm", "content_type": "video/webm"}))
        .await;
    let mov = stack
        .upload(&creator.token, &mov, json!({"filename": "a.mov", "content_type": "video/quicktime"}))
        .await;
    stack.settle().await;
    for id in [webm, mov] {
        let stream = stack.stream(&id, creator.token.as_str()).await;
        assert_eq!(played(&stack, &stream).await[0].1.size, (320, 240));
    }
    stack.finish().await;
}

/// A clip of more than 100 MB that is quick to make and to transcode: most of it is a box that players pass over.
fn large_clip() -> PathBuf {
    let small = clip(Clip { width: 320, height: 240, seconds: 2, sound: true });
    let large = small.with_file_name("large.mp4");
    if !large.exists() {
        let making = small.with_file_name(format!("{}-large.mp4", std::process::id()));
        let mut bytes = std::fs::read(&small).unwrap();
        let filler: u32 = 100 * 1024 * 1024;
        bytes.extend(filler.to_be_bytes());
        bytes.extend(b"free");
        let length = bytes.len() + filler as usize - 8;
        // Not all the same, so that parts in a wrong order would be noticed.
        bytes.extend((0..=u8::MAX).cycle().flat_map(|n| [n; 4096]).take(length - bytes.len()));
        std::fs::write(&making, bytes).unwrap();
        std::fs::rename(&making, &large).unwrap();
    }
    large
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_up_in_parts_in_any_order_and_resumes_after_a_lost_connection() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let bytes = std::fs::read(large_clip()).unwrap();
    let token = creator.token.as_str();
    let upload = stack.announce(token, bytes.len(), json!({})).await;
    assert_eq!((&upload["method"], &upload["part_count"]), (&json!("multipart"), &json!(7)), "{upload}");
    let size = usize::try_from(upload["part_size"].as_u64().unwrap()).unwrap();
    let parts: Vec<Vec<u8>> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
    let path = format!("/api/upload/{}", upload["upload_id"].as_str().unwrap());
    let send = async |url: &Value, number: usize| {
        let answer = stack
            .send(stack.request(Method::PUT, url.as_str().unwrap()).body(parts[number - 1].clone()))
            .await;
        assert_eq!(answer.status.as_u16(), 200);
        answer.header("etag").to_owned()
    };

    // Four parts arrive, the last first; then the connection is lost.
    for number in [7, 2, 5, 1] {
        let part = upload["parts"].as_array().unwrap().iter().find(|p| p["part_number"] == number).unwrap();
        send(&part["url"], number).await;
    }
    let so_far = stack.get(&path, token).await.expect(200);
    let received = |upload: &Value| -> Vec<u64> {
        upload["received_parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["part_number"].as_u64().unwrap())
            .collect()
    };
    assert_eq!((&so_far["status"], received(&so_far)), (&json!("uploading"), vec![1, 2, 5, 7]));
    assert_eq!(so_far["received_parts"][1]["size_bytes"], size);
    let early =
        stack.post(&format!("{path}/complete"), token, &json!({})).await.refused(409, "UPLOAD_INCOMPLETE");
    assert_eq!(early["missing_parts"], json!([3, 4, 6]));

    // Another client goes on with what is missing.
    let more =
        stack.post(&format!("{path}/parts"), token, &json!({"part_numbers": [6, 3, 4]})).await.expect(200);
    for (part, number) in more["parts"].as_array().unwrap().iter().zip([6, 3, 4]) {
        assert_eq!(part["part_number"], number);
        send(&part["url"], number).await;
    }
    let all = stack.get(&path, token).await.expect(200);
    assert_eq!(received(&all), [1, 2, 3, 4, 5, 6, 7]);
    let told: Vec<Value> = all["received_parts"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|p| json!({"part_number": p["part_number"], "etag": p["etag"]}))
        .collect();

    // Completed twice, it is one file and one job.
    let first = stack.post(&format!("{path}/complete"), token, &json!({"parts": told})).await.expect(202);
    let second = stack.post(&format!("{path}/complete"), token, &json!({"parts": told})).await.expect(202);
    assert_eq!(first, second);
    let id = id_of(&upload);
    assert_eq!(first, json!({"video_id": id, "status": "queued"}));
    stack.settle().await;
    stack.post(&format!("{path}/complete"), token, &json!({})).await.expect(202);
    stack.settle().await;
    assert_eq!(stack.status(token, &id).await["status"], "ready");
    let jobs: u64 = stack
        .local
        .calls
        .all()
        .iter()
        .filter(|((_, _, call), _)| call.contains("CreateJob"))
        .map(|(_, n)| n)
        .sum();
    assert_eq!(jobs, 1);
    assert_eq!(stack.get(&path, token).await.expect(200)["status"], "completed");
    assert!(!stack.stored().iter().any(|key| key.ends_with("(parts)")));
    let stream = stack.stream(&id, token).await;
    assert_eq!(played(&stack, &stream).await[0].1.size, (320, 240));
    stack.finish().await;
}
