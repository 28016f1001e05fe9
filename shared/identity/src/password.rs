//! Passwords: Argon2id as OWASP asks (19 MiB, two passes, one lane); bcrypt of an earlier system is accepted once.

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use kernel::{Check, Context, Error, Result};
use tokio::sync::Semaphore;

/// Fewest characters.
pub const PASSWORD_MIN: usize = 10;
/// Most characters.
pub const PASSWORD_MAX: usize = 128;

/// OWASP Password Storage Cheat Sheet: m=19456 KiB, t=2, p=1.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes at a time in one process: each takes its memory and a processor. Where one process serves everybody, others
/// wait here and not in the way of those who need no hash.
const AT_ONCE: usize = 4;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// A hash that no password has, of the same cost: what an unknown address is compared with.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWhhcy10aGlzIQ$bHUk1Yl3Jlaw9iSjNTqt5nC7X5w7jSTuwYqO1DQEmOQ";

/// The commonest passwords that are long enough to pass the rule of ten characters (from public lists of leaks).
const COMMONEST: &[&str] = &[
    "0123456789",
    "0987654321",
    "1111111111",
    "1122334455",
    "1234512345",
    "1234554321",
    "12345678910",
    "1234567890",
    "123456789a",
    "123456789q",
    "123123123123",
    "1234qwerasdf",
    "147258369a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "987654321a",
    "9876543210",
    "a123456789",
    "abcd123456",
    "abcdefghij",
    "abcdefghijk",
    "adminadmin",
    "admin12345",
    "administrator",
    "asdfasdfasdf",
    "asdfghjkl1",
    "asdfghjkl;",
    "baseball123",
    "basketball",
    "changeme123",
    "charlie123",
    "computer123",
    "dragon12345",
    "football123",
    "hello12345",
    "iloveyou12",
    "iloveyou123",
    "internet123",
    "jordan1234",
    "letmein123",
    "liverpool1",
    "manchester",
    "master1234",
    "michael123",
    "monkey1234",
    "mypassword",
    "p@ssw0rd123",
    "pass123456",
    "passw0rd123",
    "password01",
    "password10",
    "password11",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "passwordpassword",
    "password!!",
    "princess123",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qazwsxedcrfv",
    "qwer123456",
    "qwerasdfzxcv",
    "qwerty1234",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "qwertyuiop123",
    "secret1234",
    "starwars123",
    "sunshine123",
    "superman123",
    "test123456",
    "testtest123",
    "trustno1234",
    "unknown123",
    "welcome123",
    "welcome1234",
    "zaq12wsxcde3",
    "zxcvbnm123",
    "zxcvbnmasdfghjkl",
];

/// Reports a new password that is too short, too long, among the commonest, or one of `personal` (address, name).
pub(crate) fn check(check: &mut Check, field: &str, password: &str, personal: &[&str]) {
    let length = password.chars().count();
    let lowered = password.to_lowercase();
    let mut characters = lowered.chars();
    let first = characters.next();
    if length == 0 {
        check.wrong(field, "REQUIRED");
    } else if length < PASSWORD_MIN {
        check.wrong(field, "TOO_SHORT");
    } else if length > PASSWORD_MAX {
        check.wrong(field, "TOO_LONG");
    } else if COMMONEST.contains(&lowered.as_str())
        || characters.all(|c| Some(c) == first)
        || personal.iter().any(|p| p.to_lowercase() == lowered)
    {
        check.wrong(field, "NOT_ALLOWED");
    }
}

/// Whether a password is the one of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Right, and the hash is of an earlier kind: it is to be replaced.
    RightButOld,
    Wrong,
}

/// Compares a password with a hash, or with nobody's, which takes as long.
pub(crate) async fn verify(password: &str, hash: Option<&str>) -> Result<Verdict> {
    let (password, hash) = (password.to_owned(), hash.unwrap_or(NOBODY).to_owned());
    aside(move || {
        if hash.starts_with("$2") {
            return Ok(if bcrypt::verify(password, &hash).unwrap_or(false) {
                Verdict::RightButOld
            } else {
                Verdict::Wrong
            });
        }
        let right = hasher()?.verify_password(password.as_bytes(), hash.as_str()).is_ok();
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    })
    .await
}

/// The hash of a new password, in PHC form.
pub(crate) async fn hash(context: &Context, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), context.bytes::<16>());
    aside(move || {
        let hash = hasher()?
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|e| Error::internal(format!("hash: {e}")))?;
        Ok(hash.to_string())
    })
    .await
}

fn hasher() -> Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| Error::internal(format!("hash: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Runs work that only computes where it does not hold up the calls beside it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _turn = TURNS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("hash: {e}")))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Language, SystemClock, SystemRandom};
    use std::sync::Arc;

    fn context() -> Context {
        Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "test", 10_000)
    }

    fn told(password: &str, personal: &[&str]) -> Vec<&'static str> {
        let mut found = Check::new();
        check(&mut found, "password", password, personal);
        found.finish().map_or_else(|e| e.fields(Language::En).iter().map(|f| f.code).collect(), |()| vec![])
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let hash = hash(&context(), "correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify("correct horse battery", Some(&hash)).await.unwrap(), Verdict::Right);
        assert_eq!(verify("correct horse batterz", Some(&hash)).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_bcrypt_is_accepted_and_called_old() {
        let old = bcrypt::hash_with_salt("an old password", 4, [7; 16]).unwrap().to_string();
        assert_eq!(verify("an old password", Some(&old)).await.unwrap(), Verdict::RightButOld);
        assert_eq!(verify("another password", Some(&old)).await.unwrap(), Verdict::Wrong);
        assert_eq!(verify("x", Some("$2b$nonsense")).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn nobodys_hash_is_a_hash_of_the_same_cost_that_nothing_matches() {
        let parsed = argon2::password_hash::phc::PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&parsed).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert_eq!(parsed.hash.map(|h| h.len()), Some(32));
        assert_eq!(verify("nobody", None).await.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_new_password_is_long_uncommon_and_not_the_name() {
        assert_eq!(told("", &[]), ["REQUIRED"]);
        assert_eq!(told("ninechars", &[]), ["TOO_SHORT"]);
        assert_eq!(told(&"x".repeat(129), &[]), ["TOO_LONG"]);
        assert_eq!(told("Password123", &[]), ["NOT_ALLOWED"]);
        assert_eq!(told("aaaaaaaaaaaa", &[]), ["NOT_ALLOWED"]);
        assert_eq!(told("someone@example.com", &["Someone@example.com"]), ["NOT_ALLOWED"]);
        assert!(told("パスワードは長い文です", &[]).is_empty());
        assert!(told("a quiet tuesday", &["someone"]).is_empty());
    }

    #[test]
    fn every_common_password_is_long_enough_to_need_the_list_and_stands_there_once() {
        let mut sorted = COMMONEST.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), COMMONEST.len());
        assert!(COMMONEST.iter().all(|p| p.chars().count() >= PASSWORD_MIN && p.to_lowercase() == **p));
    }
}
