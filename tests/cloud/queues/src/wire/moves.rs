use serde::Deserialize;
use serde_json::{Value, json};

use super::messages::within;
use crate::error::QueueError;
use crate::move_task::MoveTask;
use crate::queues::Queues;
use crate::settings::queue_name;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartMessageMoveTask {
    #[serde(default)]
    source_arn: String,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMessageMoveTasks {
    #[serde(default)]
    source_arn: String,
    max_results: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelMessageMoveTask {
    #[serde(default)]
    task_handle: String,
}

impl Queues {
    pub(super) fn start_message_move_task(&self, input: &StartMessageMoveTask) -> Result<Value, QueueError> {
        if input.source_arn.is_empty() {
            return Err(QueueError::MissingParameter("SourceArn"));
        }
        if let Some(rate) = input.max_number_of_messages_per_second {
            within("MaxNumberOfMessagesPerSecond", rate, 1, 500)?;
        }
        let now = self.now_ms();
        let mut core = self.lock();
        let existing = |arn: &str| match core.queues.get(queue_name(arn)) {
            Some(queue) => Ok(queue.settings.fifo),
            None => Err(QueueError::ResourceNotFound(format!("The resource {arn} does not exist."))),
        };
        let source_fifo = existing(&input.source_arn)?;
        let source = queue_name(&input.source_arn);
        let is_dlq =
            core.queues.values().any(|q| q.settings.redrive.as_ref().is_some_and(|r| r.target() == source));
        if !is_dlq {
            return Err(QueueError::InvalidParameterValue(
                "Source queue must be configured as a Dead Letter Queue.".to_owned(),
            ));
        }
        if let Some(arn) = &input.destination_arn
            && (existing(arn)? != source_fifo || *arn == input.source_arn)
        {
            return Err(QueueError::InvalidParameterValue(
                "Source and destination must be two queues of the same type.".to_owned(),
            ));
        }
        let target = input.destination_arn.as_deref().map(queue_name);
        let moved = core.move_messages(source, target, now)?;
        let task = MoveTask { rate_max: input.max_number_of_messages_per_second, ..moved };
        let handle = task.handle.clone();
        core.record(task)?;
        Ok(json!({"TaskHandle": handle}))
    }

    pub(super) fn list_message_move_tasks(&self, input: &ListMessageMoveTasks) -> Result<Value, QueueError> {
        let max = within("MaxResults", input.max_results.unwrap_or(1), 1, 10)?;
        let core = self.lock();
        if !core.queues.contains_key(queue_name(&input.source_arn)) {
            return Err(QueueError::ResourceNotFound(format!(
                "The resource {} does not exist.",
                input.source_arn
            )));
        }
        let latest = core.tasks.iter().rev().filter(|task| task.source_arn == input.source_arn);
        let results: Vec<Value> = latest.take(usize::try_from(max).unwrap_or(1)).map(shown).collect();
        Ok(json!({"Results": results}))
    }

    pub(super) fn cancel_message_move_task(
        &self,
        input: &CancelMessageMoveTask,
    ) -> Result<Value, QueueError> {
        let core = self.lock();
        if core.tasks.iter().any(|task| task.handle == input.task_handle) {
            return Err(QueueError::UnsupportedOperation(
                "Only a running task can be cancelled; this one is over.".to_owned(),
            ));
        }
        Err(QueueError::ResourceNotFound("Task does not exist.".to_owned()))
    }
}

fn shown(task: &MoveTask) -> Value {
    let mut fields = json!({
        "Status": task.status(),
        "SourceArn": task.source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.found,
        "StartedTimestamp": task.started_ms,
    });
    if let Some(fields) = fields.as_object_mut() {
        let optional = [
            ("DestinationArn", task.destination_arn.clone().map(Value::from)),
            ("MaxNumberOfMessagesPerSecond", task.rate_max.map(Value::from)),
            ("FailureReason", task.failure.clone().map(Value::from)),
        ];
        fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    fields
}
