//! `GET /users/{id}` is anyone's public profile. Caches keep it for a minute.
//!
//! Who: anyone. Errors: `USER_NOT_FOUND`, for a closed account too.
use identity::{Identity, IdentityError, PublicUser, READS_PEOPLE};
use kernel::ids::UserId;
use platform::{Call, Endpoint, Function, Reply, Result};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/users/{id}")
        .summary("A person's public profile")
        .errors([IdentityError::UserNotFound.code()])
        .serve("identity-get-user", handle)
        .grants([READS_PEOPLE])
}

async fn handle(identity: Identity, call: Call) -> Result<Reply<PublicUser>> {
    let user = call.id("id", UserId::parse, IdentityError::UserNotFound)?;
    Ok(Reply::new(identity.public(&call.context, user).await?).public_for(60))
}
