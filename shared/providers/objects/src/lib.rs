//! Objects in S3, one [`Bucket`] at a time: small ones read and written whole, large ones by clients themselves over
//! presigned URLs.
//!
//! A presigned URL is signed with the role's temporary credentials and dies with them, whatever its own time says.
//! Lambda renews a role's credentials hours before they end, so URLs that live an hour are safe; longer ones are not.
//! That is why an upload that may take a day gets its URLs an hour at a time.

mod failure;
mod multipart;
mod presign;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_types::timeout::TimeoutConfig;
use kernel::{BoxFuture, Context, Env, Error, Result, Settings};

use failure::{failed, has_code};
pub use multipart::{Completed, Part};

/// The longest that one try of a call may take. Completing a multipart upload of thousands of parts takes S3 a while.
const ATTEMPT: Duration = Duration::from_secs(20);
/// How many objects S3 lists, and deletes, in one call.
const PAGE: usize = 1000;
/// Time that must be left before another page of deletions is begun.
const PAGE_MS: i64 = 3_000;

/// One bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    client: Client,
    name: Arc<str>,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size in bytes.
    pub size_bytes: u64,
    /// Entity tag without quotes.
    pub etag: String,
}

/// A small object, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Entity tag without quotes.
    pub etag: String,
}

/// How a write came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Stored.
    Done,
    /// Not stored: the object is no longer the one that was read.
    Changed,
}

impl Bucket {
    /// The bucket that `{NAME}_BUCKET` names.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>, name: &str) -> Self {
        let config = aws_sdk_s3::config::Builder::from(env.sdk())
            // An endpoint of its own has no wildcard name for buckets.
            .force_path_style(env.sdk().endpoint_url().is_some())
            // Presigned URLs must not ask clients for checksums that they do not know of.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(ATTEMPT)
                    .build(),
            )
            .build();
        Self { client: Client::from_conf(config), name: settings.bucket(name).into() }
    }

    /// Its name in AWS.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `s3://bucket/key`, as other services want it.
    #[must_use]
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// Size and entity tag; `None` when there is no such object.
    pub fn head<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<Option<Head>>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            match self.client.head_object().bucket(&*self.name).key(key).send().await {
                Ok(found) => Ok(Some(Head {
                    size_bytes: found.content_length().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                    etag: unquoted(found.e_tag()),
                })),
                Err(e) if has_code(&e, &["NotFound", "NoSuchKey"]) => Ok(None),
                Err(e) => Err(failed("HeadObject", &e)),
            }
        })
    }

    /// The first bytes of an object, at most so many; `None` when there is no such object.
    pub fn beginning<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        bytes: u64,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let range = format!("bytes=0-{}", bytes.saturating_sub(1));
            let answer = self.client.get_object().bucket(&*self.name).key(key).range(range).send().await;
            match answer {
                Ok(found) => {
                    Ok(Some(found.body.collect().await.map_err(Error::unavailable)?.into_bytes().to_vec()))
                }
                Err(e) if has_code(&e, &["NoSuchKey"]) => Ok(None),
                // An empty object has no first byte.
                Err(e) if has_code(&e, &["InvalidRange"]) => Ok(Some(Vec::new())),
                Err(e) => Err(failed("GetObject", &e)),
            }
        })
    }

    /// A small object, whole; `None` when there is no such object.
    pub fn read<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            match self.client.get_object().bucket(&*self.name).key(key).send().await {
                Ok(found) => {
                    let etag = unquoted(found.e_tag());
                    let bytes = found.body.collect().await.map_err(Error::unavailable)?.into_bytes().to_vec();
                    Ok(Some(Stored { bytes, etag }))
                }
                Err(e) if has_code(&e, &["NoSuchKey"]) => Ok(None),
                Err(e) => Err(failed("GetObject", &e)),
            }
        })
    }

    /// Writes an object whole. The same key and bytes may be written again.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when S3 does not take it.
    pub fn put<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        media_type: &'a str,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.write(context, key, media_type, bytes, None).await.map(drop) })
    }

    /// Stores a small object; with `if_still`, only in place of the object that had this entity tag.
    pub fn write<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        content_type: &'a str,
        bytes: Vec<u8>,
        if_still: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Written>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let sent = self
                .client
                .put_object()
                .bucket(&*self.name)
                .key(key)
                .content_type(content_type)
                .body(ByteStream::from(bytes))
                .set_if_match(if_still.map(|etag| format!("\"{etag}\"")))
                .send()
                .await;
            match sent {
                Ok(_) => Ok(Written::Done),
                Err(e)
                    if if_still.is_some()
                        && has_code(
                            &e,
                            &["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"],
                        ) =>
                {
                    Ok(Written::Changed)
                }
                Err(e) => Err(failed("PutObject", &e)),
            }
        })
    }

    /// Deletes an object; one that is not there is fine.
    pub fn remove<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            match self.client.delete_object().bucket(&*self.name).key(key).send().await {
                Ok(_) => Ok(()),
                Err(e) => Err(failed("DeleteObject", &e)),
            }
        })
    }

    /// Keys below a prefix, in order, at most 1,000.
    pub fn keys<'a>(&'a self, context: &'a Context, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let listed = self.client.list_objects_v2().bucket(&*self.name).prefix(prefix).send().await;
            let listed = listed.map_err(|e| failed("ListObjectsV2", &e))?;
            Ok(listed.contents().iter().filter_map(|o| o.key().map(str::to_owned)).collect())
        })
    }

    /// Deletes everything below a prefix, 1,000 objects per two calls.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the function's time is nearly over: call again, what is gone stays gone.
    pub fn remove_below<'a>(&'a self, context: &'a Context, prefix: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            loop {
                let keys = self.keys(context, prefix).await?;
                if keys.is_empty() {
                    return Ok(());
                }
                self.remove_all(context, &keys).await?;
                if keys.len() < PAGE {
                    return Ok(());
                }
                if context.left_ms() < PAGE_MS {
                    return Err(Error::unavailable(format!("objects left below {prefix}")));
                }
            }
        })
    }

    async fn remove_all(&self, context: &Context, keys: &[String]) -> Result<()> {
        let named = |key: &String| ObjectIdentifier::builder().key(key).build();
        let objects: Vec<_> = keys.iter().map(named).collect::<Result<_, _>>().map_err(Error::internal)?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        context.meter.count(0.0, 0.0);
        let answer = self
            .client
            .delete_objects()
            .bucket(&*self.name)
            .delete(delete.map_err(Error::internal)?)
            .send()
            .await
            .map_err(|e| failed("DeleteObjects", &e))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(e) => Err(Error::unavailable(format!(
                "DeleteObjects: {} {}",
                e.key().unwrap_or("?"),
                e.code().unwrap_or("?")
            ))),
        }
    }
}

fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}
