use std::sync::Arc;
use std::time::Duration;

use cloud_core::{Clock, Deliver, Place, Protocol, Request, Response, Service, State, Store, WireError};
use futures::future::BoxFuture;
use http::StatusCode;
use tokio::sync::Notify;

use crate::form::Form;
use crate::json::{self, Fields};
use crate::xml::Xml;
use crate::{kms, logs, metrics, secrets, ses, sns, ssm};

/// Largest request: SES takes messages of up to 40 MB, which are a third larger in base64.
const BODY_LIMIT_BYTES: usize = 56 * 1024 * 1024;

/// All services of this crate, with their state.
pub struct Mail {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) place: Place,
    pub(crate) deliver: Arc<dyn Deliver>,
    /// Rings when something waits to be delivered again.
    pub(crate) waiting: Notify,
}

/// Why the services could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the database of SES, SNS, SSM and their neighbours: {0}")]
pub struct OpenError(#[from] rusqlite::Error);

const TABLES: [&str; 7] =
    [ses::SCHEMA, sns::SCHEMA, ssm::SCHEMA, secrets::SCHEMA, kms::SCHEMA, logs::SCHEMA, metrics::SCHEMA];

impl Mail {
    /// Opens the services with their state. `deliver` is where SNS hands on what is published.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open(
        state: &State,
        place: Place,
        clock: Clock,
        deliver: Arc<dyn Deliver>,
    ) -> Result<Arc<Self>, OpenError> {
        let store = Store::open(state, "mail", &TABLES.concat())?;
        Ok(Arc::new(Self { store, clock, place, deliver, waiting: Notify::new() }))
    }

    /// Tries again what SNS could not deliver when it was published, until this is dropped. Without it a failed
    /// delivery waits for the next publication.
    pub async fn run(self: Arc<Self>) {
        loop {
            if self.deliver_waiting().await > 0 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            } else {
                self.waiting.notified().await;
            }
        }
    }

    /// How much waits to be delivered.
    #[must_use]
    pub fn active(&self) -> usize {
        sns::waiting(&self.store).unwrap_or(0)
    }

    /// Forgets everything: mails, identities, topics, parameters, secrets, keys.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn reset(&self) -> Result<(), OpenError> {
        let connection = self.store.lock();
        let deletes: Vec<String> = connection
            .prepare(
                "SELECT 'DELETE FROM ' || name FROM sqlite_master
                 WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let deletes = deletes.join("; ");
        connection.execute_batch(&format!("BEGIN; PRAGMA defer_foreign_keys = ON; {deletes}; COMMIT;"))?;
        Ok(())
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await else {
            let error = WireError::bad_request("RequestEntityTooLarge", "the body is too large or broke off");
            return error.with_status(StatusCode::PAYLOAD_TOO_LARGE).response(Protocol::Xml);
        };
        let path = parts.uri.path();
        if path.starts_with("/_aws/ses") {
            return self.show_mails(&parts);
        }
        if path.starts_with("/v2/email/") {
            return match self.ses_v2(&parts, &body) {
                Ok((status, value)) => json::response(status, "application/json", &value),
                Err(error) => error.response(Protocol::RestJson),
            };
        }
        if let Some(operation) = path.strip_prefix("/service/GraniteServiceVersion20100801/operation/") {
            return self.metrics_cbor(operation, &body);
        }
        if let Some(target) = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
            let answer = Fields::parse(&body).and_then(|fields| self.json_call(target, &fields));
            return match answer {
                Ok(value) => json::response(StatusCode::OK, "application/x-amz-json-1.1", &value),
                Err(error) => error.response(Protocol::AwsJson),
            };
        }
        self.query_call(&parts, &body).await
    }

    fn json_call(&self, target: &str, fields: &Fields) -> Result<serde_json::Value, WireError> {
        match target.split_once('.') {
            Some(("AmazonSSM", action)) => self.ssm(action, fields),
            Some(("secretsmanager", action)) => self.secrets(action, fields),
            Some(("TrentService", action)) => self.kms(action, fields),
            Some(("Logs_20140328", action)) => self.logs(action, fields),
            Some(("GraniteServiceVersion20100801", action)) => self.metrics_json(action, fields),
            _ => Err(unknown_operation(target)),
        }
    }

    async fn query_call(&self, parts: &http::request::Parts, body: &[u8]) -> Response {
        let form = Form::parse(body, parts.uri.query().unwrap_or_default());
        let action = form.get("Action").unwrap_or_default();
        let service = cloud_core::signed_service(parts);
        let (answer, namespace): (Result<Xml, WireError>, _) = match service.as_deref() {
            Some("ses" | "email") => {
                (self.ses_query(action, &form), "http://ses.amazonaws.com/doc/2010-12-01/")
            }
            Some("sns") => (self.sns(action, &form).await, "http://sns.amazonaws.com/doc/2010-03-31/"),
            Some("sts") => (self.sts(action), "https://sts.amazonaws.com/doc/2011-06-15/"),
            Some("monitoring") => {
                (self.metrics_query(action, &form), "http://monitoring.amazonaws.com/doc/2010-08-01/")
            }
            _ => (Err(unknown_operation(action)), ""),
        };
        match answer {
            Ok(xml) => xml.response(action, namespace),
            Err(error) => error.response(Protocol::Xml),
        }
    }
}

impl Service for Mail {
    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(request))
    }
}

/// An operation that this service does not have.
pub(crate) fn unknown_operation(name: &str) -> WireError {
    WireError::bad_request(
        "UnknownOperationException",
        format!("The operation \"{name}\" is not known here."),
    )
}

/// The database failed; the caller learns no more than that.
pub(crate) fn internal(error: impl std::fmt::Display) -> WireError {
    tracing::error!(%error, "SES, SNS, SSM and neighbours");
    WireError::bad_request("InternalFailure", "An internal error occurred.")
        .with_status(StatusCode::INTERNAL_SERVER_ERROR)
}
