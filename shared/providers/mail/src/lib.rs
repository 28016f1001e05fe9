//! Mail through Amazon SES v2.
//!
//! [`Mailer::send`] keeps apart what will never succeed (a refused address: [`Outcome::Refused`]) from what may pass
//! later (throttling, a paused account: an error that is tried again). SES has no idempotency token: the caller keeps
//! the mark that a mail was sent.

use std::sync::Arc;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use aws_smithy_types::error::operation::BuildError;
use kernel::{BoxFuture, Context, Env, Error, Result, Settings};

/// A mail, ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// One address.
    pub to: String,
    /// Subject; line breaks are taken out of it.
    pub subject: String,
    /// The text for readers without HTML.
    pub text: String,
    /// The same in HTML.
    pub html: String,
    /// Identity of the message, sent along as the tag `message_id` so that SES's events can be matched.
    pub message_id: String,
}

/// What SES made of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted under this id of SES's.
    Accepted(String),
    /// Refused for good: the same mail would be refused again. The reason is for the log and names no address.
    Refused(String),
}

/// Sends mails as the product's sender. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    client: Client,
    from: Arc<str>,
}

/// RFC 5322 (2.1.1) allows lines of 998 octets; nobody reads so much of a subject.
const SUBJECT_MAX_CHARS: usize = 200;

impl Mailer {
    /// Reads `MAIL_FROM`, the sender: `no-reply@example.com` or `Name <no-reply@example.com>`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self { client: Client::new(env.sdk()), from: settings.text("MAIL_FROM").into() }
    }

    /// Hands a mail to SES.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when it may be accepted later.
    pub fn send<'a>(&'a self, context: &'a Context, mail: &'a Outgoing) -> BoxFuture<'a, Result<Outcome>> {
        Box::pin(async move {
            let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
            let message = Message::builder().subject(content(&subject(&mail.subject))?).body(body).build();
            let tag =
                MessageTag::builder().name("message_id").value(&mail.message_id).build().map_err(internal)?;
            let sent = self
                .client
                .send_email()
                .from_email_address(&*self.from)
                .destination(Destination::builder().to_addresses(&mail.to).build())
                .content(EmailContent::builder().simple(message).build())
                .email_tags(tag)
                .send()
                .await;
            context.meter.count(0.0, 0.0);
            match sent {
                Ok(answer) => Ok(Outcome::Accepted(answer.message_id.unwrap_or_default())),
                Err(SdkError::ServiceError(e)) if for_good(e.err()) => {
                    // SES's words may quote the address; the code alone is kept.
                    Ok(Outcome::Refused(e.err().code().unwrap_or("refused").to_owned()))
                }
                Err(SdkError::ServiceError(e)) => {
                    Err(Error::unavailable(format!("SendEmail: {}", e.err().code().unwrap_or("?"))))
                }
                Err(e) => Err(Error::unavailable(format!("SendEmail: {e}"))),
            }
        })
    }
}

/// Whether the mail itself is at fault. A suspended account or an unverified sender is the operator's to mend: such
/// mails are tried again and then wait in the dead-letter queue. SES gives an unverified identity the code of a bad
/// address; only its words tell them apart.
fn for_good(error: &SendEmailError) -> bool {
    match error {
        SendEmailError::MessageRejected(e) => {
            !e.message().is_some_and(|words| words.contains("not verified"))
        }
        SendEmailError::BadRequestException(_) => true,
        _ => false,
    }
}

fn content(text: &str) -> Result<Content> {
    Content::builder().data(text).charset("UTF-8").build().map_err(internal)
}

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` wants.
fn internal(error: BuildError) -> Error {
    Error::internal(format!("SendEmail: {error}"))
}

/// One line, not too long: a line break in a subject would begin another header.
fn subject(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(SUBJECT_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sesv2::types::error::{BadRequestException, MessageRejected, TooManyRequestsException};

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(subject("Hello\r\nBcc: everyone@example.com\u{0}!"), "Hello Bcc: everyone@example.com !");
        assert_eq!(subject(&"長".repeat(500)).chars().count(), SUBJECT_MAX_CHARS);
    }

    #[test]
    fn a_rejected_mail_is_refused_for_good_but_not_throttling_or_an_unverified_sender() {
        assert!(for_good(&SendEmailError::MessageRejected(MessageRejected::builder().build())));
        let unverified =
            MessageRejected::builder().message("Email address is not verified. The following …").build();
        assert!(!for_good(&SendEmailError::MessageRejected(unverified)));
        assert!(for_good(&SendEmailError::BadRequestException(BadRequestException::builder().build())));
        assert!(!for_good(&SendEmailError::TooManyRequestsException(
            TooManyRequestsException::builder().build()
        )));
    }
}
