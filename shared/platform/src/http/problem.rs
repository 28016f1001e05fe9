use kernel::{Error, Language};
use serde_json::{Map, Value, json};

use super::event::HttpAnswer;

/// RFC 9457 `application/problem+json` of an error, in the caller's language. The cause stays with us.
pub(super) fn answer(error: &Error, language: Language, instance: &str) -> HttpAnswer {
    let code = error.code();
    let mut problem = Map::new();
    problem.insert("type".into(), json!(format!("/docs#{}", code.name)));
    problem.insert(
        "title".into(),
        json!(
            http::StatusCode::from_u16(code.status)
                .ok()
                .and_then(|s| s.canonical_reason())
                .unwrap_or("Error")
        ),
    );
    problem.insert("status".into(), json!(code.status));
    problem.insert("detail".into(), json!(error.detail(language)));
    problem.insert("code".into(), json!(code.name));
    problem.insert("instance".into(), json!(instance));
    let fields = error.fields(language);
    if !fields.is_empty() {
        problem.insert("errors".into(), json!(fields));
    }
    for (name, value) in error.members() {
        problem.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let mut answer = HttpAnswer::of_bytes(code.status, Value::Object(problem).to_string().as_bytes());
    answer.headers.insert("content-type".into(), "application/problem+json".into());
    answer.headers.insert("content-language".into(), language.tag().into());
    answer.headers.insert("cache-control".into(), "no-store".into());
    if let Some(seconds) = error.retry_after_s() {
        answer.headers.insert("retry-after".into(), seconds.to_string());
    }
    if code.status == 401 {
        answer.headers.insert("www-authenticate".into(), "Bearer".into());
    }
    answer
}
