//! HLS playlists (RFC 8216), changed line by line so that tags nobody here knows stay as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::Rendition;

/// Group of the subtitles that are added here.
const GROUP: &str = "subtitles";
const STREAM: &str = "#EXT-X-STREAM-INF:";
const MEDIA: &str = "#EXT-X-MEDIA:";

/// The attributes of a tag, in order: name and value, quotes kept (RFC 8216, 4.2).
fn attributes(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let end = if let Some(quoted) = after.strip_prefix('"') {
            quoted.find('"').map_or(after.len(), |at| at + 2)
        } else {
            after.find(',').unwrap_or(after.len())
        };
        let (value, after) = after.split_at_checked(end).unwrap_or((after, ""));
        found.push((name.trim().trim_start_matches(',').trim(), value));
        rest = after.trim_start_matches(',');
    }
    found
}

fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    attributes(text).into_iter().find(|(n, _)| *n == name).map(|(_, v)| v.trim_matches('"'))
}

/// The renditions of a main playlist. `master_720p.m3u8` is `720p`.
pub(crate) fn renditions(master: &str) -> Vec<Rendition> {
    let mut renditions = Vec::new();
    let mut told: Option<&str> = None;
    for line in master.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix(STREAM) {
            told = Some(text);
        } else if !line.is_empty()
            && !line.starts_with('#')
            && let Some(text) = told.take()
        {
            let resolution = attribute(text, "RESOLUTION").and_then(|r| r.split_once('x'));
            let side = |s: Option<&str>| s.and_then(|s| s.parse().ok()).unwrap_or(0);
            let (width, height) = (side(resolution.map(|s| s.0)), side(resolution.map(|s| s.1)));
            let stem = line.strip_suffix(".m3u8").unwrap_or(line);
            let name = stem.rsplit_once('_').map_or(stem, |(_, name)| name).to_owned();
            let bandwidth = attribute(text, "BANDWIDTH").and_then(|b| b.parse().ok()).unwrap_or(0);
            renditions.push(Rendition { name, width, height, bandwidth });
        }
    }
    renditions
}

/// The playlist with every URI in it, also those in attributes, replaced by what `resolve` makes of it. Absolute URIs
/// stay: they are not ours.
pub(crate) fn rewrite(playlist: &str, resolve: &dyn Fn(&str) -> String) -> String {
    let resolved = |uri: &str| {
        if uri.contains("://") || uri.starts_with("data:") { uri.to_owned() } else { resolve(uri) }
    };
    let mut out = String::with_capacity(playlist.len() * 8);
    for line in playlist.lines() {
        if line.trim().is_empty() {
            continue;
        }
        if let Some((before, after)) = line.strip_prefix('#').and_then(|_| line.split_once("URI=\"")) {
            let (uri, after) = after.split_once('"').unwrap_or((after, ""));
            let _ = write!(out, "{before}URI=\"{}\"{after}", resolved(uri));
        } else if line.starts_with('#') {
            out.push_str(line);
        } else {
            out.push_str(&resolved(line.trim()));
        }
        out.push('\n');
    }
    out
}

