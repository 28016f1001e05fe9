//! CloudFront of the one-machine cloud: serves objects from buckets to browsers and players, and verifies signed URLs
//! and signed cookies as CloudFront does, by the product's clock.
//!
//! Serve [`Cdn::router`] with `into_make_service_with_connect_info::<SocketAddr>()`, or policies that name a source
//! address refuse everyone.

mod delivery;
mod policy;
mod refusal;
mod signature;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use cloud_core::{Clock, Request, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, HOST, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::Objects;
use refusal::Refusal;
use signature::TrustedKey;

/// What the CDN serves and to whom; can be replaced while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where a path's object comes from; the longest prefix that fits counts.
    pub origins: Vec<Origin>,
    /// Key pair id → public key in PEM (`BEGIN PUBLIC KEY`; RSA from 2048 bits, or ECDSA P-256).
    pub trusted_keys: HashMap<String, String>,
    /// Who may fetch from a page of another origin.
    pub cors: Cors,
}

/// One bucket behind the CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `/` or for example `/videos/`. It stays part of the key, as with a path pattern in CloudFront:
    /// `/videos/1/a.ts` is the object `videos/1/a.ts`.
    pub prefix: String,
    /// The bucket.
    pub bucket: String,
    /// Whether only signed requests are served.
    pub signed: bool,
}

/// Cross-origin rules of the CDN, for GET and HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// `*` for any. The answer names the asking origin and allows credentials, because signed cookies need them.
    pub allowed_origins: Vec<String>,
    /// Response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Seconds a browser may keep the answer to a preflight.
    pub max_age_seconds: u32,
}

impl Default for Cors {
    fn default() -> Self {
        let exposed = ["Accept-Ranges", "Content-Length", "Content-Range", "ETag", "Last-Modified"];
        Self {
            allowed_origins: vec!["*".to_owned()],
            expose_headers: exposed.map(str::to_owned).to_vec(),
            max_age_seconds: 600,
        }
    }
}

/// A key of the configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public key {0} is not PEM of an RSA key from 2048 bits or of an ECDSA P-256 key")]
pub struct InvalidPublicKey(pub String);

/// The CDN. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Cdn {
    objects: Arc<Objects>,
    clock: Clock,
    active: Arc<RwLock<Arc<Active>>>,
}

/// The configuration with its keys parsed.
struct Active {
    config: Config,
    keys: HashMap<String, TrustedKey>,
}

impl Active {
    fn new(config: Config) -> Result<Self, InvalidPublicKey> {
        let keys = config
            .trusted_keys
            .iter()
            .map(|(id, pem)| {
                let key = TrustedKey::parse(pem).ok_or_else(|| InvalidPublicKey(id.clone()))?;
                Ok((id.clone(), key))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { config, keys })
    }

    fn origin(&self, path: &str) -> Option<&Origin> {
        let fitting = self.config.origins.iter().filter(|origin| path.starts_with(&origin.prefix));
        fitting.max_by_key(|origin| origin.prefix.len())
    }
}

impl Cdn {
    /// A CDN in front of these objects; it lives by their clock.
    ///
    /// # Errors
    /// When a key cannot be used.
    pub fn new(objects: Arc<Objects>, config: Config) -> Result<Self, InvalidPublicKey> {
        let clock = objects.clock().clone();
        Ok(Self { objects, clock, active: Arc::new(RwLock::new(Arc::new(Active::new(config)?))) })
    }

    /// Replaces the configuration; requests that are under way finish by the old one.
    ///
    /// # Errors
    /// When a key cannot be used; then the old configuration stays.
    pub fn configure(&self, config: Config) -> Result<(), InvalidPublicKey> {
        let active = Arc::new(Active::new(config)?);
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = active;
        Ok(())
    }

    /// All paths of the CDN.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, _body) = request.into_parts();
        let active = Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner));
        let mut response = if parts.method == Method::OPTIONS {
            preflight(&parts, &active.config.cors)
        } else {
            self.serve(&parts, &active).await.unwrap_or_else(Refusal::response)
        };
        // Also on refusals, or a player sees a network error where a 403 should tell it to sign in again.
        allow(&parts, &active.config.cors, response.headers_mut());
        response
    }

    async fn serve(&self, parts: &Parts, active: &Active) -> Result<Response, Refusal> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(Refusal::MethodNotAllowed);
        }
        // One spelling for choosing the origin and for the key: `/%76ideos/` must not get around `/videos/`.
        let path = percent_encoding::percent_decode_str(parts.uri.path())
            .decode_utf8()
            .map_err(|_| Refusal::NoSuchKey)?;
        let origin = active.origin(&path).ok_or(Refusal::NoSuchKey)?;
        if origin.signed {
            let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
            let access = signature::at(self.clock.now_ms(), from);
            signature::verify(&active.keys, &base_url(parts), parts.uri.query(), &parts.headers, access)?;
        }
        let key = path.strip_prefix('/').unwrap_or(&path);
        delivery::deliver(&self.objects, &origin.bucket, key, parts).await
    }
}

async fn handle(State(cdn): State<Cdn>, request: Request) -> Response {
    cdn.answer(request).await
}

/// Scheme, host and path as the viewer requested them. Behind a proxy that ends TLS the scheme is what it says.
fn base_url(parts: &Parts) -> String {
    let header = |name: HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let scheme = match header(HeaderName::from_static("x-forwarded-proto")) {
        Some("https") => "https",
        _ => "http",
    };
    // HTTP/2 has the host in the URI.
    let host =
        header(HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
    format!("{scheme}://{host}{}", parts.uri.path())
}

fn preflight(parts: &Parts, cors: &Cors) -> Response {
    let mut response = http::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(cors.max_age_seconds));
    if let Some(asked) = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    response
}

/// Names the asking origin, if it may ask.
fn allow(parts: &Parts, cors: &Cors, headers: &mut HeaderMap) {
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = parts.headers.get(ORIGIN) else { return };
    if !cors.allowed_origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes()) {
        headers.remove(ACCESS_CONTROL_ALLOW_METHODS);
        headers.remove(ACCESS_CONTROL_ALLOW_HEADERS);
        return;
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if let Ok(names) = HeaderValue::from_str(&cors.expose_headers.join(", ")) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names);
    }
}
