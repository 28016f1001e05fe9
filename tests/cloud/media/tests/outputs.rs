//! What comes out of a job, looked at with ffprobe and through the events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod machine;

use machine::{Machine, ffprobe, hls, rendition, synthetic};
use serde_json::{Value, json};

fn durations(playlist: &str) -> Vec<f64> {
    let lines = playlist.lines().filter_map(|l| l.strip_prefix("#EXTINF:"));
    lines.map(|l| l.trim_end_matches(',').parse().unwrap()).collect()
}

#[tokio::test]
async fn an_hls_job_makes_every_rendition_in_six_second_segments() {
    let machine = Machine::new("hls");
    machine.clip("a clip.mp4", &synthetic("640x360", "30000/1001", 14));
    let settings = hls("s3://in/a clip.mp4", json!([rendition(360, 800_000), rendition(240, 400_000)]));
    let job = machine.transcode(settings).await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    assert_eq!(job["jobPercentComplete"], 100);

    let keys = machine.files.keys("out");
    let expected: Vec<String> = ["", "_240p", "_240p_00001", "_240p_00002", "_240p_00003"]
        .into_iter()
        .chain(["_360p", "_360p_00001", "_360p_00002", "_360p_00003"])
        .map(|n| format!("v/a clip{n}.{}", if n.contains("_0") { "ts" } else { "m3u8" }))
        .collect();
    let mut expected = expected;
    expected.sort();
    assert_eq!(keys, expected);

    for height in [360, 240] {
        let playlist = machine.files.text("out", &format!("v/a clip_{height}p.m3u8"));
        assert!(
            playlist.contains("#EXT-X-TARGETDURATION:6\n")
                && playlist.contains(&format!("a%20clip_{height}p_00001.ts"))
        );
        let durations = durations(&playlist);
        assert_eq!(durations.len(), 3);
        // A frame more or less: 6 s are no whole number of frames at 29.97.
        assert!(durations[..2].iter().all(|d| (d - 6.0).abs() < 0.04), "{durations:?}");
        assert!((durations.iter().sum::<f64>() - 14.0).abs() < 0.1, "{durations:?}");
        for n in 1..=3 {
            let segment = ffprobe(&machine.files.object("out", &format!("v/a clip_{height}p_0000{n}.ts")));
            let streams = segment["streams"].as_array().unwrap();
            let video = streams.iter().find(|s| s["codec_type"] == "video").unwrap();
            assert_eq!(
                (video["codec_name"].as_str(), video["height"].as_u64()),
                (Some("h264"), Some(height))
            );
            assert!(streams.iter().any(|s| s["codec_name"] == "aac"));
        }
    }

    let master = machine.files.text("out", "v/a clip.m3u8");
    let variants: Vec<&str> = master.lines().filter(|l| l.starts_with("#EXT-X-STREAM-INF:")).collect();
    assert_eq!(variants.len(), 2);
    assert!(variants[0].contains("RESOLUTION=640x360,FRAME-RATE=29.970"), "{master}");
    assert!(variants[1].contains("RESOLUTION=426x240"), "{master}");
    // Main profile (77) and the level that x264 chose, as ffprobe sees them.
    let probed = ffprobe(&machine.files.object("out", "v/a clip_360p_00001.ts"));
    let video = &probed["streams"].as_array().unwrap().iter().find(|s| s["codec_type"] == "video").unwrap();
    assert_eq!(video["profile"], "Main");
    let codecs = format!("CODECS=\"avc1.4d40{:02x},mp4a.40.2\"", video["level"].as_u64().unwrap());
    assert!(variants[0].contains(&codecs), "{master} should say {codecs}");
    let value = |line: &str, name: &str| -> u64 {
        line.split([':', ',']).find_map(|f| f.strip_prefix(name)?.strip_prefix('=')).unwrap().parse().unwrap()
    };
    let bytes: u64 = (1..=3)
        .map(|n| machine.files.object("out", &format!("v/a clip_360p_0000{n}.ts")).metadata().unwrap().len())
        .sum();
    let average = value(variants[0], "AVERAGE-BANDWIDTH");
    #[allow(clippy::cast_precision_loss)]
    let measured = bytes as f64 * 8.0 / 14.0;
    #[allow(clippy::cast_precision_loss)]
    let difference = (average as f64 - measured).abs() / measured;
    assert!(difference < 0.02, "{average} is not about {measured}");
    assert!(value(variants[0], "BANDWIDTH") >= average);
}

