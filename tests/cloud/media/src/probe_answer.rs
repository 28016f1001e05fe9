//! A probed file in the words of `MediaConvert`: for the `Probe` call and for the `INPUT_INFORMATION` event.

use serde_json::{Map, Value, json};

use crate::probe::{MediaInfo, Track, TrackContent, VideoTrack};
use crate::s3_url::S3Url;
use crate::settings::{Fraction, Rotate};

/// One element of `probeResults`.
pub(crate) fn probe_result(info: &MediaInfo, modified_s: Option<u64>) -> Value {
    let tracks: Vec<Value> = info.tracks.iter().map(track).collect();
    let indexes = |kind: fn(&TrackContent) -> bool| -> Vec<usize> {
        info.tracks.iter().filter(|t| kind(&t.content)).map(|t| t.index + 1).collect()
    };
    let (format, mime_type) = container(info);
    let mut container = object([
        ("duration", info.duration_s.map(Value::from)),
        ("bitRate", info.bit_rate.map(Value::from)),
        ("format", format.map(Value::from)),
    ]);
    container.insert("tracks".into(), tracks.into());
    let metadata = object([
        ("fileSize", Some(info.size_bytes.into())),
        ("lastModified", modified_s.map(Value::from)),
        ("mimeType", mime_type.map(Value::from)),
    ]);
    json!({
        "container": container,
        "metadata": metadata,
        "trackMappings": [{
            "videoTrackIndexes": indexes(|c| matches!(c, TrackContent::Video(_))),
            "audioTrackIndexes": indexes(|c| matches!(c, TrackContent::Audio { .. })),
            "dataTrackIndexes": indexes(|c| matches!(c, TrackContent::Data)),
        }],
    })
}

/// One element of the event's `inputDetails`.
pub(crate) fn input_details(info: &MediaInfo, input: &S3Url) -> Value {
    let video = info.tracks.iter().filter_map(|t| match &t.content {
        TrackContent::Video(video) => Some(json!({
            "bitDepth": bit_depth(video),
            "codec": codec(t),
            "frameRate": video.frame_rate.value(),
            "height": video.coded.height,
            "width": video.coded.width,
            "sar": format!("{}:{}", video.sample_aspect.numerator, video.sample_aspect.denominator),
            "streamId": t.index + 1,
        })),
        _ => None,
    });
    let audio = info.tracks.iter().filter_map(|t| match &t.content {
        TrackContent::Audio { channels, sample_rate, .. } => Some(json!({
            "channels": channels,
            "codec": codec(t),
            "language": t.language.as_deref().unwrap_or("und").to_uppercase(),
            "sampleRate": sample_rate,
            "streamId": t.index + 1,
        })),
        _ => None,
    });
    json!({
        "id": 1,
        "uri": input.to_string(),
        "audio": audio.collect::<Vec<_>>(),
        "video": video.collect::<Vec<_>>(),
    })
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn track(track: &Track) -> Value {
    let kind = match &track.content {
        TrackContent::Video(_) => "video",
        TrackContent::Audio { .. } => "audio",
        TrackContent::Data => "data",
    };
    let mut fields = object([
        ("index", Some((track.index + 1).into())),
        ("trackType", Some(kind.into())),
        ("duration", track.duration_s.map(Value::from)),
    ]);
    match &track.content {
        TrackContent::Video(video) => {
            fields.insert("codec".into(), codec(track).into());
            fields.insert("videoProperties".into(), video_properties(video, track.bit_rate).into());
        }
        TrackContent::Audio { channels, sample_rate, layout, bit_depth } => {
            fields.insert("codec".into(), codec(track).into());
            let properties = object([
                ("channels", Some((*channels).into())),
                ("sampleRate", Some((*sample_rate).into())),
                ("channelLayout", layout.clone().map(Value::from)),
                ("bitDepth", bit_depth.map(Value::from)),
                ("bitRate", track.bit_rate.map(Value::from)),
                ("languageCode", track.language.clone().map(Value::from)),
            ]);
            fields.insert("audioProperties".into(), properties.into());
        }
        TrackContent::Data => {
            let properties = object([("languageCode", track.language.clone().map(Value::from))]);
            fields.insert("dataProperties".into(), properties.into());
        }
    }
    Value::Object(fields)
}

fn video_properties(video: &VideoTrack, bit_rate: Option<u64>) -> Map<String, Value> {
    let rate = json!({"numerator": video.frame_rate.numerator, "denominator": video.frame_rate.denominator});
    let shown = video.shown(Rotate::Degrees(0));
    let metadata = object([
        ("width", Some(video.coded.width.into())),
        ("height", Some(video.coded.height.into())),
        ("bitDepth", Some(bit_depth(video).into())),
        ("profile", video.profile.clone().map(Value::from)),
        ("level", video.level.filter(|level| *level > 0).map(|level| level.to_string().into())),
        ("codedFrameRate", Some(rate.clone())),
    ]);
    object([
        ("width", Some(video.coded.width.into())),
        ("height", Some(video.coded.height.into())),
        ("bitDepth", Some(bit_depth(video).into())),
        ("bitRate", bit_rate.map(Value::from)),
        ("frameRate", Some(rate)),
        ("rotation", (video.rotation != 0).then(|| video.rotation.into())),
        ("sampleAspectRatio", Some(aspect(video.sample_aspect.numerator, video.sample_aspect.denominator))),
        ("displayAspectRatio", Some(aspect(shown.width, shown.height))),
        ("colorPrimaries", video.color_primaries.as_deref().and_then(color_primaries).map(Value::from)),
        ("transferCharacteristics", video.color_transfer.as_deref().and_then(transfer).map(Value::from)),
        ("matrixCoefficients", video.color_space.as_deref().and_then(matrix).map(Value::from)),
        ("codecMetadata", Some(Value::Object(metadata))),
    ])
}

fn aspect(width: u32, height: u32) -> Value {
    fn gcd(a: u32, b: u32) -> u32 {
        if b == 0 { a } else { gcd(b, a % b) }
    }
    let divisor = gcd(width, height).max(1);
    let reduced = Fraction { numerator: width / divisor, denominator: height / divisor };
    json!({"numerator": reduced.numerator, "denominator": reduced.denominator})
}

fn bit_depth(video: &VideoTrack) -> u32 {
    match video.pixel_format.as_deref() {
        Some(format) if format.contains("p10") => 10,
        Some(format) if format.contains("p12") => 12,
        _ => 8,
    }
}

/// `Format` of the API model, and the MIME type that goes with it.
fn container(info: &MediaInfo) -> (Option<&'static str>, Option<&'static str>) {
    let names = |name: &str| info.container.split(',').any(|n| n == name);
    let webm = || {
        info.tracks.iter().all(|t| {
            matches!(t.codec.as_deref(), Some("vp8" | "vp9" | "av1" | "opus" | "vorbis"))
                || matches!(t.content, TrackContent::Data)
        })
    };
    let known = match info.brand.as_deref().map(str::trim) {
        // A MOV so old that it has no `ftyp` box has no brand.
        Some("qt") | None if names("mov") => ("quicktime", "video/quicktime"),
        Some(brand) if brand.starts_with("3g2") => ("three_g2", "video/3gpp2"),
        Some(brand) if brand.starts_with("3gp") => ("three_gp", "video/3gpp"),
        _ if names("mp4") => ("mp4", "video/mp4"),
        _ if names("webm") && webm() => ("webm", "video/webm"),
        _ if names("matroska") => ("matroska", "video/x-matroska"),
        _ if names("avi") => ("avi", "video/x-msvideo"),
        _ if names("mpegts") => ("mpegts", "video/mp2t"),
        _ if names("mpeg") => ("mpegps", "video/mpeg"),
        _ if names("mxf") => ("mxf", "application/mxf"),
        _ if names("asf") => ("asf", "video/x-ms-asf"),
        _ if names("ogg") => ("ogg", "application/ogg"),
        _ if names("mp3") => ("mp3", "audio/mpeg"),
        _ if names("wav") => ("wave", "audio/wav"),
        _ if names("flac") => ("flac", "audio/flac"),
        _ if names("aac") => ("aac", "audio/aac"),
        _ => return (None, None),
    };
    (Some(known.0), Some(known.1))
}

/// `Codec` of the API model.
fn codec(track: &Track) -> &'static str {
    match track.codec.as_deref().unwrap_or_default() {
        "h264" => "AVC",
        "hevc" => "HEVC",
        "vp8" => "VP8",
        "vp9" => "VP9",
        "av1" => "AV1",
        "mpeg1video" => "MPEG1",
        "mpeg2video" => "MPEG2",
        "mpeg4" | "msmpeg4v2" | "msmpeg4v3" => "MP4V",
        "mjpeg" => "MJPEG",
        "prores" => "PRORES",
        "h263" => "H263",
        "theora" => "THEORA",
        "vc1" => "VC1",
        "qtrle" => "QTRLE",
        "dvvideo" => "DV",
        "rawvideo" => "UNCOMPRESSED",
        "aac" => "AAC",
        "ac3" => "AC3",
        "eac3" => "EAC3",
        "mp2" => "MP2",
        "mp3" => "MP3",
        "opus" => "OPUS",
        "vorbis" => "VORBIS",
        "flac" => "FLAC",
        "amr_nb" | "amr_wb" => "AMR",
        "wmav2" => "WMA2",
        "wmapro" => "WMAPRO",
        pcm if pcm.starts_with("pcm_") => "PCM",
        _ => "UNKNOWN",
    }
}

