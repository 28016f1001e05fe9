//! One ffmpeg command for a whole job: the input is decoded once, and every output is a branch of one filter graph.

use std::fmt::Write as _;

use crate::failure::Failure;
use crate::frame::Fit;
use crate::probe::{MediaInfo, Track, VideoTrack};
use crate::settings::{
    Audio, Fraction, Frames, Gop, GroupKind, H264, Output, Plan, Profile, RateControl, Rotate, VideoCodec,
};

/// What one output comes down to for this input.
#[derive(Clone, Debug)]
pub(crate) struct Target<'a> {
    pub kind: GroupKind,
    pub output: &'a Output,
    /// The output's own folder below ffmpeg's working folder. Names on disk are plain ASCII without `%`, whatever the
    /// objects will be called, because ffmpeg expands patterns in them.
    pub folder: String,
    pub picture: Option<Picture<'a>>,
    pub sound: Option<Audio>,
}

/// The picture of one output.
#[derive(Clone, Debug)]
pub(crate) struct Picture<'a> {
    pub codec: &'a VideoCodec,
    pub fit: Fit,
    pub frame_rate: Fraction,
}

/// ffmpeg's own playlist of an HLS output, in the output's folder.
pub(crate) const PLAYLIST: &str = "list.m3u8";
/// The one file of an MP4 or MOV output, in the output's folder.
pub(crate) const FILE: &str = "file";
/// Captured frames, in the output's folder, counted from 0.
const FRAMES: &str = "%07d.jpg";

/// Fits the plan to the input.
///
/// # Errors
/// What `MediaConvert` finds out only after it has looked at the input: nothing to see or hear, a codec it cannot read,
/// a size it cannot encode.
pub(crate) fn targets<'a>(plan: &'a Plan, info: &MediaInfo) -> Result<Vec<Target<'a>>, Failure> {
    let sound = info.audio(plan.audio_track);
    let mut targets = Vec::new();
    for (g, group) in plan.groups.iter().enumerate() {
        for (o, output) in group.outputs.iter().enumerate() {
            let picture = output.video.as_ref().map(|video| {
                let (track, shown) = info.video().ok_or_else(|| Failure::no_video(&plan.input))?;
                check_codec(track)?;
                let fit = Fit::new(shown.shown(plan.rotate), &video.size);
                let frame_rate = match &video.codec {
                    VideoCodec::H264(h264) => h264.frame_rate.unwrap_or(shown.frame_rate),
                    VideoCodec::Frames(frames) => frames.rate,
                };
                if matches!(video.codec, VideoCodec::H264(_)) && !fit.output.is_even() {
                    return Err(Failure::odd_resolution(
                        fit.output.width,
                        fit.output.height,
                        targets.len() + 1,
                    ));
                }
                Ok(Picture { codec: &video.codec, fit, frame_rate })
            });
            let picture = picture.transpose()?;
            let wanted = output.audio.filter(|_| sound.is_some());
            if picture.is_none() && wanted.is_none() {
                return Err(Failure::no_audio());
            }
            let folder = format!("g{g}o{o}");
            targets.push(Target { kind: group.kind, output, folder, picture, sound: wanted });
        }
    }
    Ok(targets)
}

fn check_codec(track: &Track) -> Result<(), Failure> {
    match track.codec.as_deref() {
        None | Some("none" | "unknown") => Err(Failure::unsupported_codec("unknown")),
        Some(_) => Ok(()),
    }
}

