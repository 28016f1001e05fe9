//! `GET /openapi.json` is the OpenAPI 3.1 document of every endpoint, generated from the code.
//!
//! Who: anyone. Errors: none of its own.
use operations::Documents;
use platform::{Call, Endpoint, Function, Reply, Result, http::RateClass};
use serde_json::{Map, Value};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/openapi.json")
        .summary("The OpenAPI document")
        .rate(RateClass::Unlimited)
        .serve("platform-get-openapi", handle)
}

async fn handle(documents: Documents, _: Call) -> Result<Reply<Map<String, Value>>> {
    Ok(Reply::raw("application/json", documents.openapi()).public_for(300))
}
