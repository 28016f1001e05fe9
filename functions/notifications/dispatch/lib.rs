//! Queue `notifications`: stores a notice for its reader in the reader's language, once however often it is delivered,
//! folds bursts, and hands on the mail that goes with it.
use messaging::{Notice, queues};
use notifications::Dispatcher;
use platform::{Function, Grant, Job, Message, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::NOTIFICATIONS)
        .summary("Stores notices for their readers")
        .serve("notifications-dispatch", handle)
        .grants([
            Grant::Table(
                "notifications",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Check],
            ),
            Grant::Table("identity", &[TableAction::Get]),
            Grant::Setting("APP_URL"),
        ])
}

async fn handle(dispatcher: Dispatcher, message: Message<Notice>) -> Result<()> {
    dispatcher.dispatch(&message.context, &message.id, message.body).await
}
