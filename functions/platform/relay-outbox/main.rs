//! Runs the function under the Lambda runtime.
fn main() -> std::process::ExitCode {
    platform::main(&platform_relay_outbox::function())
}
