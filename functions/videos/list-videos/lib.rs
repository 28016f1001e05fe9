//! `GET /api/videos` lists published videos, newest or most viewed first; with one's own `owner_id` (or `me`) all of one's own.
//!
//! Who: anyone. Errors: a bad filter, `limit` or `cursor`.
use platform::{Call, Endpoint, Function, Grant, Reply, Result, TableAction};
use videos::{Catalog, ListQuery, VideoPage};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/api/videos").summary("Videos").serve("videos-list-videos", handle).grants([
        Grant::Table("videos", &[TableAction::Query, TableAction::Get]),
        Grant::Parameter("cdn/signing-key"),
        Grant::Setting("CDN_URL"),
    ])
}

async fn handle(catalog: Catalog, call: Call<(), ListQuery>) -> Result<Reply<VideoPage>> {
    let found = catalog.list(&call.context, call.query).await?;
    let reply = Reply::new(found.answer);
    Ok(if found.is_public { reply.public_for(300) } else { reply })
}
