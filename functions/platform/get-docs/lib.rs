//! `GET /docs` is the reference for people: every endpoint, to be read and tried out, and every error code.
//!
//! Who: anyone. Errors: none of its own.
use operations::Documents;
use platform::{Call, Endpoint, Function, Reply, Result, http::RateClass};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/docs")
        .summary("The documentation page")
        .produces("text/html; charset=utf-8")
        .rate(RateClass::Unlimited)
        .serve("platform-get-docs", handle)
}

async fn handle(documents: Documents, _: Call) -> Result<Reply<()>> {
    let page = documents.docs();
    Ok(Reply::raw("text/html; charset=utf-8", page.html.as_str())
        .header("content-security-policy", page.policy.as_str())
        .public_for(300))
}
