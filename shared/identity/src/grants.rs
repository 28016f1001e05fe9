//! Grants that several functions share.

use kernel::{Grant, TableAction};

/// Asking who somebody is: [`crate::Identity::person`], [`crate::Identity::people`], and
/// [`crate::Identity::session_alive`].
pub const READS_PEOPLE: Grant = Grant::Table("identity", &[TableAction::Get]);

/// Handing out tokens: [`crate::SignIn`].
pub const ISSUES_TOKENS: [Grant; 4] = [
    Grant::Parameter("auth/signing-key"),
    Grant::Setting("ACCESS_TOKEN_S"),
    Grant::Setting("REFRESH_TOKEN_S"),
    Grant::Setting("OPEN_PUBLISHING"),
];

/// Mails with links.
pub const WRITES_LETTERS: [Grant; 2] = [Grant::Setting("PUBLIC_URL"), Grant::Setting("APP_URL")];
