//! API Gateway: HTTP requests become events of payload format 2.0, answers become responses.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloud_core::Clock;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use platform::http::{HttpAnswer, HttpEvent};
use serde_json::Value;

use crate::functions::Functions;

/// API Gateway refuses larger payloads.
const PAYLOAD_MAX_BYTES: usize = 10 << 20;

/// One HTTP API of the template.
pub struct Gateway {
    functions: Arc<Functions>,
    clock: Clock,
    routes: matchit::Router<BTreeMap<String, (String, String)>>,
    default: Option<String>,
    cors: Cors,
    api_id: String,
}

/// What the API's `CorsConfiguration` says. Origins on this machine are always let in locally.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Origins.
    pub origins: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Request headers.
    pub headers: Vec<String>,
    /// Answer headers that scripts may read.
    pub expose: Vec<String>,
    /// Whether cookies may come along.
    pub credentials: bool,
    /// Seconds that a browser keeps the answer to a preflight.
    pub max_age_s: u32,
}

impl Gateway {
    /// An API with these routes: method, path with `{parameters}`, function.
    ///
    /// # Errors
    /// When two routes contradict each other.
    pub(crate) fn new(
        api_id: &str,
        routes: &[(String, String, String)],
        cors: Cors,
        functions: Arc<Functions>,
        clock: Clock,
    ) -> Result<Self, String> {
        let mut by_path: BTreeMap<String, BTreeMap<String, (String, String)>> = BTreeMap::new();
        let mut default = None;
        for (method, path, function) in routes {
            if method == "$default" || path == "$default" {
                default = Some(function.clone());
                continue;
            }
            // `{proxy+}` takes the rest of the path.
            let pattern = path.split('/').map(|part| match part.strip_suffix("+}") {
                Some(name) => format!("{{*{}}}", name.trim_start_matches('{')),
                None => part.to_owned(),
            });
            let pattern = pattern.collect::<Vec<_>>().join("/");
            let route_key = format!("{method} {path}");
            by_path.entry(pattern).or_default().insert(method.clone(), (route_key, function.clone()));
        }
        let mut all = matchit::Router::new();
        for (pattern, methods) in by_path {
            all.insert(pattern.clone(), methods).map_err(|e| format!("{pattern}: {e}"))?;
        }
        Ok(Self { functions, clock, routes: all, default, cors, api_id: api_id.to_owned() })
    }

    /// Answers one request.
    pub async fn answer(&self, request: http::Request<Body>, from: SocketAddr) -> http::Response<Body> {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut response =
            if preflight { status(StatusCode::NO_CONTENT) } else { self.route(request, from).await };
        if let Some(origin) = origin.filter(|o| self.lets_in(o)) {
            self.add_cors(response.headers_mut(), origin, preflight);
        }
        response
    }

