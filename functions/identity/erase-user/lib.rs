//! Takes `user-erasures`: erases what every area holds on the person of a closed account, and reports it by mail.
//!
//! Who: the outbox of `DELETE /auth/me`. Errors: those of storage, tried again.
use identity::Identity;
use messaging::{ErasureRequest, queues};
use notifications::Notifications;
use platform::{Function, Grant, Job, Message, Result, TableAction};
use videos::Library;

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::USER_ERASURES)
        .summary("Erase a closed account")
        .batch_size(1)
        // A person with very many videos takes several runs, each of which finds less.
        .receives_max(20)
        .serve("identity-erase-user", handle)
        .timeout_s(120)
        .grants([
            Grant::Table(
                "identity",
                &[TableAction::Get, TableAction::Query, TableAction::Put, TableAction::Delete],
            ),
            Grant::Table(
                "videos",
                &[
                    TableAction::Get,
                    TableAction::Query,
                    TableAction::Put,
                    TableAction::Update,
                    TableAction::Delete,
                ],
            ),
            Grant::Table("notifications", &[TableAction::Query, TableAction::Delete]),
        ])
}

type Areas = (Identity, Library, Notifications);

async fn handle((identity, videos, notifications): Areas, message: Message<ErasureRequest>) -> Result<()> {
    let (context, user) = (&message.context, message.body.user);
    let elsewhere = vec![videos.erase_user(context, user), notifications.erase_user(context, user)];
    identity.erase(context, user, elsewhere).await
}
