//! RFC 9457 problems: one shared schema, and one shared response per status and set of codes.

use std::collections::BTreeMap;

use kernel::{Code, Language};
use serde_json::{Map, Value, json};

/// Responses and codes that the operations named so far.
#[derive(Default)]
pub(crate) struct Problems {
    responses: BTreeMap<String, Value>,
    codes: BTreeMap<&'static str, &'static Code>,
}

impl Problems {
    /// The responses of these codes, by status.
    pub(crate) fn of(&mut self, codes: &[&'static Code], limited: bool) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<&'static Code>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.status).or_default().push(code);
            self.codes.insert(code.name, code);
        }
        by_status
            .into_iter()
            .map(|(status, mut codes)| {
                codes.sort_by_key(|c| c.name);
                codes.dedup_by_key(|c| c.name);
                let names: Vec<&str> = codes.iter().map(|c| c.name).collect();
                let name = format!("{status}.{}{}", names.join("."), if limited { "" } else { ".unlimited" });
                let reference = json!({"$ref": format!("#/components/responses/{name}")});
                self.responses.entry(name).or_insert_with(|| response(status, &codes, limited));
                (status.to_string(), reference)
            })
            .collect()
    }

    /// `components.responses`.
    pub(crate) fn responses(&self) -> &BTreeMap<String, Value> {
        &self.responses
    }

    /// `x-codes`.
    pub(crate) fn codes(&self) -> Value {
        let told = |code: &Code| {
            let text: Map<String, Value> =
                Language::ALL.iter().map(|l| (l.tag().to_owned(), json!(code.text.of(*l)))).collect();
            json!({"status": code.status, "text": text})
        };
        self.codes.iter().map(|(name, code)| ((*name).to_owned(), told(code))).collect::<Map<_, _>>().into()
    }
}

fn response(status: u16, codes: &[&'static Code], limited: bool) -> Value {
    let names: Vec<&str> = codes.iter().map(|c| c.name).collect();
    let title = title(status);
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let value = json!({
                "type": format!("/docs#{}", code.name), "title": title, "status": status,
                "detail": code.text.en, "code": code.name, "instance": "/",
            });
            (code.name.to_owned(), json!({"value": value}))
        })
        .collect();
    let waits = status == 429 || status == 409 || status == 503;
    json!({
        "description": format!("{title}: {}", names.join(", ")),
        "headers": response_headers(limited, waits),
        "content": {"application/problem+json": {
            "schema": {"allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {"properties": {"code": {"enum": names}, "status": {"const": status}}},
            ]},
            "examples": examples,
        }},
    })
}

/// The words of a status.
pub(crate) fn title(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error")
}

/// Headers of an answer.
pub(crate) fn response_headers(limited: bool, waits: bool) -> Map<String, Value> {
    let mut headers = vec![("X-Request-Id", "RequestId")];
    if limited {
        headers.extend([
            ("X-RateLimit-Limit", "RateLimit"),
            ("X-RateLimit-Remaining", "RateLimitRemaining"),
            ("X-RateLimit-Reset", "RateLimitReset"),
        ]);
    }
    if waits {
        headers.push(("Retry-After", "RetryAfter"));
    }
    headers.into_iter().map(|(name, to)| (name.to_owned(), header(to))).collect()
}

/// A reference to a shared header.
pub(crate) fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}
