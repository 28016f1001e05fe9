//! A job in MediaConvert's own terms.

use aws_sdk_mediaconvert::types::{
    AacCodingMode, AacSettings, AudioCodec, AudioCodecSettings, AudioDefaultSelection, AudioDescription,
    AudioSelector, ContainerSettings, ContainerType, FileGroupSettings, FrameCaptureSettings,
    H264CodecProfile, H264FramerateControl, H264GopSizeUnits, H264ParControl, H264QualityTuningLevel,
    H264QvbrSettings, H264RateControlMode, H264Settings, HlsDirectoryStructure, HlsGroupSettings,
    HlsManifestDurationFormat, HlsSegmentControl, Input, InputRotate, InputTimecodeSource, JobSettings,
    Output, OutputGroup, OutputGroupSettings, OutputGroupType, ScalingBehavior, VideoCodec,
    VideoCodecSettings, VideoDescription, VideoSelector,
};

use crate::{Frames, JobSpec, Rendition};

const SOUND: &str = "Audio Selector 1";
/// Constant quality; 7 is what AWS recommends for most.
const QUALITY: i32 = 7;
/// Divides the segment, so that every segment begins with a key frame.
const GOP_SECONDS: f64 = 2.0;
const SAMPLES_PER_SECOND: i32 = 48_000;
const JPEG_QUALITY: i32 = 80;

pub(crate) fn of(spec: &JobSpec) -> JobSettings {
    let mut input = Input::builder()
        .file_input(&spec.source)
        .timecode_source(InputTimecodeSource::Zerobased)
        // As the file says: a telephone films lying on its side.
        .video_selector(VideoSelector::builder().rotate(InputRotate::Auto).build());
    if spec.sound {
        let first = AudioSelector::builder().default_selection(AudioDefaultSelection::Default).build();
        input = input.audio_selectors(SOUND, first);
    }
    let mut settings = JobSettings::builder().inputs(input.build()).output_groups(presentation(spec));
    for frames in &spec.frames {
        settings = settings.output_groups(captured(frames));
    }
    settings.build()
}

fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

fn presentation(spec: &JobSpec) -> OutputGroup {
    let hls = HlsGroupSettings::builder()
        .destination(&spec.destination)
        .segment_length(side(spec.segment_seconds))
        .min_segment_length(0)
        .segment_control(HlsSegmentControl::SegmentedFiles)
        .directory_structure(HlsDirectoryStructure::SingleDirectory)
        .manifest_duration_format(HlsManifestDurationFormat::FloatingPoint)
        .build();
    let group =
        OutputGroupSettings::builder().r#type(OutputGroupType::HlsGroupSettings).hls_group_settings(hls);
    let outputs = spec.renditions.iter().map(|r| rendition(r, spec.sound)).collect();
    OutputGroup::builder().name("HLS").output_group_settings(group.build()).set_outputs(Some(outputs)).build()
}

fn rendition(rendition: &Rendition, sound: bool) -> Output {
    let h264 = H264Settings::builder()
        .codec_profile(H264CodecProfile::Main)
        .rate_control_mode(H264RateControlMode::Qvbr)
        .qvbr_settings(H264QvbrSettings::builder().qvbr_quality_level(QUALITY).build())
        .max_bitrate(side(rendition.bit_rate_max))
        .quality_tuning_level(H264QualityTuningLevel::SinglePassHq)
        .gop_size(GOP_SECONDS)
        .gop_size_units(H264GopSizeUnits::Seconds)
        .gop_closed_cadence(1)
        .framerate_control(H264FramerateControl::InitializeFromSource)
        // Sizes are those of square pixels.
        .par_control(H264ParControl::Specified)
        .par_numerator(1)
        .par_denominator(1)
        .build();
    let video = VideoDescription::builder()
        .width(side(rendition.width))
        .height(side(rendition.height))
        .scaling_behavior(ScalingBehavior::Default)
        .codec_settings(VideoCodecSettings::builder().codec(VideoCodec::H264).h264_settings(h264).build())
        .build();
    let mut output = Output::builder()
        .name_modifier(format!("_{}", rendition.name))
        .container_settings(ContainerSettings::builder().container(ContainerType::M3U8).build())
        .video_description(video);
    if sound {
        let aac = AacSettings::builder()
            .bitrate(side(rendition.sound_bit_rate))
            .coding_mode(AacCodingMode::CodingMode20)
            .sample_rate(SAMPLES_PER_SECOND)
            .build();
        let codec = AudioCodecSettings::builder().codec(AudioCodec::Aac).aac_settings(aac).build();
        let audio = AudioDescription::builder().audio_source_name(SOUND).codec_settings(codec).build();
        output = output.audio_descriptions(audio);
    }
    output.build()
}

fn captured(frames: &Frames) -> OutputGroup {
    let capture = FrameCaptureSettings::builder()
        .framerate_numerator(side(frames.count.max(1)))
        .framerate_denominator(side(frames.in_seconds.max(1)))
        .max_captures(side(frames.count_max.max(1)))
        .quality(JPEG_QUALITY)
        .build();
    let codec = VideoCodecSettings::builder().codec(VideoCodec::FrameCapture).frame_capture_settings(capture);
    let video = VideoDescription::builder()
        .width(side(frames.width))
        .height(side(frames.height))
        .codec_settings(codec.build())
        .build();
    let output = Output::builder()
        .container_settings(ContainerSettings::builder().container(ContainerType::Raw).build())
        .extension("jpg")
        .video_description(video)
        .build();
    let file = FileGroupSettings::builder().destination(&frames.destination).build();
    let group =
        OutputGroupSettings::builder().r#type(OutputGroupType::FileGroupSettings).file_group_settings(file);
    OutputGroup::builder().name("Frames").output_group_settings(group.build()).outputs(output).build()
}
