use serde::Deserialize;
use serde_json::{Value, json};

use super::messages::{WireMessage, sent_fields, within};
use super::queue_of;
use crate::check;
use crate::error::QueueError;
use crate::queues::Queues;
use crate::settings::VISIBILITY_S_MAX;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<E> {
    #[serde(default)]
    queue_url: String,
    #[serde(default = "Vec::new")]
    entries: Vec<E>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendEntry {
    #[serde(default)]
    id: String,
    #[serde(flatten)]
    message: WireMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiptEntry {
    #[serde(default)]
    id: String,
    #[serde(default)]
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

/// What came of the entries of a batch.
#[derive(Default)]
struct Outcome {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl Outcome {
    fn fail(&mut self, id: &str, error: &QueueError) {
        self.failed.push(json!({
            "Id": id, "Code": error.code(), "Message": error.to_string(), "SenderFault": error.sender_fault(),
        }));
    }

    fn add(&mut self, id: &str, result: Result<(), QueueError>) {
        match result {
            Ok(()) => self.successful.push(json!({"Id": id})),
            Err(error) => self.fail(id, &error),
        }
    }

    fn answer(self) -> Value {
        json!({"Successful": self.successful, "Failed": self.failed})
    }
}

impl Queues {
    pub(super) fn send_message_batch(&self, input: Batch<SendEntry>) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let now = self.now_ms();
        let mut core = self.lock();
        let settings = core.queue(name, now)?.settings.clone();
        check::batch_ids(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut outcome = Outcome::default();
        let (mut ids, mut messages) = (Vec::new(), Vec::new());
        for entry in input.entries {
            let checked = entry.message.outgoing().and_then(|message| {
                check::outgoing(&message, &settings)?;
                Ok(message)
            });
            match checked {
                Ok(message) => {
                    ids.push(entry.id);
                    messages.push(message);
                }
                Err(error) => outcome.fail(&entry.id, &error),
            }
        }
        check::batch_size(&messages)?;
        for (id, sent) in ids.into_iter().zip(core.send(name, messages, now)?) {
            let mut fields = sent_fields(sent);
            fields.insert("Id".to_owned(), Value::String(id));
            outcome.successful.push(Value::Object(fields));
        }
        Ok(outcome.answer())
    }

    pub(super) fn delete_message_batch(&self, input: &Batch<ReceiptEntry>) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let mut core = self.lock();
        core.queue(name, self.now_ms())?;
        check::batch_ids(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let handles: Vec<&str> = input.entries.iter().map(|entry| entry.receipt_handle.as_str()).collect();
        let results = core.delete(name, &handles, self.now_ms())?;
        let mut outcome = Outcome::default();
        for (entry, result) in input.entries.iter().zip(results) {
            outcome.add(&entry.id, result);
        }
        Ok(outcome.answer())
    }

    pub(super) fn change_message_visibility_batch(
        &self,
        input: &Batch<ReceiptEntry>,
    ) -> Result<Value, QueueError> {
        let name = queue_of(&input.queue_url)?;
        let mut core = self.lock();
        core.queue(name, self.now_ms())?;
        check::batch_ids(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut outcome = Outcome::default();
        let (mut ids, mut wanted) = (Vec::new(), Vec::new());
        for entry in &input.entries {
            let seconds = entry.visibility_timeout.ok_or(QueueError::MissingParameter("VisibilityTimeout"));
            match seconds.and_then(|s| within("VisibilityTimeout", s, 0, VISIBILITY_S_MAX)) {
                Ok(seconds) => {
                    ids.push(&entry.id);
                    wanted.push((entry.receipt_handle.as_str(), seconds * 1000));
                }
                Err(error) => outcome.fail(&entry.id, &error),
            }
        }
        for (id, result) in ids.into_iter().zip(core.change_visibility(name, &wanted, self.now_ms())?) {
            outcome.add(id, result);
        }
        Ok(outcome.answer())
    }
}
