use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use cloud_core::{Bus, Clock, Deliver, Place, Request, Response, Service, State};
use futures::future::BoxFuture;
use http::header::{CONNECTION, HeaderName, HeaderValue, ORIGIN};
use http::{Method, StatusCode};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::sync::Notify;

use crate::admission::{self, Auth, Keys};
use crate::blobs::Blobs;
use crate::bucket_spec::BucketSpec;
use crate::core::{Core, Temporary};
use crate::error::Error;
use crate::index::{Index, NewVersion, Paging, Result, Versioning, WriteConditions};
use crate::notify::Change;
use crate::object::{Attributes, DEFAULT_CONTENT_TYPE, ListedObject, StoredObject, Version};
use crate::protocol::Api;
use crate::{cors, delivery, form};

/// S3 of the one-machine cloud.
pub struct Objects {
    core: Arc<Core>,
    keys: Arc<Keys>,
    s3: S3Service,
}

impl Objects {
    /// Opens what is there: `objects.db` and the folder `objects` in the state's folder.
    /// The access key `test` with the secret `test` is let in until [`Objects::set_credentials`].
    ///
    /// # Errors
    /// When the database or the folder cannot be opened.
    pub fn open(
        state: &State,
        place: Place,
        clock: Clock,
        deliver: Arc<dyn Deliver>,
        bus: Arc<dyn Bus>,
    ) -> Result<Arc<Self>> {
        let index = Index::open(state, place.clone(), clock.clone())?;
        let folder = state.folder("objects")?;
        let temporary = matches!(state, State::Memory).then(|| Temporary(folder.clone()));
        let blobs = Blobs::open(folder)?;
        blobs.sweep(&index.blobs()?)?;
        let core = Arc::new(Core {
            index,
            blobs,
            clock,
            place,
            deliver,
            bus,
            wake: Notify::new(),
            _temporary: temporary,
        });
        let keys = Arc::new(Keys::new());
        let mut builder = S3ServiceBuilder::new(Api(Arc::clone(&core)));
        let mut config = S3Config::default();
        // Time is checked in `admission`, by the product's clock.
        config.presigned_url_max_skew_time_secs = u32::MAX;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(Auth(Arc::clone(&keys)));
        Ok(Arc::new(Self { core, keys, s3: builder.build() }))
    }

    /// Lets in these access keys (id → secret) and no others.
    pub fn set_credentials(&self, keys: HashMap<String, String>) {
        self.keys.replace(keys);
    }

