//! A bucket as a template declares it.

use s3s::dto::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, CORSConfiguration, CORSRule, Event,
    EventBridgeConfiguration, ExpirationStatus, FilterRule, FilterRuleName, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
};

/// Everything about a bucket that [`crate::Objects::ensure_bucket`] makes so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketSpec {
    /// Rules, tried in order.
    pub cors: Vec<CorsRule>,
    /// Queues (or topics, or functions: any ARN) that are told about changes.
    pub queues: Vec<QueueNotification>,
    /// Whether every change goes to the default event bus.
    pub eventbridge: bool,
    /// Rules, all applied.
    pub lifecycle: Vec<Expiry>,
    /// Whether old versions are kept.
    pub versioning: bool,
}

/// Who may use a bucket from a page of another origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// `https://app.example.com`, `https://*.example.com` or `*`.
    pub allowed_origins: Vec<String>,
    /// `GET`, `PUT`, `HEAD`, `POST`, `DELETE`.
    pub allowed_methods: Vec<String>,
    /// Request headers, with `*`.
    pub allowed_headers: Vec<String>,
    /// Response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Seconds a browser may keep the answer to a preflight.
    pub max_age_seconds: Option<u32>,
}

/// Which changes go to a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueNotification {
    /// ARN of the queue.
    pub arn: String,
    /// For example `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// Only keys that start with this.
    pub prefix: Option<String>,
    /// Only keys that end with this.
    pub suffix: Option<String>,
}

/// What goes away by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Only keys that start with this; empty for all.
    pub prefix: String,
    /// Objects go this many days after they were written.
    pub expire_days: Option<u32>,
    /// Old versions go this many days after they were replaced.
    pub noncurrent_days: Option<u32>,
    /// Uploads go this many days after they were started.
    pub abort_multipart_days: Option<u32>,
}

impl BucketSpec {
    pub(crate) fn cors(&self) -> Option<CORSConfiguration> {
        let rules: Vec<_> = self.cors.iter().map(CorsRule::to_rule).collect();
        (!rules.is_empty()).then_some(CORSConfiguration { cors_rules: rules })
    }

    pub(crate) fn lifecycle(&self) -> Option<BucketLifecycleConfiguration> {
        let rules: Vec<_> = self.lifecycle.iter().enumerate().map(|(n, rule)| rule.to_rule(n)).collect();
        (!rules.is_empty()).then_some(BucketLifecycleConfiguration { rules })
    }

    pub(crate) fn notification(&self) -> Option<NotificationConfiguration> {
        if self.queues.is_empty() && !self.eventbridge {
            return None;
        }
        Some(NotificationConfiguration {
            event_bridge_configuration: self.eventbridge.then(EventBridgeConfiguration::default),
            queue_configurations: Some(self.queues.iter().map(QueueNotification::to_configuration).collect()),
            ..NotificationConfiguration::default()
        })
    }
}

impl CorsRule {
    fn to_rule(&self) -> CORSRule {
        let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
        CORSRule {
            allowed_headers: list(&self.allowed_headers),
            allowed_methods: self.allowed_methods.clone(),
            allowed_origins: self.allowed_origins.clone(),
            expose_headers: list(&self.expose_headers),
            id: None,
            max_age_seconds: self.max_age_seconds.and_then(|s| i32::try_from(s).ok()),
        }
    }
}

impl QueueNotification {
    fn to_configuration(&self) -> QueueConfiguration {
        let rule = |name, value: &Option<String>| {
            value
                .clone()
                .map(|value| FilterRule { name: Some(FilterRuleName::from_static(name)), value: Some(value) })
        };
        let rules: Vec<_> =
            [rule("prefix", &self.prefix), rule("suffix", &self.suffix)].into_iter().flatten().collect();
        QueueConfiguration {
            events: self.events.iter().cloned().map(Event::from).collect(),
            filter: (!rules.is_empty()).then_some(NotificationConfigurationFilter {
                key: Some(S3KeyFilter { filter_rules: Some(rules) }),
            }),
            id: Some(self.arn.rsplit(':').next().unwrap_or_default().to_owned()),
            queue_arn: self.arn.clone(),
        }
    }
}

impl Expiry {
    fn to_rule(&self, number: usize) -> LifecycleRule {
        let days = |days: Option<u32>| days.and_then(|d| i32::try_from(d).ok());
        LifecycleRule {
            abort_incomplete_multipart_upload: days(self.abort_multipart_days)
                .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) }),
            expiration: days(self.expire_days)
                .map(|days| LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() }),
            filter: Some(LifecycleRuleFilter {
                prefix: Some(self.prefix.clone()),
                ..LifecycleRuleFilter::default()
            }),
            id: Some(format!("rule-{}", number + 1)),
            noncurrent_version_expiration: days(self.noncurrent_days).map(|days| {
                NoncurrentVersionExpiration {
                    noncurrent_days: Some(days),
                    ..NoncurrentVersionExpiration::default()
                }
            }),
            noncurrent_version_transitions: None,
            prefix: None,
            status: ExpirationStatus::from_static(ExpirationStatus::ENABLED),
            transitions: None,
        }
    }
}
