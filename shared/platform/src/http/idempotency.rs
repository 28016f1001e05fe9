use kernel::{CommonError, Context, Env, Error, Idempotency, Result, Settings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use storage::{Delete, Key, Put, Table, Update};

/// Records of calls that carried `Idempotency-Key`, in the platform's table.
///
/// `running` (held by one call until its time is over) → `done` (with the sealed answer, 24 hours). A refusal or a
/// failure frees the key.
#[derive(Clone)]
pub(super) struct Records {
    table: Table,
}

/// Length of a key, in characters.
const KEY_MAX: usize = 255;
const KEEP_S: i64 = 86_400;
const SK: &str = "IDEMPOTENCY";

/// How a call with a key begins.
pub(super) enum Begin {
    /// The call is the first: run it under this record.
    Run(Idempotency),
    /// The call was made before: this is its answer.
    Replay(Answer),
}

/// A stored answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// Stored after the call, with what the transaction does not know.
    Whole { status: u16, body: Option<Value>, cookies: Vec<String>, headers: Vec<(String, String)> },
    /// Stored by the transaction that had the effect.
    Result(Value),
}

#[derive(Serialize, Deserialize)]
struct Row {
    request: String,
    status: String,
    holder: String,
    locked_until: Option<i64>,
    result: Option<String>,
    expires_at: i64,
}

impl Records {
    pub(super) fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        Self { table: Table::open(env, settings, "platform") }
    }

    /// Opens the record of a key, or tells what became of the first call with it.
    pub(super) async fn begin(
        &self,
        context: &Context,
        key: &str,
        route: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Begin> {
        if key.is_empty() || key.chars().count() > KEY_MAX {
            return Err(CommonError::IdempotencyKeyInvalid.into());
        }
        // Keys belong to the caller over all routes; callers without an account share one space per route.
        let owner = match &context.caller {
            Some(caller) => caller.user.to_string(),
            None => format!("anonymous {route}"),
        };
        let pk = format!("IDEMPOTENCY#{}", hex::encode(digest(&[owner.as_bytes(), key.as_bytes()])));
        let request = hex::encode(digest(&[route.as_bytes(), path.as_bytes(), &canonical(body)]));
        let seal_key = digest(&[b"seal", owner.as_bytes(), key.as_bytes(), request.as_bytes()]);
        let now = context.now().s();
        let holder = context.uuid().to_string();
        let row = Row {
            request: request.clone(),
            status: "running".into(),
            holder: holder.clone(),
            locked_until: Some(context.deadline.s() + 1),
            result: None,
            expires_at: now + KEEP_S,
        };
        let put = Put::row(&Key::new(&pk, SK), &row)
            .name("#status", "status")
            // `request` is one of DynamoDB's reserved words.
            .name("#request", "request")
            .value(":now", now)
            .value(":running", "running")
            .value(":request", &request)
            // A record whose holder's time is over may be taken over, by the same request only.
            .when(
                "attribute_not_exists(pk) OR expires_at < :now \
                 OR (#status = :running AND locked_until < :now AND #request = :request)",
            )
            .or_else(move |old| told(old.cloned(), &request, &seal_key, now));
        match self.table.put(context, put).await {
            Ok(()) => {
                Ok(Begin::Run(Idempotency::new(self.table.name(), &pk, SK, &holder, now + KEEP_S, seal_key)))
            }
            Err(e) => match e.members().get(REPLAY).and_then(Value::as_str) {
                Some(text) => serde_json::from_str(text).map(Begin::Replay).map_err(Error::internal),
                None => Err(e),
            },
        }
    }

    /// Stores the answer of a call whose transaction did not.
    pub(super) async fn complete(
        &self,
        context: &Context,
        record: &Idempotency,
        answer: &Answer,
    ) -> Result<()> {
        let text = serde_json::to_string(answer).map_err(Error::internal)?;
        let update = Update::key(
            Key::new(&record.pk, &record.sk),
            "SET #status = :done, #result = :result, expires_at = :keep_until REMOVE locked_until",
        )
        .name("#status", "status")
        .name("#result", "result")
        .value(":done", "done")
        .value(":result", record.seal(context, &text)?)
        .value(":keep_until", record.keep_until_s)
        .when("holder = :holder")
        .value(":holder", &record.holder);
        self.table.update(context, update).await.map(drop)
    }

    /// Frees the key: the call was refused or failed and may be made again.
    pub(super) async fn free(&self, context: &Context, record: &Idempotency) -> Result<()> {
        let delete = Delete::key(Key::new(&record.pk, &record.sk))
            .name("#status", "status")
            .value(":running", "running")
            .when("holder = :holder AND #status = :running")
            .value(":holder", &record.holder);
        self.table.delete(context, delete).await.map(drop)
    }
}

/// Carries the replay through the refusal of the conditional put; it never leaves this module.
const REPLAY: &str = "replay";

fn told(old: Option<storage::Item>, request: &str, seal_key: &[u8; 32], now: i64) -> Error {
    let Some(Ok(row)) = old.map(storage::Item::read::<Row>) else { return CommonError::Conflict.into() };
    if row.request != request {
        return CommonError::IdempotencyKeyReused.into();
    }
    if let Some(sealed) = row.result {
        match Idempotency::open(seal_key, &sealed) {
            Ok(text) => Error::from(CommonError::Conflict).with(REPLAY, text),
            Err(e) => e,
        }
    } else {
        let left = row.locked_until.unwrap_or(now) - now;
        Error::from(CommonError::IdempotencyInProgress)
            .retry_after(u64::try_from(left).unwrap_or(0).clamp(1, 60))
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// JSON with sorted members and no white space; anything else as it is.
fn canonical(body: &[u8]) -> Vec<u8> {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut members: Vec<_> = object.into_iter().map(|(k, v)| (k, sorted(v))).collect();
                members.sort_by(|a, b| a.0.cmp(&b.0));
                Value::Object(members.into_iter().collect())
            }
            Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => sorted(value).to_string().into_bytes(),
        Err(_) => body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_and_white_space_do_not_make_another_request() {
        assert_eq!(
            canonical(br#"{"b": [1, {"y":1,"x":2}], "a":1}"#),
            canonical(br#"{"a":1,"b":[1,{"x":2,"y":1}]}"#)
        );
        assert_ne!(canonical(br#"{"a":1}"#), canonical(br#"{"a":2}"#));
        assert_eq!(canonical(b"not json"), b"not json");
    }

    #[test]
    fn digests_of_parts_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
