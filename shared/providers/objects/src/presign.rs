use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_s3::presigning::PresigningConfig;
use kernel::{BoxFuture, Context, Error, Result};

use crate::Bucket;
use crate::failure::failed;

impl Bucket {
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
            let request = self
                .client
                .get_object()
                .bucket(self.name())
                .key(key)
                .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
                .presigned(config(context, seconds.into())?)
                .await;
            request.map(|r| r.uri().to_owned()).map_err(|e| failed("presigning GetObject", &e))
        })
    }

    /// A URL that takes one object of exactly this type and size by PUT.
    pub fn presign_put<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        content_type: &'a str,
        size_bytes: u64,
        lives_s: u64,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let request = self
                .client
                .put_object()
                .bucket(self.name())
                .key(key)
                .content_type(content_type)
                .content_length(i64::try_from(size_bytes).map_err(Error::internal)?)
                .presigned(config(context, lives_s)?)
                .await;
            request.map(|r| r.uri().to_owned()).map_err(|e| failed("presigning PutObject", &e))
        })
    }

    /// A URL that takes one part of a multipart upload by PUT.
    pub fn presign_part<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        upload_id: &'a str,
        part_number: u32,
        lives_s: u64,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let request = self
                .client
                .upload_part()
                .bucket(self.name())
                .key(key)
                .upload_id(upload_id)
                .part_number(i32::try_from(part_number).map_err(Error::internal)?)
                .presigned(config(context, lives_s)?)
                .await;
            request.map(|r| r.uri().to_owned()).map_err(|e| failed("presigning UploadPart", &e))
        })
    }
}

fn config(context: &Context, lives_s: u64) -> Result<PresigningConfig> {
    let now_ms = u64::try_from(context.now().ms()).map_err(Error::internal)?;
    PresigningConfig::builder()
        .start_time(UNIX_EPOCH + Duration::from_millis(now_ms))
        .expires_in(Duration::from_secs(lives_s))
        .build()
        .map_err(Error::internal)
}
