//! KMS: symmetric keys. Ciphertexts are real (AES-256-GCM), bound to their encryption context, and name their key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud_core::WireError;
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use crate::ident;
use crate::json::Fields;
use crate::service::{Mail, internal, unknown_operation};

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS keys (
        id          TEXT PRIMARY KEY,
        secret      BLOB NOT NULL,
        description TEXT NOT NULL,
        created_ms  INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS key_aliases (alias TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
";

/// Length of a key id at the head of every ciphertext, in bytes.
const ID_LEN: usize = 36;

impl Mail {
    pub(crate) fn kms(&self, action: &str, fields: &Fields) -> Result<Value, WireError> {
        match action {
            "CreateKey" => {
                let id = self.create_key(fields.text("Description").unwrap_or_default())?;
                Ok(json!({"KeyMetadata": self.key_metadata(&id)?}))
            }
            "DescribeKey" => {
                Ok(json!({"KeyMetadata": self.key_metadata(&self.find_key(fields.need("KeyId")?)?)?}))
            }
            "CreateAlias" => {
                let (alias, key) = (fields.need("AliasName")?, self.find_key(fields.need("TargetKeyId")?)?);
                let sql = "INSERT OR REPLACE INTO key_aliases (alias, key) VALUES (?1, ?2)";
                self.store.lock().execute(sql, [alias, &key]).map_err(internal)?;
                Ok(json!({}))
            }
            "Encrypt" => {
                let key = self.find_key(fields.need("KeyId")?)?;
                let sealed = self.seal(&key, &decode(fields.need("Plaintext")?)?, &context(fields))?;
                Ok(json!({
                    "CiphertextBlob": STANDARD.encode(sealed),
                    "KeyId": self.key_arn(&key),
                    "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                }))
            }
            "Decrypt" => {
                let (key, plain) = self.unseal(&decode(fields.need("CiphertextBlob")?)?, &context(fields))?;
                Ok(json!({
                    "Plaintext": STANDARD.encode(plain),
                    "KeyId": self.key_arn(&key),
                    "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                }))
            }
            "GenerateDataKey" => {
                let key = self.find_key(fields.need("KeyId")?)?;
                let plain = rand::random::<[u8; 32]>();
                let length = if fields.text("KeySpec") == Some("AES_128") { 16 } else { 32 };
                let plain = plain.get(..length).unwrap_or_default();
                Ok(json!({
                    "Plaintext": STANDARD.encode(plain),
                    "CiphertextBlob": STANDARD.encode(self.seal(&key, plain, &context(fields))?),
                    "KeyId": self.key_arn(&key),
                }))
            }
            _ => Err(unknown_operation(action)),
        }
    }

    fn create_key(&self, description: &str) -> Result<String, WireError> {
        let id = ident::uuid().to_string();
        let sql = "INSERT INTO keys (id, secret, description, created_ms) VALUES (?1, ?2, ?3, ?4)";
        let secret = rand::random::<[u8; 32]>();
        self.store
            .lock()
            .execute(sql, params![id, secret, description, self.clock.now_ms()])
            .map_err(internal)?;
        Ok(id)
    }

    fn key_arn(&self, id: &str) -> String {
        self.place.arn("kms", &format!("key/{id}"))
    }

    fn key_metadata(&self, id: &str) -> Result<Value, WireError> {
        let sql = "SELECT description, created_ms FROM keys WHERE id = ?1";
        let row = self.store.lock().query_row(sql, [id], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)));
        let (description, created) = row.map_err(internal)?;
        Ok(json!({
            "AWSAccountId": self.place.account,
            "KeyId": id,
            "Arn": self.key_arn(id),
            "CreationDate": ident::seconds(created),
            "Enabled": true,
            "Description": description,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": "Enabled",
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": false,
        }))
    }

    /// By id, ARN or alias.
    fn find_key(&self, name: &str) -> Result<String, WireError> {
        let name =
            name.rsplit_once(":key/").or_else(|| name.split_once(":alias/")).map_or(name, |(_, rest)| rest);
        let alias = if name.starts_with("alias/") { name.to_owned() } else { format!("alias/{name}") };
        let sql = "SELECT id FROM keys WHERE id = ?1 UNION SELECT key FROM key_aliases WHERE alias = ?2";
        let found = self.store.lock().query_row(sql, [name, &alias], |row| row.get(0)).optional();
        let missing = || WireError::bad_request("NotFoundException", format!("Key '{name}' does not exist"));
        found.map_err(internal)?.ok_or_else(missing)
    }

    /// The key behind an alias of AWS's own (`alias/aws/ssm`), made when first needed.
    pub(crate) fn service_key(&self, alias: &str) -> Result<String, WireError> {
        if let Ok(key) = self.find_key(alias) {
            return Ok(key);
        }
        let key = self.create_key("made for a service")?;
        let sql = "INSERT OR IGNORE INTO key_aliases (alias, key) VALUES (?1, ?2)";
        self.store.lock().execute(sql, [alias, &key]).map_err(internal)?;
        Ok(key)
    }

    fn cipher(&self, key: &str) -> Result<RandomizedNonceKey, WireError> {
        let sql = "SELECT secret FROM keys WHERE id = ?1";
        let secret: Option<[u8; 32]> =
            self.store.lock().query_row(sql, [key], |row| row.get(0)).optional().map_err(internal)?;
        RandomizedNonceKey::new(&AES_256_GCM, &secret.ok_or_else(invalid)?).map_err(internal)
    }

    /// Key id, nonce, ciphertext and tag.
    pub(crate) fn seal(&self, key: &str, plain: &[u8], context: &str) -> Result<Vec<u8>, WireError> {
        let mut bytes = plain.to_vec();
        let nonce =
            self.cipher(key)?.seal_in_place_append_tag(Aad::from(context), &mut bytes).map_err(internal)?;
        Ok([key.as_bytes(), nonce.as_ref(), &bytes].concat())
    }

    fn unseal(&self, sealed: &[u8], context: &str) -> Result<(String, Vec<u8>), WireError> {
        let (id, rest) = sealed.split_at_checked(ID_LEN).ok_or_else(invalid)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(invalid)?;
        let id = std::str::from_utf8(id).map_err(|_| invalid())?;
        let mut bytes = rest.to_vec();
        let cipher = self.cipher(id)?;
        let plain = cipher
            .open_in_place(Nonce::from(nonce), Aad::from(context), &mut bytes)
            .map_err(|_| invalid())?;
        Ok((id.to_owned(), plain.to_vec()))
    }
}

fn invalid() -> WireError {
    WireError::bad_request(
        "InvalidCiphertextException",
        "The ciphertext is not one that this key can decrypt.",
    )
}

fn decode(text: &str) -> Result<Vec<u8>, WireError> {
    STANDARD
        .decode(text)
        .map_err(|_| WireError::bad_request("ValidationException", "the value is not base64"))
}

/// The encryption context in one order, whatever order it came in.
fn context(fields: &Fields) -> String {
    let empty = Map::new();
    let pairs = fields.get("EncryptionContext").and_then(Value::as_object).unwrap_or(&empty);
    let mut pairs: Vec<_> = pairs.iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    format!("{pairs:?}")
}