    /// Makes the bucket exist and its configuration be this one; what it holds stays.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn ensure_bucket(&self, name: &str, spec: &BucketSpec) -> Result<()> {
        let index = &self.core.index;
        match index.create_bucket(name) {
            Ok(()) | Err(Error::BucketAlreadyOwnedByYou) => {}
            Err(error) => return Err(error),
        }
        let before = index.bucket(name)?.versioning;
        let versioning = match (spec.versioning, before) {
            (true, _) => Versioning::Enabled,
            // A bucket that had versioning can only suspend it.
            (false, Versioning::Enabled) => Versioning::Suspended,
            (false, other) => other,
        };
        index.set_versioning(name, versioning)?;
        index.set_cors(name, spec.cors().as_ref())?;
        index.set_lifecycle(name, spec.lifecycle().as_ref())?;
        index.set_notification(name, spec.notification().as_ref())
    }

    /// The object, or nothing when there is no such bucket or key.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn file(&self, bucket: &str, key: &str) -> Result<Option<StoredObject>> {
        match self.core.index.find(bucket, key, None) {
            Ok(version) => Ok(Some(self.stored(version))),
            Err(Error::NoSuchBucket | Error::NoSuchKey | Error::Deleted { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The object and its bytes, opened together: replacing or deleting it afterwards does not touch the reader.
    ///
    /// # Errors
    /// When the index or the file cannot be read.
    pub async fn open_file(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<(StoredObject, tokio::fs::File)>> {
        match self.core.open_version(bucket, key, None).await {
            Ok((version, file)) => Ok(Some((self.stored(version), file))),
            Err(Error::NoSuchBucket | Error::NoSuchKey | Error::Deleted { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.core.clock
    }

    fn stored(&self, version: Version) -> StoredObject {
        let attributes = version.attributes;
        StoredObject {
            path: self.core.blobs.path(&version.blob),
            size: version.size,
            content_type: attributes.content_type.unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned()),
            etag: version.etag,
            last_modified: version.modified_ms,
            metadata: attributes.metadata,
            cache_control: attributes.cache_control,
            content_disposition: attributes.content_disposition,
            content_encoding: attributes.content_encoding,
        }
    }

    /// Copies a file in as an object, as a PUT would, notifications included.
    ///
    /// # Errors
    /// When there is no such bucket, the file cannot be read, or the index cannot be written.
    pub async fn store_file(
        &self,
        bucket: &str,
        key: &str,
        path: &Path,
        content_type: &str,
    ) -> Result<StoredObject> {
        self.core.index.bucket(bucket)?;
        let written = self.core.blobs.import(path).await?;
        let attributes = Attributes { content_type: Some(content_type.to_owned()), ..Attributes::default() };
        let (etag, size, blob) = (written.etag(), written.size, written.blob.name().to_owned());
        let committed = self.core.commit(
            written.blob,
            &NewVersion {
                bucket,
                key,
                blob: &blob,
                size,
                etag: &etag,
                attributes: &attributes,
                change: Change::Put,
                conditions: &WriteConditions::default(),
                completes: None,
            },
        )?;
        Ok(StoredObject {
            path: self.core.blobs.path(&blob),
            size,
            content_type: content_type.to_owned(),
            etag,
            last_modified: committed.modified_ms,
            metadata: attributes.metadata,
            cache_control: None,
            content_disposition: None,
            content_encoding: None,
        })
    }

    /// All objects whose keys start with `prefix`, in order of keys.
    ///
    /// # Errors
    /// When there is no such bucket or the index cannot be read.
    pub fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ListedObject>> {
        let mut paging = Paging { prefix: prefix.to_owned(), ..Paging::default() };
        let mut all = Vec::new();
        loop {
            let page = self.core.index.objects(bucket, &paging)?;
            all.extend(page.entries.into_iter().map(|version| ListedObject {
                key: version.key,
                size: version.size,
                etag: version.etag,
                last_modified: version.modified_ms,
            }));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Keys of multipart uploads that are neither complete nor given up.
    ///
    /// # Errors
    /// When there is no such bucket or the index cannot be read.
    pub fn open_uploads(&self, bucket: &str) -> Result<Vec<String>> {
        let mut paging = Paging::default();
        let mut all = Vec::new();
        loop {
            let page = self.core.index.uploads(bucket, &paging)?;
            all.extend(page.entries.into_iter().map(|upload| upload.key));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Deletes as a client would, notifications included; deleting what is not there succeeds.
    ///
    /// # Errors
    /// When there is no such bucket or the index cannot be written.
    pub fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        self.core.remove(bucket, key, None, &WriteConditions::default()).map(|_| ())
    }

    /// Notifications that no destination has accepted yet.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn pending(&self) -> Result<usize> {
        self.core.index.undelivered()
    }

    /// Delivers notifications and applies lifecycle rules; never returns. Without it nothing is announced.
    pub async fn run(&self) {
        delivery::run(Arc::clone(&self.core)).await;
    }

    /// Forgets every object, upload, notification and bucket.
    ///
    /// # Errors
    /// When the index or the folder cannot be written.
    pub fn reset(&self) -> Result<()> {
        // Only files that a row named: one that is just being written belongs to a request that is still going on.
        let named: Vec<String> = self.core.index.blobs()?.into_iter().collect();
        self.core.index.clear()?;
        self.core.blobs.remove(&named);
        Ok(())
    }

    async fn answer(&self, request: Request) -> Response {
        let bucket = bucket_of(request.uri().path());
        let configured =
            bucket.as_deref().and_then(|name| self.core.index.bucket(name).ok()).and_then(|b| b.cors);
        let (parts, body) = request.into_parts();
        if parts.method == Method::OPTIONS {
            return cors::preflight(&parts, configured.as_ref());
        }
        let sends = matches!(parts.method, Method::PUT | Method::POST);
        let allowed = configured.as_ref().and_then(|rules| {
            let origin = parts.headers.get(ORIGIN)?.to_str().ok()?;
            cors::allow(rules, origin, parts.method.as_str())
        });
        let mut response = match admission::check_time(&parts, &self.core.clock) {
            Ok(()) => self.serve(Request::from_parts(parts, body), bucket.as_deref()).await,
            Err(refusal) => error(refusal),
        };
        // What was refused was not read to its end: as at S3, no other request comes on this connection.
        let refused = sends && !response.status().is_success();
        let headers = response.headers_mut();
        if refused {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in allowed.iter().flatten() {
            headers.insert(name, value.clone());
        }
        if let Ok(id) = HeaderValue::from_str(&crate::blobs::fresh_name()) {
            headers.insert(HeaderName::from_static("x-amz-request-id"), id);
        }
        response
    }

    async fn serve(&self, request: Request, bucket: Option<&str>) -> Response {
        if let Some(bucket) = bucket.filter(|_| form::is_form(&request)) {
            let answered = form::post_object(&self.core, &self.keys, bucket, request).await;
            return answered.unwrap_or_else(error);
        }
        match self.s3.call(request.map(s3s::Body::http_body_unsync)).await {
            Ok(response) => response.map(Body::new),
            Err(cause) => {
                tracing::error!(?cause, "s3s could not write an answer");
                internal_error()
            }
        }
    }
}

impl Service for Objects {
    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(request))
    }
}

/// The first segment of the path; addressing by host name is for names that this machine has no DNS for.
fn bucket_of(path: &str) -> Option<String> {
    let segment = path.trim_start_matches('/').split('/').next().filter(|s| !s.is_empty())?;
    percent_encoding::percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn error(refusal: Error) -> Response {
    match s3s::S3Error::from(refusal).to_http_response() {
        Ok(response) => response.map(Body::new),
        Err(_) => internal_error(),
    }
}

fn internal_error() -> Response {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
