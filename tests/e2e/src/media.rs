use std::path::PathBuf;
use std::process::Command;

/// A clip made on the spot.
#[derive(Clone, Copy, Debug)]
pub struct Clip {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Seconds.
    pub seconds: u32,
    /// Whether it has sound.
    pub sound: bool,
}

/// Makes a clip with ffmpeg (a moving test picture, a tone) and answers its path; made once and kept for other tests.
///
/// # Panics
/// When ffmpeg is not there or fails.
#[must_use]
pub fn clip(clip: Clip) -> PathBuf {
    let Clip { width, height, seconds, sound } = clip;
    let name = format!("{width}x{height}-{seconds}s-{}.mp4", if sound { "sound" } else { "silent" });
    // Only planes of full size keep an odd number of pixels.
    let odd = width % 2 + height % 2 > 0;
    let source = if odd { "testsrc" } else { "testsrc2" };
    let picture = format!("{source}=size={width}x{height}:rate=30:duration={seconds}");
    let tone = format!("sine=frequency=440:duration={seconds}");
    let mut args = vec!["-f", "lavfi", "-i", &picture];
    if sound {
        args.extend(["-f", "lavfi", "-i", &tone, "-c:a", "aac"]);
    }
    args.extend([
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        if odd { "yuv444p" } else { "yuv420p" },
    ]);
    args.extend(["-movflags", "+faststart"]);
    made(&name, &args)
}

/// A file of this name that ffmpeg makes with these arguments; made once and kept for other tests.
///
/// # Panics
/// When ffmpeg is not there or fails.
#[must_use]
pub fn made(name: &str, args: &[&str]) -> PathBuf {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/clips"));
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let path = folder.join(name);
    if path.exists() {
        return path;
    }
    let making = folder.join(format!("{}-{name}", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg");
    let status = ffmpeg.args(["-y", "-loglevel", "error"]).args(args).arg(&making).status();
    assert!(status.unwrap_or_else(|e| panic!("ffmpeg: {e}")).success(), "ffmpeg failed: {args:?}");
    std::fs::rename(&making, &path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}
