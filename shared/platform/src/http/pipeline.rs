//! What happens around every handler, in this order: language → token → permission → rate limit → body limit →
//! idempotency → typed call → handler → answer (status, location, fields, entity tag, compression, headers) → log line.

use std::sync::Arc;

use kernel::{BoxFuture, Caller, CommonError, ConfigError, Context, Env, Error, Language, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::call::Files;
use super::endpoint::{Access, Endpoint, IdempotencyRule, RateClass};
use super::event::{HttpAnswer, HttpEvent};
use super::idempotency::{Answer, Begin, Records};
use super::limits::{Limiter, Standing};
use super::reply::{Content, Sent};
use super::{compression, fields, problem};
use crate::auth::Verifier;
use crate::function::{Invocation, InvocationFailed, Ready};
use crate::telemetry::Line;

/// A handler with its types erased.
pub(super) type Handle = Arc<dyn Fn(Files) -> BoxFuture<'static, Result<Sent>> + Send + Sync>;

struct Pipeline {
    name: &'static str,
    endpoint: Arc<Endpoint>,
    handle: Handle,
    verifier: Verifier,
    limiter: Option<Limiter>,
    records: Option<Records>,
    env: Env,
}

pub(super) fn ready(
    name: &'static str,
    endpoint: Arc<Endpoint>,
    env: &Env,
    handle: Handle,
) -> Result<Ready, ConfigError> {
    let mut settings = env.settings();
    let verifier = Verifier::open(env, &mut settings);
    let limiter = (endpoint.rate != RateClass::Unlimited).then(|| Limiter::open(env, &mut settings));
    let records =
        (endpoint.idempotency != IdempotencyRule::Ignored).then(|| Records::open(env, &mut settings));
    settings.finish()?;
    let pipeline =
        Arc::new(Pipeline { name, endpoint, handle, verifier, limiter, records, env: env.clone() });
    Ok(Arc::new(move |invocation: Invocation| {
        let pipeline = pipeline.clone();
        Box::pin(async move { pipeline.invoke(invocation).await })
    }))
}

/// Headers of every answer.
const SECURITY: [(&str, &str); 6] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("content-security-policy", "default-src 'self'"),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("vary", "Accept-Encoding, Accept-Language, Authorization, Origin"),
];

impl Pipeline {
    async fn invoke(&self, invocation: Invocation) -> Result<Value, InvocationFailed> {
        let event: HttpEvent = serde_json::from_value(invocation.payload)
            .map_err(|e| InvocationFailed(format!("no HTTP event: {e}")))?;
        let event = Arc::new(event);
        let started = self.env.clock.now_ms();
        let mut context = invocation.context;
        context.language = event.header("accept-language").and_then(Language::of_header).unwrap_or_default();
        context.source_ip = Some(event.request_context.http.source_ip.as_str().into());
        context.user_agent = event.header("user-agent").map(Into::into);

        let mut standing = None;
        let outcome = self.answer(&mut context, &event, &mut standing).await;
        let (mut answer, error) = match outcome {
            Ok(answer) => (answer, None),
            Err(error) => {
                let answer = problem::answer(&error, context.language, &event.raw_path);
                (answer, Some(error))
            }
        };
        if let Some(limit) = error.as_ref().filter(|e| e.is(CommonError::RateLimited)) {
            standing = Some(Standing {
                limit: limit.members().get("limit").and_then(Value::as_i64).unwrap_or(0),
                remaining: 0,
                resets_at_s: limit.members().get("resets_at").and_then(Value::as_i64).unwrap_or(0),
            });
        }
        finish(&mut answer, &context, &event, standing);
        (self.env.log)(
            &Line::http(
                self.name,
                &context,
                &event,
                answer.status_code,
                self.env.clock.now_ms() - started,
                error.as_ref(),
            )
            .to_string(),
        );
        serde_json::to_value(answer).map_err(|e| InvocationFailed(e.to_string()))
    }

