//! Every minute: publishes videos whose time has come, and ends uploads that were not finished in a day.
//!
//! Run twice, it changes nothing more.
use platform::{Function, Grant, Job, Result, TableAction, jobs::Tick};
use videos::Library;

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::schedule("rate(1 minute)")
        .summary("Publishes scheduled videos and ends abandoned uploads")
        .serve_ticks("videos-publish-scheduled", handle)
        .grants([Grant::Table(
            "videos",
            &[
                TableAction::Get,
                TableAction::Query,
                TableAction::Put,
                TableAction::Update,
                TableAction::Delete,
            ],
        )])
        .timeout_s(50)
}

async fn handle(library: Library, tick: Tick) -> Result<()> {
    library.tick(&tick.context).await
}
