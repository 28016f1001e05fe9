use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use kernel::{BoxFuture, Context, Error, Result};

use crate::failure::{failed, has_code};
use crate::{Bucket, unquoted};

/// A part that S3 has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// Entity tag without quotes.
    pub etag: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// How the completion of a multipart upload came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The object is there.
    Done,
    /// S3 knows no such upload: completed before, or aborted.
    Unknown,
    /// S3 refused the parts: one is gone, or too small.
    Refused,
}

impl Bucket {
    /// Begins a multipart upload and answers its id.
    pub fn begin_multipart<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        content_type: &'a str,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let begun = self
                .client
                .create_multipart_upload()
                .bucket(self.name())
                .key(key)
                .content_type(content_type)
                .send()
                .await
                .map_err(|e| failed("CreateMultipartUpload", &e))?;
            begun.upload_id.ok_or_else(|| Error::internal("CreateMultipartUpload: no id"))
        })
    }

    /// The parts that arrived, in order, 1,000 a call; `None` when S3 knows no such upload.
    pub fn parts<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        upload_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<Part>>>> {
        Box::pin(async move {
            let mut parts = Vec::new();
            let mut after: Option<String> = None;
            loop {
                context.meter.count(0.0, 0.0);
                let listed = self
                    .client
                    .list_parts()
                    .bucket(self.name())
                    .key(key)
                    .upload_id(upload_id)
                    .set_part_number_marker(after)
                    .send()
                    .await;
                let page = match listed {
                    Ok(page) => page,
                    Err(e) if has_code(&e, &["NoSuchUpload"]) => return Ok(None),
                    Err(e) => return Err(failed("ListParts", &e)),
                };
                parts.extend(page.parts().iter().map(|p| Part {
                    number: p.part_number().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                    etag: unquoted(p.e_tag()),
                    size_bytes: p.size().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
                }));
                after = page.next_part_number_marker().map(str::to_owned);
                if page.is_truncated() != Some(true) || after.is_none() {
                    return Ok(Some(parts));
                }
            }
        })
    }

    /// Makes one object of the parts.
    pub fn complete_multipart<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        upload_id: &'a str,
        parts: &'a [Part],
    ) -> BoxFuture<'a, Result<Completed>> {
        Box::pin(async move {
            let parts: Vec<CompletedPart> = parts
                .iter()
                .map(|p| {
                    let number = i32::try_from(p.number).unwrap_or(i32::MAX);
                    CompletedPart::builder().part_number(number).e_tag(format!("\"{}\"", p.etag)).build()
                })
                .collect();
            context.meter.count(0.0, 0.0);
            let sent = self
                .client
                .complete_multipart_upload()
                .bucket(self.name())
                .key(key)
                .upload_id(upload_id)
                .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
                .send()
                .await;
            match sent {
                Ok(_) => Ok(Completed::Done),
                Err(e) if has_code(&e, &["NoSuchUpload"]) => Ok(Completed::Unknown),
                Err(e) if has_code(&e, &["InvalidPart", "InvalidPartOrder", "EntityTooSmall"]) => {
                    Ok(Completed::Refused)
                }
                Err(e) => Err(failed("CompleteMultipartUpload", &e)),
            }
        })
    }

    /// Gives a multipart upload up and frees its parts; one that S3 does not know is fine.
    pub fn abort_multipart<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        upload_id: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let sent = self
                .client
                .abort_multipart_upload()
                .bucket(self.name())
                .key(key)
                .upload_id(upload_id)
                .send()
                .await;
            match sent {
                Ok(_) => Ok(()),
                Err(e) if has_code(&e, &["NoSuchUpload"]) => Ok(()),
                Err(e) => Err(failed("AbortMultipartUpload", &e)),
            }
        })
    }
}
