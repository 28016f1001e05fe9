//! `CloudWatch`, as far as putting goes: data points are kept and the metrics that have some can be listed.
//!
//! Newer SDKs speak CBOR to it (Smithy RPC v2), others JSON or the query protocol.

use axum::body::Body;
use cloud_core::{Protocol, Response, WireError};
use http::{HeaderValue, StatusCode, header};
use rusqlite::params;
use serde_json::{Value, json};

use crate::form::Form;
use crate::json::Fields;
use crate::service::{Mail, internal, unknown_operation};
use crate::xml::Xml;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS metrics (
        namespace TEXT NOT NULL,
        name      TEXT NOT NULL,
        value     REAL,
        at_ms     INTEGER NOT NULL
    );
";

impl Mail {
    pub(crate) fn metrics_cbor(&self, operation: &str, body: &[u8]) -> Response {
        let request: Result<Value, _> = ciborium::from_reader(body);
        let answer = request
            .map_err(|e| WireError::bad_request("SerializationException", e.to_string()))
            .and_then(|request| self.metrics(operation, &request));
        let value = match &answer {
            Ok(value) => value.clone(),
            Err(error) => json!({"__type": error.code, "message": error.message}),
        };
        let mut bytes = Vec::new();
        if let Err(error) = ciborium::into_writer(&value, &mut bytes) {
            return internal(error).response(Protocol::AwsJson);
        }
        let mut response = http::Response::new(Body::from(bytes));
        *response.status_mut() = answer.map_or_else(|error| error.status, |_| StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        response
    }

    pub(crate) fn metrics_json(&self, operation: &str, fields: &Fields) -> Result<Value, WireError> {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        self.metrics(operation, &json!({"Namespace": field("Namespace"), "MetricData": field("MetricData")}))
    }

    pub(crate) fn metrics_query(&self, operation: &str, form: &Form) -> Result<Xml, WireError> {
        let data = (1..).map_while(|i| {
            let name = form.get(&format!("MetricData.member.{i}.MetricName"))?;
            let value = form.get(&format!("MetricData.member.{i}.Value")).and_then(|v| v.parse::<f64>().ok());
            Some(json!({"MetricName": name, "Value": value}))
        });
        let request = json!({"Namespace": form.get("Namespace"), "MetricData": data.collect::<Vec<_>>()});
        let answer = self.metrics(operation, &request)?;
        let metrics = answer.get("Metrics").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |metric: &Value, name: &str| {
            metric.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let metrics = metrics.iter().map(|metric| {
            let xml = Xml::default().text("Namespace", &text(metric, "Namespace"));
            xml.text("MetricName", &text(metric, "MetricName"))
        });
        Ok(Xml::default().members("Metrics", metrics))
    }

    fn metrics(&self, operation: &str, request: &Value) -> Result<Value, WireError> {
        let namespace = request.get("Namespace").and_then(Value::as_str);
        match operation {
            "PutMetricData" => {
                let missing = |name: &str| {
                    WireError::bad_request("MissingParameter", format!("The parameter {name} is required."))
                };
                let namespace = namespace.ok_or_else(|| missing("Namespace"))?;
                let connection = self.store.lock();
                for datum in request.get("MetricData").and_then(Value::as_array).into_iter().flatten() {
                    let name = datum.get("MetricName").and_then(Value::as_str);
                    let name = name.ok_or_else(|| missing("MetricData.member.1.MetricName"))?;
                    let value = datum.get("Value").and_then(Value::as_f64);
                    let sql = "INSERT INTO metrics (namespace, name, value, at_ms) VALUES (?1, ?2, ?3, ?4)";
                    connection
                        .execute(sql, params![namespace, name, value, self.clock.now_ms()])
                        .map_err(internal)?;
                }
                Ok(json!({}))
            }
            "ListMetrics" => {
                let connection = self.store.lock();
                let mut query = connection
                    .prepare(
                        "SELECT DISTINCT namespace, name FROM metrics WHERE ?1 IS NULL OR namespace = ?1",
                    )
                    .map_err(internal)?;
                let metrics = query.query_map([namespace], |row| {
                    Ok(json!({"Namespace": row.get::<_, String>(0)?, "MetricName": row.get::<_, String>(1)?}))
                });
                let metrics = metrics.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(internal)?;
                Ok(json!({"Metrics": metrics}))
            }
            _ => Err(unknown_operation(operation)),
        }
    }
}
