//! Every minute: asks what the product stands on, counts what waits and what died in the queues; one item, one line of
//! metrics, and a line at `ERROR` when something is wrong.
use operations::Watch;
use platform::{Function, Grant, Job, Result, TableAction, jobs::Tick};

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::schedule("rate(1 minute)")
        .summary("Watches over the product")
        .serve_ticks("platform-check-health", handle)
        .grants([
            Grant::Table("platform", &[TableAction::Get, TableAction::Query, TableAction::Put]),
            Grant::WatchQueues,
        ])
}

async fn handle(watch: Watch, tick: Tick) -> Result<()> {
    watch.look(&tick.context).await
}
