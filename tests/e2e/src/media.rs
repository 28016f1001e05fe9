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
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/clips"));
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let name = format!("{width}x{height}-{seconds}s-{}.mp4", if sound { "sound" } else { "silent" });
    let path = folder.join(&name);
    if path.exists() {
        return path;
    }
    let making = folder.join(format!("{}-{name}", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-y", "-loglevel", "error", "-f", "lavfi", "-i"]);
    ffmpeg.arg(format!("testsrc2=size={width}x{height}:rate=30:duration={seconds}"));
    if sound {
        ffmpeg.args(["-f", "lavfi", "-i", &format!("sine=frequency=440:duration={seconds}"), "-c:a", "aac"]);
    }
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]);
    let status = ffmpeg.arg(&making).status().unwrap_or_else(|e| panic!("ffmpeg: {e}"));
    assert!(status.success(), "ffmpeg failed");
    std::fs::rename(&making, &path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}
