use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use futures::StreamExt as _;
use kernel::{BoxFuture, ConfigError, Context, Domain, Env, LogSink, Result, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use storage::{Key, Put, Query, Table};

use crate::readiness::{CheckOutcome, CheckStatus, Readiness, is_ready};

/// Looks after the product each minute: whether what it stands on answers, how much waits in the queues, whether
/// messages died. What it finds is one item, one line of metrics, and a line at `ERROR` when something is wrong.
#[derive(Clone)]
pub struct Watch {
    readiness: Readiness,
    table: Table,
    client: Client,
    prefix: Arc<str>,
    names: Arc<[String]>,
    log: LogSink,
}

/// What a watch found.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Found {
    status: CheckStatus,
    checked_at: Time,
    checks: Vec<CheckOutcome>,
    /// Queues in which something waits or died.
    queues: Vec<Depth>,
    /// Outbox messages that no queue can take.
    parked: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Depth {
    name: String,
    visible: u64,
    in_flight: u64,
    dead: u64,
}

/// Queues asked at the same time.
const AT_ONCE: usize = 8;

impl Domain for Watch {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let readiness = Readiness::from_env(env)?;
        let mut settings = env.settings();
        let table = Table::open(env, &mut settings, "platform");
        let prefix = settings.text("QUEUE_URL_PREFIX").into();
        let names = settings.text("QUEUE_NAMES");
        settings.finish()?;
        let names = names.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
        Ok(Self { readiness, table, client: Client::new(env.sdk()), prefix, names, log: env.log.clone() })
    }
}

impl Watch {
    /// Looks once.
    pub fn look<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (checks, depths, parked) =
                futures::join!(self.readiness.checks(context), self.depths(context), self.parked(context));
            let found = Found {
                status: if is_ready(&checks) { CheckStatus::Ok } else { CheckStatus::Down },
                checked_at: context.now(),
                checks,
                queues: depths.into_iter().filter(|d| d.visible + d.in_flight + d.dead > 0).collect(),
                parked,
            };
            (self.log)(&line(&found, context).to_string());
            if found.status == CheckStatus::Down {
                // Nothing to write to, perhaps; the line above has said it.
                return Ok(());
            }
            self.table.put(context, Put::row(&Key::new("HEALTH", "LATEST"), &found)).await
        })
    }

    async fn parked(&self, context: &Context) -> usize {
        self.table.query(context, Query::partition("PARKED")).await.map_or(0, |page| page.items.len())
    }

    async fn depths(&self, context: &Context) -> Vec<Depth> {
        futures::stream::iter(self.names.to_vec())
            .map(|name| self.depth(context, name))
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    async fn depth(&self, context: &Context, name: String) -> Option<Depth> {
        let url = format!("{}{name}", self.prefix);
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&url)
            .set_attribute_names(Some(vec![
                Name::ApproximateNumberOfMessages,
                Name::ApproximateNumberOfMessagesNotVisible,
                Name::RedrivePolicy,
            ]))
            .send()
            .await;
        context.meter.count(0.0, 0.0);
        let attributes = answer.ok()?.attributes?;
        let number = |name: Name| attributes.get(&name).and_then(|v| v.parse().ok()).unwrap_or(0);
        let dead = match attributes.get(&Name::RedrivePolicy).and_then(|policy| dead_letters(&url, policy)) {
            Some(url) => self.waiting(context, &url).await.unwrap_or(0),
            None => 0,
        };
        Some(Depth {
            name,
            visible: number(Name::ApproximateNumberOfMessages),
            in_flight: number(Name::ApproximateNumberOfMessagesNotVisible),
            dead,
        })
    }

    async fn waiting(&self, context: &Context, url: &str) -> Option<u64> {
        let asked = self.client.get_queue_attributes().queue_url(url);
        let answer = asked.attribute_names(Name::ApproximateNumberOfMessages).send().await;
        context.meter.count(0.0, 0.0);
        answer.ok()?.attributes?.get(&Name::ApproximateNumberOfMessages)?.parse().ok()
    }
}

/// URL of the dead-letter queue: the same account's, by the name at the end of its ARN.
fn dead_letters(url: &str, policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let name = policy.get("deadLetterTargetArn")?.as_str()?.rsplit(':').next()?;
    let (account, _) = url.rsplit_once('/')?;
    Some(format!("{account}/{name}"))
}

/// The line of a watch, which is also its metrics.
fn line(found: &Found, context: &Context) -> Value {
    let sum = |of: fn(&Depth) -> u64| found.queues.iter().map(of).sum::<u64>();
    let dead = sum(|d| d.dead);
    let wrong = found.status == CheckStatus::Down || dead > 0 || found.parked > 0;
    let names = ["Healthy", "QueuedMessages", "DeadLetters", "ParkedMessages"];
    let metrics: Vec<Value> = names.iter().map(|n| json!({"Name": n, "Unit": "Count"})).collect();
    json!({
        "timestamp": found.checked_at,
        "level": if wrong { "ERROR" } else { "INFO" },
        "service": "platform-check-health",
        "request_id": &*context.request_id,
        "message": if wrong { "something needs attention" } else { "all is well" },
        "Healthy": u8::from(found.status == CheckStatus::Ok),
        "QueuedMessages": sum(|d| d.visible + d.in_flight),
        "DeadLetters": dead,
        "ParkedMessages": found.parked,
        "metadata": {"checks": found.checks, "queues": found.queues},
        "_aws": {
            "Timestamp": found.checked_at.ms(),
            "CloudWatchMetrics": [{
                "Namespace": "CreatorCommerce", "Dimensions": [["service"]], "Metrics": metrics,
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{SystemClock, SystemRandom};

    #[test]
    fn a_dead_letter_queue_is_found_by_its_arn_on_any_endpoint() {
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:local-emails-dlq","maxReceiveCount":5}"#;
        let url = "http://127.0.0.1:4566/000000000000/local-emails";
        assert_eq!(
            dead_letters(url, policy).as_deref(),
            Some("http://127.0.0.1:4566/000000000000/local-emails-dlq")
        );
        assert_eq!(dead_letters(url, "{}"), None);
    }

    #[test]
    fn a_dead_letter_is_an_error_even_when_everything_answers() {
        let context = Context::new(Arc::new(SystemClock), Arc::new(SystemRandom), "r", 1000);
        let depth = |dead| Depth { name: "emails".into(), visible: 2, in_flight: 1, dead };
        let found = |dead| Found {
            status: CheckStatus::Ok,
            checked_at: context.now(),
            checks: Vec::new(),
            queues: vec![depth(dead)],
            parked: 0,
        };
        assert_eq!(line(&found(1), &context)["level"], "ERROR");
        let well = line(&found(0), &context);
        assert_eq!((well["level"].as_str(), well["QueuedMessages"].as_u64()), (Some("INFO"), Some(3)));
    }
}