#[tokio::test]
async fn segments_start_with_key_frames_at_the_same_times_in_all_renditions() {
    let machine = Machine::new("aligned");
    // The sound starts half a second before the picture, and GOPs do not divide six seconds.
    machine.clip(
        "late.mkv",
        "-f lavfi -i sine=frequency=440:duration=14 -itsoffset 0.5 -f lavfi -i testsrc2=size=320x180:rate=25:duration=13 \
         -map 0:a -map 1:v -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac",
    );
    let mut high = rendition(180, 500_000);
    high["videoDescription"]["codecSettings"]["h264Settings"]["gopSize"] = json!(4.0);
    let job = machine.transcode(hls("s3://in/late.mkv", json!([high, rendition(120, 200_000)]))).await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    let first = durations(&machine.files.text("out", "v/late_180p.m3u8"));
    let second = durations(&machine.files.text("out", "v/late_120p.m3u8"));
    assert_eq!(first, second);
    assert_eq!(first[..2], [6.0, 6.0]);
}

#[tokio::test]
async fn captured_frames_show_the_moments_that_were_asked_for() {
    let machine = Machine::new("frames");
    // Ten seconds; the picture is black until second 6, then white.
    machine.clip(
        "bw.mp4",
        "-f lavfi -i color=black:size=320x180:rate=25:duration=6 -f lavfi -i color=white:size=320x180:rate=25:duration=4 \
         -filter_complex [0][1]concat=n=2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let job = machine
        .transcode(json!({
            "inputs": [{"fileInput": "s3://in/bw.mp4"}],
            "outputGroups": [{
                "outputGroupSettings": {"type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": {"destination": "s3://out/thumbs/t"}},
                "outputs": [
                    {"nameModifier": "_s", "containerSettings": {"container": "RAW"}, "videoDescription": {
                        "width": 160, "codecSettings": {"codec": "FRAME_CAPTURE", "frameCaptureSettings": {
                            "framerateNumerator": 1, "framerateDenominator": 3, "maxCaptures": 10, "quality": 80}}}},
                    {"nameModifier": "_one", "containerSettings": {"container": "RAW"}, "videoDescription": {
                        "codecSettings": {"codec": "FRAME_CAPTURE", "frameCaptureSettings": {
                            "framerateNumerator": 1, "framerateDenominator": 1, "maxCaptures": 1}}}},
                ],
            }],
        }))
        .await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    let names = ["t_one.0000000", "t_s.0000000", "t_s.0000001", "t_s.0000002", "t_s.0000003"];
    assert_eq!(machine.files.keys("out"), names.map(|n| format!("thumbs/{n}.jpg")));
    let brightness = |n: u32| {
        let file = machine.files.object("out", &format!("thumbs/t_s.000000{n}.jpg"));
        let run = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&file)
            .args(["-vf", "scale=1:1,format=gray", "-f", "rawvideo", "-"])
            .output()
            .unwrap();
        run.stdout[0]
    };
    assert_eq!([0, 1, 2, 3].map(|n| brightness(n) > 128), [false, false, true, true], "seconds 0, 3, 6, 9");
    let complete = machine.events_of(job["id"].as_str().unwrap()).pop().unwrap();
    let group = &complete["outputGroupDetails"][0];
    assert_eq!(group["type"], "FILE_GROUP");
    assert_eq!(group["outputDetails"][0]["outputFilePaths"], json!(["s3://out/thumbs/t_s.0000003.jpg"]));
    assert_eq!(group["outputDetails"][0]["videoDetails"]["widthInPx"], 160);
}

