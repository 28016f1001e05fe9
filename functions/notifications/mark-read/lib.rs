//! `PUT /notifications/{id}/read` marks a notification read and answers it. Marking again changes nothing.
//!
//! Who: its reader. Errors: `NOTIFICATION_NOT_FOUND`, for somebody else's too.
use kernel::ids::NotificationId;
use notifications::{Notification, NotificationError, Notifications};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::put("/notifications/{id}/read")
        .summary("Mark a notification read")
        .access(Access::User)
        .errors([NotificationError::NotFound.code()])
        .serve("notifications-mark-read", handle)
        .grants([Grant::Table("notifications", &[TableAction::Get, TableAction::Update])])
}

async fn handle(notifications: Notifications, call: Call) -> Result<Reply<Notification>> {
    let id = call.id("id", NotificationId::parse, NotificationError::NotFound)?;
    Ok(Reply::new(notifications.mark_read(&call.context, call.context.caller()?.user, id).await?))
}
