//! Queue `emails`: renders a mail in its reader's language and sends it through SES, once as far as that can be.
//! A mail that SES refuses for good (a rejected address) is marked and left alone.
use messaging::{Mail, queues};
use notifications::Postman;
use platform::{Function, Grant, Job, Message, Result, TableAction};

/// The function.
#[must_use]
pub fn function() -> Function {
    Job::queue(queues::EMAILS)
        .summary("Sends mails")
        .receives_max(10)
        .serve("notifications-send-email", handle)
        .grants([Grant::Table("notifications", &[TableAction::Put, TableAction::Update]), Grant::SendEmail])
}

async fn handle(postman: Postman, message: Message<Mail>) -> Result<()> {
    postman.send(&message.context, &message.id, message.body).await
}