/// The arguments after `-i FILE`.
pub(crate) fn arguments(plan: &Plan, info: &MediaInfo, targets: &[Target<'_>]) -> Vec<String> {
    let mut args = Arguments(Vec::new());
    if let Some((track, video)) = info.video().filter(|_| targets.iter().any(|t| t.picture.is_some())) {
        args.push("-filter_complex");
        args.push(&filter_graph(track.index, video, plan.rotate, targets));
    }
    let sound = info.audio(plan.audio_track).map(|track| format!("0:{}", track.index));
    for (i, target) in targets.iter().enumerate() {
        // Nothing of the source's tags, chapters or GPS position belongs into what is published.
        args.extend(["-map_metadata", "-1", "-map_chapters", "-1"]);
        if let Some(picture) = &target.picture {
            args.extend(["-map", &format!("[o{i}]")]);
            match picture.codec {
                VideoCodec::H264(h264) => args.h264(h264, picture.frame_rate, target.kind),
                VideoCodec::Frames(frames) => args.frames(frames),
            }
        }
        if let Some((audio, track)) = target.sound.zip(sound.as_ref()) {
            args.extend(["-map", track]);
            args.aac(audio);
        }
        args.destination(target);
    }
    args.0
}

/// `turn, split` and then one branch per picture.
fn filter_graph(index: usize, video: &VideoTrack, rotate: Rotate, targets: &[Target<'_>]) -> String {
    // With `AUTO` ffmpeg turns the frames itself, before they come here.
    let turn = match (rotate, video.turn(rotate)) {
        (Rotate::Auto, _) | (_, 0) => "",
        (_, 90) => "transpose=clock,",
        (_, 180) => "hflip,vflip,",
        _ => "transpose=cclock,",
    };
    let pictures = || targets.iter().enumerate().filter_map(|(i, t)| Some((i, t.picture.as_ref()?)));
    let mut graph = format!("[0:{index}]{turn}split={}", pictures().count());
    for (i, _) in pictures() {
        // Writing to a String cannot fail.
        let _ = write!(graph, "[i{i}]");
    }
    for (i, picture) in pictures() {
        let Fraction { numerator, denominator } = picture.frame_rate;
        let rate = match picture.codec {
            // Constant frame rate from zero on, so that the first segment is as long as the others also when the
            // picture starts after the sound.
            VideoCodec::H264(_) => format!("fps={numerator}/{denominator}:start_time=0"),
            // The frame shown at 0, at one interval, at two …: `fps` would take each from the interval's middle.
            VideoCodec::Frames(_) => {
                format!("select='gte((t-start_t)*{numerator},selected_n*{denominator})'")
            }
        };
        let format = match picture.codec {
            VideoCodec::H264(_) => "format=yuv420p",
            VideoCodec::Frames(_) => "scale=out_range=pc,format=yuvj420p",
        };
        let _ = write!(graph, ";[i{i}]{rate},{},{format}[o{i}]", picture.fit.filters());
    }
    graph
}

struct Arguments(Vec<String>);

impl Arguments {
    fn push(&mut self, arg: &str) {
        self.0.push(arg.into());
    }

    fn extend<const N: usize>(&mut self, args: [&str; N]) {
        self.0.extend(args.map(str::to_owned));
    }

    fn h264(&mut self, h264: &H264, frame_rate: Fraction, kind: GroupKind) {
        // veryfast: four renditions of a minute in 1080p are ready in about the minute's length on two cores.
        self.extend(["-c:v", "libx264", "-preset", "veryfast"]);
        self.extend([
            "-profile:v",
            match h264.profile {
                Profile::Baseline => "baseline",
                Profile::Main => "main",
                Profile::High => "high",
            },
        ]);
        match h264.rate {
            RateControl::Quality { level, max_bitrate } => {
                // QVBR 7, the usual level, is what x264 calls 23; two steps of CRF for each of QVBR.
                self.extend(["-crf", &(37 - 2 * u32::from(level)).to_string()]);
                self.ceiling(max_bitrate);
            }
            RateControl::Variable { bitrate, max_bitrate } => {
                self.extend(["-b:v", &bitrate.to_string()]);
                self.ceiling(max_bitrate.unwrap_or(bitrate.saturating_mul(2)));
            }
            RateControl::Constant { bitrate } => {
                self.extend(["-b:v", &bitrate.to_string(), "-minrate", &bitrate.to_string()]);
                self.ceiling(bitrate);
            }
        }
        let segment = match kind {
            GroupKind::Hls { segment_s } => Some(f64::from(segment_s)),
            GroupKind::File => None,
        };
        let gop_s = match h264.gop {
            Gop::Auto => 2.0,
            Gop::Seconds(seconds) => seconds,
            Gop::Frames(frames) => frames / frame_rate.value(),
        };
        let gop = (gop_s.min(segment.unwrap_or(f64::MAX)) * frame_rate.value()).round().clamp(1.0, 10_000.0);
        self.extend(["-g", &format!("{gop:.0}")]);
        if let Some(seconds) = segment {
            // Every rendition has a key frame at every segment's start, so that players can switch there.
            self.extend(["-force_key_frames", &format!("expr:gte(t,n_forced*{seconds})")]);
        }
        if !h264.scene_cuts {
            self.extend(["-sc_threshold", "0"]);
        }
    }

    fn ceiling(&mut self, bitrate: u32) {
        self.extend(["-maxrate", &bitrate.to_string(), "-bufsize", &bitrate.saturating_mul(2).to_string()]);
    }

    fn frames(&mut self, frames: &Frames) {
        // mjpeg's scale runs from 2 (best) to 31.
        let quality = 2 + (100 - frames.quality.min(100)) / 5;
        self.extend(["-c:v", "mjpeg", "-fps_mode", "passthrough", "-q:v", &quality.to_string()]);
        self.extend(["-frames:v", &frames.max_captures.to_string()]);
    }

    fn aac(&mut self, audio: Audio) {
        self.extend([
            "-c:a",
            "aac",
            "-b:a",
            &audio.bitrate.to_string(),
            "-ar",
            &audio.sample_rate.to_string(),
        ]);
        self.extend(["-ac", &audio.channels.to_string()]);
    }

    fn destination(&mut self, target: &Target<'_>) {
        let frames = matches!(target.picture, Some(Picture { codec: VideoCodec::Frames(_), .. }));
        match target.kind {
            GroupKind::Hls { segment_s } => {
                self.extend(["-f", "hls", "-hls_time", &segment_s.to_string(), "-hls_list_size", "0"]);
                self.extend(["-hls_playlist_type", "vod", "-start_number", "1", "-hls_segment_filename"]);
                self.push(&format!("{}/%05d.ts", target.folder));
                self.push(&format!("{}/{PLAYLIST}", target.folder));
            }
            GroupKind::File if frames => {
                self.extend(["-f", "image2", "-start_number", "0"]);
                self.push(&format!("{}/{FRAMES}", target.folder));
            }
            GroupKind::File => {
                let format = if target.output.extension == "mov" { "mov" } else { "mp4" };
                self.extend(["-movflags", "+faststart", "-f", format]);
                self.push(&format!("{}/{FILE}", target.folder));
            }
        }
    }
}
