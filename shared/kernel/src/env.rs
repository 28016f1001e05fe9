use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::{Clock, Random, SystemClock, SystemRandom};

/// A domain that a function serves: built once at init from the environment, cheap to clone afterwards.
pub trait Domain: Clone + Send + Sync + 'static {
    /// Reads configuration and builds clients. No network.
    ///
    /// # Errors
    /// [`ConfigError`] naming everything that is missing or malformed.
    fn from_env(env: &Env) -> Result<Self, ConfigError>;
}

/// A function that needs several domains gets them side by side.
impl<A: Domain, B: Domain> Domain for (A, B) {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok((A::from_env(env)?, B::from_env(env)?))
    }
}

impl<A: Domain, B: Domain, C: Domain> Domain for (A, B, C) {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok((A::from_env(env)?, B::from_env(env)?, C::from_env(env)?))
    }
}

/// Everything a function gets from where it runs.
#[derive(Clone)]
pub struct Env {
    vars: Arc<BTreeMap<String, String>>,
    sdk: SdkConfig,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// Where the one JSON line of each invocation goes.
    pub log: LogSink,
}

/// Takes one line of the log.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

impl Env {
    /// The environment of a deployed function: the process's variables, the system's clock and randomness.
    #[must_use]
    pub fn lambda() -> Self {
        let vars: BTreeMap<String, String> = std::env::vars().collect();
        // Plain HTTP is for an endpoint on this machine (emulators, benchmarks); TLS with aws-lc otherwise.
        let plain = vars.get("AWS_ENDPOINT_URL").is_some_and(|url| url.starts_with("http://"));
        let builder = aws_smithy_http_client::Builder::new();
        let http = if plain {
            builder.build_http()
        } else {
            builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https()
        };
        let log: LogSink = Arc::new(|line| {
            use std::io::Write as _;
            // CloudWatch reads standard output; a line that cannot be written is lost, never an invocation.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
        Self::with(vars, http, Arc::new(SystemClock), Arc::new(SystemRandom), log)
    }

    /// An environment made by hand, for the one-machine product and tests.
    #[must_use]
    pub fn with(
        vars: BTreeMap<String, String>,
        http: SharedHttpClient,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        log: LogSink,
    ) -> Self {
        let get = |name: &str| vars.get(name).cloned();
        let credentials = Credentials::new(
            get("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "test".into()),
            get("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "test".into()),
            get("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let mut sdk = SdkConfig::builder()
            .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
            .region(Region::new(get("AWS_REGION").unwrap_or_else(|| "us-east-1".into())))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(http)
            .retry_config(
                RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(25)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(Duration::from_secs(5))
                    .build(),
            );
        if let Some(url) = get("AWS_ENDPOINT_URL") {
            sdk = sdk.endpoint_url(url);
        }
        Self { vars: Arc::new(vars), sdk: sdk.build(), clock, random, log }
    }

    /// Shared settings of all AWS clients.
    #[must_use]
    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// Starts reading typed settings.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings { env: self, missing: Vec::new(), malformed: Vec::new() }
    }

    /// One optional variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}

/// Reads settings and remembers everything that is wrong, so that a broken deployment is mended in one go.
pub struct Settings<'a> {
    env: &'a Env,
    missing: Vec<String>,
    malformed: Vec<String>,
}

impl Settings<'_> {
    /// A text that must be there.
    pub fn text(&mut self, name: &str) -> String {
        self.env.get(name).map_or_else(
            || {
                self.missing.push(name.to_owned());
                String::new()
            },
            str::to_owned,
        )
    }

    /// A value with a default.
    pub fn or<T: FromStr>(&mut self, name: &str, default: T) -> T {
        match self.env.get(name).map(str::parse) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.malformed.push(name.to_owned());
                default
            }
        }
    }

    /// Name of an area's table, from `{AREA}_TABLE`.
    pub fn table(&mut self, area: &str) -> String {
        self.text(&format!("{}_TABLE", area.to_uppercase().replace('-', "_")))
    }

    /// Name of a bucket, from `{NAME}_BUCKET`.
    pub fn bucket(&mut self, name: &str) -> String {
        self.text(&format!("{}_BUCKET", name.to_uppercase().replace('-', "_")))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ConfigError`] naming every missing and malformed variable.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.missing.is_empty() && self.malformed.is_empty() {
            return Ok(());
        }
        Err(ConfigError { missing: self.missing, malformed: self.malformed })
    }
}

/// The environment lacks something; the function does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Variables that are not set.
    pub missing: Vec<String>,
    /// Variables whose value does not parse.
    pub malformed: Vec<String>,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "configuration: missing {:?}, malformed {:?}", self.missing, self.malformed)
    }
}

impl std::error::Error for ConfigError {}
