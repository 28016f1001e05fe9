//! Runs the function under the Lambda runtime.
fn main() -> std::process::ExitCode {
    platform::main(&identity_get_jwks::function())
}
