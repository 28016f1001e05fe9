//! How long a job takes against the same renditions by hand.
//!
//! `cargo nextest run -p cloud-media --run-ignored only --no-capture -E 'test(benchmark)'`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod machine;

use std::fmt::Write as _;
use std::time::Instant;

use machine::{Machine, ffmpeg, hls, rendition};
use serde_json::json;

/// A job may take 1.3 times as long as one ffmpeg command that makes the same four renditions, though it makes
/// thumbnails as well. Last figures, on two cores that others used too: by hand 53.8 s and 65.8 s of processor time, as
/// a job 48.3 s and 63.8 s.
#[tokio::test]
#[ignore = "takes minutes"]
async fn benchmark_a_minute_of_1080p() {
    let machine = Machine::new("speed");
    machine.clip(
        "minute.mp4",
        "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=60,noise=alls=8:allf=t \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=60 \
         -c:v libx264 -preset ultrafast -b:v 12M -pix_fmt yuv420p -c:a aac",
    );
    let input = machine.files.object("in", "minute.mp4");
    let heights = [(1080, 5_000_000), (720, 3_000_000), (480, 1_500_000), (360, 800_000)];

    let before = children_cpu_s();
    let by_hand = Instant::now();
    let folder = machine.files.0.join("hand");
    std::fs::create_dir_all(&folder).unwrap();
    let mut args = format!("-i {} -filter_complex [0:v]split=4[a][b][c][d]", input.display());
    for (i, (height, _)) in heights.iter().enumerate() {
        let branch = ["a", "b", "c", "d"][i];
        let _ = write!(args, ";[{branch}]scale=-2:{height}[v{height}]");
    }
    for (height, rate) in heights {
        let _ = write!(
            args,
            " -map [v{height}] -map 0:a -c:v libx264 -preset veryfast -crf 23 -maxrate {rate} -bufsize {} -g 60 \
             -c:a aac -b:a 96k -f hls -hls_time 6 -hls_playlist_type vod {}",
            rate * 2,
            folder.join(format!("{height}.m3u8")).display()
        );
    }
    // The last argument is the file.
    let (args, last) = args.rsplit_once(' ').unwrap();
    ffmpeg(args, last.as_ref());
    let (by_hand, by_hand_cpu) = (by_hand.elapsed().as_secs_f64(), children_cpu_s() - before);

    let mut settings =
        hls("s3://in/minute.mp4", heights.map(|(height, rate)| rendition(height, rate)).into());
    settings["outputGroups"].as_array_mut().unwrap().push(json!({
        "outputGroupSettings": {"type": "FILE_GROUP_SETTINGS",
            "fileGroupSettings": {"destination": "s3://out/v/thumbs/"}},
        "outputs": [{"nameModifier": "_t", "containerSettings": {"container": "RAW"}, "videoDescription": {
            "width": 640, "codecSettings": {"codec": "FRAME_CAPTURE", "frameCaptureSettings": {
                "framerateNumerator": 1, "framerateDenominator": 5, "maxCaptures": 12}}}}],
    }));
    let start = Instant::now();
    let job = machine.transcode(settings).await;
    let (job_s, job_cpu) = (start.elapsed().as_secs_f64(), children_cpu_s() - before - by_hand_cpu);
    assert_eq!(job["status"], "COMPLETE", "{job}");
    println!(
        "by hand {by_hand:.1} s, {by_hand_cpu:.1} s of processors; as a job {job_s:.1} s, {job_cpu:.1} s"
    );
    assert!(job_cpu <= by_hand_cpu * 1.3, "ratio {:.2}", job_cpu / by_hand_cpu);
}

/// Processor time of the child processes that have ended, in seconds (`proc(5)`, fields 16 and 17 of `stat`, in
/// hundredths). Both ways keep all processors busy, and unlike the time on the clock it does not depend on who else
/// uses the machine.
fn children_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[13].parse::<f64>().unwrap() + fields[14].parse::<f64>().unwrap()) / 100.0
}
