use kernel::ids::MessageId;
use kernel::{Context, Error};
use serde::{Deserialize, Serialize};

use crate::item::Key;
use crate::operation::Put;

/// How long a relayed outbox row stays readable before TTL removes it.
pub const OUTBOX_KEEP_S: i64 = 3 * 86_400;

/// A message for a queue, written in the transaction whose effect it follows. The table's stream hands it to the
/// relay, the relay to the queue: nothing is lost because a process died between a write and a send.
pub struct Send {
    queue: &'static str,
    body: Result<String, String>,
    group: Option<String>,
}

impl Send {
    /// A message for the queue of this name (without the stage's prefix).
    #[must_use]
    pub fn to(queue: &'static str, body: &impl Serialize) -> Self {
        Self { queue, body: serde_json::to_string(body).map_err(|e| e.to_string()), group: None }
    }

    /// The message group, for FIFO queues.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    pub(crate) fn into_put(self, context: &Context) -> Result<Put, Error> {
        let id: MessageId = context.id();
        let row = OutboxRow {
            message_id: id,
            queue: self.queue.to_owned(),
            body: self.body.map_err(|e| Error::internal(format!("message for {}: {e}", self.queue)))?,
            group: self.group,
            trace: context.trace.as_deref().map(str::to_owned),
            expires_at: context.now().plus_s(OUTBOX_KEEP_S).s(),
        };
        Ok(Put::row(&Key::new(format!("OUTBOX#{id}"), "OUTBOX"), row))
    }
}

/// The row that the relay reads from the stream. Its partition key starts with `OUTBOX#`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Identity of the message: consumers are idempotent by it, FIFO queues deduplicate by it.
    pub message_id: MessageId,
    /// Queue name without the stage's prefix.
    pub queue: String,
    /// JSON body.
    pub body: String,
    /// Message group for FIFO queues.
    pub group: Option<String>,
    /// X-Ray trace header of the call that wrote it.
    pub trace: Option<String>,
    /// TTL.
    pub expires_at: i64,
}
