//! From grants to IAM statements and environment variables.

use std::collections::{BTreeMap, BTreeSet};

use platform::{Function, Grant, TableAction, Trigger};

use crate::names::variable;
use crate::settings;

const ARN: &str = "arn:${AWS::Partition}";
const HERE: &str = "${AWS::Region}:${AWS::AccountId}";

/// One statement: actions on resources, each resource a `!Sub` text, or `*` with the reason beside it.
pub(crate) struct Statement {
    pub(crate) actions: BTreeSet<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) reason: Option<&'static str>,
}

fn on(actions: impl IntoIterator<Item = impl Into<String>>, resources: Vec<String>) -> Statement {
    Statement { actions: actions.into_iter().map(Into::into).collect(), resources, reason: None }
}

/// What may be done to each table or bucket.
type Allowed<A> = BTreeMap<&'static str, BTreeSet<A>>;

/// The function's grants: on tables, on buckets (each merged), and the others.
fn merged(function: &Function) -> (Allowed<TableAction>, Allowed<&'static str>, BTreeSet<Grant>) {
    let (mut tables, mut buckets, mut others) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for grant in &function.grants {
        match grant {
            Grant::Table(name, actions) => {
                tables.entry(*name).or_insert_with(BTreeSet::new).extend(actions.iter().copied());
            }
            Grant::Bucket(name, actions) => {
                buckets.entry(*name).or_insert_with(BTreeSet::new).extend(actions.iter().copied());
            }
            other => {
                others.insert(*other);
            }
        }
    }
    (tables, buckets, others)
}

/// The statements of a function's role.
pub(crate) fn statements(function: &Function, all: &[Function]) -> Vec<Statement> {
    let (tables, buckets, others) = merged(function);
    let mut list = Vec::new();
    for (table, actions) in tables {
        let arn = format!("{ARN}:dynamodb:{HERE}:table/${{Stage}}-{table}");
        let mut resources = vec![arn.clone()];
        if actions.contains(&TableAction::Query) {
            resources.push(format!("{arn}/index/*"));
        }
        list.push(on(actions.iter().flat_map(|a| table_actions(*a)), resources));
    }
    for (bucket, actions) in buckets {
        let arn = format!("{ARN}:s3:::${{Stage}}-{bucket}-${{AWS::AccountId}}");
        let (whole, objects): (Vec<&str>, Vec<&str>) =
            actions.iter().partition(|a| a.starts_with("ListBucket") || a.starts_with("GetBucket"));
        if !objects.is_empty() {
            list.push(on(objects.iter().map(|a| format!("s3:{a}")), vec![format!("{arn}/*")]));
        }
        if !whole.is_empty() {
            list.push(on(whole.iter().map(|a| format!("s3:{a}")), vec![arn]));
        }
    }
    for grant in others {
        list.extend(other(grant, all));
    }
    list.extend(source(function, all));
    list.push(on(
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![format!("{ARN}:logs:{HERE}:log-group:/aws/lambda/${{Stage}}-{}:*", function.name)],
    ));
    list.push(Statement {
        reason: Some("traces have no resource type"),
        ..on(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], vec!["*".into()])
    });
    list
}

fn queue_arn(name: &str) -> String {
    format!("{ARN}:sqs:{HERE}:${{Stage}}-{name}")
}

fn other(grant: Grant, all: &[Function]) -> Vec<Statement> {
    match grant {
        Grant::Table(..) | Grant::Bucket(..) | Grant::Setting(_) => Vec::new(),
        Grant::Send(queue) => vec![on(["sqs:SendMessage"], vec![queue_arn(queue)])],
        Grant::SendToAll => vec![on(["sqs:SendMessage"], queues(all).into_iter().map(queue_arn).collect())],
        Grant::WatchQueues => vec![on(
            ["sqs:GetQueueAttributes"],
            queues(all).into_iter().flat_map(|q| [queue_arn(q), queue_arn(&dead_letters(q))]).collect(),
        )],
        Grant::Parameter(name) => {
            vec![on(["ssm:GetParameter"], vec![format!("{ARN}:ssm:{HERE}:parameter/${{Stage}}/{name}")])]
        }
        Grant::SendEmail => vec![on(
            ["ses:SendEmail"],
            vec![
                format!("{ARN}:ses:{HERE}:identity/*"),
                format!("{ARN}:ses:{HERE}:configuration-set/${{Stage}}"),
            ],
        )],
        Grant::SendText => vec![Statement {
            reason: Some("a telephone number has no ARN"),
            ..on(["sns:Publish"], vec!["*".into()])
        }],
        Grant::Transcode => vec![
            on(["mediaconvert:CreateJob"], vec![format!("{ARN}:mediaconvert:{HERE}:queues/Default")]),
            on(
                ["mediaconvert:CancelJob", "mediaconvert:GetJob"],
                vec![format!("{ARN}:mediaconvert:{HERE}:jobs/*")],
            ),
            Statement {
                reason: Some("Probe has no resource type"),
                ..on(["mediaconvert:Probe"], vec!["*".into()])
            },
            on(
                ["iam:PassRole"],
                vec![format!("{ARN}:iam::${{AWS::AccountId}}:role/${{Stage}}-transcode-${{AWS::Region}}")],
            ),
        ],
    }
}

