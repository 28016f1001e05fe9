//! What is in a media file, by ffprobe.

use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

use crate::failure::Failure;
use crate::ffmpeg;
use crate::frame::{Frame, ratio};
use crate::s3_url::S3Url;
use crate::settings::{Fraction, Rotate};

/// A file that could be opened.
#[derive(Clone, Debug)]
pub(crate) struct MediaInfo {
    /// ffmpeg's name of the container, for example `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// `major_brand` of MP4 and MOV.
    pub brand: Option<String>,
    pub duration_s: Option<f64>,
    /// Bits per second over the whole file.
    pub bit_rate: Option<u64>,
    pub size_bytes: u64,
    pub tracks: Vec<Track>,
}

/// One stream. Cover pictures count as data, not as video.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// ffmpeg's number of the stream, counted from 0.
    pub index: usize,
    pub codec: Option<String>,
    pub duration_s: Option<f64>,
    pub language: Option<String>,
    pub bit_rate: Option<u64>,
    pub content: TrackContent,
}

/// What a stream holds.
#[derive(Clone, Debug)]
pub(crate) enum TrackContent {
    Video(VideoTrack),
    Audio { channels: u32, sample_rate: u32, layout: Option<String>, bit_depth: Option<u32> },
    Data,
}

/// A picture stream as it is coded: neither turned nor stretched.
#[derive(Clone, Debug)]
pub(crate) struct VideoTrack {
    pub coded: Frame,
    /// Shape of one pixel.
    pub sample_aspect: Fraction,
    /// How much to turn clockwise before showing: 0, 90, 180 or 270 degrees.
    pub rotation: u32,
    pub frame_rate: Fraction,
    pub profile: Option<String>,
    pub level: Option<i64>,
    pub pixel_format: Option<String>,
    pub color_primaries: Option<String>,
    pub color_transfer: Option<String>,
    pub color_space: Option<String>,
}

impl MediaInfo {
    pub fn video(&self) -> Option<(&Track, &VideoTrack)> {
        self.tracks.iter().find_map(|track| match &track.content {
            TrackContent::Video(video) => Some((track, video)),
            _ => None,
        })
    }

    /// The chosen audio track (counted from 1 among the audio tracks), else the first.
    pub fn audio(&self, chosen: Option<usize>) -> Option<&Track> {
        let mut tracks = self.tracks.iter().filter(|t| matches!(t.content, TrackContent::Audio { .. }));
        tracks.nth(chosen.unwrap_or(1).saturating_sub(1))
    }
}

impl VideoTrack {
    /// Degrees clockwise to turn the picture by.
    pub fn turn(&self, rotate: Rotate) -> u32 {
        match rotate {
            Rotate::Auto => self.rotation,
            Rotate::Degrees(degrees) => degrees,
        }
    }

    /// The picture's size with square pixels, after it was turned.
    pub fn shown(&self, rotate: Rotate) -> Frame {
        let Frame { width, height } = self.coded;
        let width = ratio(width, self.sample_aspect.numerator, self.sample_aspect.denominator);
        match self.turn(rotate) {
            90 | 270 => Frame { width: height, height: width },
            _ => Frame { width, height },
        }
    }
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "format_name")]
    name: Option<String>,
    duration: Option<String>,
    bit_rate: Option<String>,
    size: Option<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
struct Tags {
    major_brand: Option<String>,
    language: Option<String>,
    #[serde(rename = "DURATION")]
    matroska_duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    index: usize,
    codec_type: Option<String>,
    codec_name: Option<String>,
    profile: Option<String>,
    level: Option<i64>,
    pix_fmt: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    color_space: Option<String>,
    channels: Option<u32>,
    channel_layout: Option<String>,
    sample_rate: Option<String>,
    bits_per_raw_sample: Option<String>,
    bit_rate: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

/// Looks into `file`; `input` is what the failure's text calls it.
pub(crate) async fn probe(file: &Path, input: &S3Url) -> Result<MediaInfo, Failure> {
    let output = ffmpeg::ffprobe(file).stdout(Stdio::piped()).stderr(Stdio::piped()).output().await;
    let output = output.map_err(|e| Failure::internal(format_args!("ffprobe: {e}")))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        // Not there any more: taken away between looking it up and opening it.
        if complaint.contains("No such file") {
            return Err(Failure::input_missing(input));
        }
        // ffmpeg also tries the MP4 parser on anything that is merely called .mp4.
        if complaint.contains("moov atom not found") && starts_with_a_box(file).await {
            return Err(Failure::no_moov_box(input));
        }
        return Err(Failure::no_parser(input));
    }
    let report: Report = serde_json::from_slice(&output.stdout)
        .map_err(|e| Failure::internal(format_args!("ffprobe's report: {e}")))?;
    let format = report.format.ok_or_else(|| Failure::no_parser(input))?;
    let info = MediaInfo {
        container: format.name.unwrap_or_default(),
        brand: format.tags.major_brand,
        duration_s: number(format.duration.as_deref()).filter(|d| *d > 0.0),
        bit_rate: number(format.bit_rate.as_deref()),
        size_bytes: number(format.size.as_deref()).unwrap_or(0),
        tracks: report.streams.into_iter().map(track).collect(),
    };
    if info.tracks.is_empty() {
        return Err(Failure::no_parser(input));
    }
    // The index breaks off before it says what the tracks are.
    if info.tracks.iter().all(|track| track.codec.is_none())
        || info.video().is_some_and(|(_, v)| v.coded.width == 0)
    {
        return Err(Failure::unreadable("no stream of the input could be read"));
    }
    Ok(info)
}

