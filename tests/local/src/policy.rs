//! What a call asks of IAM: the actions and the resources, read from the request as AWS reads them. The one-machine
//! product refuses what a function's role does not allow, so a missing grant shows here and not after a deployment.

use std::sync::Arc;

use cloud_core::Request;
use cloud_template::Statement;
use serde_json::Value;

/// A call as IAM sees it.
pub(crate) struct Operation {
    /// Name for counts, for example `TransactWriteItems`.
    pub(crate) name: String,
    /// Actions on resources, all of which must be allowed.
    pub(crate) asks: Vec<(String, String)>,
}

impl Operation {
    /// The first action that the statements do not allow.
    pub(crate) fn denied(&self, statements: &Arc<[Statement]>) -> Option<String> {
        self.asks
            .iter()
            .find(|(action, resource)| !cloud_template::iam::allows(statements, action, resource))
            .map(|(action, resource)| format!("{action} on {resource}"))
    }
}

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";

fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// Reads a call.
pub(crate) fn operation(service: &str, request: &Request, body: Option<&[u8]>) -> Operation {
    let target = request.headers().get("x-amz-target").and_then(|t| t.to_str().ok());
    let name = target.and_then(|t| t.rsplit('.').next()).unwrap_or_default().to_owned();
    let json = || body.and_then(|b| serde_json::from_slice::<Value>(b).ok()).unwrap_or_default();
    match service {
        "dynamodb" => Operation { asks: dynamodb(&name, &json()), name },
        "sqs" => {
            let body = json();
            let queue = body.get("QueueUrl").and_then(Value::as_str).and_then(|u| u.rsplit('/').next());
            let action = format!("sqs:{}", name.trim_end_matches("Batch"));
            Operation { asks: vec![(action, arn("sqs", queue.unwrap_or_default()))], name }
        }
        "ssm" => {
            let body = json();
            let parameter = body.get("Name").and_then(Value::as_str).unwrap_or_default();
            Operation {
                asks: vec![(format!("ssm:{name}"), arn("ssm", &format!("parameter{parameter}")))],
                name,
            }
        }
        "s3" => s3(request),
        "ses" => Operation {
            name: "SendEmail".into(),
            asks: vec![("ses:SendEmail".into(), arn("ses", "identity/sender"))],
        },
        "sns" => Operation { name: "Publish".into(), asks: vec![("sns:Publish".into(), "*".into())] },
        "mediaconvert" => mediaconvert(request),
        _ => Operation { name, asks: Vec::new() },
    }
}

fn dynamodb(name: &str, body: &Value) -> Vec<(String, String)> {
    let table = |v: &Value| {
        let name = v.get("TableName").and_then(Value::as_str).unwrap_or_default();
        arn("dynamodb", &format!("table/{name}"))
    };
    match name {
        "TransactWriteItems" => body
            .get("TransactItems")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|item| {
                let (kind, inner) = item.as_object()?.iter().next()?;
                let action = match kind.as_str() {
                    "Put" => "PutItem",
                    "Update" => "UpdateItem",
                    "Delete" => "DeleteItem",
                    _ => "ConditionCheckItem",
                };
                Some((format!("dynamodb:{action}"), table(inner)))
            })
            .collect(),
        "BatchGetItem" | "BatchWriteItem" => body
            .get("RequestItems")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|tables| tables.keys())
            .map(|t| (format!("dynamodb:{name}"), arn("dynamodb", &format!("table/{t}"))))
            .collect(),
        _ => {
            let resource = match body.get("IndexName").and_then(Value::as_str) {
                Some(index) => format!("{}/index/{index}", table(body)),
                None => table(body),
            };
            vec![(format!("dynamodb:{name}"), resource)]
        }
    }
}

fn s3(request: &Request) -> Operation {
    let path = request.uri().path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| {
        query.split('&').any(|p| p == name || p.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    };
    let action = match (request.method().as_str(), key.is_empty()) {
        ("GET", true) if has("uploads") => "ListBucketMultipartUploads",
        ("GET" | "HEAD", true) => "ListBucket",
        ("GET", false) if has("uploadId") => "ListMultipartUploadParts",
        ("GET" | "HEAD", false) => "GetObject",
        ("DELETE", false) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", false) => "DeleteObject",
        ("POST", true) if has("delete") => "DeleteObject",
        _ => "PutObject",
    };
    let resource = match (action, key) {
        ("ListBucket" | "ListBucketMultipartUploads", _) => format!("arn:aws:s3:::{bucket}"),
        ("DeleteObject", "") => format!("arn:aws:s3:::{bucket}/many"),
        _ => format!("arn:aws:s3:::{bucket}/{key}"),
    };
    Operation { name: action.into(), asks: vec![(format!("s3:{action}"), resource)] }
}

fn mediaconvert(request: &Request) -> Operation {
    let path = request.uri().path();
    let (name, resource) = match (request.method().as_str(), path.rsplit('/').next().unwrap_or_default()) {
        ("POST", "jobs") => ("CreateJob", arn("mediaconvert", "queues/Default")),
        ("POST", "probe") => ("Probe", "*".to_owned()),
        ("DELETE", id) => ("CancelJob", arn("mediaconvert", &format!("jobs/{id}"))),
        (_, id) => ("GetJob", arn("mediaconvert", &format!("jobs/{id}"))),
    };
    Operation { name: name.into(), asks: vec![(format!("mediaconvert:{name}"), resource)] }
}
