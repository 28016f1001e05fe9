use std::collections::HashMap;
use std::sync::Arc;

use kernel::{CommonError, Context, Env, Error, Result, Settings};
use storage::{Key, Table, Update};
use tokio::sync::Mutex;

use super::endpoint::RateClass;

/// Request limits by fixed windows. A window's counter is one item; a container leases a few requests of it at a
/// time, so that most requests cost no call. Writes lease one: their limits are small.
#[derive(Clone)]
pub(super) struct Limiter {
    table: Table,
    on: bool,
    leases: Arc<Mutex<HashMap<String, Lease>>>,
}

struct Lease {
    window: i64,
    left: i64,
    used: i64,
}

/// What the `X-RateLimit-*` headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) limit: i64,
    pub(super) remaining: i64,
    pub(super) resets_at_s: i64,
}

struct Rule {
    limit: i64,
    window_s: i64,
    lease: i64,
}

const HOUR_S: i64 = 3600;
/// Leases kept in memory before they are forgotten; forgetting one only costs what was left of it.
const LEASES_MAX: usize = 10_000;

fn rule(class: RateClass, signed_in: bool, premium: bool) -> Option<Rule> {
    let by_hour = |limit, lease| Some(Rule { limit, window_s: HOUR_S, lease });
    match (class, signed_in, premium) {
        (RateClass::Unlimited, ..) => None,
        (RateClass::Auth, ..) => Some(Rule { limit: 10, window_s: 60, lease: 1 }),
        (_, false, _) => by_hour(100, 5),
        (RateClass::Read, true, false) => by_hour(1000, 20),
        (RateClass::Read, true, true) => by_hour(5000, 50),
        (RateClass::Write, true, false) => by_hour(100, 1),
        (RateClass::Write, true, true) => by_hour(500, 1),
        (RateClass::Upload, true, false) => by_hour(10, 1),
        (RateClass::Upload, true, true) => by_hour(50, 1),
    }
}

impl Limiter {
    pub(super) fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        let on = env.get("RATE_LIMITS") != Some("off");
        Self { table: Table::open(env, settings, "platform"), on, leases: Arc::default() }
    }

    /// Counts one request. `None` when nothing limits it.
    pub(super) async fn take(&self, context: &Context, class: RateClass) -> Result<Option<Standing>> {
        if !self.on {
            return Ok(None);
        }
        let caller = context.caller.as_deref();
        if caller.is_some_and(|c| c.has_role("service")) {
            return Ok(None);
        }
        let premium = caller.is_some_and(|c| c.has_role("premium") || c.has_role("admin"));
        let Some(rule) = rule(class, caller.is_some(), premium) else { return Ok(None) };
        // The limit of `/auth` is the address's, whoever is signed in there.
        let who = match (caller, class) {
            (Some(caller), c) if c != RateClass::Auth => caller.user.to_string(),
            _ => context.source_ip.as_deref().unwrap_or("unknown").to_owned(),
        };
        let now = context.now().s();
        let window = now - now.rem_euclid(rule.window_s);
        let resets_at_s = window + rule.window_s;
        let name = match (class, caller.is_some()) {
            (RateClass::Auth, _) => "AUTH",
            (_, false) => "ANONYMOUS",
            (RateClass::Upload, _) => "UPLOAD",
            (RateClass::Write, _) => "WRITE",
            _ => "READ",
        };
        let subject = format!("RATE#{name}#{who}");
        let standing = |used: i64, left: i64| {
            Some(Standing { limit: rule.limit, remaining: (rule.limit - used + left).max(0), resets_at_s })
        };

        let mut leases = self.leases.lock().await;
        if let Some(lease) = leases.get_mut(&subject)
            && lease.window == window
            && lease.left > 0
        {
            lease.left -= 1;
            return Ok(standing(lease.used, lease.left));
        }
        for share in [rule.lease, 1] {
            match self.lease(context, &subject, window, resets_at_s, rule.limit, share).await {
                Ok(used) => {
                    if leases.len() >= LEASES_MAX {
                        leases.clear();
                    }
                    leases.insert(subject, Lease { window, left: share - 1, used });
                    return Ok(standing(used, share - 1));
                }
                Err(e) if e.is(CommonError::RateLimited) && share > 1 => {}
                Err(e) if e.is(CommonError::RateLimited) => {
                    return Err(e
                        .retry_after(u64::try_from(resets_at_s - now).unwrap_or(1).max(1))
                        .with("limit", rule.limit)
                        .with("resets_at", resets_at_s));
                }
                // A limit that cannot be counted stops nobody.
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn lease(
        &self,
        context: &Context,
        subject: &str,
        window: i64,
        until: i64,
        limit: i64,
        share: i64,
    ) -> Result<i64> {
        let counted = self
            .table
            .update(
                context,
                Update::key(
                    Key::new(format!("{subject}#{window}"), "RATE"),
                    "SET used = if_not_exists(used, :zero) + :share, expires_at = :until",
                )
                .value(":zero", 0)
                .value(":share", share)
                .value(":until", until + 60)
                // The window's counter never passes the limit.
                .when("attribute_not_exists(used) OR used <= :room")
                .value(":room", limit - share)
                .or(Error::from(CommonError::RateLimited)),
            )
            .await?;
        Ok(counted.number("used").unwrap_or(share))
    }
}
