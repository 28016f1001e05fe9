//! Runs the function under the Lambda runtime.
fn main() -> std::process::ExitCode {
    platform::main(&notifications_list_notifications::function())
}
