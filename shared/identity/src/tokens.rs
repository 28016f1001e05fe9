//! Random tokens: in mails, as `mfa_token`, as state, and the refresh token of a session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Context;
use kernel::ids::{SessionId, UserId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// 256 random bits as text.
pub(crate) fn random(context: &Context) -> String {
    URL_SAFE_NO_PAD.encode(context.bytes::<32>())
}

/// A decimal code of six digits, each as likely as any other.
pub(crate) fn code(context: &Context) -> String {
    // 2^64 is no multiple of a million; the first half million codes are likelier by less than one in 10^13.
    let number = u64::from_be_bytes(context.bytes()) % 1_000_000;
    format!("{number:06}")
}

/// Whether two hashes are equal, in a time that does not tell where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    bool::from(a.as_bytes().ct_eq(b.as_bytes()))
}

/// What a refresh token says. It names its session, so that one read finds it; `family` stays the same over the
/// session's life and proves that the token was ours once; `secret` (256 bits) is new at each use and alone refreshes.
/// The table keeps hashes of both.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) family: [u8; 16],
    pub(crate) secret: [u8; 32],
}

const LENGTH: usize = 16 + 16 + 16 + 32;

impl RefreshToken {
    /// The first token of a session.
    pub(crate) fn new(context: &Context, user: UserId, session: SessionId) -> Self {
        Self { user, session, family: context.bytes(), secret: context.bytes() }
    }

    /// The token that takes this one's place.
    pub(crate) fn next(&self, context: &Context) -> Self {
        Self { secret: context.bytes(), ..self.clone() }
    }

    pub(crate) fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        for id in [self.user.to_string(), self.session.to_string()] {
            bytes.extend(Uuid::try_parse(&id).unwrap_or_default().as_bytes());
        }
        bytes.extend(self.family);
        bytes.extend(self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token; `None` when the text is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (family, rest) = rest.split_first_chunk::<16>()?;
        Some(Self {
            user: Uuid::from_bytes(*user).into(),
            session: Uuid::from_bytes(*session).into(),
            family: *family,
            secret: rest.try_into().ok()?,
        })
    }

    pub(crate) fn family_hash(&self) -> String {
        hex::encode(Sha256::digest(self.family))
    }

    pub(crate) fn secret_hash(&self) -> String {
        hex::encode(Sha256::digest(self.secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{SystemClock, SystemRandom};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn context() -> Context {
        Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "test", 10_000)
    }

    #[test]
    fn a_refresh_token_is_read_back_and_its_successor_shares_only_the_family() {
        let context = context();
        let first = RefreshToken::new(&context, context.id(), context.id());
        let read = RefreshToken::parse(&first.text()).unwrap();
        assert!(read == first);
        let second = first.next(&context);
        assert_eq!(second.family_hash(), first.family_hash());
        assert_ne!(second.secret_hash(), first.secret_hash());
    }

    #[test]
    fn a_code_has_six_digits() {
        let context = context();
        for _ in 0..100 {
            let code = code(&context);
            assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{code}");
        }
    }

    proptest! {
        #[test]
        fn no_text_but_a_token_of_the_right_length_is_read(text in ".{0,200}") {
            if let Some(token) = RefreshToken::parse(&text) {
                prop_assert_eq!(token.text(), text.trim());
            }
        }
    }
}
