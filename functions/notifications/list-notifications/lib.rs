//! `GET /notifications` lists the caller's notifications, newest first, and says how many are not read.
//!
//! Who: anyone signed in, their own. Errors: a bad `limit` or `cursor`.
use notifications::{NotificationList, Notifications};
use platform::{Access, Call, Endpoint, Function, Grant, Reply, Result, TableAction, http::Page};

/// The function.
#[must_use]
pub fn function() -> Function {
    Endpoint::get("/notifications")
        .summary("The caller's notifications, with the unread count")
        .access(Access::User)
        .serve("notifications-list-notifications", handle)
        .grants([Grant::Table("notifications", &[TableAction::Query, TableAction::Get])])
}

async fn handle(notifications: Notifications, call: Call<(), Page>) -> Result<Reply<NotificationList>> {
    let (user, limit) = (call.context.caller()?.user, call.query.checked()?);
    let list = notifications.list(&call.context, user, limit, call.query.cursor.as_deref()).await?;
    Ok(Reply::new(list))
}
