//! Runs the function under the Lambda runtime.
fn main() -> std::process::ExitCode {
    platform::main(&notifications_mark_all_read::function())
}
