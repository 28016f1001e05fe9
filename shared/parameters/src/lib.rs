//! Parameters and secrets from SSM Parameter Store, read when first needed and cached in the warm container.
//!
//! A function names its parameter with `Grant::Parameter("auth/jwks")`; the template gives it
//! `AUTH_JWKS_PARAMETER` (the full name) and the right to read that one. Secrets are `SecureString`s.

use std::sync::Arc;

use aws_sdk_ssm::Client;
use kernel::{BoxFuture, Context, Env, Error, Result, Settings, Time};
use tokio::sync::RwLock;

/// How long a value is believed before it is read again.
pub const CACHE_S: i64 = 600;

/// One parameter, cached. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct Parameter {
    client: Client,
    name: Arc<str>,
    cache: Cache,
}

/// The value, with the time when it was read.
type Cache = Arc<RwLock<Option<(Time, Arc<str>)>>>;

impl Parameter {
    /// The parameter that `{NAME}_PARAMETER` names; `auth/jwks` is `AUTH_JWKS_PARAMETER`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>, name: &str) -> Self {
        let variable = format!("{}_PARAMETER", name.to_uppercase().replace(['/', '-'], "_"));
        Self { client: Client::new(env.sdk()), name: settings.text(&variable).into(), cache: Arc::default() }
    }

    /// The value, at most [`CACHE_S`] seconds old.
    pub fn value<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Arc<str>>> {
        Box::pin(self.value_not_older_than(context, CACHE_S))
    }

    /// The value, at most so many seconds old: for a reader that has a reason to think it changed.
    pub fn fresh<'a>(&'a self, context: &'a Context, seconds: i64) -> BoxFuture<'a, Result<Arc<str>>> {
        Box::pin(self.value_not_older_than(context, seconds))
    }

    async fn value_not_older_than(&self, context: &Context, seconds: i64) -> Result<Arc<str>> {
        let now = context.now();
        if let Some((read_at, value)) = &*self.cache.read().await
            && now.since_s(*read_at) < seconds
        {
            return Ok(value.clone());
        }
        let mut cache = self.cache.write().await;
        if let Some((read_at, value)) = &*cache
            && now.since_s(*read_at) < seconds
        {
            return Ok(value.clone());
        }
        context.meter.count(0.0, 0.0);
        let answer = self.client.get_parameter().name(&*self.name).with_decryption(true).send().await;
        let value: Arc<str> = match answer {
            Ok(answer) => answer.parameter.and_then(|p| p.value).unwrap_or_default().into(),
            // A stale value beats none: the store being away must not sign everybody out.
            Err(e) => match &*cache {
                Some((_, stale)) => stale.clone(),
                None => return Err(Error::unavailable(format!("parameter {}: {e:?}", self.name))),
            },
        };
        *cache = Some((now, value.clone()));
        Ok(value)
    }
}
