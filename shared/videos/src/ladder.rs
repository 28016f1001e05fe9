//! What is made of a source: sizes, bit rates, captured frames.

use kernel::ids::{UploadId, VideoId};
use objects::Bucket;
use transcoder::{Frames, JobSpec, Media, Picture, Rendition};

use crate::model::{Video, media_folder};
use crate::view::pictures;

/// The shorter side, the picture's highest bit rate, the sound's.
const RUNGS: [(u32, u32, u32); 4] = [
    (1080, 6_000_000, 128_000),
    (720, 3_500_000, 128_000),
    (480, 1_800_000, 96_000),
    (360, 1_000_000, 96_000),
];
/// Bit rates of what is smaller than the lowest rung.
const SMALL: (u32, u32) = (600_000, 64_000);
/// MediaConvert encodes nothing smaller.
const SIDE_MIN: u32 = 32;
const SEGMENT_SECONDS: u32 = 6;
const THUMBNAILS: u32 = 5;
const THUMBNAIL_SHORT_SIDE: u32 = 360;
/// Preview pictures: one a second, fewer for long videos.
pub(crate) const PREVIEWS_MAX: u32 = 100;
const PREVIEW_SHORT_SIDE: u32 = 90;

fn even(pixels: u64) -> u32 {
    u32::try_from(pixels - pixels % 2).unwrap_or(u32::MAX - 1).max(SIDE_MIN)
}

/// The picture's size with this shorter side, which is even, and its own shape.
fn sized(picture: Picture, short_side: u32) -> (u32, u32) {
    let (width, height) = (u64::from(picture.width), u64::from(picture.height));
    let short = width.min(height).max(1);
    // Rounded to the nearest even number.
    let scaled = |side: u64| even((side * u64::from(short_side) + short) / (2 * short) * 2);
    if width <= height { (short_side, scaled(height)) } else { (scaled(width), short_side) }
}

/// The renditions: every rung that is not above the source; below the lowest, one of the source's size.
pub(crate) fn renditions(picture: Picture) -> Vec<Rendition> {
    let short = picture.width.min(picture.height);
    let rungs: Vec<Rendition> = RUNGS
        .into_iter()
        .filter(|(side, ..)| *side <= short)
        .map(|(side, bit_rate_max, sound_bit_rate)| {
            let (width, height) = sized(picture, side);
            Rendition { name: format!("{side}p"), width, height, bit_rate_max, sound_bit_rate }
        })
        .collect();
    if !rungs.is_empty() {
        return rungs;
    }
    let (width, height) = (even(picture.width.into()), even(picture.height.into()));
    let (bit_rate_max, sound_bit_rate) = SMALL;
    vec![Rendition { name: format!("{}p", width.min(height)), width, height, bit_rate_max, sound_bit_rate }]
}

/// Never above the source.
fn shrunk(picture: Picture, short_side: u32) -> (u32, u32) {
    if picture.width.min(picture.height) <= short_side {
        (even(picture.width.into()), even(picture.height.into()))
    } else {
        sized(picture, short_side)
    }
}

/// Seconds between two preview pictures.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn preview_interval(duration_seconds: f64) -> u32 {
    ((duration_seconds / f64::from(PREVIEWS_MAX)).ceil() as u32).max(1)
}

/// The job that makes the video.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn job(video: &Video, media: &Media, picture: Picture, from: &Bucket, to: &Bucket) -> JobSpec {
    let folder = media_folder(video.id);
    let duration = media.duration_seconds.unwrap_or(0.0).max(0.0);
    let thumbnails = shrunk(picture, THUMBNAIL_SHORT_SIDE);
    let previews = shrunk(picture, PREVIEW_SHORT_SIDE);
    JobSpec {
        token: token(video.id),
        source: from.url(&video.source_key),
        metadata: metadata(video.id, video.upload_id),
        destination: to.url(&format!("{folder}master")),
        segment_seconds: SEGMENT_SECONDS,
        renditions: renditions(picture),
        sound: media.sound,
        frames: vec![
            Frames {
                destination: to.url(&format!("{}frame", pictures(video.id))),
                width: thumbnails.0,
                height: thumbnails.1,
                count: THUMBNAILS,
                in_seconds: (duration.ceil() as u32).max(1),
                count_max: THUMBNAILS,
            },
            Frames {
                destination: to.url(&format!("{folder}preview/frame")),
                width: previews.0,
                height: previews.1,
                count: 1,
                in_seconds: preview_interval(duration),
                count_max: PREVIEWS_MAX,
            },
        ],
    }
}

/// One video is one job, however often it is asked for.
fn token(video: VideoId) -> String {
    format!("video-{video}")
}

fn metadata(video: VideoId, upload: UploadId) -> Vec<(&'static str, String)> {
    vec![("video_id", video.to_string()), ("upload_id", upload.to_string())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(width: u32, height: u32) -> Vec<String> {
        let made = renditions(Picture { width, height });
        made.into_iter().map(|r| format!("{} {}x{}", r.name, r.width, r.height)).collect()
    }

    #[test]
    fn nothing_is_scaled_up_and_the_shorter_side_counts() {
        let full = ["1080p 1920x1080", "720p 1280x720", "480p 854x480", "360p 640x360"];
        assert_eq!(names(1920, 1080), full);
        assert_eq!(names(3840, 2160), full);
        assert_eq!(names(1080, 1920), ["1080p 1080x1920", "720p 720x1280", "480p 480x854", "360p 360x640"]);
        assert_eq!(names(1280, 720), full[1..]);
        assert_eq!(names(1279, 719), ["480p 854x480", "360p 640x360"]);
        assert_eq!(names(640, 360), ["360p 640x360"]);
        assert_eq!(names(320, 240), ["240p 320x240"]);
        assert_eq!(names(321, 241), ["240p 320x240"]);
        assert_eq!(names(600, 600), ["480p 480x480", "360p 360x360"]);
    }

    proptest! {
        #[test]
        fn sizes_are_even_not_above_the_source_and_of_its_shape(width in 32u32..5000, height in 32u32..5000) {
            let made = renditions(Picture { width, height });
            prop_assert!(!made.is_empty());
            for r in &made {
                prop_assert!(r.width % 2 == 0 && r.height % 2 == 0);
                prop_assert!(r.width <= width + 1 && r.height <= height + 1);
                let (shape, own) = (f64::from(width) / f64::from(height), f64::from(r.width) / f64::from(r.height));
                let tolerance = 3.0 / f64::from(r.width.min(r.height)) + 0.01;
                prop_assert!((shape / own - 1.0).abs() < tolerance, "{width}x{height} {r:?}");
            }
            let sides: Vec<u32> = made.iter().map(|r| r.width.min(r.height)).collect();
            prop_assert!(sides.windows(2).all(|w| w[0] > w[1]));
        }
    }

    #[test]
    fn previews_are_one_a_second_until_there_would_be_too_many() {
        assert_eq!(preview_interval(0.0), 1);
        assert_eq!(preview_interval(60.0), 1);
        assert_eq!(preview_interval(100.5), 2);
        assert_eq!(preview_interval(3600.0), 36);
    }
}
