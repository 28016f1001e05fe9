//! `GET /health/ready` says whether what the product stands on answers: its database and its queues.
//!
//! Who: anyone. Errors: `NOT_READY` with the same `checks`.
use operations::{OperationsError, Readiness, Ready};
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction, http::RateClass};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/health/ready")
        .summary("Whether the service can take requests")
        .rate(RateClass::Unlimited)
        .errors([OperationsError::NotReady.code()])
        .serve("platform-get-readiness", handle)
        .grants([Grant::Table("platform", &[TableAction::Get]), Grant::WatchQueues])
}

async fn handle(readiness: Readiness, call: Call) -> Result<Reply<Ready>> {
    Ok(Reply::new(readiness.ready(&call.context).await?))
}
