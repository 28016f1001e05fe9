use crate::s3_url::S3Url;

/// Why a job ended in `ERROR`, with the code and the wording that `MediaConvert` uses for it
/// (user guide, `mediaconvert_error_codes`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub code: i32,
    pub message: String,
}

impl Failure {
    fn unable_to_open(code: i32, input: &S3Url, why: &str) -> Self {
        Self { code, message: format!("Unable to open input file [{input}]: [Failed probe/open: [{why}]]") }
    }

    /// 1404: there is no such object.
    pub fn input_missing(input: &S3Url) -> Self {
        Self::unable_to_open(1404, input, "Can't read input stream: [Failed to read data: HeadObject failed]")
    }

    /// 1010: not a container that can be read.
    pub fn no_parser(input: &S3Url) -> Self {
        Self::unable_to_open(1010, input, "No parser found for container")
    }

    /// 1075: an MP4 or MOV file whose index is missing, as after an upload that broke off.
    pub fn no_moov_box(input: &S3Url) -> Self {
        Self::unable_to_open(1075, input, "no moov box found in file")
    }

    /// 1020: readable, but nothing to see in it.
    pub fn no_video(input: &S3Url) -> Self {
        Self {
            code: 1020,
            message: format!(
                "Your input file [{input}] doesn't have video that the transcoder can consume. Check your input \
                 video codec against the list of supported input video codec and container combinations."
            ),
        }
    }

    /// 1021: the job wants only sound, and there is none.
    pub fn no_audio() -> Self {
        Self {
            code: 1021,
            message: "No audio frames decoded on [selector-(Audio Selector 1)-track-1-drc]".into(),
        }
    }

    /// 1030: the picture is in a codec that cannot be decoded.
    pub fn unsupported_codec(codec: &str) -> Self {
        Self { code: 1030, message: format!("Video codec [{codec}] is not a supported input video codec") }
    }

    /// 1040: the settings do not go together with this input. `output` counts from 1.
    pub fn odd_resolution(width: u32, height: u32, output: usize) -> Self {
        Self {
            code: 1040,
            message: format!(
                "Invalid resolution [{width} x {height}], only even values are supported. video_description [{output}]."
            ),
        }
    }

    /// 1076: the file stops before its end. `length` is its size in bytes.
    pub fn truncated(length: u64) -> Self {
        Self {
            code: 1076,
            message: format!(
                "Demuxer: [ReadPacketData File read failed - end of file hit at length [{length}]. Is file truncated?]"
            ),
        }
    }

    /// 1075: the demuxer or the decoder gave up in the middle.
    pub fn unreadable(why: &str) -> Self {
        Self { code: 1075, message: format!("Demuxer: [{why}]") }
    }

    /// 1517: an output could not be written.
    pub fn write(output: &S3Url, why: &str) -> Self {
        Self {
            code: 1517,
            message: format!("Unable to write to output file [{output}]: [Failed to write data: {why}]"),
        }
    }

    /// 1999: this machine's fault (no ffmpeg, no space), not the input's.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self { code: 1999, message: format!("Unknown error: {why}") }
    }
}
