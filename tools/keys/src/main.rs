//! Makes the keys of a deployment and prints them as JSON: `keys signing` answers `{"signing_key", "jwks"}` (texts for
//! the parameters `auth/signing-key` and `auth/jwks`), `keys playback` answers `{"private_pem", "public_pem"}`.
//! `scripts/deploy` hands them to Parameter Store without writing them to the disk.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;

fn main() -> ExitCode {
    let made = match std::env::args().nth(1).as_deref() {
        Some("signing") => identity::new_signing_key(&platform::SystemRandom)
            .map(|(signing_key, jwks)| json!({"signing_key": signing_key, "jwks": jwks})),
        Some("playback") => playback::KeyPair::generate()
            .map(|pair| json!({"private_pem": pair.private_pem, "public_pem": pair.public_pem})),
        _ => {
            let _ = writeln!(std::io::stderr(), "usage: keys signing | playback");
            return ExitCode::from(2);
        }
    };
    match made {
        Ok(keys) => {
            let _ = writeln!(std::io::stdout(), "{keys}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "keys: {error}");
            ExitCode::FAILURE
        }
    }
}
