//! Submitting, following, cancelling, failing, and surviving the process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod machine;

use std::sync::Arc;
use std::time::Duration;

use machine::{Machine, hls, rendition, synthetic};
use serde_json::{Value, json};

fn statuses(events: &[Value]) -> Vec<&str> {
    let mut statuses: Vec<&str> = events.iter().map(|e| e["status"].as_str().unwrap()).collect();
    statuses.dedup();
    statuses
}

#[tokio::test]
async fn events_tell_the_whole_story_in_order() {
    let machine = Machine::new("events");
    machine.clip("c.mp4", &synthetic("320x180", "30", 7));
    let job = machine.transcode(hls("s3://in/c.mp4", json!([rendition(180, 500_000)]))).await;
    let id = job["id"].as_str().unwrap();
    let events = machine.events_of(id);
    assert_eq!(
        statuses(&events),
        ["PROGRESSING", "INPUT_INFORMATION", "STATUS_UPDATE", "COMPLETE"],
        "{events:#?}"
    );
    for event in &events {
        assert_eq!(event["userMetadata"], json!({"video": "v1"}));
        assert_eq!(event["accountId"], "000000000000");
        assert_eq!(event["queue"], "arn:aws:mediaconvert:us-east-1:000000000000:queues/Default");
    }
    let times: Vec<i64> = events.iter().map(|e| e["timestamp"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "timestamps tell events apart: {times:?}");
    assert_eq!(events[1]["inputDetails"][0]["video"][0]["codec"], "AVC");
    assert!(events[2]["jobProgress"]["jobPercentComplete"].as_u64().unwrap() <= 99);
    let group = &events.last().unwrap()["outputGroupDetails"][0];
    assert_eq!(group["type"], "HLS_GROUP");
    assert_eq!(group["playlistFilePaths"], json!(["s3://out/v/c.m3u8"]));
    assert_eq!(group["outputDetails"][0]["outputFilePaths"], json!(["s3://out/v/c_180p.m3u8"]));
    assert_eq!(group["outputDetails"][0]["videoDetails"]["widthInPx"], 320);
    assert!((group["outputDetails"][0]["durationInMs"].as_i64().unwrap() - 7000).abs() < 100);
    let bus = machine.events.0.lock().unwrap();
    assert!(
        bus.iter()
            .all(|e| e.source == "aws.mediaconvert" && e.detail_type == "MediaConvert Job State Change")
    );
    assert_eq!(bus[0].resources, [format!("arn:aws:mediaconvert:us-east-1:000000000000:jobs/{id}")]);
}

#[tokio::test]
async fn bad_inputs_end_in_error_with_aws_s_codes_and_leave_nothing() {
    let machine = Machine::new("errors");
    std::fs::write(machine.files.object("in", "text.mp4"), "I am not a video.\n".repeat(500)).unwrap();
    // A playlist would make ffmpeg open other files of this machine.
    std::fs::write(
        machine.files.object("in", "playlist.mp4"),
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    )
    .unwrap();
    machine.clip("sound.mp3", "-f lavfi -i sine=duration=2 -c:a libmp3lame");
    machine.clip("whole.mp4", &synthetic("640x360", "30", 8));
    let whole = std::fs::read(machine.files.object("in", "whole.mp4")).unwrap();
    std::fs::write(machine.files.object("in", "cut.mp4"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(machine.files.object("in", "head.mp4"), &whole[..200]).unwrap();
    for (key, code) in [
        ("missing.mp4", 1404),
        ("text.mp4", 1010),
        ("playlist.mp4", 1010),
        ("sound.mp3", 1020),
        ("cut.mp4", 1076),
        ("head.mp4", 1075),
    ] {
        let job = machine.transcode(hls(&format!("s3://in/{key}"), json!([rendition(180, 500_000)]))).await;
        assert_eq!((&job["status"], &job["errorCode"]), (&json!("ERROR"), &json!(code)), "{key}: {job}");
        let last = machine.events_of(job["id"].as_str().unwrap()).pop().unwrap();
        assert_eq!((&last["status"], &last["errorCode"]), (&json!("ERROR"), &json!(code)));
        assert!(!last["errorMessage"].as_str().unwrap().contains("/tmp/"), "{last}");
    }
    assert_eq!(machine.files.keys("out"), [""; 0]);
}

#[tokio::test]
async fn an_output_that_cannot_be_written_takes_the_others_with_it() {
    let machine = Machine::new("unwritable");
    machine.clip("c.mp4", &synthetic("320x180", "30", 2));
    let mut bad = rendition(120, 500_000);
    bad["nameModifier"] = json!("_unwritable");
    let job = machine.transcode(hls("s3://in/c.mp4", json!([rendition(180, 500_000), bad]))).await;
    assert_eq!((&job["status"], &job["errorCode"]), (&json!("ERROR"), &json!(1517)), "{job}");
    assert_eq!(machine.files.keys("out"), [""; 0]);
}

#[tokio::test]
async fn the_same_token_makes_one_job() {
    let machine = Machine::new("token");
    let body = |modifier: &str| {
        let mut output = rendition(180, 500_000);
        output["nameModifier"] = json!(modifier);
        json!({"role": "arn:aws:iam::000000000000:role/mc", "clientRequestToken": "upload-1",
               "settings": hls("s3://in/c.mp4", json!([output]))})
    };
    let (_, first) = machine.call("POST", "jobs", &body("_a")).await;
    let (status, second) = machine.call("POST", "jobs", &body("_a")).await;
    assert_eq!((status, &second["job"]["id"]), (201, &first["job"]["id"]));
    let (status, other) = machine.call("POST", "jobs", &body("_b")).await;
    assert_eq!((status, &other["code"]), (409, &json!("ConflictException")));
    assert_eq!(machine.call("GET", "jobs", &Value::Null).await.1["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refusals_name_the_property() {
    let machine = Machine::new("refusals");
    let settings = hls("s3://in/c.mp4", json!([rendition(180, 500_000)]));
    for (body, words) in [
        (json!({"settings": settings}), "role"),
        (json!({"role": "me", "settings": settings}), "role ARN"),
        (json!({"role": "arn:aws:iam::1:role/r"}), "settings"),
        (json!({"role": "arn:aws:iam::1:role/r", "settings": {}}), "/inputs"),
        (json!({"role": "arn:aws:iam::1:role/r", "settings": settings, "priority": 51}), "/priority"),
        (
            json!({"role": "arn:aws:iam::1:role/r", "settings": settings, "statusUpdateInterval": "OFTEN"}),
            "/status",
        ),
    ] {
        let (status, answer) = machine.call("POST", "jobs", &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("BadRequestException")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
    }
    let (status, answer) = machine.call("GET", "jobs/1-nothing", &Value::Null).await;
    assert_eq!((status, &answer["code"]), (404, &json!("NotFoundException")));
    let (_, answer) = machine.call("POST", "endpoints", &json!({})).await;
    assert_eq!(answer["endpoints"][0]["url"], "http://127.0.0.1:4566");
}

#[tokio::test]
async fn a_cancelled_job_stops_and_leaves_nothing() {
    let machine = Machine::new("cancel");
    machine.clip("long.mp4", &synthetic("640x360", "30", 60));
    let outputs = || json!([rendition(360, 900_000), rendition(240, 500_000)]);
    let running = machine.submit(hls("s3://in/long.mp4", outputs())).await;
    let work = tokio::spawn(Arc::clone(&machine.media).run());
    wait_for(&machine, &running, |job| job["currentPhase"] == "TRANSCODING").await;
    assert_eq!(machine.call("DELETE", &format!("jobs/{running}"), &Value::Null).await.0, 202);
    while machine.media.active() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(machine.job(&running).await["status"], "CANCELED");
    assert_eq!(statuses(&machine.events_of(&running)).last(), Some(&"CANCELED"));
    let (status, answer) = machine.call("DELETE", &format!("jobs/{running}"), &Value::Null).await;
    assert_eq!((status, &answer["code"]), (409, &json!("ConflictException")));
    // Whatever was under way when it was cancelled has ended without a trace.
    tokio::time::sleep(Duration::from_millis(300)).await;
    work.abort();
    assert_eq!(machine.files.keys("out"), [""; 0]);
}

#[tokio::test]
async fn a_job_that_was_running_when_the_process_died_starts_again() {
    let mut machine = Machine::new("restart");
    machine.clip("long.mp4", &synthetic("640x360", "30", 40));
    let id = machine.submit(hls("s3://in/long.mp4", json!([rendition(360, 900_000)]))).await;
    let work = tokio::spawn(Arc::clone(&machine.media).run());
    wait_for(&machine, &id, |job| job["currentPhase"] == "TRANSCODING").await;
    work.abort();
    let _ = work.await;
    machine.reopen();
    assert_eq!(machine.job(&id).await["status"], "SUBMITTED");
    machine.drain().await;
    let job = machine.job(&id).await;
    assert_eq!((&job["status"], &job["retryCount"]), (&json!("COMPLETE"), &json!(1)));
    assert_eq!(machine.events_of(&id).last().unwrap()["status"], "COMPLETE");
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let machine = Machine::new("reset");
    machine.clip("long.mp4", &synthetic("640x360", "30", 60));
    let id = machine.submit(hls("s3://in/long.mp4", json!([rendition(360, 900_000)]))).await;
    let work = tokio::spawn(Arc::clone(&machine.media).run());
    wait_for(&machine, &id, |job| job["currentPhase"] == "TRANSCODING").await;
    machine.media.reset().await.unwrap();
    assert_eq!(machine.media.active(), 0);
    assert_eq!(machine.call("GET", &format!("jobs/{id}"), &Value::Null).await.0, 404);
    work.abort();
    assert_eq!(machine.files.keys("out"), [""; 0]);
}

#[tokio::test]
async fn probing_describes_the_tracks() {
    let machine = Machine::new("probe");
    machine.clip("c.mp4", &synthetic("320x180", "30000/1001", 2));
    let probe = |key: &str| json!({"inputFiles": [{"fileUrl": format!("s3://in/{key}")}]});
    let (status, answer) = machine.call("POST", "probe", &probe("c.mp4")).await;
    assert_eq!(status, 200, "{answer}");
    let result = &answer["probeResults"][0];
    assert_eq!(result["container"]["format"], "mp4");
    assert_eq!(
        result["trackMappings"],
        json!([{"videoTrackIndexes": [1], "audioTrackIndexes": [2], "dataTrackIndexes": []}])
    );
    let [video, audio] = [0, 1].map(|n| &result["container"]["tracks"][n]);
    assert_eq!((&video["trackType"], &video["codec"]), (&json!("video"), &json!("AVC")));
    assert_eq!(video["videoProperties"]["frameRate"], json!({"numerator": 30000, "denominator": 1001}));
    assert_eq!((&audio["codec"], &audio["audioProperties"]["sampleRate"]), (&json!("AAC"), &json!(44100)));
    assert_eq!(machine.call("POST", "probe", &probe("none.mp4")).await.1["code"], "NotFoundException");
    std::fs::write(machine.files.object("in", "t.mp4"), "text".repeat(99)).unwrap();
    let (status, answer) = machine.call("POST", "probe", &probe("t.mp4")).await;
    assert_eq!((status, &answer["code"]), (422, &json!("UnprocessableEntityException")));
}

async fn wait_for(machine: &Machine, id: &str, reached: impl Fn(&Value) -> bool) {
    for _ in 0..1000 {
        let job = machine.job(id).await;
        if reached(&job) {
            return;
        }
        assert_ne!(job["status"], "ERROR", "{job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not reached");
}
