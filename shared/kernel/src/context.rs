use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;

use crate::{Caller, Clock, CommonError, Error, Language, Meter, Random, Result, Time};

/// One invocation: everything that is not the request itself. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// The id that logs, problems and audit entries name.
    pub request_id: Arc<str>,
    /// X-Ray trace header, carried through queues.
    pub trace: Option<Arc<str>>,
    /// Who calls; `None` for anonymous calls and jobs.
    pub caller: Option<Arc<Caller>>,
    /// The caller's language.
    pub language: Language,
    /// The caller's address, for limits and audit.
    pub source_ip: Option<Arc<str>>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<Arc<str>>,
    /// When the function's time is over.
    pub deadline: Time,
    /// What this invocation used of AWS.
    pub meter: Arc<Meter>,
    /// The open idempotency record of this call, to be completed in the transaction that has the effect.
    pub idempotency: Option<Arc<Idempotency>>,
}

impl Context {
    /// A context of a job or a test: no caller, no idempotency.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, request_id: &str, timeout_ms: i64) -> Self {
        let deadline = Time::from_ms(clock.now_ms().saturating_add(timeout_ms));
        Self {
            clock,
            random,
            request_id: request_id.into(),
            trace: None,
            caller: None,
            language: Language::default(),
            source_ip: None,
            user_agent: None,
            deadline,
            meter: Arc::default(),
            idempotency: None,
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::from_ms(self.clock.now_ms())
    }

    /// A new UUIDv7 by this context's clock and randomness (RFC 9562, 5.7).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let mut random = [0u8; 10];
        self.random.fill(&mut random);
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }

    /// A new typed id.
    #[must_use]
    pub fn id<I: From<Uuid>>(&self) -> I {
        I::from(self.uuid())
    }

    /// Random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// Milliseconds left before the function is stopped.
    #[must_use]
    pub fn left_ms(&self) -> i64 {
        self.deadline.ms() - self.clock.now_ms()
    }

    /// The signed-in caller.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when there is none.
    pub fn caller(&self) -> Result<&Caller> {
        self.caller.as_deref().ok_or_else(|| CommonError::Unauthenticated.into())
    }
}

/// The idempotency record that this call opened. A transaction that has the call's effect completes it together
/// with the effect, so that a process that dies in between can neither lose the answer nor repeat the effect.
///
/// The answer is stored sealed (AES-256-GCM) under a key made from the caller's own idempotency key and request:
/// answers may hold tokens, and the table alone must not give them away.
pub struct Idempotency {
    /// Table of the record.
    pub table: String,
    /// Partition key of the record.
    pub pk: String,
    /// Sort key of the record.
    pub sk: String,
    /// Random mark of the call that holds the record.
    pub holder: String,
    /// Until when the completed record is kept, seconds since the epoch.
    pub keep_until_s: i64,
    seal_key: [u8; 32],
    completed: AtomicBool,
}

impl Idempotency {
    /// A record held by `holder`, not completed yet.
    #[must_use]
    pub fn new(table: &str, pk: &str, sk: &str, holder: &str, keep_until_s: i64, seal_key: [u8; 32]) -> Self {
        Self {
            table: table.to_owned(),
            pk: pk.to_owned(),
            sk: sk.to_owned(),
            holder: holder.to_owned(),
            keep_until_s,
            seal_key,
            completed: AtomicBool::new(false),
        }
    }

    /// Notes that a transaction has completed the record.
    pub fn complete(&self) {
        self.completed.store(true, Ordering::SeqCst);
    }

    /// Whether a transaction has completed the record.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.completed.load(Ordering::SeqCst)
    }

    /// Seals an answer: hex of nonce, ciphertext and tag.
    ///
    /// # Errors
    /// When the cipher refuses, which it does for no input of ours.
    pub fn seal(&self, context: &Context, answer: &str) -> Result<String> {
        let cipher = cipher(&self.seal_key)?;
        let nonce: [u8; NONCE_LEN] = context.bytes();
        let mut sealed = answer.as_bytes().to_vec();
        cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| Error::internal("sealing"))?;
        Ok(hex::encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Idempotency::seal`] made under the same key.
    ///
    /// # Errors
    /// When the text was not sealed under this key.
    pub fn open(seal_key: &[u8; 32], sealed: &str) -> Result<String> {
        let wrong = || Error::internal("idempotency record: cannot be opened");
        let bytes = hex::decode(sealed).map_err(|_| wrong())?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut rest = rest.to_vec();
        let plain = cipher(seal_key)?.open_in_place(nonce, Aad::empty(), &mut rest).map_err(|_| wrong())?;
        String::from_utf8(plain.to_vec()).map_err(|_| wrong())
    }
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| Error::internal("cipher key"))
}
