//! `{seconds since the epoch}.{HMAC-SHA-256 in hex}`: stateless, bound to one subject and one end.

use aws_lc_rs::hmac;
use kernel::Time;

/// Why a playback token does not open anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// Not one of ours, or for something else.
    Forged,
    /// Its time is over.
    Expired,
}

fn message(subject: &str, until_s: i64) -> String {
    format!("{subject}\n{until_s}")
}

pub(crate) fn make(secret: &[u8; 32], subject: &str, until: Time) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, message(subject, until.s()).as_bytes());
    format!("{}.{}", until.s(), hex::encode(tag.as_ref()))
}

pub(crate) fn verify(secret: &[u8; 32], subject: &str, token: &str, now: Time) -> Result<Time, TokenProblem> {
    let (until, tag) = token.split_once('.').ok_or(TokenProblem::Forged)?;
    let until_s: i64 = until.parse().map_err(|_| TokenProblem::Forged)?;
    let tag = hex::decode(tag).map_err(|_| TokenProblem::Forged)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    // The number is signed as it is written canonically: `+5` is not `5`.
    hmac::verify(&key, message(subject, until_s).as_bytes(), &tag).map_err(|_| TokenProblem::Forged)?;
    if until_s <= now.s() {
        Err(TokenProblem::Expired)
    } else {
        Ok(Time::from_ms(until_s.saturating_mul(1000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_own_subject_until_its_end() {
        let (secret, end) = ([7; 32], Time::from_ms(2_000_000));
        let token = make(&secret, "video 1", end);
        let at = |subject: &str, token: &str, now| verify(&secret, subject, token, Time::from_ms(now));
        assert_eq!(at("video 1", &token, 1_999_000), Ok(end));
        assert_eq!(at("video 1", &token, 2_000_000), Err(TokenProblem::Expired));
        assert_eq!(at("video 2", &token, 0), Err(TokenProblem::Forged));
        assert_eq!(verify(&[8; 32], "video 1", &token, Time::from_ms(0)), Err(TokenProblem::Forged));
        let later = token.replacen("2000.", "9000.", 1);
        for bad in ["", ".", "2000", "x.y", "2000.zz", &token[..token.len() - 2], &later] {
            assert_eq!(at("video 1", bad, 0), Err(TokenProblem::Forged), "{bad}");
        }
    }
}
