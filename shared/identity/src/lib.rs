//! Accounts, sessions, second factors, sign-in by other services, roles, erasure and export.
//!
//! # Items
//!
//! One table. Secrets are random, so the table keeps their SHA-256 only; passwords are Argon2id.
//!
//! | pk | sk | what | gsi1pk, gsi1sk |
//! |---|---|---|---|
//! | `USER#{id}` | `PROFILE` | the person; no secret in it, other areas read it | `USERS`, id |
//! | `USER#{id}` | `SECRETS` | password hash, authenticator, recovery codes, links to providers | |
//! | `USER#{id}` | `SESSION#{id}` | a session: hashes of its refresh token, epoch; TTL | |
//! | `EMAIL#{lower case}` | `EMAIL` | marker: whose the address is | `NAMES`, address |
//! | `USERNAME#{lower case}` | `USERNAME` | marker: whose the name is | `NAMES`, name |
//! | `LOCKOUT#{hash of address}` | `LOCKOUT` | failures in the window; TTL | |
//! | `TOKEN#{hash}` | `TOKEN` | token of a mail; TTL | |
//! | `MFA#{hash}` | `MFA` | login that waits for a code; TTL | |
//! | `STATE#{hash}` | `STATE` | sign-in that went to a provider; TTL | |
//! | `OAUTH#{provider}#{hash of subject}` | `OAUTH` | link: which account | |
//! | `EXPORT#{message}` | `EXPORT` | mark: this export was mailed; TTL | |
//! | `OUTBOX#{id}` | `OUTBOX` | messages to queues | |
//!
//! `USERS` and `NAMES` are single index partitions: they take a thousand new accounts a second, each.
//!
//! # Calls
//!
//! Read units are consistent reads; an item in a transaction costs two write units per KB. The index doubles what the
//! profile and the markers cost.
//!
//! | call | reads | writes |
//! |---|---|---|
//! | register | – | 1 transaction of 7: markers, profile, secrets, session, token, outbox |
//! | login | 2 batches (marker + window, profile + secrets) | 1 transaction of 3: session, window, check of the profile |
//! | refresh | 1 batch (profile, session) | 1 transaction of 1 |
//! | me, public profile, person | 1 item | – |
//! | sessions | 2 at once (profile, query) | – |
//! | logout, end a session | – | 1 delete |
//! | profile | 1 item | 1 transaction of 1, of 3 with a new name |
//! | password, closing | 1 batch, 1 window | 1 transaction of 3 or 4 |
//! | forgot | as login | 1 transaction of 2 |
//! | reset, confirm address | 1–2 items | 1 transaction of 2–4 |
//! | enrolment, its end | 1 batch | 1 transaction of 1–2 |
//! | send a code | 2 items | 1 transaction of 1–2, then SNS for a text message |
//! | second step | 2 at once | 1 count, 1 transaction of 4–5 |
//! | callback of a provider | 1–4 items | 1 delete, 1 transaction for a link or an account, 1 for the session |
//! | list people | 1 batch, 1 query (2 with search) | – |
//! | set roles | 1 batch | 1 update |
//!
//! More than one read where the second needs what the first found (address → account), more than one write where the
//! first must hold even if the rest is refused (a try is counted, a state is spent).
//!
//! # What if the process dies here?
//!
//! - Everything that hangs together is one transaction, with the mail's outbox row and the answer for the
//!   idempotency key: before it nothing happened, after it everything did.
//! - A refresh whose answer is lost: with `Idempotency-Key` the call answers the same pair again; without, the old token
//!   comes back as a used one, the session ends, and the person signs in again. That is the price of the rule that a
//!   used token is a stolen one. Two refreshes at the same moment do not end the session: the loser gets `CONFLICT`.
//! - A text message goes out after its code is written: at worst none comes, and the person asks again.
//! - A sign-in at a provider that dies after its state is spent begins anew. A link that was written stays.
//! - Erasure and export: see [`Identity::erase`] and [`Exports::export`]; each step may be done again.
//!
//! # Choices
//!
//! - *One number ends all sessions.* Profile and session carry an epoch; a new password, a reset and closing count it up
//!   in their own transaction. No session list is walked, none slips through that opens at the same moment.
//! - *Failures are counted when they are answered*, see [`lockout`]: strict against guesses made in parallel, without
//!   shutting out somebody who signs in from eight places at once. Unknown addresses count too, and cost the same
//!   calls and the same hash as known ones.
//! - *The code that ends an enrolment still works for the first login.* It opened nothing. Every other code works once.
//! - *Linking by address* trusts only what a provider verified. If our own account never confirmed the address, its
//!   password, second factor and sessions end with the link: somebody else may have made it and waited.
//! - *Experience points* for registering, confirming and completing the profile are not sent anywhere here: the profile
//!   says when each happened (`created_at`, `email_verified_at`, `profile_completed_at`), and the experience area reads
//!   that from this table's stream, exactly once per fact.
//! - *The link of an export* is signed by the job's role. S3 honours it for 24 hours or until the role's credentials
//!   end, whichever is first; asking again makes a new export with a new link. A route that signs afresh would outlive
//!   the credentials but hand a person's whole data to whoever holds a mail for longer; a signer with keys of its own
//!   would be one more secret that never expires.