fn color_primaries(name: &str) -> Option<&'static str> {
    match name {
        "bt709" => Some("ITU_709"),
        "bt470m" => Some("ITU_470M"),
        "bt470bg" => Some("ITU_470BG"),
        "smpte170m" => Some("SMPTE_170M"),
        "smpte240m" => Some("SMPTE_240M"),
        "bt2020" => Some("ITU_2020"),
        "smpte431" => Some("SMPTE_431_2"),
        "smpte432" => Some("SMPTE_EG_432_1"),
        _ => None,
    }
}

fn transfer(name: &str) -> Option<&'static str> {
    match name {
        "bt709" => Some("ITU_709"),
        "gamma22" => Some("ITU_470M"),
        "gamma28" => Some("ITU_470BG"),
        "smpte170m" => Some("SMPTE_170M"),
        "smpte240m" => Some("SMPTE_240M"),
        "linear" => Some("LINEAR"),
        "iec61966-2-1" => Some("IEC_61966_2_1"),
        "bt2020-10" => Some("ITU_2020_10bit"),
        "bt2020-12" => Some("ITU_2020_12bit"),
        "smpte2084" => Some("SMPTE_2084"),
        "arib-std-b67" => Some("ARIB_B67"),
        _ => None,
    }
}

fn matrix(name: &str) -> Option<&'static str> {
    match name {
        "bt709" => Some("ITU_709"),
        "bt470bg" => Some("ITU_470BG"),
        "smpte170m" => Some("SMPTE_170M"),
        "smpte240m" => Some("SMPTE_240M"),
        "fcc" => Some("FCC"),
        "bt2020nc" => Some("ITU_2020_NCL"),
        "bt2020c" => Some("ITU_2020_CL"),
        _ => None,
    }
}