#[tokio::test]
async fn a_clip_without_sound_gets_renditions_without_an_audio_track() {
    let machine = Machine::new("silent");
    machine.clip(
        "silent.webm",
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=3 -c:v libvpx -deadline realtime -b:v 500k",
    );
    let job = machine.transcode(hls("s3://in/silent.webm", json!([rendition(180, 500_000)]))).await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    let segment = ffprobe(&machine.files.object("out", "v/silent_180p_00001.ts"));
    assert_eq!(segment["streams"].as_array().unwrap().len(), 1);
    let master = machine.files.text("out", "v/silent.m3u8");
    assert!(master.contains("CODECS=\"avc1.") && !master.contains("mp4a"), "{master}");
}

#[tokio::test]
async fn a_phone_s_upright_clip_stays_upright() {
    let machine = Machine::new("rotated");
    machine.clip("flat.mp4", &synthetic("320x180", "30", 2));
    let flat = machine.files.object("in", "flat.mp4");
    // ffmpeg 5 counts this tag counter-clockwise.
    machine.clip("phone.mp4", &format!("-i {} -c copy -metadata:s:v rotate=270", flat.display()));
    let (status, probed) =
        machine.call("POST", "probe", &json!({"inputFiles": [{"fileUrl": "s3://in/phone.mp4"}]})).await;
    let track = &probed["probeResults"][0]["container"]["tracks"][0];
    assert_eq!((status, &track["videoProperties"]["rotation"]), (200, &json!(90)), "{probed}");

    let job = machine.transcode(hls("s3://in/phone.mp4", json!([rendition(320, 500_000)]))).await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    assert!(machine.files.text("out", "v/phone.m3u8").contains("RESOLUTION=180x320"));

    // Without AUTO nothing is turned, as in AWS.
    let mut settings = hls("s3://in/phone.mp4", json!([rendition(180, 500_000)]));
    settings["inputs"][0]["videoSelector"] = json!({});
    let job = machine.transcode(settings).await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    assert!(machine.files.text("out", "v/phone.m3u8").contains("RESOLUTION=320x180"));
}

#[tokio::test]
async fn odd_sizes_are_scaled_to_even_ones_but_not_followed() {
    let machine = Machine::new("odd");
    machine.clip(
        "odd.mkv",
        "-f lavfi -i testsrc2=size=480x270:rate=30:duration=2,format=yuv444p,crop=427:241:exact=1 -c:v libx264 -preset ultrafast -pix_fmt yuv444p",
    );
    let job = machine.transcode(hls("s3://in/odd.mkv", json!([rendition(240, 500_000)]))).await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    let master = machine.files.text("out", "v/odd.m3u8");
    assert!(master.contains("RESOLUTION=424x240"), "{master}");
    let mut follow = rendition(240, 500_000);
    follow["videoDescription"].as_object_mut().unwrap().remove("height");
    let job = machine.transcode(hls("s3://in/odd.mkv", json!([follow]))).await;
    assert_eq!((&job["status"], &job["errorCode"]), (&json!("ERROR"), &json!(1040)), "{job}");
}

#[tokio::test]
async fn an_mp4_output_plays_and_its_details_tell_what_it_is() {
    let machine = Machine::new("mp4");
    machine.clip("c.mp4", &synthetic("320x180", "30", 3));
    let job = machine
        .transcode(json!({
            "inputs": [{"fileInput": "s3://in/c.mp4"}],
            "outputGroups": [{
                "outputGroupSettings": {"type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": {"destination": "s3://out/"}},
                "outputs": [{"containerSettings": {"container": "MP4"}}],
            }],
        }))
        .await;
    assert_eq!(job["status"], "COMPLETE", "{job}");
    let made = ffprobe(&machine.files.object("out", "c.mp4"));
    let kinds: Vec<&Value> = made["streams"].as_array().unwrap().iter().map(|s| &s["codec_name"]).collect();
    assert_eq!(kinds, ["h264", "aac"]);
    let complete = machine.events_of(job["id"].as_str().unwrap()).pop().unwrap();
    let detail = &complete["outputGroupDetails"][0]["outputDetails"][0];
    assert_eq!(detail["outputFilePaths"], json!(["s3://out/c.mp4"]));
    assert!((detail["durationInMs"].as_i64().unwrap() - 3000).abs() < 100, "{detail}");
    assert!(detail["videoDetails"]["averageBitrate"].as_u64().unwrap() > 10_000, "{detail}");
}
