/// One DynamoDB action of a function's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableAction {
    /// `GetItem`, `BatchGetItem`.
    Get,
    /// `Query`, on the table and its indexes.
    Query,
    /// `PutItem`.
    Put,
    /// `UpdateItem`.
    Update,
    /// `DeleteItem`.
    Delete,
    /// `ConditionCheckItem`.
    Check,
}

/// What a function may touch. A function declares its grants beside its trigger; they become its IAM role and its
/// environment in the template, and the one-machine product refuses a call that no grant covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    /// Actions on one area's table; sets `{TABLE}_TABLE`.
    Table(&'static str, &'static [TableAction]),
    /// S3 actions (`GetObject`, `PutObject`, …) on one bucket's objects; `ListBucket*` on the bucket. Sets `{BUCKET}_BUCKET`.
    Bucket(&'static str, &'static [&'static str]),
    /// `sqs:SendMessage` to one queue. Most functions send through the outbox instead.
    Send(&'static str),
    /// `sqs:SendMessage` to every queue: the outbox relay. Sets `QUEUE_URL_PREFIX`.
    SendToAll,
    /// `sqs:GetQueueAttributes` of every queue and its dead-letter queue. Sets `QUEUE_URL_PREFIX` and `QUEUE_NAMES`
    /// (comma-separated, without the stage's prefix).
    WatchQueues,
    /// `ssm:GetParameter` on `/{stage}/{name}`; sets `{NAME}_PARAMETER`.
    Parameter(&'static str),
    /// `ses:SendEmail` as the product's sender. Sets `MAIL_FROM`.
    SendEmail,
    /// `sns:Publish` of text messages.
    SendText,
    /// `mediaconvert:CreateJob`, `Probe`, `CancelJob`, `GetJob`, and passing its role. Sets `TRANSCODE_ROLE_ARN` and
    /// `TRANSCODE_QUEUE_ARN`.
    Transcode,
    /// A setting of the template by its environment name, for example `PUBLIC_URL`.
    Setting(&'static str),
}
