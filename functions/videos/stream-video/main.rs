//! Runs the function under the Lambda runtime.
fn main() -> std::process::ExitCode {
    platform::main(&videos_stream_video::function())
}
