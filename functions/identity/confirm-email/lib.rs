//! `POST /auth/email/confirm` confirms an address by the token of a mail.
//!
//! Who: whoever holds the token. Errors: `INVALID_TOKEN`.
use identity::{Confirmed, Identity, IdentityError, MailToken};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::post("/auth/email/confirm")
        .summary("Confirm an address by the token of a mail")
        .rate(RateClass::Auth)
        .errors([IdentityError::InvalidToken.code()])
        .serve("identity-confirm-email", handle)
        .grants([Grant::Table("identity", &[TableAction::Get, TableAction::Update, TableAction::Delete])])
}

async fn handle(identity: Identity, call: Call<MailToken>) -> Result<Reply<Confirmed>> {
    Ok(Reply::new(identity.confirm_email(&call.context, &call.body.token).await?))
}
