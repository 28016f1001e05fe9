//! `GET /.well-known/jwks.json` gives the public keys by which anyone verifies our tokens. Caches keep them for five
//! minutes, so a new key is published that long before it signs.
//!
//! Who: anyone. Errors: none of its own.
use identity::{Jwks, PublicKeys};
use platform::http::RateClass;
use platform::{Call, Endpoint, Function, Reply, Result};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/.well-known/jwks.json")
        .summary("Public keys of access tokens")
        .rate(RateClass::Unlimited)
        .serve("identity-get-jwks", handle)
}

async fn handle(keys: PublicKeys, call: Call) -> Result<Reply<Jwks>> {
    Ok(Reply::new(keys.jwks(&call.context).await?).public_for(300))
}
