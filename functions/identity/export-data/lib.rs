//! Takes `data-exports`: gathers what every area holds on a person into a ZIP and mails a link to it, once per message.
//!
//! Who: the outbox of `POST /auth/me/export`. Errors: those of storage, tried again.
use identity::Exports;
use messaging::{ExportRequest, queues};
use notifications::Notifications;
use platform::{Function, Grant, Job, Message, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::DATA_EXPORTS)
        .summary("Gather a person's data")
        .batch_size(1)
        .serve("identity-export-data", handle)
        .timeout_s(120)
        .memory_mb(512)
        .grants([
            Grant::Table("identity", &[TableAction::Get, TableAction::Query, TableAction::Put]),
            Grant::Table("notifications", &[TableAction::Query]),
            Grant::Bucket("exports", &["GetObject", "PutObject"]),
        ])
}

async fn handle(
    (exports, notifications): (Exports, Notifications),
    message: Message<ExportRequest>,
) -> Result<()> {
    let (context, user) = (&message.context, message.body.user);
    let areas = vec![("notifications.json", notifications.export_user(context, user))];
    exports.export(context, &message.id, user, areas).await
}