    async fn answer(
        &self,
        context: &mut Context,
        event: &Arc<HttpEvent>,
        standing: &mut Option<Standing>,
    ) -> Result<HttpAnswer> {
        // The API's `$default` route leads to one of our functions, so that an unknown path gets our problem body.
        if event.route_key == "$default" {
            return Err(CommonError::RouteNotFound.into());
        }
        if let Some(token) = bearer(event) {
            match self.verifier.verify(context, token).await {
                Ok(caller) => context.caller = Some(Arc::new(caller)),
                // Clients attach their token to every call: one that is over must not stop its own renewal.
                Err(error) if self.endpoint.asks_nobody() && error.code().status == 401 => {}
                Err(error) => return Err(error),
            }
        }
        self.guard(context.caller.as_deref())?;
        if let Some(limiter) = &self.limiter {
            *standing = limiter.take(context, self.endpoint.rate).await?;
        }
        let body = event.bytes().ok_or(CommonError::MalformedJson)?;
        if body.len() > self.endpoint.body_max_bytes {
            return Err(CommonError::BodyTooLarge.with("limit_bytes", self.endpoint.body_max_bytes));
        }
        let key = event.header("idempotency-key");
        let Some((records, key)) = self.records.as_ref().zip(key) else {
            if self.endpoint.idempotency == IdempotencyRule::Required {
                return Err(CommonError::IdempotencyKeyRequired.into());
            }
            let sent = (self.handle)(Files { context: context.clone(), event: event.clone(), body }).await?;
            return self.of_sent(event, sent);
        };
        let route = format!("{} {}", self.endpoint.method, self.endpoint.path);
        let record = match records.begin(context, key, &route, &event.raw_path, &body).await? {
            Begin::Replay(answer) => return self.of_stored(event, answer),
            Begin::Run(record) => Arc::new(record),
        };
        context.idempotency = Some(record.clone());
        match (self.handle)(Files { context: context.clone(), event: event.clone(), body }).await {
            Ok(sent) => {
                if !record.is_completed() {
                    let whole = stored(&sent, self.endpoint.status);
                    records.complete(context, &record, &whole).await?;
                }
                self.of_sent(event, sent)
            }
            Err(error) => {
                if !record.is_completed() {
                    // If this fails, the record frees itself when the function's time is over.
                    let _ = records.free(context, &record).await;
                }
                Err(error)
            }
        }
    }

    fn guard(&self, caller: Option<&Caller>) -> Result<()> {
        match (self.endpoint.access, caller) {
            (Access::Anyone | Access::Holder(_), _) | (Access::User, Some(_)) => Ok(()),
            (Access::User | Access::May(_), None) => Err(CommonError::Unauthenticated.into()),
            (Access::May(permission), Some(caller)) if caller.may(permission) => Ok(()),
            (Access::May(_), Some(_)) => Err(CommonError::Forbidden.into()),
        }
    }

    fn of_sent(&self, event: &HttpEvent, sent: Sent) -> Result<HttpAnswer> {
        let (mut answer, json) = match sent.content {
            Content::Empty => {
                (HttpAnswer { status_code: self.status_of_empty(), ..HttpAnswer::default() }, None)
            }
            Content::Raw(kind, bytes) => {
                let mut answer = HttpAnswer::of_bytes(self.endpoint.status, &bytes);
                answer.headers.insert("content-type".into(), kind.into());
                (answer, None)
            }
            Content::Json(value) => (self.json(event, &value)?, Some(value)),
        };
        if let (Some(template), Some(value)) = (self.endpoint.location, &json) {
            answer.headers.extend(filled(template, value).map(|l| ("location".to_owned(), l)));
        }
        if let Some(status) = sent.status {
            answer.status_code = status;
        }
        for (name, value) in sent.headers {
            answer.headers.insert(name.to_owned(), value);
        }
        answer.cookies = sent.cookies;
        answer
            .cookies
            .extend(self.endpoint.cookie.zip(json.as_ref()).and_then(|(c, value)| filled(c, value)));
        Ok(answer)
    }

    fn status_of_empty(&self) -> u16 {
        if self.endpoint.status == 200 { 204 } else { self.endpoint.status }
    }

    fn of_stored(&self, event: &HttpEvent, stored: Answer) -> Result<HttpAnswer> {
        let (body, status, cookies, headers) = match stored {
            // `()` is stored as null: an empty answer.
            Answer::Result(Value::Null) => (None, self.status_of_empty(), Vec::new(), Vec::new()),
            Answer::Result(body) => (Some(body), self.endpoint.status, Vec::new(), Vec::new()),
            Answer::Whole { status, body, cookies, headers } => (body, status, cookies, headers),
        };
        let mut answer = match &body {
            Some(body) => self.json(event, body)?,
            None => HttpAnswer::default(),
        };
        answer.status_code = status;
        answer.cookies = cookies;
        answer
            .cookies
            .extend(self.endpoint.cookie.zip(body.as_ref()).and_then(|(c, value)| filled(c, value)));
        if let (Some(template), Some(value)) = (self.endpoint.location, &body) {
            answer.headers.extend(filled(template, value).map(|l| ("location".to_owned(), l)));
        }
        answer.headers.extend(headers);
        answer.headers.insert("idempotency-replayed".into(), "true".into());
        Ok(answer)
    }