mod account;
mod admin;
mod changes;
mod codes;
mod email;
mod erasure;
mod export;
mod grants;
mod identity;
mod keys;
mod letters;
pub mod lockout;
mod mfa;
mod oauth;
mod password;
mod register;
mod rules;
mod seed;
mod sessions;
mod sign_in;
mod signing;
mod tokens;
mod user;

pub use account::{BIO_MAX, Edit, FRESH_S, OwnPassword, PasswordChange, ProfileChange};
pub use admin::{ROLES_MAX, Roles, UserList, UserSearch};
pub use codes::IdentityError;
pub use email::{Accepted, Confirmed, EmailAddress, MailToken, PasswordReset, Post, RESET_S, VERIFY_S};
pub use erasure::Elsewhere;
pub use export::{Exports, LINK_S};
pub use grants::{ISSUES_TOKENS, READS_PEOPLE, WRITES_LETTERS};
pub use identity::Identity;
pub use mfa::{
    ChallengeRequest, Channel, Code, CodeSender, CodeSent, Disable, Enrolment, MfaCode, RecoveryCodes,
    TRIES_MAX,
};
pub use oauth::{AuthorizeUrl, Callback, Federation, OauthStart};
pub use password::{PASSWORD_MAX, PASSWORD_MIN};
pub use register::{DISPLAY_NAME_MAX, Registration, Registry};
pub use seed::{ADMIN_EMAIL, ADMIN_PASSWORD, seed};
pub use sessions::{Session, SessionList};
pub use sign_in::{Credentials, Login, MfaRequired, RefreshRequest, SignIn, SignedIn, TokenPair};
pub use signing::{Jwk, Jwks, PublicKeys, new_signing_key};
pub use user::{AdminUser, Counts, Currency, Me, Method, Mfa, Person, PublicUser, User};

pub(crate) use rules::{is_phone_number, is_role, is_username, is_web_address, lowered};

/// Indexes of the table: text keys, all attributes projected.
pub const INDEXES: &[&str] = &["gsi1"];

/// Index partition of all people.
const INDEX_USERS: &str = "USERS";
/// Index partition of all addresses and names.
const INDEX_NAMES: &str = "NAMES";

/// The cookie that carries the refresh token to `/auth` and nowhere else; filled from the answer.
pub const REFRESH_COOKIE: &str =
    "refresh_token={refresh_token}; Max-Age={refresh_expires_in}; Path=/auth; HttpOnly; Secure; SameSite=Lax";
/// Takes the cookie away.
pub const NO_REFRESH_COOKIE: &str = "refresh_token=; Max-Age=0; Path=/auth; HttpOnly; Secure; SameSite=Lax";
