//! The two programs that do the work. Debian 12's ffmpeg 5.1 is what this is written against.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Containers that `MediaConvert` reads, by ffmpeg's names. Anything else is no media file: in particular playlists and
/// text, with which an upload could make ffmpeg read other files of this machine.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,flv,asf,mxf,mxf_opatom,\
     ogg,mp3,wav,flac,aac,ac3,eac3,aiff";

/// Options that stand before `-i` for every file which somebody uploaded.
fn untrusted_input(command: &mut Command) {
    command.args(["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS]);
}

/// `ffprobe` on one uploaded file, with its report as JSON on standard output.
pub(crate) fn ffprobe(file: &Path) -> Command {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-print_format", "json", "-show_format", "-show_streams"]);
    untrusted_input(&mut command);
    command.arg("-i").arg(file).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// `ffmpeg` on one uploaded file: progress on standard output, complaints on standard error. The child dies with the
/// future that waits for it.
///
/// `turn` lets ffmpeg apply the rotation that the file carries.
pub(crate) fn ffmpeg(file: &Path, turn: bool) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-y", "-v", "error", "-nostats"]);
    command.args(["-progress", "pipe:1", "-stats_period", "0.5"]);
    if !turn {
        command.arg("-noautorotate");
    }
    untrusted_input(&mut command);
    command.arg("-i").arg(file).stdin(Stdio::null()).kill_on_drop(true);
    command
}
