use std::sync::Arc;

use kernel::{Code, CommonError, Domain, Grant, Permission, Result, TableAction, Validate};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{Call, Files};
use super::pipeline::{self, Handle};
use super::reply::Reply;
use crate::function::{Function, Trigger};

/// Who may make a call. The area's rules (owner, author, follower) come after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone; a token is looked at when there is one.
    Anyone,
    /// Anyone with an account.
    User,
    /// A caller whose roles give this permission.
    May(Permission),
    /// The holder of a token in the request that the handler itself verifies: an MFA or playback token.
    Holder(&'static str),
}

/// How a POST treats `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdempotencyRule {
    /// Not a POST: the header is ignored.
    Ignored,
    /// Honoured when sent; the record lives 24 hours.
    Honoured,
    /// Required: the call moves money or stock.
    Required,
}

/// Which request limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateClass {
    /// 1,000 an hour (premium 5,000; anonymous 100 an hour and address).
    Read,
    /// 100 an hour (premium 500).
    Write,
    /// 10 an hour (premium 50).
    Upload,
    /// 10 a minute and address.
    Auth,
    /// None: health, documents, keys.
    Unlimited,
}

/// An endpoint: route, guard, limits, documentation.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Method.
    pub method: &'static str,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// One line for the documentation.
    pub summary: &'static str,
    /// Who may call.
    pub access: Access,
    /// Status of success.
    pub status: u16,
    /// Causes of refusal beyond those that every endpoint has.
    pub errors: Vec<&'static Code>,
    /// Largest body in bytes.
    pub body_max_bytes: usize,
    /// How `Idempotency-Key` is treated.
    pub idempotency: IdempotencyRule,
    /// Which limit counts.
    pub rate: RateClass,
    /// Media type of the answer.
    pub produces: &'static str,
    /// Where a created thing is: a path with `{members}` of the answer.
    pub location: Option<&'static str>,
    /// A cookie that the answer sets: `Set-Cookie` with `{members}` of the answer.
    pub cookie: Option<&'static str>,
    /// Whether browsers get a redirect instead of the answer.
    pub redirects: bool,
}

/// 256 KB, the limit of bodies when an endpoint says nothing else.
pub const BODY_MAX_BYTES: usize = 256 * 1024;

pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Schemas of what an endpoint takes and gives, for the OpenAPI document.
#[derive(Clone, Copy)]
pub struct Served {
    /// JSON body; `None` when the endpoint takes none.
    pub body: Option<SchemaOf>,
    /// Query parameters; `None` when it takes none.
    pub query: Option<SchemaOf>,
    /// The answer; `None` when it is empty.
    pub answer: Option<SchemaOf>,
}

fn schema_of<T: JsonSchema + 'static>() -> Option<SchemaOf> {
    // The unit type stands for "nothing".
    (std::any::TypeId::of::<T>() != std::any::TypeId::of::<()>())
        .then_some(SchemaGenerator::subschema_for::<T> as SchemaOf)
}

impl Endpoint {
    const fn new(method: &'static str, path: &'static str, status: u16, rate: RateClass) -> Self {
        Self {
            method,
            path,
            summary: "",
            access: Access::Anyone,
            status,
            errors: Vec::new(),
            body_max_bytes: BODY_MAX_BYTES,
            idempotency: IdempotencyRule::Ignored,
            rate,
            produces: "application/json",
            location: None,
            cookie: None,
            redirects: false,
        }
    }

    /// A read.
    #[must_use]
    pub const fn get(path: &'static str) -> Self {
        Self::new("GET", path, 200, RateClass::Read)
    }

    /// An action, or a creation with [`Endpoint::creates`]. Honours `Idempotency-Key`.
    #[must_use]
    pub const fn post(path: &'static str) -> Self {
        let mut endpoint = Self::new("POST", path, 200, RateClass::Write);
        endpoint.idempotency = IdempotencyRule::Honoured;
        endpoint
    }

    /// A replacement.
    #[must_use]
    pub const fn put(path: &'static str) -> Self {
        Self::new("PUT", path, 200, RateClass::Write)
    }

    /// A partial change.
    #[must_use]
    pub const fn patch(path: &'static str) -> Self {
        Self::new("PATCH", path, 200, RateClass::Write)
    }

    /// A removal; answers 204.
    #[must_use]
    pub const fn delete(path: &'static str) -> Self {
        Self::new("DELETE", path, 204, RateClass::Write)
    }

    /// Answers 201 with a `Location`: a path with members of the answer, for example `/api/videos/{video.id}`.
    #[must_use]
    pub const fn creates(mut self, location: &'static str) -> Self {
        self.location = Some(location);
        self.status(201)
    }

