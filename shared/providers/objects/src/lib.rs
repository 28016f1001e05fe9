//! Objects in S3 that a function makes and hands out: exports, reports, tickets.
//!
//! A function declares `Grant::Bucket("exports", &["PutObject", "GetObject"])`; the template gives it
//! `EXPORTS_BUCKET`. A link that [`Bucket::link`] signs ends with the credentials that signed it: in Lambda those of
//! the role, which may end before the time asked for.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use kernel::{BoxFuture, Context, Env, Error, Result, Settings};

/// One bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    client: Client,
    name: Arc<str>,
}

impl Bucket {
    /// The bucket that `{NAME}_BUCKET` names.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>, name: &str) -> Self {
        // An endpoint of one's own has no host name per bucket.
        let by_path = env.get("AWS_ENDPOINT_URL").is_some();
        let config = Builder::from(env.sdk()).force_path_style(by_path).build();
        Self { client: Client::from_conf(config), name: settings.bucket(name).into() }
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
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            self.client
                .put_object()
                .bucket(&*self.name)
                .key(key)
                .content_type(media_type)
                .body(ByteStream::from(bytes))
                .send()
                .await
                .map(drop)
                .map_err(|e| Error::unavailable(format!("PutObject: {e:?}")))
        })
    }

    /// A link by which anyone fetches the object as a file of this name, for so many seconds (at most seven days).
    ///
    /// # Errors
    /// When the time is out of S3's range. No network.
    pub fn link<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        file_name: &'a str,
        seconds: u32,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let wrong = |e: &dyn std::fmt::Debug| Error::internal(format!("link: {e:?}"));
            let now_ms = u64::try_from(context.now().ms()).unwrap_or(0);
            let config = PresigningConfig::builder()
                .start_time(SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms))
                .expires_in(Duration::from_secs(seconds.into()))
                .build()
                .map_err(|e| wrong(&e))?;
            let signed = self
                .client
                .get_object()
                .bucket(&*self.name)
                .key(key)
                .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
                .presigned(config)
                .await
                .map_err(|e| wrong(&e))?;
            Ok(signed.uri().to_owned())
        })
    }
}
