//! The AWS SDK's HTTP client of functions that run in this process: their requests go straight to the endpoint, with
//! the invocation they belong to, and no socket in between.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::body::Body;
use http::header::{HOST, HeaderValue};

use crate::invocation::CURRENT;
use crate::wire::{Outcome, Wire};

/// Leads to the endpoint, which is there once the product has started.
#[derive(Clone, Default)]
pub(crate) struct InProcess(Arc<OnceLock<Arc<Wire>>>);

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    pub(crate) fn connect(&self, wire: Arc<Wire>) {
        let _ = self.0.set(wire);
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.0.get().cloned();
        HttpConnectorFuture::new(async move {
            let wire = wire.ok_or_else(|| ConnectorError::io("the product has not started".into()))?;
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let mut request = request.map(Body::new);
            // A client that speaks HTTP/1.1 adds it; it is part of what was signed.
            if let Some(host) = request.uri().authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok())
            {
                request.headers_mut().entry(HOST).or_insert(host);
            }
            let response = match CURRENT.try_with(Arc::clone) {
                Ok(invocation) => match wire.call_from(&invocation, request).await {
                    Outcome::Answered(response) => response,
                    Outcome::Lost => return Err(ConnectorError::io("the connection was lost".into())),
                    // Nobody is left to hear anything: the invocation is being torn down.
                    Outcome::Killed => std::future::pending().await,
                },
                Err(_) => wire.answer(request).await,
            };
            // Answers to functions are small: items, manifests, lists.
            let (parts, body) = response.into_parts();
            let bytes =
                axum::body::to_bytes(body, usize::MAX).await.map_err(|e| ConnectorError::io(e.into()))?;
            let response = http::Response::from_parts(parts, SdkBody::from(bytes));
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}
