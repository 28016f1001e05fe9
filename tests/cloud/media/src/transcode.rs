//! Running ffmpeg for one job, and naming what came out.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdout};

use crate::codec;
use crate::command::{self, FILE, PLAYLIST, Target};
use crate::failure::Failure;
use crate::ffmpeg;
use crate::playlist::{self, Segment, Variant};
use crate::probe::MediaInfo;
use crate::s3_url::S3Url;
use crate::settings::{Group, GroupKind, Plan, Rotate};
use crate::work::Workshop;

/// Everything that a job made, not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// In the order to store them: what is pointed to comes before what points to it.
    pub files: Vec<MadeFile>,
    /// `outputGroupDetails` of the `COMPLETE` event.
    pub groups: Vec<Value>,
}

/// One object to be.
#[derive(Debug)]
pub(crate) struct MadeFile {
    pub url: S3Url,
    pub path: PathBuf,
    pub content_type: &'static str,
}

/// How far ffmpeg has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Of the transcoding, 0 to 100; not known for inputs that do not say how long they are.
    pub percent: Option<u8>,
    pub frames: u64,
}

/// Complaints of ffmpeg that are kept, in bytes.
const COMPLAINTS: usize = 16 * 1024;

/// Makes all outputs below `workshop`.
pub(crate) async fn run(
    plan: &Plan,
    info: &MediaInfo,
    input: &Path,
    workshop: &Workshop,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Made, Failure> {
    let targets = command::targets(plan, info)?;
    for target in &targets {
        workshop.make(&target.folder).map_err(Failure::internal)?;
    }
    let expected_s = expected_duration(plan, info, &targets);
    let mut child = ffmpeg::ffmpeg(input, plan.rotate == Rotate::Auto)
        .args(command::arguments(plan, info, &targets))
        .current_dir(workshop.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Failure::internal(format_args!("ffmpeg: {e}")))?;
    workshop.note_child(child.id()).map_err(Failure::internal)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (reached_s, complaints) = tokio::join!(watch(stdout, expected_s, &mut progress), complaints(stderr));
    let status = child.wait().await.map_err(Failure::internal)?;
    judge(status.success(), &complaints, reached_s, expected_s, plan, info)?;
    collect(plan, &targets, workshop).await
}

/// How long the longest output will be, as far as the input says.
fn expected_duration(plan: &Plan, info: &MediaInfo, targets: &[Target<'_>]) -> Option<f64> {
    let picture = targets.iter().any(|t| t.picture.is_some());
    let sound = targets.iter().any(|t| t.sound.is_some());
    let video = info.video().filter(|_| picture).map(|(track, _)| track);
    let audio = info.audio(plan.audio_track).filter(|_| sound);
    let known: Option<Vec<f64>> = video.into_iter().chain(audio).map(|t| t.duration_s).collect();
    match known {
        Some(durations) => durations.into_iter().reduce(f64::max),
        // Containers without a duration per track: the whole file's, when nothing else could make it longer.
        None => info
            .duration_s
            .filter(|_| info.tracks.len() == usize::from(video.is_some()) + usize::from(audio.is_some())),
    }
}

/// Follows `-progress` to its end; returns the time reached, in seconds.
async fn watch(
    output: Option<ChildStdout>,
    expected_s: Option<f64>,
    progress: &mut (impl FnMut(Progress) + Send),
) -> f64 {
    let Some(output) = output else { return 0.0 };
    let mut lines = BufReader::new(output).lines();
    let mut now = Progress::default();
    let mut reached_s = 0.0_f64;
    while let Ok(Some(line)) = lines.next_line().await {
        match line.split_once('=') {
            Some(("frame", frames)) => now.frames = frames.trim().parse().unwrap_or(now.frames),
            Some(("out_time_us", time)) => {
                reached_s = time.trim().parse::<f64>().map_or(reached_s, |us| reached_s.max(us / 1e6));
            }
            Some(("progress", _)) => {
                now.percent = expected_s.map(|all| percent(reached_s / all));
                progress(now);
            }
            _ => {}
        }
    }
    reached_s
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn percent(part: f64) -> u8 {
    (part * 100.0).clamp(0.0, 100.0) as u8
}

/// ffmpeg's standard error, from the start and as much as is worth keeping; the rest is read and dropped, or ffmpeg
/// would block.
async fn complaints(errors: Option<ChildStderr>) -> String {
    let Some(mut errors) = errors else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        let room = COMPLAINTS.saturating_sub(kept.len());
        kept.extend(buffer.iter().take(read.min(room)));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// ffmpeg makes the best of broken input and calls it a success; `MediaConvert` does not.
fn judge(
    success: bool,
    complaints: &str,
    reached_s: f64,
    expected_s: Option<f64>,
    plan: &Plan,
    info: &MediaInfo,
) -> Result<(), Failure> {
    let says = |words: &str| complaints.contains(words);
    if says("No space left on device") {
        return Err(Failure::internal("no space left on this machine"));
    }
    if says("partial file") || says("File ended prematurely") {
        return Err(Failure::truncated(info.size_bytes));
    }
    if !success {
        if says("(codec none) not found") || says("Decoder not found") {
            let codec = info.video().and_then(|(track, _)| track.codec.as_deref());
            return Err(Failure::unsupported_codec(codec.unwrap_or("unknown")));
        }
        if says("No such file or directory") {
            return Err(Failure::input_missing(&plan.input));
        }
        tracing::warn!(input = %plan.input, complaints, "ffmpeg failed");
        // Paths of this machine are nobody's business.
        let why = complaints
            .lines()
            .last()
            .filter(|line| !line.contains('/'))
            .unwrap_or("invalid data in the input");
        return Err(Failure::unreadable(why));
    }
    // Tolerates edit lists and estimated durations, not a missing tail.
    if expected_s.is_some_and(|all| reached_s < all * 0.9 - 2.0) {
        return Err(Failure::truncated(info.size_bytes));
    }
    Ok(())
}

/// Names the files, writes the playlists, and describes it all.
async fn collect(plan: &Plan, targets: &[Target<'_>], workshop: &Workshop) -> Result<Made, Failure> {
    let mut made = Made::default();
    let mut targets = targets.iter();
    for (g, group) in plan.groups.iter().enumerate() {
        let mut details = Vec::new();
        let mut variants = Vec::new();
        let mut playlists = Vec::new();
        for target in targets.by_ref().take(group.outputs.len()) {
            let output = Collected { plan, group, target, workshop };
            match group.kind {
                GroupKind::Hls { segment_s } => {
                    let (detail, variant, playlist) =
                        output.hls(f64::from(segment_s), &mut made.files).await?;
                    details.push(detail);
                    variants.push(variant);
                    playlists.push(playlist);
                }
                GroupKind::File => details.push(output.file(&mut made.files).await?),
            }
        }
        let mut group_detail = json!({"outputDetails": details});
        if let (GroupKind::Hls { .. }, Some(fields)) = (group.kind, group_detail.as_object_mut()) {
            let url = S3Url { key: format!("{}.m3u8", group.destination.key), ..group.destination.clone() };
            let path = workshop.write(&format!("g{g}.m3u8"), &playlist::multivariant(&variants)).await;
            fields.insert("playlistFilePaths".into(), json!([url.to_string()]));
            playlists.push(MadeFile { url, path: path.map_err(Failure::internal)?, content_type: M3U8 });
            made.files.append(&mut playlists);
            fields.insert("type".into(), "HLS_GROUP".into());
        } else if let Some(fields) = group_detail.as_object_mut() {
            fields.insert("type".into(), "FILE_GROUP".into());
        }
        made.groups.push(group_detail);
    }
    Ok(made)
}

/// Content type of playlists (RFC 8216).
pub(crate) const M3U8: &str = "application/vnd.apple.mpegurl";

/// One output whose files ffmpeg has written.
struct Collected<'a> {
    plan: &'a Plan,
    group: &'a Group,
    target: &'a Target<'a>,
    workshop: &'a Workshop,
}

impl Collected<'_> {
    /// `{destination}{name modifier}{rest}`.
    fn url(&self, rest: &str) -> S3Url {
        let destination = &self.group.destination;
        let key = format!("{}{}{rest}", destination.key, self.target.output.name_modifier);
        S3Url { bucket: destination.bucket.clone(), key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.workshop.path().join(&self.target.folder).join(name)
    }

    async fn hls(
        &self,
        target_s: f64,
        files: &mut Vec<MadeFile>,
    ) -> Result<(Value, Variant, MadeFile), Failure> {
        let listed = tokio::fs::read_to_string(self.path(PLAYLIST)).await.unwrap_or_default();
        let mut segments = Vec::new();
        let mut codecs = Vec::new();
        for (name, duration_s) in playlist::parse(&listed) {
            let path = self.path(&name);
            if segments.is_empty() && self.target.picture.is_some() {
                let bytes = tokio::fs::read(&path).await.map_err(Failure::internal)?;
                codecs.extend(codec::avc_name(&bytes));
            }
            let size_bytes = size(&path).await?;
            let url = self.url(&format!("_{name}"));
            segments.push(Segment { name: url.key.clone(), duration_s, size_bytes });
            files.push(MadeFile { url, path, content_type: "video/mp2t" });
        }
        if segments.is_empty() {
            return Err(Failure::no_video(&self.plan.input));
        }
        if self.target.sound.is_some() {
            codecs.push(codec::AAC_LC.to_owned());
        }
        let url = self.url(".m3u8");
        let list = format!("{}.m3u8", self.target.folder);
        let path = self.workshop.write(&list, &playlist::media(&url.key, &segments)).await;
        let (peak, average) = playlist::bandwidth(&segments, target_s);
        let duration_s = segments.iter().map(|s| s.duration_s).sum();
        let detail = self.detail(&url, duration_s, Some(average));
        let picture = self.target.picture.as_ref();
        let picture = picture.map(|p| (p.fit.output.width, p.fit.output.height, p.frame_rate.value()));
        let uri = playlist::relative(&self.group.destination.key, &url.key);
        let playlist = MadeFile { url, path: path.map_err(Failure::internal)?, content_type: M3U8 };
        Ok((detail, Variant { uri, peak, average, picture, codecs }, playlist))
    }

    async fn file(&self, files: &mut Vec<MadeFile>) -> Result<Value, Failure> {
        let extension = &self.target.output.extension;
        let single = self.path(FILE);
        if tokio::fs::try_exists(&single).await.unwrap_or(false) {
            let url = self.url(&format!(".{extension}"));
            let made = crate::probe::probe(&single, &url).await?;
            let content_type = if extension == "mov" { "video/quicktime" } else { "video/mp4" };
            let duration_s = made.duration_s.unwrap_or(0.0);
            let detail = self.detail(&url, duration_s, Some(playlist::rate(made.size_bytes, duration_s)));
            files.push(MadeFile { url, path: single, content_type });
            return Ok(detail);
        }
        // Captured frames: 0000000.jpg, 0000001.jpg and so on, as long as there are any.
        let mut last = None;
        for number in 0.. {
            let path = self.path(&format!("{number:07}.jpg"));
            if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
                break;
            }
            let url = self.url(&format!(".{number:07}.{extension}"));
            last = Some((url.clone(), number + 1));
            files.push(MadeFile { url, path, content_type: "image/jpeg" });
        }
        let (url, count) = last.ok_or_else(|| Failure::no_video(&self.plan.input))?;
        let interval_s = self.target.picture.as_ref().map_or(1.0, |p| 1.0 / p.frame_rate.value());
        Ok(self.detail(&url, f64::from(count) * interval_s, None))
    }

    /// One element of `outputDetails`. For captured frames the path is that of the last one, as in AWS.
    fn detail(&self, url: &S3Url, duration_s: f64, average_bitrate: Option<u64>) -> Value {
        let mut detail = json!({
            "outputFilePaths": [url.to_string()],
            "durationInMs": milliseconds(duration_s),
        });
        if let (Some(picture), Some(fields)) = (&self.target.picture, detail.as_object_mut()) {
            let mut video =
                json!({"widthInPx": picture.fit.output.width, "heightInPx": picture.fit.output.height});
            if let (Some(rate), Some(video)) = (average_bitrate, video.as_object_mut()) {
                video.insert("averageBitrate".into(), rate.into());
            }
            fields.insert("videoDetails".into(), video);
        }
        detail
    }
}

async fn size(path: &Path) -> Result<u64, Failure> {
    tokio::fs::metadata(path).await.map(|m| m.len()).map_err(Failure::internal)
}

#[allow(clippy::cast_possible_truncation)]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
