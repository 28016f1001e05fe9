//! The OpenAPI 3.1 document, made from what the functions declare: routes, guards, schemas, errors.
//!
//! Nothing is written by hand: an endpoint that exists is in the document, with every code that it can answer. Beside
//! what OpenAPI names, the document carries `x-access` (who may call), `x-rate` (which limit counts), and at its root
//! `x-codes`: every code with its sentences in the five languages, for the documentation page.

mod operation;
mod problems;
mod schemas;

use kernel::Language;
use platform::{Endpoint, Function, Trigger};
use serde_json::{Map, Value, json};

use crate::problems::Problems;
use crate::schemas::Schemas;

/// What the document says about itself.
#[derive(Clone, Debug)]
pub struct Info<'a> {
    /// Title.
    pub title: &'a str,
    /// Version of the API.
    pub version: &'a str,
    /// An introduction, in Markdown.
    pub description: &'a str,
}

/// The document of every endpoint among `functions`. Jobs are left out: nobody calls them.
#[must_use]
pub fn document(functions: &[Function], info: &Info<'_>) -> Value {
    let mut endpoints: Vec<(&Function, &Endpoint)> = functions
        .iter()
        .filter_map(|f| match &f.trigger {
            Trigger::Http(endpoint) => Some((f, &**endpoint)),
            Trigger::Job(_) => None,
        })
        .collect();
    // The same document whatever order the functions come in.
    endpoints.sort_by_key(|(f, e)| (f.area(), e.path, e.method));

    let (mut schemas, mut problems) = (Schemas::new(), Problems::default());
    let mut paths: Map<String, Value> = Map::new();
    for (function, endpoint) in &endpoints {
        let operation = operation::of(function, endpoint, &mut schemas, &mut problems);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.to_lowercase(), operation);
        }
    }
    let mut areas: Vec<&str> = endpoints.iter().map(|(f, _)| f.area()).collect();
    areas.dedup();
    let tags: Vec<Value> = areas.into_iter().map(|area| json!({"name": area})).collect();

    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": info.title, "version": info.version, "description": info.description},
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
            "parameters": parameters(),
            "headers": headers(),
            "responses": problems.responses(),
        },
        "x-codes": problems.codes(),
    });
    schemas.finish(&mut document);
    document
}

/// Parameters that many operations share.
fn parameters() -> Value {
    let languages: Vec<&str> = Language::ALL.iter().map(|l| l.tag()).collect();
    let key = |required: bool, description: &str| {
        json!({
            "name": "Idempotency-Key", "in": "header", "required": required, "description": description,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        })
    };
    json!({
        "AcceptLanguage": {
            "name": "Accept-Language", "in": "header", "required": false,
            "description": format!("Language of messages: {}. Others fall back to ja.", languages.join(", ")),
            "schema": {"type": "string"},
        },
        "IdempotencyKey": key(
            false,
            "A random key of the client's. The same key and request answers the first result again for 24 hours.",
        ),
        "IdempotencyKeyRequired": key(
            true,
            "A random key of the client's: the call moves money or stock and has its effect once for each key.",
        ),
    })
}

/// Headers that answers share.
fn headers() -> Value {
    let number = |description: &str| json!({"description": description, "schema": {"type": "integer"}});
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "RateLimit": number("Requests that the window allows."),
        "RateLimitRemaining": number("Requests that are left in the window."),
        "RateLimitReset": number("When the window ends, in seconds since the epoch."),
        "RetryAfter": number("Seconds to wait before trying again."),
        "RequestId": text("The id to name when something went wrong."),
        "Location": text("Where the created thing is."),
        "IdempotencyReplayed": text("`true` when the answer is the first result of this key."),
    })
}

#[cfg(test)]
mod tests;
