//! Makes what the templates declare: tables, queues, buckets, rules.

use std::collections::BTreeMap;

use cloud_events::{RuleSpec, Target};
use cloud_objects::{BucketSpec, CorsRule, Expiry, QueueNotification};
use cloud_tables::{IndexSpec, KeyAttribute, KeyKind, ProjectionSpec, StreamView, TableSpec};
use cloud_template::{Bucket, Product, Queue, Rule, Table};
use serde_json::{Value, json};

use crate::local::Cloud;

/// Creates or updates every resource; what they hold stays.
pub(crate) async fn deploy(product: &Product, cloud: &Cloud) -> Result<(), String> {
    for table in &product.tables {
        cloud.tables.ensure_table(&table_spec(table)?).await.map_err(|e| format!("{}: {e}", table.name))?;
    }
    for queue in &product.queues {
        cloud.queues.ensure(&queue.name, attributes(queue)).map_err(|e| format!("{}: {e}", queue.name))?;
    }
    for bucket in &product.buckets {
        cloud
            .objects
            .ensure_bucket(&bucket.name, &bucket_spec(bucket))
            .map_err(|e| format!("{}: {e}", bucket.name))?;
    }
    for rule in &product.rules {
        cloud.events.ensure_rule(&rule.name, rule_spec(rule)?).map_err(|e| format!("{}: {e}", rule.name))?;
    }
    for parameter in &product.parameters {
        cloud.mail.put_parameter(&parameter.name, &parameter.value).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn key(attribute: &cloud_template::KeyAttribute) -> KeyAttribute {
    let kind = match attribute.kind.as_str() {
        "N" => KeyKind::Number,
        "B" => KeyKind::Binary,
        _ => KeyKind::String,
    };
    KeyAttribute { name: attribute.name.clone(), kind }
}

fn table_spec(table: &Table) -> Result<TableSpec, String> {
    let stream = match table.stream.as_deref() {
        None => None,
        Some("KEYS_ONLY") => Some(StreamView::KeysOnly),
        Some("NEW_IMAGE") => Some(StreamView::NewImage),
        Some("OLD_IMAGE") => Some(StreamView::OldImage),
        Some("NEW_AND_OLD_IMAGES") => Some(StreamView::NewAndOldImages),
        Some(other) => return Err(format!("{}: no stream view {other}", table.name)),
    };
    let indexes = table.indexes.iter().map(|index| IndexSpec {
        name: index.name.clone(),
        partition_key: key(&index.partition_key),
        sort_key: index.sort_key.as_ref().map(key),
        projection: match index.projection.as_str() {
            "KEYS_ONLY" => ProjectionSpec::KeysOnly,
            "INCLUDE" => ProjectionSpec::Include(index.included.clone()),
            _ => ProjectionSpec::All,
        },
    });
    Ok(TableSpec {
        name: table.name.clone(),
        partition_key: key(&table.partition_key),
        sort_key: table.sort_key.as_ref().map(key),
        indexes: indexes.collect(),
        stream,
        ttl_attribute: table.ttl_attribute.clone(),
    })
}

fn attributes(queue: &Queue) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("VisibilityTimeout".to_owned(), queue.visibility_s.to_string()),
        ("DelaySeconds".to_owned(), queue.delay_s.to_string()),
        ("MessageRetentionPeriod".to_owned(), queue.retention_s.to_string()),
        ("ReceiveMessageWaitTimeSeconds".to_owned(), queue.wait_s.to_string()),
    ]);
    if queue.fifo {
        all.insert("FifoQueue".into(), "true".into());
        all.insert("ContentBasedDeduplication".into(), queue.content_deduplication.to_string());
    }
    if let Some(redrive) = &queue.redrive {
        let policy =
            json!({"deadLetterTargetArn": redrive.target_arn, "maxReceiveCount": redrive.max_receives});
        all.insert("RedrivePolicy".into(), policy.to_string());
    }
    all
}

fn bucket_spec(bucket: &Bucket) -> BucketSpec {
    let cors = bucket.cors.iter().map(|rule| CorsRule {
        // Pages on this machine come from any port of it.
        allowed_origins: rule
            .origins
            .iter()
            .cloned()
            .chain(["http://localhost:*".to_owned(), "http://127.0.0.1:*".to_owned()])
            .collect(),
        allowed_methods: rule.methods.clone(),
        allowed_headers: rule.headers.clone(),
        expose_headers: rule.exposed.clone(),
        max_age_seconds: rule.max_age_s,
    });
    let queues = bucket.notifications.iter().map(|n| QueueNotification {
        arn: n.target_arn.clone(),
        events: n.events.clone(),
        prefix: n.prefix.clone(),
        suffix: n.suffix.clone(),
    });
    let days = |rule: &Value, pointer: &str| {
        let value = rule.pointer(pointer)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|d| u32::try_from(d).ok())
    };
    let lifecycle = bucket.lifecycle.iter().map(|rule| Expiry {
        prefix: rule.get("Prefix").and_then(Value::as_str).unwrap_or_default().to_owned(),
        expire_days: days(rule, "/ExpirationInDays"),
        noncurrent_days: days(rule, "/NoncurrentVersionExpiration/NoncurrentDays"),
        abort_multipart_days: days(rule, "/AbortIncompleteMultipartUpload/DaysAfterInitiation"),
    });
    BucketSpec {
        cors: cors.collect(),
        queues: queues.collect(),
        eventbridge: bucket.eventbridge,
        lifecycle: lifecycle.collect(),
        versioning: bucket.versioning,
    }
}

fn rule_spec(rule: &Rule) -> Result<RuleSpec, String> {
    let targets = rule.targets.iter().map(|t| serde_json::from_value::<Target>(t.clone()));
    Ok(RuleSpec {
        pattern: rule.pattern.clone(),
        schedule: rule.schedule.clone(),
        targets: targets.collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", rule.name))?,
        enabled: rule.enabled,
        bus: (rule.bus != "default").then(|| rule.bus.clone()),
    })
}
