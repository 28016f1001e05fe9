//! The AWS-protocol endpoint: finds the service that a request is for, and lets faults and policies have their say
//! before it gets there.

use std::sync::Arc;

use axum::body::Body;
use cloud_core::{Protocol, Request, Response, Service, WireError, signed_service};
use http::StatusCode;

use crate::faults::{Faults, Kind};
use crate::invocation::Invocation;
use crate::policy;

/// The services behind the endpoint.
pub(crate) struct Services {
    pub(crate) tables: Arc<dyn Service>,
    pub(crate) objects: Arc<dyn Service>,
    pub(crate) queues: Arc<dyn Service>,
    pub(crate) events: Arc<dyn Service>,
    pub(crate) media: Arc<dyn Service>,
    pub(crate) mail: Arc<dyn Service>,
}

/// The endpoint. One for clients over TCP and for functions in process.
pub struct Wire {
    services: Services,
    faults: Arc<Faults>,
    metrics: Arc<crate::calls::Calls>,
}

/// How a call from a function ended.
pub(crate) enum Outcome {
    /// With an answer.
    Answered(Response),
    /// The connection broke after the call was done.
    Lost,
    /// The function was killed: nobody is there to hear an answer.
    Killed,
}

impl Wire {
    pub(crate) fn new(services: Services, faults: Arc<Faults>, metrics: Arc<crate::calls::Calls>) -> Self {
        Self { services, faults, metrics }
    }

    /// Answers a client outside any function.
    pub async fn answer(&self, request: Request) -> Response {
        let service = service_of(&request);
        if let Some(rule) = self.faults.strike(None, 0, &service)
            && let Some(refusal) = refusal(rule.kind, &service, None)
        {
            return refusal;
        }
        self.service(&service).call(request).await
    }

    /// Does one AWS call of a function.
    pub(crate) async fn call_from(&self, invocation: &Invocation, request: Request) -> Outcome {
        let service = service_of(&request);
        let n = invocation.next_call();
        // Bodies of DynamoDB calls say what they are about; those of S3 may be large and do not matter here.
        let (request, body) = if service == "s3" { (request, None) } else { whole(request).await };
        let operation = policy::operation(&service, &request, body.as_deref());
        self.metrics.count(&invocation.function, &service, &operation.name);
        if let Some(denied) = operation.denied(&invocation.statements) {
            tracing::warn!(function = %invocation.function, %denied, "the function's role does not allow this call");
            let message = format!("{} is not authorized to perform {denied}", invocation.function);
            let error =
                WireError::bad_request("AccessDeniedException", message).with_status(StatusCode::FORBIDDEN);
            return Outcome::Answered(error.response(protocol(&service)));
        }
        let struck = self.faults.strike(Some(&invocation.function), n, &service);
        match struck.as_ref().map(|r| r.kind) {
            Some(Kind::KillBefore) => {
                invocation.kill();
                return Outcome::Killed;
            }
            Some(Kind::Delay) => {
                let ms = struck.as_ref().and_then(|r| r.delay_ms).unwrap_or(100);
                tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            }
            Some(kind @ (Kind::Throttle | Kind::Conflict)) => {
                if let Some(refusal) = refusal(kind, &service, body.as_deref()) {
                    return Outcome::Answered(refusal);
                }
            }
            _ => {}
        }
        let response = self.service(&service).call(request).await;
        match struck.map(|r| r.kind) {
            Some(Kind::KillAfter) => {
                invocation.kill();
                Outcome::Killed
            }
            Some(Kind::DropAnswer) => Outcome::Lost,
            _ => Outcome::Answered(response),
        }
    }

    fn service(&self, name: &str) -> &dyn Service {
        match name {
            "dynamodb" => &*self.services.tables,
            "sqs" => &*self.services.queues,
            "events" | "scheduler" => &*self.services.events,
            "mediaconvert" => &*self.services.media,
            "s3" => &*self.services.objects,
            _ => &*self.services.mail,
        }
    }
}

async fn whole(request: Request) -> (Request, Option<Vec<u8>>) {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 16 << 20).await.unwrap_or_default();
    (Request::from_parts(parts, Body::from(bytes.clone())), Some(bytes.to_vec()))
}

/// The service a request is for: its credential scope, else its target header, else S3 (preflights, anonymous).
fn service_of(request: &Request) -> String {
    let target = request.headers().get("x-amz-target").and_then(|t| t.to_str().ok());
    let by_target = target.and_then(|t| {
        let prefix = t.split('.').next()?;
        Some(match prefix.split('_').next()? {
            "DynamoDB" | "DynamoDBStreams" => "dynamodb",
            "AmazonSQS" => "sqs",
            "AWSEvents" => "events",
            "AmazonSSM" => "ssm",
            "secretsmanager" => "secretsmanager",
            _ => return None,
        })
    });
    if let Some(service) = by_target {
        return service.to_owned();
    }
    let (parts, ()) = http::Request::builder().uri(request.uri().clone()).body(()).map_or_else(
        |_| http::Request::new(()).into_parts(),
        |mut r| {
            r.headers_mut().clone_from(request.headers());
            r.into_parts()
        },
    );

    signed_service(&parts).unwrap_or_else(|| {
        let path = request.uri().path();
        if path.starts_with("/_aws/") { "ses".to_owned() } else { "s3".to_owned() }
    })
}

fn protocol(service: &str) -> Protocol {
    match service {
        "s3" | "sns" => Protocol::Xml,
        "mediaconvert" | "scheduler" | "ses" => Protocol::RestJson,
        _ => Protocol::AwsJson,
    }
}

/// What AWS answers when it throttles or, for DynamoDB's writes, when another transaction is in the way.
fn refusal(kind: Kind, service: &str, body: Option<&[u8]>) -> Option<Response> {
    let error = match (kind, service) {
        (Kind::Throttle, "dynamodb") => WireError::bad_request(
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "slow down",
        ),
        (Kind::Throttle, "s3") => WireError::bad_request("SlowDown", "Please reduce your request rate.")
            .with_status(StatusCode::SERVICE_UNAVAILABLE),
        (Kind::Throttle, _) => WireError::bad_request("ThrottlingException", "Rate exceeded")
            .with_status(StatusCode::TOO_MANY_REQUESTS),
        (Kind::Conflict, "dynamodb") => {
            let request: serde_json::Value = serde_json::from_slice(body?).ok()?;
            let Some(items) = request.get("TransactItems").and_then(|i| i.as_array()) else {
                let single = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
                request.get("Item").or(request.get("UpdateExpression"))?;
                let message = "Transaction is ongoing for the item";
                return Some(WireError::bad_request(single, message).response(Protocol::AwsJson));
            };
            if items.iter().all(|i| i.get("Get").is_some()) {
                return None;
            }
            let reasons: Vec<_> = (0..items.len())
                .map(|n| match n {
                    0 => serde_json::json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}),
                    _ => serde_json::json!({"Code": "None"}),
                })
                .collect();
            let body = serde_json::json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
                "CancellationReasons": reasons,
            });
            let mut response = Response::new(Body::from(body.to_string()));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return Some(response);
        }
        _ => return None,
    };
    Some(error.response(protocol(service)))
}
