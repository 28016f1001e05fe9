//! One JSON line per invocation, which is also its metrics: CloudWatch reads the embedded metric format (EMF) from
//! the log, so a metric costs no call.

use kernel::{Context, Error};
use serde_json::{Map, Value, json};

use crate::http::HttpEvent;

/// Namespace of the product's metrics.
pub const NAMESPACE: &str = "CreatorCommerce";

/// The line of one invocation. No secret, token, card, phone or mail in clear: paths are logged, bodies never.
pub(crate) struct Line(Map<String, Value>);

impl Line {
    fn new(function: &str, context: &Context, duration_ms: i64, failed: bool, error: Option<&Error>) -> Self {
        let usage = context.meter.usage();
        let level = match error {
            Some(e) if e.code().status >= 500 => "ERROR",
            Some(_) => "WARN",
            None if failed => "ERROR",
            None => "INFO",
        };
        let mut line = Map::new();
        line.insert("timestamp".into(), json!(context.now()));
        line.insert("level".into(), json!(level));
        line.insert("service".into(), json!(function));
        line.insert("area".into(), json!(function.split('-').next()));
        line.insert("request_id".into(), json!(&*context.request_id));
        line.insert("trace_id".into(), json!(context.trace.as_deref()));
        line.insert("duration_ms".into(), json!(duration_ms));
        line.insert("Requests".into(), json!(1));
        line.insert("Errors".into(), json!(u8::from(failed)));
        line.insert("AwsCalls".into(), json!(usage.calls));
        line.insert("ReadUnits".into(), json!(usage.read_units));
        line.insert("WriteUnits".into(), json!(usage.write_units));
        line.insert("Latency".into(), json!(duration_ms));
        if let Some(error) = error {
            line.insert("error_code".into(), json!(error.code().name));
            line.insert("message".into(), json!(error.cause().unwrap_or(error.code().text.en)));
        }
        line.insert(
            "_aws".into(),
            json!({
                "Timestamp": context.now().ms(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["service"], ["area"]],
                    "Metrics": [
                        {"Name": "Requests", "Unit": "Count"}, {"Name": "Errors", "Unit": "Count"},
                        {"Name": "Latency", "Unit": "Milliseconds"}, {"Name": "AwsCalls", "Unit": "Count"},
                        {"Name": "ReadUnits", "Unit": "Count"}, {"Name": "WriteUnits", "Unit": "Count"},
                    ],
                }],
            }),
        );
        Self(line)
    }

    pub(crate) fn http(
        function: &str,
        context: &Context,
        event: &HttpEvent,
        status: u16,
        duration_ms: i64,
        error: Option<&Error>,
    ) -> Self {
        let mut line = Self::new(function, context, duration_ms, status >= 500, error);
        line.0.insert("action".into(), json!(event.route_key));
        line.0.insert("method".into(), json!(event.request_context.http.method));
        line.0.insert("path".into(), json!(event.raw_path));
        line.0.insert("status".into(), json!(status));
        line.0.insert("user_id".into(), json!(context.caller.as_ref().map(|c| c.user.to_string())));
        line.0.insert("ip".into(), json!(context.source_ip.as_deref()));
        line.0.insert("user_agent".into(), json!(context.user_agent.as_deref()));
        line
    }

    pub(crate) fn job(
        function: &str,
        context: &Context,
        source: &str,
        records: usize,
        failures: &[String],
        duration_ms: i64,
    ) -> Self {
        let mut line = Self::new(function, context, duration_ms, !failures.is_empty(), None);
        line.0.insert("action".into(), json!(source));
        line.0.insert("metadata".into(), json!({"records": records, "failed": failures.len()}));
        if !failures.is_empty() {
            line.0.insert("message".into(), json!(failures));
        }
        line
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| std::fmt::Error)?)
    }
}
