//! `PUT /notifications/read` marks everything read that has come so far, in one write however much it is.
//!
//! Who: anyone signed in, their own. Errors: none of its own.
use notifications::{AllRead, Notifications};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::put("/notifications/read")
        .summary("Mark all notifications read")
        .access(Access::User)
        .serve("notifications-mark-all-read", handle)
        .grants([Grant::Table("notifications", &[TableAction::Update])])
}

async fn handle(notifications: Notifications, call: Call) -> Result<Reply<AllRead>> {
    Ok(Reply::new(notifications.mark_all_read(&call.context, call.context.caller()?.user).await?))
}
