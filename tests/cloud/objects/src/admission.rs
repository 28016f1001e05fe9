//! Who may come in: signatures (Signature Version 4 only) and their time limits by the product's clock.
//!
//! s3s verifies the signatures, and measures time by the machine. So s3s is told to allow any distance, and the time
//! is checked here, by the clock that everything else lives by.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use cloud_core::Clock;
use http::header::AUTHORIZATION;
use http::request::Parts;
use s3s::S3Result;
use s3s::auth::{S3Auth, SecretKey};

use crate::error::Error;
use crate::index::Result;

/// A request may be dated this far from now, in seconds.
const SKEW_S: i64 = 15 * 60;
/// A presigned URL lives at most a week.
const LONGEST_PRESIGNED_S: i64 = 7 * 24 * 60 * 60;

/// The access keys that are let in, with their secrets.
pub(crate) struct Keys(RwLock<HashMap<String, String>>);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(HashMap::from([("test".to_owned(), "test".to_owned())])))
    }

    pub(crate) fn replace(&self, keys: HashMap<String, String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    pub(crate) fn secret(&self, id: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// The keys, as s3s asks for them.
pub(crate) struct Auth(pub(crate) std::sync::Arc<Keys>);

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(self.0.secret(access_key).ok_or(Error::InvalidAccessKeyId)?))
    }
}

/// Refuses what came too late, what is dated in the future, and Signature Version 2.
pub(crate) fn check_time(parts: &Parts, clock: &Clock) -> Result<()> {
    let query = parts.uri.query().unwrap_or_default();
    let parameter = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.into_owned())
    };
    if parameter("X-Amz-Signature").is_some() {
        return check_presigned(
            parameter("X-Amz-Date").as_deref(),
            parameter("X-Amz-Expires").as_deref(),
            clock,
        );
    }
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let version_2 = authorization.is_some_and(|a| a.starts_with("AWS ")) || parameter("Signature").is_some();
    if version_2 {
        return Err(Error::InvalidRequest(
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
                .to_owned(),
        ));
    }
    let date = parts.headers.get("x-amz-date").and_then(|v| v.to_str().ok());
    match (authorization, date.and_then(seconds)) {
        (Some(_), Some(date)) => check_date(date, clock),
        // s3s refuses what is anonymous or has no date.
        _ => Ok(()),
    }
}

fn check_presigned(date: Option<&str>, expires: Option<&str>, clock: &Clock) -> Result<()> {
    let malformed = || Error::InvalidRequest("X-Amz-Date and X-Amz-Expires must be given".to_owned());
    let date = date.and_then(seconds).ok_or_else(malformed)?;
    let expires: i64 = expires.and_then(|e| e.parse().ok()).ok_or_else(malformed)?;
    if !(0..=LONGEST_PRESIGNED_S).contains(&expires) {
        return Err(Error::InvalidRequest(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds".to_owned(),
        ));
    }
    if clock.now_s() > date + expires {
        return Err(Error::AccessDenied("Request has expired".to_owned()));
    }
    if date > clock.now_s() + SKEW_S {
        return Err(Error::AccessDenied("Request is not yet valid".to_owned()));
    }
    Ok(())
}

/// Near now by the product's clock, or by the machine's: after the clock was advanced, clients outside the product
/// (an SDK, the CLI) still date their requests by the machine.
pub(crate) fn check_date(date_s: i64, clock: &Clock) -> Result<()> {
    let now = clock.now_s();
    let machine = now - clock.offset_ms().div_euclid(1000);
    if (machine - SKEW_S..=now + SKEW_S).contains(&date_s) {
        Ok(())
    } else {
        Err(Error::RequestTimeTooSkewed)
    }
}

/// `20260102T030405Z` in seconds since the epoch.
pub(crate) fn seconds(date: &str) -> Option<i64> {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parts(uri: &str) -> Parts {
        http::Request::get(uri).body(()).unwrap().into_parts().0
    }

    fn presigned(date_s: i64, expires: i64) -> Parts {
        let date = jiff::Timestamp::from_second(date_s).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string();
        parts(&format!("/b/k?X-Amz-Date={date}&X-Amz-Expires={expires}&X-Amz-Signature=00"))
    }

    #[test]
    fn a_presigned_url_expires_when_the_clock_says_so() {
        let clock = Clock::default();
        let url = presigned(clock.now_s(), 3600);
        assert!(check_time(&url, &clock).is_ok());
        clock.advance(Duration::from_secs(3599));
        assert!(check_time(&url, &clock).is_ok());
        clock.advance(Duration::from_secs(3));
        assert!(matches!(check_time(&url, &clock), Err(Error::AccessDenied(_))));
    }

    #[test]
    fn a_presigned_url_from_the_future_or_for_longer_than_a_week_is_refused() {
        let clock = Clock::default();
        assert!(check_time(&presigned(clock.now_s() + 3600, 60), &clock).is_err());
        assert!(check_time(&presigned(clock.now_s(), LONGEST_PRESIGNED_S + 1), &clock).is_err());
    }

    #[test]
    fn a_client_on_machine_time_still_gets_in_after_the_clock_was_advanced() {
        let clock = Clock::default();
        let machine = clock.now_s();
        clock.advance(Duration::from_hours(30 * 24));
        assert!(check_date(machine, &clock).is_ok());
        assert!(check_date(clock.now_s(), &clock).is_ok());
        assert!(check_date(clock.now_s() + 3600, &clock).is_err());
        assert!(check_date(machine - 3600, &clock).is_err());
    }

    #[test]
    fn signature_version_2_is_refused() {
        let clock = Clock::default();
        assert!(
            check_time(&parts("/b/k?AWSAccessKeyId=test&Expires=9999999999&Signature=x"), &clock).is_err()
        );
    }
}
