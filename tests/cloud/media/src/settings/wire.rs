//! The settings as `CreateJob` sends them (camelCase, API model `2017-08-29`), and the checks on them.
//! Only what the transcoder reads is listed; everything else stays in the stored job untouched.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Audio, Fraction, Frames, Gop, Group, GroupKind, H264, Output, Plan, Profile, RateControl, Rotate,
    Scaling, Size, Video, VideoCodec,
};
use crate::s3_url::S3Url;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSettings {
    #[serde(default)]
    inputs: Vec<WireInput>,
    #[serde(default)]
    output_groups: Vec<WireGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireInput {
    file_input: Option<String>,
    #[serde(default)]
    audio_selectors: std::collections::BTreeMap<String, WireAudioSelector>,
    video_selector: Option<WireVideoSelector>,
    #[serde(default)]
    input_clippings: Vec<Value>,
    decryption_settings: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAudioSelector {
    #[serde(default)]
    tracks: Vec<usize>,
    default_selection: Option<String>,
}

#[derive(Deserialize)]
struct WireVideoSelector {
    rotate: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGroup {
    output_group_settings: Option<WireGroupSettings>,
    #[serde(default)]
    outputs: Vec<WireOutput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGroupSettings {
    #[serde(rename = "type")]
    kind: Option<String>,
    hls_group_settings: Option<WireHls>,
    file_group_settings: Option<WireFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHls {
    destination: Option<String>,
    segment_length: Option<u32>,
    segment_control: Option<String>,
    directory_structure: Option<String>,
    encryption: Option<Value>,
}

#[derive(Deserialize)]
struct WireFile {
    destination: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOutput {
    #[serde(default)]
    name_modifier: String,
    extension: Option<String>,
    container_settings: Option<WireContainer>,
    video_description: Option<WireVideo>,
    #[serde(default)]
    audio_descriptions: Vec<WireAudio>,
    #[serde(default)]
    caption_descriptions: Vec<Value>,
    preset: Option<String>,
}

#[derive(Deserialize)]
struct WireContainer {
    container: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVideo {
    width: Option<u32>,
    height: Option<u32>,
    scaling_behavior: Option<String>,
    codec_settings: Option<WireVideoCodec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVideoCodec {
    codec: Option<String>,
    h264_settings: Option<WireH264>,
    frame_capture_settings: Option<WireFrames>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireH264 {
    rate_control_mode: Option<String>,
    bitrate: Option<u32>,
    max_bitrate: Option<u32>,
    qvbr_settings: Option<WireQvbr>,
    codec_profile: Option<String>,
    gop_size: Option<f64>,
    gop_size_units: Option<String>,
    framerate_control: Option<String>,
    framerate_numerator: Option<u32>,
    framerate_denominator: Option<u32>,
    scene_change_detect: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQvbr {
    qvbr_quality_level: Option<u8>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFrames {
    framerate_numerator: Option<u32>,
    framerate_denominator: Option<u32>,
    max_captures: Option<u32>,
    quality: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAudio {
    codec_settings: Option<WireAudioCodec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAudioCodec {
    codec: Option<String>,
    aac_settings: Option<WireAac>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAac {
    bitrate: Option<u32>,
    sample_rate: Option<u32>,
    coding_mode: Option<String>,
}

/// Sizes that the service accepts for a side of the picture.
const SIDES: std::ops::RangeInclusive<u32> = 32..=8192;
/// The API's lowest and highest H.264 bit rate.
const BIT_RATES: std::ops::RangeInclusive<u32> = 1_000..=1_152_000_000;
/// API default of `MaxCaptures`.
const MAX_CAPTURES: u32 = 10_000_000;

/// Reads and checks the settings.
///
/// # Errors
/// The text of a `BadRequestException`: where, and what is wrong there.
pub(crate) fn read(settings: &Value) -> Result<Plan, String> {
    let wire: WireSettings =
        serde_path_to_error::deserialize(settings).map_err(|e| format!("/{}: {}", e.path(), e.inner()))?;
    let input = match wire.inputs.as_slice() {
        [] => return Err("/inputs: Should have at least 1 element".into()),
        [input] => input,
        [_, _, ..] => return Err("/inputs: this service takes one input a job".into()),
    };
    if !input.input_clippings.is_empty() || input.decryption_settings.is_some() {
        return Err("/inputs/0: this service does not clip or decrypt inputs".into());
    }
    let file = input.file_input.as_deref().ok_or("/inputs/0/fileInput: is a required property")?;
    let url = S3Url::parse(file)
        .filter(|url| !url.key.is_empty())
        .ok_or_else(|| format!("/inputs/0/fileInput: \"{file}\" is not of the form s3://bucket/key"))?;
    if wire.output_groups.is_empty() {
        return Err("/outputGroups: Should have at least 1 element".into());
    }
    let groups = wire
        .output_groups
        .iter()
        .enumerate()
        .map(|(i, group)| read_group(group, &url).map_err(|why| format!("/outputGroups/{i}{why}")))
        .collect::<Result<_, _>>()?;
    Ok(Plan { rotate: rotation(input)?, audio_track: audio_track(input), groups, input: url })
}

fn rotation(input: &WireInput) -> Result<Rotate, String> {
    match input.video_selector.as_ref().and_then(|v| v.rotate.as_deref()).unwrap_or("DEGREE_0") {
        "AUTO" => Ok(Rotate::Auto),
        "DEGREE_0" => Ok(Rotate::Degrees(0)),
        "DEGREES_90" => Ok(Rotate::Degrees(90)),
        "DEGREES_180" => Ok(Rotate::Degrees(180)),
        "DEGREES_270" => Ok(Rotate::Degrees(270)),
        other => Err(format!("/inputs/0/videoSelector/rotate: \"{other}\" is not a rotation")),
    }
}

fn audio_track(input: &WireInput) -> Option<usize> {
    let selectors = || input.audio_selectors.values();
    let chosen = selectors().find(|s| s.default_selection.as_deref() == Some("DEFAULT"));
    chosen.or_else(|| selectors().next())?.tracks.first().copied()
}

fn read_group(group: &WireGroup, input: &S3Url) -> Result<Group, String> {
    let settings =
        group.output_group_settings.as_ref().ok_or("/outputGroupSettings: is a required property")?;
    let (kind, destination) = match settings.kind.as_deref() {
        Some("HLS_GROUP_SETTINGS") => {
            let at = "/outputGroupSettings/hlsGroupSettings";
            let hls = settings
                .hls_group_settings
                .as_ref()
                .ok_or_else(|| format!("{at}: is a required property"))?;
            if hls.encryption.is_some()
                || hls.segment_control.as_deref() == Some("SINGLE_FILE")
                || hls.directory_structure.as_deref() == Some("SUBDIRECTORY_PER_STREAM")
            {
                return Err(format!("{at}: this service writes plain segment files in one folder only"));
            }
            let segment_s = hls.segment_length.unwrap_or(10);
            if segment_s == 0 {
                return Err(format!("{at}/segmentLength: Should be at least 1"));
            }
            (GroupKind::Hls { segment_s }, hls.destination.as_deref())
        }
        Some("FILE_GROUP_SETTINGS") => {
            (GroupKind::File, settings.file_group_settings.as_ref().and_then(|f| f.destination.as_deref()))
        }
        Some(other) => return Err(format!("/outputGroupSettings/type: this service does not make {other}")),
        None => return Err("/outputGroupSettings/type: is a required property".into()),
    };
    let destination = destination.ok_or("/outputGroupSettings: destination is a required property")?;
    let mut destination = S3Url::parse(destination).ok_or_else(|| {
        format!("/outputGroupSettings: \"{destination}\" is not of the form s3://bucket/key")
    })?;
    if destination.key.is_empty() || destination.key.ends_with('/') {
        destination.key.push_str(input.stem());
    }
    if group.outputs.is_empty() {
        return Err("/outputs: Should have at least 1 element".into());
    }
    let outputs = group
        .outputs
        .iter()
        .enumerate()
        .map(|(i, output)| read_output(output, kind).map_err(|why| format!("/outputs/{i}{why}")))
        .collect::<Result<Vec<_>, String>>()?;
    check_names(&outputs, kind)?;
    Ok(Group { kind, destination, outputs })
}

/// Outputs of one group must not write over each other, nor a playlist over the one that lists it.
fn check_names(outputs: &[Output], kind: GroupKind) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for (i, output) in outputs.iter().enumerate() {
        if matches!(kind, GroupKind::Hls { .. }) && output.name_modifier.is_empty() {
            return Err(format!("/outputs/{i}/nameModifier: is a required property in an HLS group"));
        }
        if !seen.insert((&output.name_modifier, &output.extension)) {
            return Err(format!("/outputs/{i}/nameModifier: Should be unique within the output group"));
        }
    }
    Ok(())
}

fn read_output(output: &WireOutput, kind: GroupKind) -> Result<Output, String> {
    if output.preset.is_some() {
        return Err("/preset: there are no presets here; give the settings themselves".into());
    }
    if !output.caption_descriptions.is_empty() {
        return Err("/captionDescriptions: this service makes no captions".into());
    }
    let container = output.container_settings.as_ref().and_then(|c| c.container.as_deref());
    let video = output.video_description.as_ref().map(read_video).transpose()?;
    let frames = matches!(video, Some(Video { codec: VideoCodec::Frames(_), .. }));
    let extension = match (kind, container) {
        (GroupKind::Hls { .. }, Some("M3U8") | None) if !frames => "m3u8",
        (GroupKind::File, Some("RAW") | None) if frames => "jpg",
        (GroupKind::File, Some("MP4")) if !frames => "mp4",
        (GroupKind::File, Some("MOV")) if !frames => "mov",
        (_, container) => {
            return Err(format!(
                "/containerSettings/container: {} does not go with this codec and output group here",
                container.unwrap_or("no container")
            ));
        }
    };
    let audio = match output.audio_descriptions.as_slice() {
        [] => None,
        [audio] => Some(read_audio(audio).map_err(|why| format!("/audioDescriptions/0{why}"))?),
        [_, _, ..] => return Err("/audioDescriptions: this service takes one an output".into()),
    };
    if frames && audio.is_some() {
        return Err("/audioDescriptions: captured frames have no sound".into());
    }
    let extension = output.extension.clone().unwrap_or_else(|| extension.to_owned());
    let name_modifier = output.name_modifier.clone();
    if video.is_none() && audio.is_none() {
        // Neither described: picture and sound with the service's defaults.
        let (video, audio) = (Some(read_video(&WireVideo::default())?), Some(AAC));
        return Ok(Output { name_modifier, extension, video, audio });
    }
    Ok(Output { name_modifier, extension, video, audio })
}

fn read_video(video: &WireVideo) -> Result<Video, String> {
    for (name, side) in [("width", video.width), ("height", video.height)] {
        if side.is_some_and(|side| !SIDES.contains(&side)) {
            return Err(format!("/videoDescription/{name}: Should be between 32 and 8192"));
        }
    }
    let scaling = match video.scaling_behavior.as_deref().unwrap_or("DEFAULT") {
        "DEFAULT" => Scaling::Letterbox,
        "STRETCH_TO_OUTPUT" => Scaling::Stretch,
        "FIT" => Scaling::Fit,
        "FIT_NO_UPSCALE" => Scaling::FitNoUpscale,
        "FILL" => Scaling::Fill,
        other => return Err(format!("/videoDescription/scalingBehavior: \"{other}\" is not supported here")),
    };
    let at = "/videoDescription/codecSettings";
    let codec = match &video.codec_settings {
        None => {
            VideoCodec::H264(read_h264(&WireH264 { max_bitrate: Some(5_000_000), ..WireH264::default() })?)
        }
        Some(codec) => match codec.codec.as_deref() {
            Some("H_264") => {
                let default = WireH264 { max_bitrate: Some(5_000_000), ..WireH264::default() };
                let settings = codec.h264_settings.as_ref().unwrap_or(&default);
                VideoCodec::H264(read_h264(settings).map_err(|why| format!("{at}/h264Settings{why}"))?)
            }
            Some("FRAME_CAPTURE") => {
                let default = WireFrames::default();
                let settings = codec.frame_capture_settings.as_ref().unwrap_or(&default);
                VideoCodec::Frames(
                    read_frames(settings).map_err(|why| format!("{at}/frameCaptureSettings{why}"))?,
                )
            }
            Some(other) => return Err(format!("{at}/codec: this service does not encode {other}")),
            None => return Err(format!("{at}/codec: is a required property")),
        },
    };
    Ok(Video { size: Size { width: video.width, height: video.height, scaling }, codec })
}

fn read_h264(h264: &WireH264) -> Result<H264, String> {
    for (name, rate) in [("bitrate", h264.bitrate), ("maxBitrate", h264.max_bitrate)] {
        if rate.is_some_and(|rate| !BIT_RATES.contains(&rate)) {
            return Err(format!("/{name}: Should be between 1000 and 1152000000"));
        }
    }
    let bitrate = || h264.bitrate.ok_or("/bitrate: is required for this rate control mode");
    let quality = h264.qvbr_settings.as_ref();
    // Without a mode, the one that the given numbers belong to.
    let inferred = if h264.bitrate.is_some() && quality.is_none() { "VBR" } else { "QVBR" };
    let rate = match h264.rate_control_mode.as_deref().unwrap_or(inferred) {
        "QVBR" => {
            let level = quality.and_then(|q| q.qvbr_quality_level).unwrap_or(7);
            if !(1..=10).contains(&level) {
                return Err("/qvbrSettings/qvbrQualityLevel: Should be between 1 and 10".into());
            }
            let max_bitrate = h264.max_bitrate.ok_or("/maxBitrate: is required when you use QVBR")?;
            RateControl::Quality { level, max_bitrate }
        }
        "VBR" => RateControl::Variable { bitrate: bitrate()?, max_bitrate: h264.max_bitrate },
        "CBR" => RateControl::Constant { bitrate: bitrate()? },
        other => return Err(format!("/rateControlMode: \"{other}\" is not a rate control mode")),
    };
    let profile = match h264.codec_profile.as_deref().unwrap_or("MAIN") {
        "BASELINE" => Profile::Baseline,
        "MAIN" => Profile::Main,
        "HIGH" => Profile::High,
        other => return Err(format!("/codecProfile: \"{other}\" is not supported here")),
    };
    let size = h264.gop_size.filter(|size| *size > 0.0 && size.is_finite());
    let gop = match (h264.gop_size_units.as_deref(), size) {
        (Some("SECONDS"), Some(size)) => Gop::Seconds(size),
        (Some("FRAMES") | None, Some(size)) => Gop::Frames(size),
        _ => Gop::Auto,
    };
    let frame_rate = match h264.framerate_control.as_deref() {
        Some("SPECIFIED") => Some(fraction(h264.framerate_numerator, h264.framerate_denominator)?),
        _ => None,
    };
    let scene_cuts = h264.scene_change_detect.as_deref() != Some("DISABLED");
    Ok(H264 { rate, profile, gop, frame_rate, scene_cuts })
}

fn read_frames(frames: &WireFrames) -> Result<Frames, String> {
    let rate = fraction(frames.framerate_numerator.or(Some(1)), frames.framerate_denominator.or(Some(1)))?;
    let max_captures = frames.max_captures.unwrap_or(MAX_CAPTURES);
    let quality = frames.quality.unwrap_or(80);
    if !(1..=100).contains(&quality) || max_captures == 0 {
        return Err(": quality should be between 1 and 100, and maxCaptures at least 1".into());
    }
    Ok(Frames { rate, max_captures, quality })
}

fn fraction(numerator: Option<u32>, denominator: Option<u32>) -> Result<Fraction, String> {
    match (numerator, denominator) {
        (Some(numerator), Some(denominator)) if numerator > 0 && denominator > 0 => {
            Ok(Fraction { numerator, denominator })
        }
        _ => Err("/framerateNumerator: numerator and denominator should be at least 1".into()),
    }
}

/// The API's defaults for AAC.
const AAC: Audio = Audio { bitrate: 96_000, sample_rate: 48_000, channels: 2 };

fn read_audio(audio: &WireAudio) -> Result<Audio, String> {
    let Some(codec) = &audio.codec_settings else { return Ok(AAC) };
    if codec.codec.as_deref() != Some("AAC") {
        return Err("/codecSettings/codec: this service encodes AAC only".into());
    }
    let aac = codec.aac_settings.as_ref();
    let bitrate = aac.and_then(|a| a.bitrate).unwrap_or(AAC.bitrate);
    let sample_rate = aac.and_then(|a| a.sample_rate).unwrap_or(AAC.sample_rate);
    if !(6_000..=1_024_000).contains(&bitrate) || !(8_000..=96_000).contains(&sample_rate) {
        return Err("/codecSettings/aacSettings: bitrate or sampleRate is out of range".into());
    }
    let channels = match aac.and_then(|a| a.coding_mode.as_deref()).unwrap_or("CODING_MODE_2_0") {
        "CODING_MODE_1_0" => 1,
        "CODING_MODE_2_0" => 2,
        "CODING_MODE_5_1" => 6,
        other => {
            return Err(format!("/codecSettings/aacSettings/codingMode: \"{other}\" is not supported here"));
        }
    };
    Ok(Audio { bitrate, sample_rate, channels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hls(outputs: &Value) -> Value {
        json!({
            "inputs": [{"fileInput": "s3://in/clips/my clip.mov"}],
            "outputGroups": [{
                "outputGroupSettings": {
                    "type": "HLS_GROUP_SETTINGS",
                    "hlsGroupSettings": {"destination": "s3://out/v1/", "segmentLength": 6},
                },
                "outputs": outputs,
            }],
        })
    }

    #[test]
    fn a_destination_that_ends_in_a_slash_takes_the_inputs_name() {
        let plan =
            read(&hls(&json!([{"nameModifier": "_a", "containerSettings": {"container": "M3U8"}}]))).unwrap();
        assert_eq!(plan.groups[0].destination.to_string(), "s3://out/v1/my clip");
        assert_eq!(plan.groups[0].kind, GroupKind::Hls { segment_s: 6 });
        assert_eq!(plan.rotate, Rotate::Degrees(0), "AWS turns nothing unless told to");
    }

    #[test]
    fn what_aws_refuses_is_refused_with_the_place_in_the_text() {
        let video = |h264: Value| {
            json!([{"nameModifier": "_a", "videoDescription":
                {"codecSettings": {"codec": "H_264", "h264Settings": h264}}}])
        };
        for (settings, place) in [
            (json!({"outputGroups": []}), "/inputs"),
            (json!({"inputs": [{"fileInput": "s3://b/k"}]}), "/outputGroups"),
            (json!({"inputs": [{"fileInput": "nowhere"}]}), "/inputs/0/fileInput"),
            (hls(&json!([])), "/outputGroups/0/outputs"),
            (hls(&json!([{}])), "nameModifier"),
            (hls(&json!([{"nameModifier": "_a"}, {"nameModifier": "_a"}])), "/outputGroups/0/outputs/1"),
            (hls(&video(json!({"rateControlMode": "QVBR"}))), "h264Settings/maxBitrate"),
            (hls(&video(json!({"rateControlMode": "CBR", "maxBitrate": 5000}))), "h264Settings/bitrate"),
            (hls(&video(json!({"bitrate": 5}))), "h264Settings/bitrate"),
            (
                hls(&json!([{"nameModifier": "_a", "videoDescription": {"width": "wide"}}])),
                "videoDescription.width",
            ),
            (hls(&json!([{"nameModifier": "_a", "captionDescriptions": [{}]}])), "captionDescriptions"),
        ] {
            let why = read(&settings).unwrap_err();
            assert!(why.contains(place), "{why:?} should name {place}");
        }
    }
}
