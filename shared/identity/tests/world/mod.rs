//! A table of one's own, a clock that can be set, and keys: everything that the domain stands on.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use cloud_core::{Place, Service as _, State};
use cloud_tables::{IndexSpec, KeyAttribute, KeyKind, ProjectionSpec, TableSpec, Tables};
use identity::{
    Credentials, Identity, Login, Registration, Registry, SignIn, SignedIn, TokenPair, new_signing_key,
};
use kernel::{Clock, Context, Domain, Env, Result, SystemRandom};
use platform::Verifier;
use serde_json::{Value, json};

pub const PASSWORD: &str = "a quiet tuesday";

#[derive(Clone, Debug)]
struct Aws {
    tables: Arc<Tables>,
    parameters: Arc<BTreeMap<String, String>>,
}

impl HttpClient for Aws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = self.clone();
        HttpConnectorFuture::new(async move {
            // A call takes a moment, so that calls made together are under way together.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let ssm = request
                .headers()
                .get("x-amz-target")
                .is_some_and(|t| t.as_bytes() == b"AmazonSSM.GetParameter");
            let response = if ssm {
                let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
                let name = asked["Name"].as_str().unwrap();
                let answer = json!({"Parameter": {"Name": name, "Value": aws.parameters[name]}});
                http::Response::new(SdkBody::from(answer.to_string()))
            } else {
                let answer = aws.tables.call(request.map(axum::body::Body::new)).await;
                let (head, body) = answer.into_parts();
                let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                http::Response::from_parts(head, SdkBody::from(bytes))
            };
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// Time that stands still until it is moved.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub struct World {
    pub tables: Arc<Tables>,
    pub env: Env,
    clock: Arc<Hands>,
    verifier: Verifier,
}

impl World {
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With sign-in providers.
    pub async fn with(providers: Value) -> Self {
        let place = Place {
            account: "123456789012".to_owned(),
            region: "ap-northeast-1".to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        };
        let tables = Tables::open(&State::Memory, place, cloud_core::Clock::default()).unwrap();
        let text = |name: &str| KeyAttribute { name: name.to_owned(), kind: KeyKind::String };
        let index = |name: &&str| IndexSpec {
            name: (*name).to_owned(),
            partition_key: text(&format!("{name}pk")),
            sort_key: Some(text(&format!("{name}sk"))),
            projection: ProjectionSpec::All,
        };
        let table = TableSpec {
            name: "identity".to_owned(),
            partition_key: text("pk"),
            sort_key: Some(text("sk")),
            indexes: identity::INDEXES.iter().map(index).collect(),
            stream: None,
            ttl_attribute: Some("expires_at".to_owned()),
        };
        tables.ensure_table(&table).await.unwrap();
        let (signing_key, jwks) = new_signing_key(&SystemRandom).unwrap();
        let parameters = BTreeMap::from([
            ("/test/auth/signing-key".to_owned(), signing_key),
            ("/test/auth/jwks".to_owned(), jwks),
            ("/test/oauth/providers".to_owned(), providers.to_string()),
        ]);
        let vars = [
            ("IDENTITY_TABLE", "identity"),
            ("AUTH_SIGNING_KEY_PARAMETER", "/test/auth/signing-key"),
            ("AUTH_JWKS_PARAMETER", "/test/auth/jwks"),
            ("OAUTH_PROVIDERS_PARAMETER", "/test/oauth/providers"),
            ("PUBLIC_URL", "https://api.example.com"),
            ("APP_URL", "https://app.example.com/"),
            ("EXPORTS_BUCKET", "exports"),
            ("AWS_REGION", "ap-northeast-1"),
        ];
        let vars = vars.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let clock = Arc::new(Hands(AtomicI64::new(1_795_147_200_000)));
        let http = SharedHttpClient::new(Aws { tables: tables.clone(), parameters: Arc::new(parameters) });
        let env = Env::with(vars, http, clock.clone(), Arc::new(SystemRandom), Arc::new(|_| {}));
        let mut settings = env.settings();
        let verifier = Verifier::open(&env, &mut settings);
        settings.finish().unwrap();
        Self { tables, env, clock, verifier }
    }

    pub fn domain<D: Domain>(&self) -> D {
        D::from_env(&self.env).unwrap()
    }

    pub fn identity(&self) -> Identity {
        self.domain()
    }

    pub fn sign_in(&self) -> SignIn {
        self.domain()
    }

    pub fn advance_s(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub fn now_s(&self) -> i64 {
        self.clock.now_ms() / 1000
    }

    /// An anonymous call.
    pub fn context(&self) -> Context {
        Context::new(self.env.clock.clone(), self.env.random.clone(), "test", 10_000)
    }

    /// A call with this access token.
    pub async fn call(&self, access_token: &str) -> Context {
        let mut context = self.context();
        context.caller = Some(Arc::new(self.verifier.verify(&context, access_token).await.unwrap()));
        context
    }

    pub async fn register(&self, email: &str, username: &str) -> Result<SignedIn> {
        let registration = Registration {
            email: email.to_owned(),
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            display_name: None,
            language: None,
        };
        self.domain::<Registry>().register(&self.context(), &registration).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<Login> {
        let credentials = Credentials { email: email.to_owned(), password: password.to_owned() };
        self.sign_in().login(&self.context(), &credentials).await
    }

    /// A login that needs no code.
    pub async fn signed_in(&self, email: &str, password: &str) -> SignedIn {
        match self.login(email, password).await.unwrap() {
            Login::SignedIn(signed_in) => *signed_in,
            Login::MfaRequired(_) => panic!("a code is asked for"),
        }
    }

    pub async fn refresh(&self, token: &str) -> Result<TokenPair> {
        self.sign_in().refresh(&self.context(), token).await
    }

    /// Every item of the table.
    pub async fn items(&self) -> Vec<Value> {
        let scan = self.tables.invoke("Scan", &json!({"TableName": "identity"})).await.unwrap();
        scan["Items"].as_array().unwrap().clone()
    }

    /// Bodies of the messages for a queue, oldest first.
    pub async fn messages(&self, queue: &str) -> Vec<Value> {
        let mut found: Vec<(String, Value)> = self
            .items()
            .await
            .iter()
            .filter(|i| i["queue"]["S"] == queue)
            .map(|i| {
                let body = serde_json::from_str(i["body"]["S"].as_str().unwrap()).unwrap();
                (i["message_id"]["S"].as_str().unwrap().to_owned(), body)
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.into_iter().map(|(_, body)| body).collect()
    }

    /// What the last mail of a kind says under a name.
    pub async fn mailed(&self, content: &str, member: &str) -> String {
        let mails = self.messages("emails").await;
        let mail = mails.iter().rev().find(|m| m["content"] == content).unwrap();
        mail[member].as_str().unwrap().to_owned()
    }
}

/// The code of a refusal.
pub fn code<T>(outcome: Result<T>) -> &'static str {
    match outcome {
        Ok(_) => "OK",
        Err(error) => error.code().name,
    }
}
