//! `/_local/…`: what only the one-machine product has. For people and for tests; nothing of it is deployed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::Plan;
use crate::local::Local;

/// All routes below `/_local`, and the start page.
pub(crate) fn router(local: Arc<Local>) -> Router {
    Router::new()
        .route("/", get(start_page))
        .route("/_local/app.css", get(|| async { page("text/css", include_str!("../pages/app.css")) }))
        .route("/_local/start.js", get(|| async { page(SCRIPT, include_str!("../pages/start.js")) }))
        .route(
            "/_local/studio",
            get(|| async { page("text/html; charset=utf-8", include_str!("../pages/studio.html")) }),
        )
        .route("/_local/studio.js", get(|| async { page(SCRIPT, include_str!("../pages/studio.js")) }))
        .route("/_local/hls.js", get(|| async { page(SCRIPT, include_str!("../pages/hls.light.min.js")) }))
        .route("/_local/info", get(info))
        .route("/_local/mails", get(mails))
        .route("/_local/texts", get(texts))
        .route("/_local/pushes", get(pushes))
        .route("/_local/queues", get(queues))
        .route("/_local/queues/{name}/redrive", post(redrive))
        .route("/_local/clock", get(clock).post(advance))
        .route("/_local/jobs/{name}", post(run_job))
        .route("/_local/faults", get(faults).post(set_faults).delete(clear_faults))
        .route("/_local/idle", get(idle))
        .route("/_local/tokens", post(token))
        .route("/_local/logs", get(logs))
        .route("/_local/calls", get(calls))
        .route("/_local/functions", get(functions))
        .route("/_local/reset", post(reset))
        .with_state(local)
}

const SCRIPT: &str = "text/javascript";

fn page(kind: &'static str, text: &'static str) -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

type Shared = State<Arc<Local>>;

/// Something a caller of `/_local` got wrong.
struct Refused(StatusCode, String);

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

fn wrong(error: impl std::fmt::Display) -> Refused {
    Refused(StatusCode::BAD_REQUEST, error.to_string())
}

async fn start_page(State(local): Shared, headers: HeaderMap) -> Response {
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_none_or(|a| a.contains("text/html") || a.contains("*/*"));
    if wants_page {
        Html(include_str!("../pages/start.html")).into_response()
    } else {
        info(State(local)).await.into_response()
    }
}

async fn info(State(local): Shared) -> Json<Value> {
    Json(local.info())
}

#[derive(Deserialize)]
struct To {
    to: Option<String>,
}

async fn mails(State(local): Shared, Query(query): Query<To>) -> Result<Json<Value>, Refused> {
    Ok(Json(json!({"items": local.mail.mails(query.to.as_deref()).map_err(wrong)?})))
}

async fn texts(State(local): Shared) -> Result<Json<Value>, Refused> {
    Ok(Json(json!({"items": local.mail.texts().map_err(wrong)?})))
}

async fn pushes(State(local): Shared) -> Result<Json<Value>, Refused> {
    Ok(Json(json!({"items": local.mail.pushes().map_err(wrong)?})))
}

async fn queues(State(local): Shared) -> Json<Value> {
    Json(json!({"items": local.queue_list()}))
}

async fn redrive(State(local): Shared, Path(name): Path<String>) -> Result<Json<Value>, Refused> {
    let moved = local.queues.redrive(&local.staged(&name)).map_err(wrong)?;
    Ok(Json(json!({"moved": moved})))
}

async fn clock(State(local): Shared) -> Json<Value> {
    Json(json!({"now": local.now()}))
}

#[derive(Deserialize)]
struct Advance {
    advance_s: u64,
}

async fn advance(State(local): Shared, Json(body): Json<Advance>) -> Result<Json<Value>, Refused> {
    local.advance(Duration::from_secs(body.advance_s)).await.map_err(wrong)?;
    Ok(Json(json!({"now": local.now()})))
}

async fn run_job(State(local): Shared, Path(name): Path<String>) -> Result<Json<Value>, Refused> {
    let known = local
        .functions
        .find(&name)
        .ok_or_else(|| Refused(StatusCode::NOT_FOUND, format!("no job {name}")))?;
    if known.function.served.is_some() {
        return Err(Refused(StatusCode::NOT_FOUND, format!("{name} is no job")));
    }
    let event = json!({
        "version": "0", "id": crate::functions::request_id(), "detail-type": "Scheduled Event", "source": "aws.events",
        "account": local.place.account, "time": local.now(), "region": local.place.region, "resources": [], "detail": {},
    });
    let answer = local
        .functions
        .invoke(&name, event, None)
        .await
        .map_err(|e| Refused(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    Ok(Json(json!({"job": name, "answer": answer})))
}

async fn faults(State(local): Shared) -> Json<Value> {
    let rules: Vec<Value> = local
        .faults
        .rules()
        .into_iter()
        .map(|(rule, struck)| json!({"rule": rule, "struck": struck}))
        .collect();
    Json(json!({"rules": rules}))
}

async fn set_faults(State(local): Shared, Json(plan): Json<Plan>) -> Json<Value> {
    local.set_faults(&plan);
    Json(json!(plan))
}

async fn clear_faults(State(local): Shared) -> StatusCode {
    local.set_faults(&Plan::default());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Wait {
    timeout_s: Option<u64>,
}

async fn idle(State(local): Shared, Query(query): Query<Wait>) -> Response {
    match local.idle(Duration::from_secs(query.timeout_s.unwrap_or(30))).await {
        Ok(()) => Json(json!({"idle": true})).into_response(),
        Err(left) => {
            (StatusCode::REQUEST_TIMEOUT, Json(json!({"idle": false, "left": left}))).into_response()
        }
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    user_id: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

async fn token(State(local): Shared, Json(body): Json<TokenRequest>) -> Result<Json<Value>, Refused> {
    let (access_token, expires_in) = local.token(body.user_id.as_deref(), &body.roles).map_err(wrong)?;
    Ok(Json(json!({"access_token": access_token, "expires_in": expires_in})))
}

#[derive(Deserialize)]
struct LogQuery {
    function: Option<String>,
    limit: Option<usize>,
}

async fn logs(State(local): Shared, Query(query): Query<LogQuery>) -> Json<Value> {
    Json(json!({"items": local.logs.last(query.function.as_deref(), query.limit.unwrap_or(100))}))
}

async fn calls(State(local): Shared) -> Json<Value> {
    let items: Vec<Value> = local
        .calls
        .all()
        .into_iter()
        .map(|((function, service, operation), count)| json!({"function": function, "service": service, "operation": operation, "count": count}))
        .collect();
    Json(json!({"items": items}))
}

async fn functions(State(local): Shared) -> Json<Value> {
    let items: Vec<Value> = local
        .functions
        .all()
        .map(|(name, deployed)| {
            let (trigger, lenient) = match &deployed.function.trigger {
                platform::Trigger::Http(endpoint) => {
                    ("http", endpoint.access == platform::Access::Anyone && endpoint.method == "GET")
                }
                platform::Trigger::Job(_) => ("job", true),
            };
            json!({
                "name": name, "trigger": trigger, "lenient": lenient, "timeout_s": deployed.spec.timeout_s,
                "memory_mb": deployed.spec.memory_mb, "environment": local.functions.environment(deployed),
            })
        })
        .collect();
    Json(json!({"items": items}))
}

async fn reset(State(local): Shared) -> Result<Json<Value>, Refused> {
    local.reset().await.map_err(|e| Refused(StatusCode::INTERNAL_SERVER_ERROR, e))?;
    Ok(Json(json!({"reset": true})))
}
