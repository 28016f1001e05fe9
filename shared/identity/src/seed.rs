use kernel::{BoxFuture, Context, Language, Result};

use crate::codes::IdentityError;
use crate::identity::Identity;
use crate::password;
use crate::register::{Newcomer, create};
use crate::user::Secrets;

/// The administrator of a fresh product on one machine.
pub const ADMIN_EMAIL: &str = "admin@example.com";
/// The password that goes with it; never in a deployment.
pub const ADMIN_PASSWORD: &str = "local-admin-password";

/// Makes the administrator of a product on one machine: address confirmed, roles `admin`, `user` and `creator`. Called
/// again it finds its work done. Takes `Put` on the table.
pub fn seed<'a>(identity: &'a Identity, context: &'a Context) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        let administrator = Newcomer {
            email: ADMIN_EMAIL.to_owned(),
            username: "admin".to_owned(),
            display_name: "Administrator".to_owned(),
            avatar_url: None,
            language: Language::En,
            roles: ["admin", "user", "creator"].map(str::to_owned).to_vec(),
            verified_at: Some(context.now()),
            secrets: Secrets {
                password_hash: Some(password::hash(context, ADMIN_PASSWORD).await?),
                ..Secrets::default()
            },
        }
        .account(context);
        match create(identity.table.transaction(), &administrator).commit(context).await {
            Err(e) if e.is(IdentityError::EmailTaken) => Ok(()),
            other => other,
        }
    })
}