    /// Sets a cookie made of members of the answer, for example `token={token}; HttpOnly`, on a replayed answer too.
    /// An answer that lacks the member sets none.
    #[must_use]
    pub const fn sets_cookie(mut self, cookie: &'static str) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// Browsers are sent on with a 302; whoever asks for JSON gets the answer.
    #[must_use]
    pub const fn redirects(mut self) -> Self {
        self.redirects = true;
        self
    }

    /// Answers 202: the work goes on elsewhere.
    #[must_use]
    pub const fn accepts(self) -> Self {
        self.status(202)
    }

    /// Another status of success.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// One line for the documentation.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Who may call; anyone when not said.
    #[must_use]
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Causes of refusal beyond those that every endpoint has.
    #[must_use]
    pub fn errors(mut self, errors: impl IntoIterator<Item = &'static Code>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Another body limit.
    #[must_use]
    pub const fn body_max_bytes(mut self, bytes: usize) -> Self {
        self.body_max_bytes = bytes;
        self
    }

    /// The call moves money or stock: the key is required.
    #[must_use]
    pub const fn idempotency_required(mut self) -> Self {
        self.idempotency = IdempotencyRule::Required;
        self
    }

    /// Answers that must not be stored with a key (tokens): the header is ignored.
    #[must_use]
    pub const fn idempotency_ignored(mut self) -> Self {
        self.idempotency = IdempotencyRule::Ignored;
        self
    }

    /// Another limit than the method's.
    #[must_use]
    pub const fn rate(mut self, rate: RateClass) -> Self {
        self.rate = rate;
        self
    }

    /// The answer's media type when it is not JSON.
    #[must_use]
    pub const fn produces(mut self, media_type: &'static str) -> Self {
        self.produces = media_type;
        self
    }

    /// The function that serves this endpoint: `handle` takes the domain and the typed call.
    pub fn serve<D, B, Q, A, F, Fut>(self, name: &'static str, handle: F) -> Function
    where
        D: Domain,
        B: DeserializeOwned + JsonSchema + Validate + Send + 'static,
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        A: Serialize + JsonSchema + 'static,
        F: Fn(D, Call<B, Q>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply<A>>> + Send + 'static,
    {
        let schema = schema_of::<B>();
        let served = Served { body: schema_of::<B>(), query: schema_of::<Q>(), answer: schema_of::<A>() };
        let endpoint = Arc::new(self.clone());
        let grants = self.own_grants();
        Function {
            name,
            trigger: Trigger::Http(Box::new(self)),
            grants,
            timeout_s: 10,
            memory_mb: 256,
            served: Some(served),
            init: Arc::new(move |env| {
                let domain = D::from_env(env)?;
                let erased: Handle = Arc::new(move |files: Files| {
                    let domain = domain.clone();
                    Box::pin(async move {
                        let call = files.call::<B, Q>(schema)?;
                        let reply = handle(domain, call).await?;
                        reply.sent().map_err(|e| kernel::Error::internal(format!("answer: {e}")))
                    })
                });
                pipeline::ready(name, endpoint.clone(), env, erased)
            }),
        }
    }

    /// What the pipeline itself touches: limits, idempotency records, the keys of tokens.
    fn own_grants(&self) -> Vec<Grant> {
        let mut grants = vec![Grant::Parameter("auth/jwks")];
        let mut actions = Vec::new();
        if self.rate != RateClass::Unlimited {
            actions.push(TableAction::Update);
        }
        if self.idempotency != IdempotencyRule::Ignored {
            actions.extend([TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete]);
        }
        match actions.len() {
            0 => {}
            1 => grants.push(Grant::Table("platform", &[TableAction::Update])),
            _ => grants.push(Grant::Table(
                "platform",
                &[TableAction::Get, TableAction::Put, TableAction::Update, TableAction::Delete],
            )),
        }
        grants
    }

    /// Whether who calls makes no difference: signing in, renewing, and what has no limit. A bad token counts as none.
    pub(super) fn asks_nobody(&self) -> bool {
        matches!(self.access, Access::Anyone | Access::Holder(_))
            && matches!(self.rate, RateClass::Auth | RateClass::Unlimited)
    }

    /// Every code that this endpoint can answer: its own and those of the pipeline.
    #[must_use]
    pub fn all_errors(&self) -> Vec<&'static Code> {
        use CommonError as E;
        let mut all = vec![
            E::ValidationFailed,
            E::Internal,
            E::Unavailable,
            E::Unauthenticated,
            E::TokenExpired,
            E::Conflict,
        ];
        if matches!(self.method, "POST" | "PUT" | "PATCH") {
            all.extend([E::MalformedJson, E::BodyTooLarge]);
        }
        if matches!(self.access, Access::May(_)) {
            all.push(E::Forbidden);
        }
        if self.rate != RateClass::Unlimited {
            all.push(E::RateLimited);
        }
        match self.idempotency {
            IdempotencyRule::Ignored => {}
            IdempotencyRule::Honoured => {
                all.extend([E::IdempotencyKeyInvalid, E::IdempotencyKeyReused, E::IdempotencyInProgress]);
            }
            IdempotencyRule::Required => all.extend([
                E::IdempotencyKeyRequired,
                E::IdempotencyKeyInvalid,
                E::IdempotencyKeyReused,
                E::IdempotencyInProgress,
            ]),
        }
        let mut codes: Vec<&'static Code> = all.into_iter().map(E::code).collect();
        codes.extend(self.errors.iter().copied());
        codes.sort_by_key(|c| (c.status, c.name));
        codes.dedup_by_key(|c| c.name);
        codes
    }
}