/// Whether the first box is one that an MP4 or MOV file begins with (ISO/IEC 14496-12, `QuickTime`).
async fn starts_with_a_box(file: &Path) -> bool {
    let mut head = [0; 8];
    let Ok(mut file) = tokio::fs::File::open(file).await else { return false };
    let read = file.read_exact(&mut head).await;
    let [.., a, b, c, d] = head;
    read.is_ok() && [b"ftyp", b"mdat", b"wide", b"free", b"skip", b"pnot"].contains(&&[a, b, c, d])
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

/// `30000/1001` or `1:1`; zero on either side means that it is not known.
fn fraction(text: Option<&str>) -> Option<Fraction> {
    let (numerator, denominator) = text?.split_once(['/', ':'])?;
    let fraction = Fraction { numerator: numerator.parse().ok()?, denominator: denominator.parse().ok()? };
    (fraction.numerator > 0 && fraction.denominator > 0).then_some(fraction)
}

/// Matroska's `00:01:02.345000000`.
fn clock_time(text: &str) -> Option<f64> {
    let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
    Some(parts.next()?? * 3600.0 + parts.next()?? * 60.0 + parts.next()??)
}

fn track(stream: Stream) -> Track {
    let content = match stream.codec_type.as_deref() {
        Some("video") if stream.disposition.attached_pic == 0 => TrackContent::Video(video_track(&stream)),
        Some("audio") => TrackContent::Audio {
            channels: stream.channels.unwrap_or(0),
            sample_rate: number(stream.sample_rate.as_deref()).unwrap_or(0),
            layout: stream.channel_layout,
            bit_depth: number(stream.bits_per_raw_sample.as_deref()).filter(|bits| *bits > 0),
        },
        _ => TrackContent::Data,
    };
    let duration = number(stream.duration.as_deref());
    Track {
        index: stream.index,
        codec: stream.codec_name,
        duration_s: duration.or_else(|| stream.tags.matroska_duration.as_deref().and_then(clock_time)),
        language: stream.tags.language,
        bit_rate: number(stream.bit_rate.as_deref()),
        content,
    }
}

fn video_track(stream: &Stream) -> VideoTrack {
    // Timestamps in milliseconds make some files claim 1,000 frames a second.
    let plausible = |rate: &Fraction| (1.0..=120.0).contains(&rate.value());
    let frame_rate = fraction(stream.avg_frame_rate.as_deref())
        .filter(plausible)
        .or_else(|| fraction(stream.r_frame_rate.as_deref()).filter(plausible))
        .unwrap_or(Fraction { numerator: 30, denominator: 1 });
    VideoTrack {
        coded: Frame { width: stream.width.unwrap_or(0), height: stream.height.unwrap_or(0) },
        sample_aspect: fraction(stream.sample_aspect_ratio.as_deref())
            .unwrap_or(Fraction { numerator: 1, denominator: 1 }),
        rotation: stream.side_data_list.iter().find_map(|side| side.rotation).map_or(0, clockwise),
        frame_rate,
        profile: stream.profile.clone(),
        level: stream.level,
        pixel_format: stream.pix_fmt.clone(),
        color_primaries: stream.color_primaries.clone(),
        color_transfer: stream.color_transfer.clone(),
        color_space: stream.color_space.clone(),
    }
}

/// ffprobe counts counter-clockwise, from -180 to 180.
fn clockwise(rotation: f64) -> u32 {
    [90, 180, 270]
        .into_iter()
        .find(|quarter| ((-rotation).rem_euclid(360.0) - f64::from(*quarter)).abs() < 1.0)
        .unwrap_or(0)
}
