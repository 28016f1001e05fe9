//! One endpoint as an operation.

use platform::http::{IdempotencyRule, RateClass, Served};
use platform::{Access, Endpoint, Function};
use serde_json::{Map, Value, json};

use crate::problems::{Problems, header, response_headers, title};
use crate::schemas::Schemas;

pub(crate) fn of(
    function: &Function,
    endpoint: &Endpoint,
    schemas: &mut Schemas,
    problems: &mut Problems,
) -> Value {
    let limited = endpoint.rate != RateClass::Unlimited;
    let mut responses = Map::from_iter([success(function.served.as_ref(), endpoint, schemas, limited)]);
    if endpoint.redirects {
        let mut headers = response_headers(limited, false);
        headers.insert("Location".into(), header("Location"));
        responses.insert("302".into(), json!({"description": title(302), "headers": headers}));
    }
    responses.extend(problems.of(&endpoint.all_errors(), limited));

    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(function.name));
    operation.insert("summary".into(), json!(endpoint.summary));
    operation.insert("description".into(), json!(description(endpoint)));
    operation.insert("tags".into(), json!([function.area()]));
    operation.insert("security".into(), security(endpoint.access));
    operation.insert("x-access".into(), json!(access(endpoint.access)));
    operation.insert("x-rate".into(), json!(rate(endpoint.rate)));
    operation
        .insert("parameters".into(), Value::Array(parameters(function.served.as_ref(), endpoint, schemas)));
    if let Some(body) = function.served.as_ref().and_then(|s| s.body) {
        let schema = schemas.input(body);
        let required = schemas
            .resolved(&schema)
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|names| !names.is_empty());
        operation.insert(
            "requestBody".into(),
            json!({"required": required, "content": {"application/json": {"schema": schema}}}),
        );
    }
    operation.insert("responses".into(), Value::Object(responses));
    Value::Object(operation)
}

fn description(endpoint: &Endpoint) -> String {
    let mut sentences = vec![format!("Who may call: {}.", access(endpoint.access))];
    if endpoint.method == "GET" && endpoint.produces == "application/json" {
        sentences.push("With `fields=a,b.c` only these members are answered.".to_owned());
    }
    if matches!(endpoint.method, "POST" | "PUT" | "PATCH")
        && endpoint.body_max_bytes != platform::http::BODY_MAX_BYTES
    {
        sentences.push(format!("Bodies up to {} bytes.", endpoint.body_max_bytes));
    }
    sentences.join(" ")
}

/// Who may call, in words.
fn access(access: Access) -> String {
    match access {
        Access::Anyone => "anyone".to_owned(),
        Access::User => "anyone signed in".to_owned(),
        Access::May(permission) => format!("whoever has the permission `{}`", permission.name()),
        Access::Holder(what) => format!("the holder of {what}"),
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Anyone | Access::Holder(_) => json!([{}, {"bearer": []}]),
        Access::User | Access::May(_) => json!([{"bearer": []}]),
    }
}

fn rate(rate: RateClass) -> &'static str {
    match rate {
        RateClass::Read => "1,000 an hour; premium 5,000; anonymous 100 an hour and address",
        RateClass::Write => "100 an hour; premium 500; anonymous 100 an hour and address",
        RateClass::Upload => "10 an hour; premium 50",
        RateClass::Auth => "10 a minute and address",
        RateClass::Unlimited => "not limited",
    }
}

fn success(
    served: Option<&Served>,
    endpoint: &Endpoint,
    schemas: &mut Schemas,
    limited: bool,
) -> (String, Value) {
    let answer = served.and_then(|s| s.answer).map(|schema_of| schemas.output(schema_of));
    let json_answer = endpoint.produces == "application/json";
    // What is neither JSON nor typed are bytes of the media type.
    let schema = answer.or_else(|| (!json_answer).then(|| json!({"type": "string"})));
    let status = if schema.is_none() && endpoint.status == 200 { 204 } else { endpoint.status };
    let mut headers = response_headers(limited, false);
    if endpoint.location.is_some() || (300..400).contains(&status) {
        headers.insert("Location".into(), header("Location"));
    }
    if endpoint.idempotency != IdempotencyRule::Ignored {
        headers.insert("Idempotency-Replayed".into(), header("IdempotencyReplayed"));
    }
    let mut response = json!({"description": title(status), "headers": headers});
    if let (Some(schema), Some(response)) = (schema, response.as_object_mut()) {
        response.insert("content".into(), json!({endpoint.produces: {"schema": schema}}));
    }
    (status.to_string(), response)
}

fn parameters(served: Option<&Served>, endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Value> {
    let mut list: Vec<Value> = path_names(endpoint.path)
        .map(|name| {
            let is_id = name == "id" || name.ends_with("_id");
            let schema = if is_id {
                json!({"type": "string", "format": "uuid"})
            } else {
                json!({"type": "string", "minLength": 1})
            };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    if let Some(query) = served.and_then(|s| s.query) {
        let schema = schemas.input(query);
        list.extend(query_parameters(&schemas.resolved(&schema)));
    }
    let shared = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    match endpoint.idempotency {
        IdempotencyRule::Ignored => {}
        IdempotencyRule::Honoured => list.push(shared("IdempotencyKey")),
        IdempotencyRule::Required => list.push(shared("IdempotencyKeyRequired")),
    }
    list.push(shared("AcceptLanguage"));
    list
}

fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_end_matches('+'))
}

fn query_parameters(schema: &Value) -> Vec<Value> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let mut schema = without_null(schema.clone());
            let description = schema.as_object_mut().and_then(|s| s.remove("description"));
            let mut parameter = json!({
                "name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": schema,
            });
            if let (Some(description), Some(parameter)) = (description, parameter.as_object_mut()) {
                parameter.insert("description".into(), description);
            }
            parameter
        })
        .collect()
}

/// A query has no way to say null: an optional parameter is left out.
fn without_null(mut schema: Value) -> Value {
    let is_null = |s: &Value| s.get("type").and_then(Value::as_str) == Some("null");
    let Some(object) = schema.as_object_mut() else { return schema };
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|t| t.as_str() != Some("null"));
        if let [one] = types.as_slice() {
            let one = one.clone();
            object.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| !is_null(choice));
        if let [one] = choices.as_slice() {
            let one = one.clone();
            object.remove("anyOf");
            if let Value::Object(one) = one {
                object.extend(one);
            }
        }
    }
    schema
}