    async fn route(&self, request: http::Request<Body>, from: SocketAddr) -> http::Response<Body> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let matched = self.routes.at(&path).ok().and_then(|found| {
            let methods = found.value;
            let (route_key, function) = methods.get(parts.method.as_str()).or_else(|| methods.get("ANY"))?;
            let parameters = found.params.iter().map(|(k, v)| (k.to_owned(), decoded(v))).collect();
            Some((route_key.clone(), function.clone(), parameters))
        });
        let (route_key, function, path_parameters) = match (matched, &self.default) {
            (Some(found), _) => found,
            (None, Some(function)) => ("$default".to_owned(), function.clone(), BTreeMap::new()),
            (None, None) => return message(StatusCode::NOT_FOUND, "Not Found"),
        };
        let Ok(body) = axum::body::to_bytes(body, PAYLOAD_MAX_BYTES).await else {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let event = self.event(&parts, &body, from, route_key, path_parameters);
        let Ok(payload) = serde_json::to_value(event) else {
            return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        };
        let trace = parts.headers.get("x-amzn-trace-id").and_then(|v| v.to_str().ok());
        match self.functions.invoke(&function, payload, trace).await {
            Ok(answer) => of_answer(answer),
            Err(error) => {
                tracing::error!(%function, %error, "the function gave no answer");
                // What API Gateway answers for a function that fails or runs too long.
                let (code, text) = match error {
                    crate::functions::Failed::TimedOut(_) => {
                        (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
                    }
                    _ => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
                };
                message(code, text)
            }
        }
    }

    fn event(
        &self,
        parts: &http::request::Parts,
        body: &Bytes,
        from: SocketAddr,
        route_key: String,
        path_parameters: BTreeMap<String, String>,
    ) -> HttpEvent {
        let mut event = HttpEvent {
            version: "2.0".into(),
            route_key,
            raw_path: parts.uri.path().to_owned(),
            raw_query_string: parts.uri.query().unwrap_or_default().to_owned(),
            path_parameters,
            ..HttpEvent::default()
        };
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            if name == header::COOKIE {
                event.cookies.extend(value.split("; ").map(str::to_owned));
                continue;
            }
            event
                .headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| {
                    all.push(',');
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        let header = |name: &str| event.headers.get(name).cloned().unwrap_or_default();
        // Behind a proxy on this machine the client's own address counts.
        let forwarded = header("x-forwarded-for").split(',').next().map(|a| a.trim().to_owned());
        let source_ip = forwarded.filter(|a| !a.is_empty()).unwrap_or_else(|| from.ip().to_string());
        let (host, agent, kind) = (header("host"), header("user-agent"), header("content-type"));
        let context = &mut event.request_context;
        context.request_id = crate::functions::request_id();
        context.stage = "$default".into();
        context.api_id.clone_from(&self.api_id);
        context.domain_name = host;
        context.time_epoch = self.clock.now_ms();
        context.http.method = parts.method.to_string();
        context.http.path.clone_from(&event.raw_path);
        context.http.protocol = "HTTP/1.1".into();
        context.http.source_ip = source_ip;
        context.http.user_agent = agent;
        if !body.is_empty() {
            match std::str::from_utf8(body) {
                Ok(text) if is_text(&kind) => event.body = Some(text.to_owned()),
                _ => {
                    event.body = Some(STANDARD.encode(body));
                    event.is_base64_encoded = true;
                }
            }
        }
        event
    }

    fn lets_in(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let host = origin.split("://").nth(1).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "localhost" | "127.0.0.1") || self.cors.origins.iter().any(|o| o == origin || o == "*")
    }

    fn add_cors(&self, headers: &mut HeaderMap, origin: HeaderValue, preflight: bool) {
        let mut set = |name: HeaderName, value: &str| {
            if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        };
        if self.cors.credentials {
            set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        set(header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.cors.expose.join(","));
        if preflight {
            set(header::ACCESS_CONTROL_ALLOW_METHODS, &self.cors.methods.join(","));
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, &self.cors.headers.join(","));
            set(header::ACCESS_CONTROL_MAX_AGE, &self.cors.max_age_s.to_string());
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

fn decoded(value: &str) -> String {
    url::form_urlencoded::parse(format!("v={}", value.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}

/// Bodies of these types come as text, others as base64.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.is_empty()
        || kind.starts_with("text/")
        || kind.ends_with("+json")
        || matches!(
            kind,
            "application/json"
                | "application/javascript"
                | "application/xml"
                | "application/x-www-form-urlencoded"
        )
}

fn of_answer(answer: Value) -> http::Response<Body> {
    // An answer without a status is a body for API Gateway.
    let Ok(answer) = serde_json::from_value::<HttpAnswer>(answer) else {
        return message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    let mut response = http::Response::new(Body::from(answer.bytes()));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    for cookie in &answer.cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

fn status(code: StatusCode) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

fn message(code: StatusCode, text: &str) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(serde_json::json!({"message": text}).to_string()));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
