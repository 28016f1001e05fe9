use crate::Time;
use crate::ids::{SessionId, UserId};

/// Who makes the call, as the verified access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The person.
    pub user: UserId,
    /// The session the token belongs to; none for service tokens.
    pub session: Option<SessionId>,
    /// Plain roles (`user`, `creator`, `admin`, …) and scoped ones (`exhibition:{code}:gate`).
    pub roles: Vec<String>,
    /// When the token was issued.
    pub issued_at: Time,
}

impl Caller {
    /// Whether the token carries this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }

    /// Whether the roles give this permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|r| permissions_of(r).contains(&permission))
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// What handlers ask for. Roles give permissions in [`permissions_of`] and nowhere else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[$doc])* $variant,)+ }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in documents and tokens.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

permissions! {
    /// See published things.
    ReadArtworks = "read:artworks",
    /// Upload and publish videos, artworks, stories.
    Publish = "write:artworks",
    /// Delete anybody's content.
    ModerateContent = "delete:artworks",
    /// List people and set their roles.
    ManageUsers = "manage:users",
    /// Create and judge challenges.
    ManageChallenges = "manage:challenges",
    /// Create events.
    ManageEvents = "manage:events",
    /// Enter licences of films and series.
    ManageLicences = "manage:licences",
    /// Refund payments and change packages.
    ManagePayments = "manage:payments",
    /// Read the audit trail and the overview.
    ReadAudit = "read:audit",
    /// Act as another part of the product.
    ActAsService = "act:service",
}

/// The one table from roles to permissions. Scoped roles give none: the area that owns the scope asks for them.
#[must_use]
pub fn permissions_of(role: &str) -> &'static [Permission] {
    use Permission as P;
    match role {
        "guest" | "user" | "premium" | "adult-verified" => &[P::ReadArtworks],
        "creator" => &[P::ReadArtworks, P::Publish],
        "moderator" => &[P::ReadArtworks, P::ModerateContent],
        "admin" => &[
            P::ReadArtworks,
            P::Publish,
            P::ModerateContent,
            P::ManageUsers,
            P::ManageChallenges,
            P::ManageEvents,
            P::ManageLicences,
            P::ManagePayments,
            P::ReadAudit,
        ],
        "service" => &[P::ReadArtworks, P::ActAsService],
        _ => &[],
    }
}