/// What Lambda itself reads on the function's behalf.
fn source(function: &Function, all: &[Function]) -> Vec<Statement> {
    let Trigger::Job(job) = &function.trigger else { return Vec::new() };
    match &job.source {
        platform::jobs::Source::Queue(name, _) => vec![on(
            [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ChangeMessageVisibility",
            ],
            vec![queue_arn(name)],
        )],
        platform::jobs::Source::Streams(_) => vec![
            on(
                ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                crate::tables(all)
                    .into_iter()
                    .map(|t| format!("{ARN}:dynamodb:{HERE}:table/${{Stage}}-{t}/stream/*"))
                    .collect(),
            ),
            Statement {
                reason: Some("ListStreams has no resource type"),
                ..on(["dynamodb:ListStreams"], vec!["*".into()])
            },
            on(["sqs:SendMessage"], vec![queue_arn("stream-failures")]),
        ],
        platform::jobs::Source::Schedule(_) => Vec::new(),
    }
}

/// Every queue that a job consumes.
pub(crate) fn queues(all: &[Function]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = all
        .iter()
        .filter_map(|f| match &f.trigger {
            Trigger::Job(job) => match &job.source {
                platform::jobs::Source::Queue(name, _) => Some(*name),
                _ => None,
            },
            Trigger::Http(_) => None,
        })
        .collect();
    names.sort_unstable();
    names
}

/// `emails` → `emails-dlq`; `events.fifo` → `events-dlq.fifo`.
pub(crate) fn dead_letters(queue: &str) -> String {
    queue.strip_suffix(".fifo").map_or_else(|| format!("{queue}-dlq"), |q| format!("{q}-dlq.fifo"))
}

/// The function's environment: name → YAML value.
pub(crate) fn environment(function: &Function, all: &[Function]) -> BTreeMap<String, String> {
    let mut vars = BTreeMap::new();
    for grant in &function.grants {
        match grant {
            Grant::Table(name, _) => {
                vars.insert(format!("{}_TABLE", variable(name)), format!("!Sub '${{Stage}}-{name}'"));
            }
            Grant::Bucket(name, _) => {
                vars.insert(
                    format!("{}_BUCKET", variable(name)),
                    format!("!Sub '${{Stage}}-{name}-${{AWS::AccountId}}'"),
                );
            }
            Grant::Parameter(name) => {
                vars.insert(format!("{}_PARAMETER", variable(name)), format!("!Sub '/${{Stage}}/{name}'"));
            }
            Grant::Setting(name) => setting(&mut vars, name),
            Grant::SendEmail => setting(&mut vars, "MAIL_FROM"),
            Grant::Transcode => {
                setting(&mut vars, "TRANSCODE_ROLE_ARN");
                setting(&mut vars, "TRANSCODE_QUEUE_ARN");
            }
            Grant::Send(_) | Grant::SendToAll => setting(&mut vars, "QUEUE_URL_PREFIX"),
            Grant::WatchQueues => {
                setting(&mut vars, "QUEUE_URL_PREFIX");
                vars.insert("QUEUE_NAMES".to_owned(), format!("'{}'", queues(all).join(",")));
            }
            Grant::SendText => {}
        }
    }
    vars
}

fn setting(vars: &mut BTreeMap<String, String>, name: &str) {
    vars.insert(name.to_owned(), format!("!Ref {}", crate::names::parameter(name)));
}

/// Settings that an area's functions ask for.
pub(crate) fn settings_of(functions: &[&Function], all: &[Function]) -> BTreeSet<&'static str> {
    functions
        .iter()
        .flat_map(|f| environment(f, all))
        .filter_map(|(name, _)| settings::find(&name).map(|s| s.name))
        .collect()
}

fn table_actions(action: TableAction) -> Vec<String> {
    let names: &[&str] = match action {
        TableAction::Get => &["GetItem", "BatchGetItem"],
        TableAction::Query => &["Query"],
        TableAction::Put => &["PutItem"],
        TableAction::Update => &["UpdateItem"],
        TableAction::Delete => &["DeleteItem"],
        TableAction::Check => &["ConditionCheckItem"],
    };
    names.iter().map(|n| format!("dynamodb:{n}")).collect()
}
