//! `GET /health` says that the function runs. It touches nothing else: load balancers call it often.
//!
//! Who: anyone. Errors: none of its own.
use operations::{Health, Operations};
use platform::{Call, Endpoint, Function, Reply, Result, http::RateClass};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/health")
        .summary("Whether the service is up")
        .rate(RateClass::Unlimited)
        .serve("platform-get-health", handle)
}

async fn handle(operations: Operations, call: Call) -> Result<Reply<Health>> {
    Ok(Reply::new(operations.health(&call.context)))
}
