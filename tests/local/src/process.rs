//! `LOCAL_RUNTIME=process`: the real release binaries, over the Lambda Runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>). One process is one sandbox: it takes one event
//! at a time; when all are busy another is started.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use cloud_core::Clock;
use cloud_template::Function as FunctionSpec;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::functions::Failed;

/// Starts binaries and hands them events.
pub struct Processes {
    binaries: PathBuf,
    clock: Clock,
    pools: Mutex<HashMap<&'static str, Vec<Arc<Sandbox>>>>,
}

struct Sandbox {
    events: mpsc::Sender<Work>,
    busy: Mutex<()>,
    // Killed when dropped.
    _child: tokio::process::Child,
}

struct Work {
    request_id: String,
    payload: Value,
    deadline_ms: i64,
    answer: oneshot::Sender<Result<Value, String>>,
}

struct Api {
    events: Mutex<mpsc::Receiver<Work>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Result<Value, String>>>>,
}

impl Processes {
    /// Runs binaries from this folder (`target/release`, made by `make release`).
    #[must_use]
    pub fn new(binaries: PathBuf, clock: Clock) -> Self {
        Self { binaries, clock, pools: Mutex::default() }
    }

    /// Runs one event in a sandbox of the function.
    ///
    /// # Errors
    /// [`Failed`] as Lambda would report it.
    pub(crate) async fn invoke(
        &self,
        name: &'static str,
        environment: &BTreeMap<String, String>,
        spec: &FunctionSpec,
        payload: Value,
    ) -> Result<Value, Failed> {
        let timeout_s = spec.timeout_s;
        let mut free = None;
        let mut pools = self.pools.lock().await;
        let pool = pools.entry(name).or_default();
        for sandbox in pool.iter() {
            if !sandbox.events.is_closed() && sandbox.busy.try_lock().is_ok() {
                free = Some(sandbox.clone());
                break;
            }
        }
        let sandbox = if let Some(sandbox) = free {
            sandbox
        } else {
            let started = Arc::new(self.start(name, environment).await.map_err(Failed::Start)?);
            pool.retain(|s| !s.events.is_closed());
            pool.push(started.clone());
            started
        };
        let busy = sandbox.busy.lock().await;
        drop(pools);
        let (answer, answered) = oneshot::channel();
        let work = Work {
            request_id: crate::functions::request_id(),
            payload,
            deadline_ms: self.clock.now_ms() + i64::from(timeout_s) * 1000,
            answer,
        };
        sandbox.events.send(work).await.map_err(|_| Failed::Error("the process ended".into()))?;
        let outcome = tokio::time::timeout(Duration::from_secs(u64::from(timeout_s)), answered).await;
        drop(busy);
        match outcome {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(Failed::Error(error)),
            Ok(Err(_)) => Err(Failed::Error("the process ended".into())),
            Err(_) => Err(Failed::TimedOut(timeout_s)),
        }
    }

    async fn start(
        &self,
        name: &'static str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Sandbox, String> {
        let (events, received) = mpsc::channel(1);
        let api = Arc::new(Api { events: Mutex::new(received), waiting: Mutex::default() });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(|| async { StatusCode::ACCEPTED }))
            .with_state(api);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        crate::functions::spawn(async move { axum::serve(listener, router).await });
        let child = tokio::process::Command::new(self.binaries.join(name))
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{name}: {e}; build it with `make release`"))?;
        Ok(Sandbox { events, busy: Mutex::default(), _child: child })
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let Some(work) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", work.request_id.clone()),
        ("lambda-runtime-deadline-ms", work.deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:local".to_owned(),
        ),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    api.waiting.lock().await.insert(work.request_id, work.answer);
    (headers, work.payload.to_string()).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    settle(&api, &id, serde_json::from_slice(&body).map_err(|e| e.to_string())).await
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    settle(&api, &id, Err(String::from_utf8_lossy(&body).into_owned())).await
}

async fn settle(api: &Api, id: &str, outcome: Result<Value, String>) -> StatusCode {
    if let Some(answer) = api.waiting.lock().await.remove(id) {
        let _ = answer.send(outcome);
    }
    StatusCode::ACCEPTED
}
