//! Text messages (SMS) through Amazon SNS, published straight to a telephone number.
//!
//! SNS has no idempotency token for numbers and tells nothing of delivery: the caller decides whether a message may
//! go out twice. A function that sends declares `Grant::SendText`.

use aws_sdk_sns::Client;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::types::MessageAttributeValue;
use kernel::{BoxFuture, Context, Env, Error, Result};

/// What SNS made of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted.
    Accepted,
    /// The number can get no message: not a number, opted out, or not covered.
    Refused,
}

/// Sends text messages. Cheap to clone.
#[derive(Clone)]
pub struct Texter {
    client: Client,
}

impl Texter {
    /// Reads nothing but the shared AWS settings.
    #[must_use]
    pub fn open(env: &Env) -> Self {
        Self { client: Client::new(env.sdk()) }
    }

    /// Sends a text to a number in E.164 form (`+819012345678`) as a transactional message: speed before price.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when SNS may accept it later.
    pub fn send<'a>(
        &'a self,
        context: &'a Context,
        number: &'a str,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Outcome>> {
        Box::pin(async move {
            let kind = MessageAttributeValue::builder()
                .data_type("String")
                .string_value("Transactional")
                .build()
                .map_err(|e| Error::internal(format!("Publish: {e}")))?;
            let sent = self
                .client
                .publish()
                .phone_number(number)
                .message(text)
                .message_attributes("AWS.SNS.SMS.SMSType", kind)
                .send()
                .await;
            context.meter.count(0.0, 0.0);
            match sent {
                Ok(_) => Ok(Outcome::Accepted),
                Err(SdkError::ServiceError(e))
                    if e.err().is_invalid_parameter_exception()
                        || e.err().is_invalid_parameter_value_exception()
                        || e.err().is_endpoint_disabled_exception() =>
                {
                    Ok(Outcome::Refused)
                }
                // The error's own words may hold the number; they stay out of the log.
                Err(SdkError::ServiceError(e)) => {
                    let code = aws_sdk_sns::error::ProvideErrorMetadata::code(e.err()).unwrap_or("?");
                    Err(Error::unavailable(format!("Publish: {code}")))
                }
                Err(_) => Err(Error::unavailable("Publish: no answer")),
            }
        })
    }
}
