//! Takes `data-exports`: gathers what every area holds on a person into a ZIP and mails a link to it, once per message.
//!
//! Who: the outbox of `POST /auth/me/export`. Errors: those of storage, tried again.
use identity::Exports;
use messaging::{ExportRequest, queues};
use notifications::Notifications;
use platform::{Function, Grant, Job, Message, Result, TableAction};
use videos::Library;

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
            Grant::Table("videos", &[TableAction::Get, TableAction::Query]),
            Grant::Table("notifications", &[TableAction::Query]),
            Grant::Bucket("exports", &["GetObject", "PutObject"]),
        ])
}

type Areas = (Exports, Library, Notifications);

async fn handle((exports, videos, notifications): Areas, message: Message<ExportRequest>) -> Result<()> {
    let (context, user) = (&message.context, message.body.user);
    let elsewhere = vec![
        ("videos.json", videos.export_user(context, user)),
        ("notifications.json", notifications.export_user(context, user)),
    ];
    exports.export(context, &message.id, user, elsewhere).await
}