/// The main playlist with these captions and no others: language → name of the text without its ending.
pub(crate) fn with_subtitles(master: &str, captions: &BTreeMap<String, String>) -> String {
    let mut media = String::new();
    for (language, name) in captions {
        let _ = writeln!(
            media,
            "{MEDIA}TYPE=SUBTITLES,GROUP-ID=\"{GROUP}\",NAME=\"{}\",LANGUAGE=\"{language}\",DEFAULT=NO,AUTOSELECT=YES,\
             FORCED=NO,URI=\"{name}.m3u8\"",
            own_name(language),
        );
    }
    let mut out = String::with_capacity(master.len() + media.len());
    for line in master.lines() {
        if line.strip_prefix(MEDIA).is_some_and(|text| attribute(text, "GROUP-ID") == Some(GROUP)) {
            continue;
        }
        if let Some(text) = line.strip_prefix(STREAM) {
            // Before the first stream, where readers look for what streams refer to.
            out.push_str(&std::mem::take(&mut media));
            let kept = attributes(text).into_iter().filter(|(name, _)| *name != "SUBTITLES");
            let mut kept: Vec<String> = kept.map(|(name, value)| format!("{name}={value}")).collect();
            if !captions.is_empty() {
                kept.push(format!("SUBTITLES=\"{GROUP}\""));
            }
            let _ = writeln!(out, "{STREAM}{}", kept.join(","));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// A language by its own name, for the player's menu.
fn own_name(language: &str) -> &str {
    match language.split('-').next().unwrap_or_default() {
        "ja" => "日本語",
        "en" => "English",
        "ko" => "한국어",
        "zh" => "中文",
        "vi" => "Tiếng Việt",
        "fr" => "Français",
        "de" => "Deutsch",
        "es" => "Español",
        "pt" => "Português",
        "id" => "Bahasa Indonesia",
        "th" => "ไทย",
        _ => language,
    }
}

/// The playlist of one captions text, which lasts as long as the video.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn captions_playlist(name: &str, duration_seconds: f64) -> String {
    let duration = duration_seconds.max(1.0);
    format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXTINF:{duration:.3},\n{name}.vtt\n#EXT-X-ENDLIST\n",
        duration.ceil() as u64,
    )
}

/// A WebVTT track of preview pictures: which to show at which time, as players' time bars read it.
pub(crate) fn preview_track(pictures: &[String], interval_seconds: u32, duration_seconds: f64) -> String {
    let mut out = "WEBVTT\n".to_owned();
    for (n, picture) in (0_u32..).zip(pictures) {
        let start = f64::from(n * interval_seconds);
        let last = n as usize + 1 == pictures.len();
        let end = f64::from((n + 1) * interval_seconds);
        let end = if last { end.max(duration_seconds) } else { end };
        let _ = write!(out, "\n{} --> {}\n{picture}\n", clock(start), clock(end));
    }
    out
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn clock(seconds: f64) -> String {
    let ms = (seconds * 1000.0).round() as u64;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// A preview track with its pictures resolved.
pub(crate) fn rewrite_track(track: &str, resolve: &dyn Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(track.len() * 4);
    let mut in_cue = false;
    for line in track.lines() {
        if in_cue && !line.trim().is_empty() {
            out.push_str(&resolve(line.trim()));
        } else {
            out.push_str(line);
        }
        in_cue = line.contains("-->");
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,RESOLUTION=1280x720,FRAME-RATE=29.970,CODECS=\"avc1.4d401f,mp4a.40.2\"\n\
        master_720p.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\"\n\
        master_360p.m3u8\n";

    fn captions(languages: &[&str]) -> BTreeMap<String, String> {
        languages.iter().map(|l| ((*l).to_owned(), format!("captions_{l}_0"))).collect()
    }

    #[test]
    fn renditions_are_read_from_the_main_playlist() {
        let read = renditions(MASTER);
        assert_eq!(read.len(), 2);
        let first = Rendition { name: "720p".into(), width: 1280, height: 720, bandwidth: 900_000 };
        assert_eq!(read[0], first);
        assert_eq!(read[1].name, "360p");
    }

    #[test]
    fn a_comma_in_quotes_parts_nothing() {
        let text = "A=1,CODECS=\"x,y\",B=\"\",C=z";
        assert_eq!(attributes(text), [("A", "1"), ("CODECS", "\"x,y\""), ("B", "\"\""), ("C", "z")]);
        assert_eq!(attributes(""), []);
        assert_eq!(attributes("A=\"open"), [("A", "\"open")]);
    }

    #[test]
    fn subtitles_are_added_once_and_replaced_as_a_whole() {
        let one = with_subtitles(MASTER, &captions(&["ja"]));
        assert_eq!(one.matches("TYPE=SUBTITLES").count(), 1);
        assert_eq!(one.matches(",SUBTITLES=\"subtitles\"").count(), 2);
        assert!(one.contains("NAME=\"日本語\",LANGUAGE=\"ja\""));
        assert!(one.contains("CODECS=\"avc1.4d401f,mp4a.40.2\",SUBTITLES"), "{one}");
        let two = with_subtitles(&one, &captions(&["en", "ja"]));
        assert_eq!(two, with_subtitles(MASTER, &captions(&["en", "ja"])));
        assert_eq!(two.matches("TYPE=SUBTITLES").count(), 2);
        assert_eq!(with_subtitles(&two, &captions(&[])), MASTER);
    }

    #[test]
    fn every_uri_is_resolved_and_foreign_ones_stay() {
        let playlist = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\",IV=0x0\n#EXT-X-MAP:URI=\"init.mp4\"\n\n#EXTINF:6.0,\nmaster_720p_00001.ts\n#EXTINF:6.0,\nhttps://other.example/x.ts\n#EXT-X-ENDLIST\n";
        let rewritten = rewrite(playlist, &|uri| format!("https://cdn/{uri}?s=1"));
        assert_eq!(
            rewritten,
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"https://cdn/key.bin?s=1\",IV=0x0\n#EXT-X-MAP:URI=\"https://cdn/init.mp4?s=1\"\n#EXTINF:6.0,\nhttps://cdn/master_720p_00001.ts?s=1\n#EXTINF:6.0,\nhttps://other.example/x.ts\n#EXT-X-ENDLIST\n"
        );
    }

    #[test]
    fn previews_cover_the_whole_length() {
        let track = preview_track(&["preview/a.jpg".into(), "preview/b.jpg".into()], 2, 5.5);
        assert!(track.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\npreview/a.jpg\n"));
        assert!(track.contains("00:00:02.000 --> 00:00:05.500\npreview/b.jpg\n"));
        let signed = rewrite_track(&track, &|uri| format!("https://cdn/{uri}"));
        assert!(signed.contains("\nhttps://cdn/preview/a.jpg\n") && signed.starts_with("WEBVTT\n"));
    }
}
