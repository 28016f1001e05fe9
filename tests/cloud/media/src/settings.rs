//! What a job asks for, read out of `CreateJob`'s settings and checked.
//!
//! The settings stay with the job as they came; a [`Plan`] is what the transcoder understood of them.

use crate::s3_url::S3Url;

mod wire;

pub(crate) use wire::read;

/// A whole job: one input, any number of outputs.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub input: S3Url,
    pub rotate: Rotate,
    /// Which of the input's audio tracks, counted from 1; the first one when not said.
    pub audio_track: Option<usize>,
    pub groups: Vec<Group>,
}

/// One output group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub kind: GroupKind,
    /// Bucket, and folder and base name of everything the group writes.
    pub destination: S3Url,
    pub outputs: Vec<Output>,
}

/// How a group packages its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupKind {
    /// A playlist per output and one over them all; segments are `segment_s` seconds long.
    Hls { segment_s: u32 },
    /// One file per output, or one per captured frame.
    File,
}

/// One output. At least one of picture and sound is there.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub name_modifier: String,
    /// For files: `mp4`, `mov` or `jpg`.
    pub extension: String,
    pub video: Option<Video>,
    pub audio: Option<Audio>,
}

/// The picture of an output.
#[derive(Clone, Debug)]
pub(crate) struct Video {
    pub size: Size,
    pub codec: VideoCodec,
}

/// The size asked for; sides not given follow the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub scaling: Scaling,
}

/// `ScalingBehavior`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scaling {
    Letterbox,
    Stretch,
    Fit,
    FitNoUpscale,
    Fill,
}

/// How the picture is encoded.
#[derive(Clone, Debug)]
pub(crate) enum VideoCodec {
    H264(H264),
    Frames(Frames),
}

/// H.264 settings; bit rates in bits per second.
#[derive(Clone, Debug)]
pub(crate) struct H264 {
    pub rate: RateControl,
    pub profile: Profile,
    pub gop: Gop,
    /// Frames per second as a fraction, when not the input's.
    pub frame_rate: Option<Fraction>,
    pub scene_cuts: bool,
}

/// `RateControlMode` with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateControl {
    /// Constant quality (1 worst, 10 best) below a ceiling.
    Quality {
        level: u8,
        max_bitrate: u32,
    },
    Variable {
        bitrate: u32,
        max_bitrate: Option<u32>,
    },
    Constant {
        bitrate: u32,
    },
}

/// H.264 profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Baseline,
    Main,
    High,
}

/// The longest distance between two key frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gop {
    Auto,
    Frames(f64),
    Seconds(f64),
}

/// A rate or ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fraction {
    pub numerator: u32,
    pub denominator: u32,
}

impl Fraction {
    pub fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator.max(1))
    }
}

/// `FRAME_CAPTURE`: the first frame, then one every `1 / rate` seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    pub rate: Fraction,
    pub max_captures: u32,
    /// JPEG quality, 1 to 100.
    pub quality: u32,
}

/// AAC-LC settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audio {
    /// Bits per second.
    pub bitrate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    pub channels: u32,
}

/// `VideoSelector.Rotate`. AWS turns nothing unless told to, also when the file says it should be turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotate {
    /// As the file says.
    Auto,
    /// Clockwise by this many degrees: 0, 90, 180 or 270.
    Degrees(u32),
}
