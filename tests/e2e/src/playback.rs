use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A segment of a media playlist.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its URI as the playlist gives it.
    pub uri: String,
    /// How long the playlist says that it is.
    pub seconds: f64,
}

/// The URIs of a playlist that stand on lines of their own.
#[must_use]
pub fn uris(playlist: &str) -> Vec<String> {
    playlist.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect()
}

/// The URIs in tags of this name.
#[must_use]
pub fn uris_in(tag: &str, playlist: &str) -> Vec<String> {
    let lines = playlist.lines().filter(|l| l.starts_with(tag));
    let uri = |line: &str| Some(line.split_once("URI=\"")?.1.split_once('"')?.0.to_owned());
    lines.filter_map(uri).collect()
}

/// The segments of a media playlist.
#[must_use]
pub fn segments(playlist: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut told = None;
    for line in playlist.lines() {
        if let Some(text) = line.strip_prefix("#EXTINF:") {
            told = text.split(',').next().and_then(|s| s.parse().ok());
        } else if !line.is_empty() && !line.starts_with('#') {
            let seconds = told.take().unwrap_or_else(|| panic!("a segment without a length: {line}"));
            found.push(Segment { uri: line.to_owned(), seconds });
        }
    }
    found
}

/// What ffprobe finds in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Width and height of the picture.
    pub size: (u64, u64),
    /// The picture's codec.
    pub picture: String,
    /// The sound's codec.
    pub sound: Option<String>,
    /// Length.
    pub seconds: f64,
}

/// Looks into a file with ffprobe.
///
/// # Panics
/// When it cannot be read, or holds no picture.
#[must_use]
pub fn probe(bytes: &[u8]) -> Probe {
    let report = run(
        Command::new("ffprobe").args([
            "-v",
            "error",
            "-show_streams",
            "-show_format",
            "-of",
            "json",
            "-i",
            "pipe:0",
        ]),
        bytes,
    );
    let report: Value = serde_json::from_slice(&report).unwrap();
    let streams = report["streams"].as_array().unwrap();
    let of = |kind: &str| streams.iter().find(|s| s["codec_type"] == kind);
    let picture = of("video").unwrap_or_else(|| panic!("no picture: {report}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // A stream that came through a pipe has no length of its own: its frames have.
    let stamps = run(
        Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time"])
            .args(["-of", "csv=p=0", "-i", "pipe:0"]),
        bytes,
    );
    let stamps = String::from_utf8_lossy(&stamps).into_owned();
    let mut times: Vec<f64> = stamps.lines().filter_map(|l| l.trim_end_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    let (first, last) = (times.first().copied().unwrap_or(0.0), times.last().copied().unwrap_or(0.0));
    let frame = times.get(1).map_or(0.0, |second| second - first);
    Probe {
        size: (picture["width"].as_u64().unwrap(), picture["height"].as_u64().unwrap()),
        picture: text(&picture["codec_name"]),
        sound: of("audio").map(|s| text(&s["codec_name"])),
        seconds: last - first + frame,
    }
}

fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // The program may have seen enough before the end.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    drop(writer.join());
    assert!(output.status.success(), "{command:?} failed");
    output.stdout
}
