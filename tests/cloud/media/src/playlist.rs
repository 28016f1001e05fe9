//! HLS playlists (RFC 8216, and `AVERAGE-BANDWIDTH`, `FRAME-RATE` from its successor draft).

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// One media segment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    /// ffmpeg's own name for the file, later the object's key.
    pub name: String,
    pub duration_s: f64,
    pub size_bytes: u64,
}

/// One line of the multivariant playlist.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub uri: String,
    /// Highest bit rate of any stretch of about one segment, in bits per second.
    pub peak: u64,
    /// Bit rate over the whole, in bits per second.
    pub average: u64,
    /// Width and height, and frames per second; none for sound alone.
    pub picture: Option<(u32, u32, f64)>,
    pub codecs: Vec<String>,
}

/// What ffmpeg's playlist lists: names and durations.
pub(crate) fn parse(playlist: &str) -> Vec<(String, f64)> {
    let mut segments = Vec::new();
    let mut duration = None;
    for line in playlist.lines().map(str::trim) {
        if let Some(info) = line.strip_prefix("#EXTINF:") {
            duration = info.split(',').next().and_then(|text| text.parse().ok());
        } else if !line.is_empty()
            && !line.starts_with('#')
            && let Some(duration) = duration.take()
        {
            segments.push((line.to_owned(), duration));
        }
    }
    segments
}

/// A media playlist of a finished presentation. `own_key` is where it will lie; segments carry their keys.
pub(crate) fn media(own_key: &str, segments: &[Segment]) -> String {
    let longest = segments.iter().map(|s| s.duration_s).fold(1.0, f64::max);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{longest:.0}\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    );
    for segment in segments {
        // Writing to a String cannot fail.
        let _ = write!(text, "#EXTINF:{:.6},\n{}\n", segment.duration_s, relative(own_key, &segment.name));
    }
    text + "#EXT-X-ENDLIST\n"
}

/// The playlist over all variants, in the job's order.
pub(crate) fn multivariant(variants: &[Variant]) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for variant in variants {
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}",
            variant.peak, variant.average
        );
        if let Some((width, height, rate)) = variant.picture {
            let _ = write!(text, ",RESOLUTION={width}x{height},FRAME-RATE={rate:.3}");
        }
        let _ = write!(text, ",CODECS=\"{}\"\n{}\n", variant.codecs.join(","), variant.uri);
    }
    text
}

/// Peak and average bit rate in bits per second.
///
/// The peak is that of RFC 8216, 4.1: the highest rate of any run of segments that lasts between half and one and a
/// half target durations. So a very short last segment alone cannot raise it.
pub(crate) fn bandwidth(segments: &[Segment], target_s: f64) -> (u64, u64) {
    let total = segments.iter().map(|s| s.duration_s).sum::<f64>();
    let average = rate(segments.iter().map(|s| s.size_bytes).sum(), total);
    let mut peak = average;
    for start in 0..segments.len() {
        let (mut seconds, mut bytes) = (0.0, 0);
        for segment in segments.iter().skip(start) {
            seconds += segment.duration_s;
            bytes += segment.size_bytes;
            if seconds > target_s * 1.5 {
                break;
            }
            if seconds >= target_s * 0.5 {
                peak = peak.max(rate(bytes, seconds));
            }
        }
    }
    (peak, average)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn rate(bytes: u64, seconds: f64) -> u64 {
    if seconds > 0.0 { (bytes as f64 * 8.0 / seconds).ceil() as u64 } else { 0 }
}

/// Everything but unreserved characters and the slash.
const URI: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// `key` as a URI reference from the object at `own_key`; outputs of a group lie in its folder or below.
pub(crate) fn relative(own_key: &str, key: &str) -> String {
    let folder = own_key.rfind('/').and_then(|slash| own_key.get(..=slash)).unwrap_or_default();
    utf8_percent_encode(key.strip_prefix(folder).unwrap_or(key), URI).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(name: &str, duration_s: f64, size_bytes: u64) -> Segment {
        Segment { name: name.into(), duration_s, size_bytes }
    }

    #[test]
    fn a_media_playlist_lists_its_segments_relative_to_itself() {
        let text = media(
            "v/1/my clip_720.m3u8",
            &[segment("v/1/my clip_720_00001.ts", 6.0, 1), segment("x", 2.5, 1)],
        );
        assert!(text.contains("#EXT-X-TARGETDURATION:6\n"), "{text}");
        assert!(
            text.contains(
                "#EXTINF:6.000000,\nmy%20clip_720_00001.ts\n#EXTINF:2.500000,\nx\n#EXT-X-ENDLIST\n"
            )
        );
        assert_eq!(parse(&text)[0], ("my%20clip_720_00001.ts".to_owned(), 6.0));
    }

    #[test]
    fn a_tiny_last_segment_does_not_set_the_peak() {
        let segments = [segment("1", 6.0, 600_000), segment("2", 6.0, 900_000), segment("3", 0.1, 90_000)];
        let (peak, average) = bandwidth(&segments, 6.0);
        assert_eq!(average, rate(1_590_000, 12.1));
        // Segments 2 and 3 together, not 3 alone (7.2 Mbit/s).
        assert_eq!(peak, rate(990_000, 6.1));
        let (peak, average) = bandwidth(&segments[2..], 6.0);
        assert_eq!(peak, average, "shorter than half a segment: the whole is all there is");
    }
}
