use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use kernel::{BoxFuture, ConfigError, Context, Domain, Env, Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Key, Table};

use crate::errors::OperationsError;

/// Asks what the product stands on whether it answers.
#[derive(Clone)]
pub struct Readiness {
    table: Table,
    queues: Client,
    queue_url: String,
}

/// The answer of `GET /health/ready`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ready {
    /// `ok`.
    pub status: CheckStatus,
    /// One for each thing that was asked.
    pub checks: Vec<CheckOutcome>,
}

/// Whether one thing answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckOutcome {
    /// `database`, `queues`.
    pub name: String,
    /// Whether it answered in time.
    pub status: CheckStatus,
    /// How long it took.
    pub latency_ms: u64,
}

/// Whether something answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It does.
    Ok,
    /// It does not, or not in time.
    Down,
}

/// What does not answer in this time is down: a load balancer that asks does not wait longer.
const TIME_MAX: Duration = Duration::from_millis(1500);

impl Domain for Readiness {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let table = Table::open(env, &mut settings, "platform");
        let (prefix, names) = (settings.text("QUEUE_URL_PREFIX"), settings.text("QUEUE_NAMES"));
        settings.finish()?;
        let first = names.split(',').next().unwrap_or_default();
        Ok(Self { table, queues: Client::new(env.sdk()), queue_url: format!("{prefix}{first}") })
    }
}

impl Readiness {
    /// Whether everything answers.
    ///
    /// # Errors
    /// `NOT_READY` with the same `checks`.
    pub fn ready<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Ready>> {
        Box::pin(async move {
            let checks = self.checks(context).await;
            if is_ready(&checks) {
                return Ok(Ready { status: CheckStatus::Ok, checks });
            }
            let told = serde_json::to_value(checks).map_err(Error::internal)?;
            Err(OperationsError::NotReady.with("checks", told).retry_after(5))
        })
    }

    /// Asks everything at the same time.
    pub fn checks<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Vec<CheckOutcome>> {
        Box::pin(async move {
            let database = async { self.table.get(context, Key::new("HEALTH", "LATEST")).await.is_ok() };
            let queues = async {
                let asked = self.queues.get_queue_attributes().queue_url(&self.queue_url);
                let answer = asked.attribute_names(QueueAttributeName::QueueArn).send().await;
                context.meter.count(0.0, 0.0);
                answer.is_ok()
            };
            let (database, queues) = futures::join!(
                timed(context, "database", TIME_MAX, database),
                timed(context, "queues", TIME_MAX, queues)
            );
            vec![database, queues]
        })
    }
}

pub(crate) fn is_ready(checks: &[CheckOutcome]) -> bool {
    checks.iter().all(|c| c.status == CheckStatus::Ok)
}

async fn timed(
    context: &Context,
    name: &str,
    time_max: Duration,
    check: impl Future<Output = bool>,
) -> CheckOutcome {
    let started = context.now();
    let answered = tokio::time::timeout(time_max, check).await.unwrap_or(false);
    CheckOutcome {
        name: name.to_owned(),
        status: if answered { CheckStatus::Ok } else { CheckStatus::Down },
        latency_ms: u64::try_from(context.now().ms() - started.ms()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{SystemClock, SystemRandom};
    use std::sync::Arc;

    #[tokio::test]
    async fn what_does_not_answer_in_time_is_down() {
        let context = Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "r", 10_000);
        let never = timed(&context, "queues", Duration::from_millis(10), std::future::pending()).await;
        let fine = timed(&context, "database", TIME_MAX, async { true }).await;
        assert_eq!((never.status, fine.status), (CheckStatus::Down, CheckStatus::Ok));
        assert!(!is_ready(&[fine.clone(), never]) && is_ready(&[fine]));
    }
}
