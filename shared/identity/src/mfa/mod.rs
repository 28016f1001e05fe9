//! The second factor: an authenticator guards the account; where it is not at hand, a code by mail or text message, or
//! one of ten recovery codes.

mod codes;
mod enrolment;
mod second_step;

pub use enrolment::{Code, Disable, Enrolment, RecoveryCodes};
pub use second_step::{ChallengeRequest, Channel, CodeSender, CodeSent, MfaCode};

use kernel::{Error, Result};
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// Names the product in the authenticator.
const ISSUER: &str = "Creator Commerce";
/// Seconds of one code of the authenticator (RFC 6238).
const STEP_S: u64 = 30;
/// Steps before and after now that are accepted too: clocks differ, people type slowly.
const SKEW: u16 = 1;
/// Codes looked at, per login and per enrolment.
pub const TRIES_MAX: i64 = 5;

/// The authenticator of a secret: SHA-1, six digits, thirty seconds, which is what every app can do.
fn totp(secret_base32: &str, account: &str) -> Result<Totp> {
    let secret =
        Secret::try_from_base32(secret_base32).map_err(|e| Error::internal(format!("authenticator: {e}")))?;
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(STEP_S)
        .with_secret(secret)
        // A colon would end the label.
        .with_account_name(account.replace(':', "_"))
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|e| Error::internal(format!("authenticator: {e}")))
}

/// The time step that a code belongs to, if it is one of now.
fn step_of(secret_base32: &str, code: &str, now_s: i64) -> Result<Option<i64>> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let step = totp(secret_base32, "")?.check(&digits, u64::try_from(now_s).unwrap_or(0));
    Ok(step.and_then(|s| i64::try_from(s).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret `12345678901234567890`, eight digits of which an authenticator shows six.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(step_of(SECRET, code, time).unwrap(), Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_code_holds_one_step_before_and_after_its_own() {
        let time = 1_111_111_109;
        assert!(step_of(SECRET, "081 804", time + 30).unwrap().is_some());
        assert!(step_of(SECRET, "081804", time - 30).unwrap().is_some());
        assert!(step_of(SECRET, "081804", time + 61).unwrap().is_none());
        assert!(step_of(SECRET, "081804", time - 61).unwrap().is_none());
        for nonsense in ["", "08180", "0818044", "abcdef", "０８１８０４"] {
            assert!(step_of(SECRET, nonsense, time).unwrap().is_none(), "{nonsense}");
        }
    }
}
