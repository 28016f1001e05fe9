use cloud_core::Millis;

/// Record of a `StartMessageMoveTask`.
///
/// Here the messages move at once, so a task is over when it starts; `MaxNumberOfMessagesPerSecond` only gets checked.
#[derive(Clone, Debug)]
pub(crate) struct MoveTask {
    pub handle: String,
    pub source_arn: String,
    pub destination_arn: Option<String>,
    pub rate_max: Option<i64>,
    pub moved: usize,
    /// Messages that there were to move.
    pub found: usize,
    pub failure: Option<String>,
    pub started_ms: Millis,
}

impl MoveTask {
    pub fn status(&self) -> &'static str {
        if self.failure.is_some() { "FAILED" } else { "COMPLETED" }
    }
}