    fn json(&self, event: &HttpEvent, value: &Value) -> Result<HttpAnswer> {
        let wanted = (self.endpoint.method == "GET")
            .then(|| {
                url::form_urlencoded::parse(event.raw_query_string.as_bytes()).find(|(n, _)| n == "fields")
            })
            .flatten();
        let text = match wanted {
            Some((_, names)) => {
                let mut projected = value.clone();
                fields::project(&mut projected, &names);
                serde_json::to_vec(&projected)
            }
            None => serde_json::to_vec(value),
        }
        .map_err(Error::internal)?;
        let mut answer = HttpAnswer::of_bytes(self.endpoint.status, &text);
        answer.headers.insert("content-type".into(), self.endpoint.produces.into());
        Ok(answer)
    }
}

/// Entity tag, compression, standing headers.
fn finish(answer: &mut HttpAnswer, context: &Context, event: &HttpEvent, standing: Option<Standing>) {
    let public = answer.headers.get("cache-control").is_some_and(|v| v.starts_with("public"));
    if public && answer.status_code == 200 {
        let tag =
            format!("W/\"{}\"", hex::encode(Sha256::digest(answer.body.as_bytes()).get(..12).unwrap_or(&[])));
        let known = event
            .header("if-none-match")
            .is_some_and(|tags| tags.split(',').any(|t| t.trim() == tag || t.trim() == "*"));
        answer.headers.insert("etag".into(), tag);
        if known {
            answer.status_code = 304;
            answer.body.clear();
            answer.is_base64_encoded = false;
        }
    }
    if !answer.is_base64_encoded
        && let Some(zipped) = compression::gzip(event.header("accept-encoding"), answer.body.as_bytes())
    {
        let zipped = HttpAnswer::of_bytes(answer.status_code, &zipped);
        answer.body = zipped.body;
        answer.is_base64_encoded = zipped.is_base64_encoded;
        answer.headers.insert("content-encoding".into(), "gzip".into());
    }
    for (name, value) in SECURITY {
        answer.headers.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    answer.headers.entry("cache-control".to_owned()).or_insert_with(|| "no-store".to_owned());
    answer.headers.insert("x-request-id".into(), context.request_id.to_string());
    if let Some(standing) = standing {
        answer.headers.insert("x-ratelimit-limit".into(), standing.limit.to_string());
        answer.headers.insert("x-ratelimit-remaining".into(), standing.remaining.to_string());
        answer.headers.insert("x-ratelimit-reset".into(), standing.resets_at_s.to_string());
    }
}

fn bearer(event: &HttpEvent) -> Option<&str> {
    let (scheme, token) = event.header("authorization")?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn stored(sent: &Sent, status: u16) -> Answer {
    let body = match &sent.content {
        Content::Json(value) => Some(value.clone()),
        Content::Raw(..) | Content::Empty => None,
    };
    let status = sent.status.unwrap_or(if body.is_none() && status == 200 { 204 } else { status });
    let headers = sent.headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    Answer::Whole { status, body, cookies: sent.cookies.clone(), headers }
}

/// Fills `{member.path}` of a location or cookie with members of the answer; `None` when the answer lacks one.
fn filled(template: &str, answer: &Value) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 36);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (path, after) = after.split_once('}').unwrap_or((after, ""));
        match path.split('.').try_fold(answer, |v, name| v.get(name))? {
            Value::Null => return None,
            Value::String(text) => out.push_str(text),
            other => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::filled;
    use serde_json::json;

    #[test]
    fn a_location_is_filled_from_the_answer() {
        let answer = json!({"user": {"id": "u"}, "n": 3});
        assert_eq!(filled("/users/{user.id}/x{n}", &answer).as_deref(), Some("/users/u/x3"));
        assert_eq!(filled("token={token}; HttpOnly", &answer), None);
    }
}
