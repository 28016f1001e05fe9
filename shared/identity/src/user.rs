//! The person: the stored rows, and what callers see of them.

use std::collections::BTreeMap;

use kernel::ids::UserId;
use kernel::{Language, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A currency a person can choose to see prices in (ISO 4217).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Japanese yen.
    #[default]
    Jpy,
    /// United States dollar.
    Usd,
    /// Euro.
    Eur,
    /// Pound sterling.
    Gbp,
    /// South Korean won.
    Krw,
    /// Vietnamese dong.
    Vnd,
}

/// The row that everybody who asks for a person reads. No secret is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "`profile_completed_at` is what the stream's readers look for")]
pub(crate) struct Profile {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) avatar_url: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) language: Language,
    pub(crate) preferred_currency: Currency,
    pub(crate) phone_number: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) is_active: bool,
    pub(crate) is_verified: bool,
    pub(crate) mfa_enabled: bool,
    /// Sessions of an earlier epoch are over: one number ends them all.
    pub(crate) session_epoch: i64,
    #[serde(default)]
    pub(crate) videos_count: i64,
    #[serde(default)]
    pub(crate) followers_count: i64,
    #[serde(default)]
    pub(crate) following_count: i64,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) email_verified_at: Option<Time>,
    pub(crate) profile_completed_at: Option<Time>,
    pub(crate) closed_at: Option<Time>,
    pub(crate) erased_at: Option<Time>,
}

/// The row that only signing in reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) password_hash: Option<String>,
    pub(crate) totp: Option<Totp>,
    pub(crate) pending: Option<Pending>,
    /// Hashes of recovery codes not used yet.
    #[serde(default)]
    pub(crate) recovery: BTreeMap<String, bool>,
    /// Provider → its own id of the person.
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
}

/// An authenticator that guards the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Totp {
    /// Base32.
    pub(crate) secret: String,
    /// The time step of the last code that was accepted: no code is accepted twice (RFC 6238, 5.2).
    pub(crate) last_step: i64,
}

/// An authenticator that is being enrolled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) secret: String,
    pub(crate) expires_at: i64,
    pub(crate) tries: i64,
}

/// The two rows of an account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    pub(crate) secrets: Secrets,
}

/// How the second step of a login can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A code of the authenticator.
    Totp,
    /// A code by mail.
    Email,
    /// A code by text message.
    Sms,
    /// One of the ten recovery codes.
    Recovery,
}

impl Profile {
    /// The ways that are open while a second factor is on.
    pub(crate) fn methods(&self) -> Vec<Method> {
        if !self.mfa_enabled {
            return Vec::new();
        }
        let mut methods = vec![Method::Totp, Method::Email];
        if self.phone_number.is_some() {
            methods.push(Method::Sms);
        }
        methods.push(Method::Recovery);
        methods
    }

    /// Whether name, picture and words about the person are all there.
    pub(crate) fn is_complete(&self) -> bool {
        !self.display_name.is_empty() && self.avatar_url.is_some() && self.bio.is_some()
    }

    fn counts(&self) -> Counts {
        Counts {
            videos_count: self.videos_count,
            followers_count: self.followers_count,
            following_count: self.following_count,
        }
    }
}

/// A person, as sign-in answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Address as the person wrote it.
    pub email: String,
    /// Unique name.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// Picture.
    pub avatar_url: Option<String>,
    /// Words about the person.
    pub bio: Option<String>,
    /// Language of mails and notices.
    pub language: Language,
    /// Currency for prices.
    pub preferred_currency: Currency,
    /// Plain and scoped roles.
    pub roles: Vec<String>,
    /// Whether the address was confirmed.
    pub is_verified: bool,
    /// When the account was made.
    pub created_at: Time,
}

impl From<Profile> for User {
    fn from(p: Profile) -> Self {
        Self {
            id: p.id,
            email: p.email,
            username: p.username,
            display_name: p.display_name,
            avatar_url: p.avatar_url,
            bio: p.bio,
            language: p.language,
            preferred_currency: p.preferred_currency,
            roles: p.roles,
            is_verified: p.is_verified,
            created_at: p.created_at,
        }
    }
}

/// How much a person has made and how many follow.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Counts {
    /// Published videos.
    pub videos_count: i64,
    /// Followers.
    pub followers_count: i64,
    /// People followed.
    pub following_count: i64,
}

/// The state of the second factor.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mfa {
    /// Whether a login asks for a code.
    pub enabled: bool,
    /// The ways to give one; none while it is off.
    pub methods: Vec<Method>,
}

/// The caller, as only the caller sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Me {
    /// The person.
    #[serde(flatten)]
    pub user: User,
    /// Telephone number in E.164 form, for codes.
    pub phone_number: Option<String>,
    /// Second factor.
    pub mfa: Mfa,
    /// Counts.
    pub counts: Counts,
    /// When the address was confirmed.
    pub email_verified_at: Option<Time>,
    /// When name, picture and bio were first all there.
    pub profile_completed_at: Option<Time>,
    /// Last change of the profile.
    pub updated_at: Time,
}

impl From<Profile> for Me {
    fn from(p: Profile) -> Self {
        Self {
            phone_number: p.phone_number.clone(),
            mfa: Mfa { enabled: p.mfa_enabled, methods: p.methods() },
            counts: p.counts(),
            email_verified_at: p.email_verified_at,
            profile_completed_at: p.profile_completed_at,
            updated_at: p.updated_at,
            user: p.into(),
        }
    }
}

/// A person, as anyone sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PublicUser {
    /// Id.
    pub id: UserId,
    /// Unique name.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// Picture.
    pub avatar_url: Option<String>,
    /// Words about the person.
    pub bio: Option<String>,
    /// Counts.
    pub counts: Counts,
    /// When the account was made.
    pub created_at: Time,
}

impl From<Profile> for PublicUser {
    fn from(p: Profile) -> Self {
        Self {
            id: p.id,
            counts: p.counts(),
            username: p.username,
            display_name: p.display_name,
            avatar_url: p.avatar_url,
            bio: p.bio,
            created_at: p.created_at,
        }
    }
}

/// A person, as an administrator sees it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AdminUser {
    /// The person.
    #[serde(flatten)]
    pub user: User,
    /// False from the moment the account is closed.
    pub is_active: bool,
    /// Whether a login asks for a second factor.
    pub mfa_enabled: bool,
    /// Last change of the profile or the roles.
    pub updated_at: Time,
    /// When the account was closed.
    pub closed_at: Option<Time>,
}

impl From<Profile> for AdminUser {
    fn from(p: Profile) -> Self {
        Self {
            is_active: p.is_active,
            mfa_enabled: p.mfa_enabled,
            updated_at: p.updated_at,
            closed_at: p.closed_at,
            user: p.into(),
        }
    }
}

/// What other areas get of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Id.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Unique name.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// Picture.
    pub avatar_url: Option<String>,
    /// Language of mails and notices.
    pub language: Language,
    /// Currency for prices.
    pub preferred_currency: Currency,
    /// False from the moment the account is closed; nothing is sent to such a person.
    pub is_active: bool,
    /// Roles.
    pub roles: Vec<String>,
}

impl From<Profile> for Person {
    fn from(p: Profile) -> Self {
        Self {
            id: p.id,
            email: p.email,
            username: p.username,
            display_name: p.display_name,
            avatar_url: p.avatar_url,
            language: p.language,
            preferred_currency: p.preferred_currency,
            is_active: p.is_active,
            roles: p.roles,
        }
    }
}
