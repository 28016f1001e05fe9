//! Takes `user-erasures`: erases what every area holds on the person of a closed account, and reports it by mail.
//!
//! Who: the outbox of `DELETE /auth/me`. Errors: those of storage, tried again.
use identity::Identity;
use messaging::{ErasureRequest, queues};
use notifications::Notifications;
use platform::{Function, Grant, Job, Message, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::USER_ERASURES)
        .summary("Erase a closed account")
        .batch_size(1)
        .serve("identity-erase-user", handle)
        .timeout_s(120)
        .grants([
            Grant::Table(
                "identity",
                &[TableAction::Get, TableAction::Query, TableAction::Put, TableAction::Delete],
            ),
            Grant::Table("notifications", &[TableAction::Query, TableAction::Delete]),
        ])
}

async fn handle(
    (identity, notifications): (Identity, Notifications),
    message: Message<ErasureRequest>,
) -> Result<()> {
    let (context, user) = (&message.context, message.body.user);
    identity.erase(context, user, vec![notifications.erase_user(context, user)]).await
}
