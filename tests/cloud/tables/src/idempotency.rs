//! `ClientRequestToken`: a transaction sent again within ten minutes answers what the first one answered.

use std::collections::HashMap;

use cloud_core::Millis;
use dynoxide::DynoxideError;
use serde_json::Value;

use crate::error::Error;

/// DynamoDB's window, ten minutes after the request completed.
const WINDOW: Millis = 10 * 60 * 1000;
/// DynamoDB's limit on the token's length, in characters.
const LONGEST: usize = 36;

/// Tokens of one operation. In memory only: whoever would send the request again is gone with this process.
#[derive(Default)]
pub(crate) struct Tokens {
    seen: HashMap<String, Seen>,
}

struct Seen {
    at: Millis,
    request: Value,
    answer: String,
}

impl Tokens {
    /// The stored answer when `token` was used for the same `request`; an error when it was used for another.
    pub(crate) fn lookup(
        &mut self,
        token: &str,
        request: &Value,
        now: Millis,
    ) -> Result<Option<String>, Error> {
        if token.chars().count() > LONGEST {
            return Err(DynoxideError::ValidationException(format!(
                "1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to {LONGEST}"
            ))
            .into());
        }
        self.seen.retain(|_, seen| now - seen.at < WINDOW);
        match self.seen.get(token) {
            None => Ok(None),
            // Objects compare without regard to the order of their members.
            Some(seen) if seen.request == *request => Ok(Some(seen.answer.clone())),
            Some(_) => Err(DynoxideError::IdempotentParameterMismatchException(
                "An error occurred (IdempotentParameterMismatchException)".to_owned(),
            )
            .into()),
        }
    }

    pub(crate) fn remember(&mut self, token: String, request: Value, answer: String, now: Millis) {
        self.seen.insert(token, Seen { at: now, request, answer });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_replays_its_request_refuses_another_and_expires_after_ten_minutes() {
        let mut tokens = Tokens::default();
        tokens.remember("t".to_owned(), json!({"a": 1, "b": 2}), "answer".to_owned(), 0);
        assert_eq!(tokens.lookup("t", &json!({"b": 2, "a": 1}), 1).unwrap().as_deref(), Some("answer"));
        assert!(tokens.lookup("t", &json!({"a": 2, "b": 2}), 1).is_err());
        assert_eq!(tokens.lookup("t", &json!({"a": 2}), WINDOW).unwrap(), None);
    }
}
