//! Keys of the table's items.

use kernel::ids::{SessionId, UserId};
use sha2::{Digest as _, Sha256};
use storage::Key;

/// Partition of everything that is one person's.
pub(crate) fn person(user: UserId) -> String {
    format!("USER#{user}")
}

pub(crate) const PROFILE: &str = "PROFILE";
pub(crate) const SECRETS: &str = "SECRETS";
pub(crate) const SESSION: &str = "SESSION#";

pub(crate) fn profile(user: UserId) -> Key {
    Key::new(person(user), PROFILE)
}

pub(crate) fn secrets(user: UserId) -> Key {
    Key::new(person(user), SECRETS)
}

pub(crate) fn session(user: UserId, session: SessionId) -> Key {
    Key::new(person(user), format!("{SESSION}{session}"))
}

/// The marker that makes an address unique.
pub(crate) fn email(lowered: &str) -> Key {
    Key::new(format!("EMAIL#{lowered}"), "EMAIL")
}

/// The marker that makes a name unique.
pub(crate) fn username(lowered: &str) -> Key {
    Key::new(format!("USERNAME#{lowered}"), "USERNAME")
}

/// Failures of an account in its window; of an unknown address too, so that the two cannot be told apart.
pub(crate) fn lockout(lowered_email: &str) -> Key {
    Key::new(format!("LOCKOUT#{}", hash(lowered_email)), "LOCKOUT")
}

/// A token that a mail carries.
pub(crate) fn mail_token(token: &str) -> Key {
    Key::new(format!("TOKEN#{}", hash(token)), "TOKEN")
}

/// A login that waits for its second factor.
pub(crate) fn challenge(mfa_token: &str) -> Key {
    Key::new(format!("MFA#{}", hash(mfa_token)), "MFA")
}

/// A sign-in that went to a provider.
pub(crate) fn oauth_state(state: &str) -> Key {
    Key::new(format!("STATE#{}", hash(state)), "STATE")
}

/// The account that a provider's person signs in to.
pub(crate) fn oauth_link(provider: &str, subject: &str) -> Key {
    Key::new(format!("OAUTH#{provider}#{}", hash(subject)), "OAUTH")
}

/// An export that was mailed, by the message that asked for it.
pub(crate) fn export(message: &str) -> Key {
    Key::new(format!("EXPORT#{message}"), "EXPORT")
}

/// SHA-256 in hex: what the table keeps of a random secret.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
