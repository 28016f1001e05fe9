//! AWS JSON 1.0: one POST per operation, named in `X-Amz-Target`.

mod attributes;
mod batches;
mod messages;
mod moves;
mod queues;

use cloud_core::{Request, Response, Service};
use futures::future::BoxFuture;
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::QueueError;
use crate::queues::Queues;

/// The largest request: ten messages of together 1 MiB, with room for what JSON and base64 add.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Service for Queues {
    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            match answer(self, request).await {
                Ok(value) => {
                    // Operations without a result answer with an empty body.
                    let body = if value.is_null() { String::new() } else { value.to_string() };
                    let mut response = http::Response::new(axum::body::Body::from(body));
                    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
                    response.headers_mut().insert(header::CONTENT_TYPE, kind);
                    response
                }
                Err(error) => error.response(),
            }
        })
    }
}

async fn answer(queues: &Queues, request: Request) -> Result<Value, QueueError> {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let action =
        target.strip_prefix("AmazonSQS.").ok_or_else(|| QueueError::InvalidAction(target.to_owned()))?;
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX)
        .await
        .map_err(|e| QueueError::Serialization(format!("request body: {e}")))?;
    match action {
        "CreateQueue" => queues.create_queue(parse(&body)?),
        "GetQueueUrl" => queues.get_queue_url(&parse(&body)?),
        "ListQueues" => queues.list_queues(&parse(&body)?),
        "DeleteQueue" => queues.delete_queue(&parse(&body)?),
        "PurgeQueue" => queues.purge_queue(&parse(&body)?),
        "GetQueueAttributes" => queues.get_queue_attributes(&parse(&body)?),
        "SetQueueAttributes" => queues.set_queue_attributes(&parse(&body)?),
        "TagQueue" => queues.tag_queue(parse(&body)?),
        "UntagQueue" => queues.untag_queue(&parse(&body)?),
        "ListQueueTags" => queues.list_queue_tags(&parse(&body)?),
        "ListDeadLetterSourceQueues" => queues.list_dead_letter_source_queues(&parse(&body)?),
        "SendMessage" => queues.send_message(parse(&body)?),
        "SendMessageBatch" => queues.send_message_batch(parse(&body)?),
        "ReceiveMessage" => queues.receive_message(parse(&body)?).await,
        "DeleteMessage" => queues.delete_message(&parse(&body)?),
        "DeleteMessageBatch" => queues.delete_message_batch(&parse(&body)?),
        "ChangeMessageVisibility" => queues.change_message_visibility(&parse(&body)?),
        "ChangeMessageVisibilityBatch" => queues.change_message_visibility_batch(&parse(&body)?),
        "StartMessageMoveTask" => queues.start_message_move_task(&parse(&body)?),
        "ListMessageMoveTasks" => queues.list_message_move_tasks(&parse(&body)?),
        "CancelMessageMoveTask" => queues.cancel_message_move_task(&parse(&body)?),
        _ => Err(QueueError::InvalidAction(action.to_owned())),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, QueueError> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|e| QueueError::Serialization(e.to_string()))
}

/// The queue that a URL names: its last segment, whatever the host was.
fn queue_of(url: &str) -> Result<&str, QueueError> {
    match url.trim_end_matches('/').rsplit('/').next() {
        None | Some("") => Err(QueueError::MissingParameter("QueueUrl")),
        Some(name) => Ok(name),
    }
}

/// One page of a list, and the token of the next page. The token is the last name of the page.
fn page(
    sorted: Vec<String>,
    max: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), QueueError> {
    let size = match max {
        None => 1000,
        Some(n @ 1..=1000) => usize::try_from(n).unwrap_or(1000),
        Some(n) => {
            return Err(QueueError::InvalidParameterValue(format!(
                "Value {n} for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000."
            )));
        }
    };
    let mut rest: Vec<String> =
        sorted.into_iter().filter(|name| token.is_none_or(|last| name.as_str() > last)).collect();
    let more = rest.len() > size;
    rest.truncate(size);
    // Only a caller who limits the page gets a token, as in AWS.
    let next = if more && max.is_some() { rest.last().cloned() } else { None };
    Ok((rest, next))
}
