//! Uploads in parts. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>

use std::sync::Arc;

use s3s::S3Request;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;

use super::attributes::{attributes_of, checksum_type, etag, show_checksum, size, stated_checksum};
use super::conditions::{ReadConditions, of_write};
use super::listing::{Encoding, paging};
use super::time::timestamp;
use crate::checksum::{self, Algorithm, Coverage};
use crate::core::{Core, Expected};
use crate::error::Error;
use crate::index::{NewUpload, NewVersion, Result, Upload, WriteConditions};
use crate::notify::Change;

/// All parts but the last have at least this many bytes.
const LEAST_PART_BYTES: u64 = 5 << 20;
const MOST_PARTS: i32 = 10_000;
/// From this size on completing takes seconds, and the answer is kept alive with white space, as S3 does.
const SLOW_BYTES: u64 = 1 << 30;

/// A finished upload, put together and checked, that only has to be stored.
struct Completion {
    bucket: String,
    key: String,
    upload: Upload,
    blobs: Vec<String>,
    size: u64,
    etag: String,
    conditions: WriteConditions,
}

impl Core {
    pub(super) async fn create_multipart_upload(
        &self,
        mut request: S3Request<CreateMultipartUploadInput>,
    ) -> Result<CreateMultipartUploadOutput> {
        let input = &mut request.input;
        let algorithm = input.checksum_algorithm.as_ref().and_then(|a| Algorithm::parse(a.as_str()));
        let checksum = algorithm
            .map(|a| (a, Coverage::choose(a, input.checksum_type.as_ref().map(ChecksumType::as_str))));
        let attributes = attributes_of!(input);
        let new = NewUpload { bucket: &input.bucket, key: &input.key, attributes: &attributes, checksum };
        let id = self.index.start_upload(&new)?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm.take(),
            checksum_type: checksum.map(|(_, coverage)| checksum_type(coverage)),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> Result<UploadPartOutput> {
        let input = &mut request.input;
        let upload = self.upload_for_part(&input.bucket, &input.key, &input.upload_id, input.part_number)?;
        let expected = Expected {
            md5: input.content_md5.take(),
            checksum: stated_checksum!(input),
            algorithm: input
                .checksum_algorithm
                .as_ref()
                .and_then(|a| Algorithm::parse(a.as_str()))
                .or(upload.checksum.map(|(algorithm, _)| algorithm)),
            trailers: request.trailing_headers.take(),
        };
        let (written, algorithm) = self.receive(input.body.take(), expected, &request.headers).await?;
        let checksum = kept_checksum(&upload, algorithm, written.checksum.clone())?;
        let part = crate::index::Part {
            number: input.part_number,
            blob: written.blob.name().to_owned(),
            size: written.size,
            etag: written.etag(),
            checksum,
            modified_ms: self.clock.now_ms(),
        };
        let replaced = self.index.add_part(&input.bucket, &input.key, &input.upload_id, &part)?;
        self.blobs.remove(&replaced);
        let mut output = UploadPartOutput { e_tag: Some(etag(&part.etag)), ..UploadPartOutput::default() };
        if let (Some(algorithm), Some(value)) = (algorithm, written.checksum) {
            show_checksum!(output, algorithm, value);
        }
        written.blob.keep();
        Ok(output)
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> Result<UploadPartCopyOutput> {
        let input = request.input;
        let upload = self.upload_for_part(&input.bucket, &input.key, &input.upload_id, input.part_number)?;
        let source = self.copy_source(&input.copy_source)?;
        ReadConditions {
            matches: input.copy_source_if_match.as_ref(),
            matches_none: input.copy_source_if_none_match.as_ref(),
            modified_since: input.copy_source_if_modified_since.as_ref(),
            unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        }
        .check_copy(&source)?;
        let bytes = match input.copy_source_range.as_deref() {
            None => 0..source.size,
            Some(range) => Range::parse(range)
                .ok()
                .and_then(|range| range.check(source.size).ok())
                .ok_or(Error::InvalidRange { size: source.size })?,
        };
        let file = tokio::fs::File::open(self.blobs.path(&source.blob)).await?;
        let stream = crate::blobs::read(file, bytes.start, bytes.end - bytes.start).await?;
        let expected =
            Expected { algorithm: upload.checksum.map(|(algorithm, _)| algorithm), ..Expected::default() };
        let (written, algorithm) = self.receive(Some(stream), expected, &http::HeaderMap::new()).await?;
        let part = crate::index::Part {
            number: input.part_number,
            blob: written.blob.name().to_owned(),
            size: written.size,
            etag: written.etag(),
            checksum: kept_checksum(&upload, algorithm, written.checksum.clone())?,
            modified_ms: self.clock.now_ms(),
        };
        let replaced = self.index.add_part(&input.bucket, &input.key, &input.upload_id, &part)?;
        self.blobs.remove(&replaced);
        written.blob.keep();
        let mut result = CopyPartResult {
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(timestamp(part.modified_ms)),
            ..CopyPartResult::default()
        };
        if let (Some(algorithm), Some(value)) = (algorithm, part.checksum) {
            show_checksum!(result, algorithm, value);
        }
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: super::attributes::shown_version(&source),
            ..UploadPartCopyOutput::default()
        })
    }

    fn upload_for_part(&self, bucket: &str, key: &str, id: &str, number: i32) -> Result<Upload> {
        if !(1..=MOST_PARTS).contains(&number) {
            return Err(Error::InvalidArgument(
                "Part number must be an integer between 1 and 10000, inclusive".to_owned(),
            ));
        }
        self.index.upload(bucket, key, id)
    }

    pub(super) async fn complete_multipart_upload(
        self: &Arc<Self>,
        mut request: S3Request<CompleteMultipartUploadInput>,
    ) -> Result<CompleteMultipartUploadOutput> {
        let input = &mut request.input;
        let named = input.multipart_upload.take().and_then(|m| m.parts).unwrap_or_default();
        let conditions = of_write(input.if_match.take(), input.if_none_match.take());
        let completion = self.completion(input, &named, conditions)?;
        if completion.size < SLOW_BYTES {
            return self.complete(completion).await;
        }
        let core = Arc::clone(self);
        let work = async move { core.complete(completion).await.map_err(Into::into) };
        Ok(CompleteMultipartUploadOutput {
            future: Some(Box::pin(work)),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    /// Holds the client's list against the parts that arrived.
    fn completion(
        &self,
        input: &CompleteMultipartUploadInput,
        named: &[CompletedPart],
        conditions: WriteConditions,
    ) -> Result<Completion> {
        let mut upload = self.index.upload(&input.bucket, &input.key, &input.upload_id)?;
        let arrived = self.index.parts(&upload.id, 0, usize::MAX)?;
        if named.is_empty() {
            return Err(Error::InvalidRequest("You must specify at least one part".to_owned()));
        }
        let mut parts = Vec::with_capacity(named.len());
        let mut before = 0;
        for part in named {
            let number = part.part_number.ok_or(Error::InvalidPart)?;
            if number <= before {
                return Err(Error::InvalidPartOrder);
            }
            before = number;
            let found = arrived.binary_search_by_key(&number, |p| p.number).ok().and_then(|i| arrived.get(i));
            let found = found.ok_or(Error::InvalidPart)?;
            let stated = part.e_tag.as_ref().map(ETag::value);
            let checksum = stated_checksum!(part).map(|(_, value)| value);
            if stated != Some(&found.etag)
                || (checksum.is_some() && found.checksum.is_some() && checksum != found.checksum)
            {
                return Err(Error::InvalidPart);
            }
            parts.push(found);
        }
        if parts.iter().rev().skip(1).any(|part| part.size < LEAST_PART_BYTES) {
            return Err(Error::EntityTooSmall);
        }
        let total = parts.iter().map(|part| part.size).sum();
        if input.mpu_object_size.is_some_and(|stated| stated != size(total)) {
            return Err(Error::InvalidRequest(
                "The provided 'x-amz-mp-object-size' header does not match what was computed.".to_owned(),
            ));
        }
        if let Some((algorithm, coverage)) = upload.checksum {
            let of_parts: Vec<_> = parts.iter().map(|part| (part.checksum.clone(), part.size)).collect();
            let computed = checksum::of_parts(algorithm, coverage, &of_parts).ok_or(Error::InvalidPart)?;
            if stated_checksum!(input).is_some_and(|(_, stated)| !same_checksum(&stated, &computed.value)) {
                return Err(Error::BadDigest(format!(
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                )));
            }
            upload.attributes.checksum = Some(computed);
        }
        upload.attributes.parts = parts.iter().map(|part| part.size).collect();
        Ok(Completion {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            blobs: parts.iter().map(|part| part.blob.clone()).collect(),
            size: total,
            etag: etag_of_parts(parts.iter().map(|part| part.etag.as_str())),
            conditions,
            upload,
        })
    }

    async fn complete(&self, completion: Completion) -> Result<CompleteMultipartUploadOutput> {
        let Completion { bucket, key, upload, blobs, size, etag: tag, conditions } = completion;
        let whole = match blobs.as_slice() {
            [one] => self.blobs.link(one)?,
            _ => self.blobs.concat(blobs).await?,
        };
        let blob = whole.name().to_owned();
        let committed = self.commit(
            whole,
            &NewVersion {
                bucket: &bucket,
                key: &key,
                blob: &blob,
                size,
                etag: &tag,
                attributes: &upload.attributes,
                change: Change::CompleteMultipartUpload,
                conditions: &conditions,
                completes: Some(&upload.id),
            },
        )?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("{}/{bucket}/{}", self.place.endpoint, crate::notify::url_encoded(&key))),
            e_tag: Some(etag(&tag)),
            version_id: committed.version,
            bucket: Some(bucket),
            key: Some(key),
            ..CompleteMultipartUploadOutput::default()
        };
        if let Some(checksum) = upload.attributes.checksum {
            show_checksum!(output, checksum.algorithm, checksum.value);
            output.checksum_type = Some(checksum_type(checksum.coverage));
        }
        Ok(output)
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Result<AbortMultipartUploadOutput> {
        let input = request.input;
        let left = self.index.abort_upload(&input.bucket, &input.key, &input.upload_id)?;
        self.blobs.remove(&left);
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(super) async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Result<ListPartsOutput> {
        let input = request.input;
        let upload = self.index.upload(&input.bucket, &input.key, &input.upload_id)?;
        let limit = input.max_parts.and_then(|n| usize::try_from(n).ok()).unwrap_or(1000).min(1000);
        let mut found = self.index.parts(&upload.id, input.part_number_marker.unwrap_or(0), limit + 1)?;
        let truncated = found.len() > limit;
        found.truncate(limit);
        let parts = found.iter().map(|part| {
            let mut shown = s3s::dto::Part {
                e_tag: Some(etag(&part.etag)),
                last_modified: Some(timestamp(part.modified_ms)),
                part_number: Some(part.number),
                size: Some(size(part.size)),
                ..s3s::dto::Part::default()
            };
            if let (Some((algorithm, _)), Some(value)) = (upload.checksum, part.checksum.clone()) {
                show_checksum!(shown, algorithm, value);
            }
            shown
        });
        Ok(ListPartsOutput {
            parts: Some(parts.collect()),
            is_truncated: Some(truncated),
            next_part_number_marker: found.last().map(|part| part.number),
            part_number_marker: Some(input.part_number_marker.unwrap_or(0)),
            max_parts: i32::try_from(limit).ok(),
            checksum_algorithm: upload.checksum.map(|(a, _)| ChecksumAlgorithm::from_static(a.name())),
            checksum_type: upload.checksum.map(|(_, coverage)| checksum_type(coverage)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            ..ListPartsOutput::default()
        })
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Result<ListMultipartUploadsOutput> {
        let input = request.input;
        let mut paging = paging(input.prefix.as_ref(), input.delimiter.as_ref(), input.max_uploads)?;
        let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        paging.after = match (given(&input.key_marker), given(&input.upload_id_marker)) {
            (Some(key), Some(id)) => Some(self.index.behind_upload(&input.bucket, &key, &id)?),
            (Some(key), None) => Some(paging.marker(&key)),
            // S3 ignores an upload id without a key.
            (None, _) => None,
        };
        let page = self.index.uploads(&input.bucket, &paging)?;
        let encoding = Encoding::new(input.encoding_type);
        let mut output = ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            common_prefixes: encoding.groups(&page.groups),
            delimiter: encoding.given(input.delimiter.as_deref()),
            is_truncated: Some(page.next.is_some()),
            key_marker: Some(encoding.text(input.key_marker.as_deref().unwrap_or_default())),
            upload_id_marker: input.upload_id_marker,
            max_uploads: super::listing::shown_limit(&paging),
            prefix: encoding.given(input.prefix.as_deref()),
            ..ListMultipartUploadsOutput::default()
        };
        if page.next.is_some() {
            output.next_key_marker = page.last.as_deref().map(|key| encoding.text(key));
            let last = page.entries.last().filter(|u| page.last.as_deref() == Some(&u.key));
            output.next_upload_id_marker = last.map(|u| u.id.clone());
        }
        let uploads = page.entries.into_iter().map(|upload| MultipartUpload {
            checksum_algorithm: upload.checksum.map(|(a, _)| ChecksumAlgorithm::from_static(a.name())),
            checksum_type: upload.checksum.map(|(_, coverage)| checksum_type(coverage)),
            initiated: Some(timestamp(upload.initiated_ms)),
            key: Some(encoding.text(&upload.key)),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            upload_id: Some(upload.id),
            ..MultipartUpload::default()
        });
        output.uploads = Some(uploads.collect());
        output.encoding_type = encoding.shown();
        Ok(output)
    }
}

/// A part keeps the checksum of its upload's algorithm; another one was only for the way here.
fn kept_checksum(upload: &Upload, of: Option<Algorithm>, value: Option<String>) -> Result<Option<String>> {
    match (upload.checksum, of) {
        (Some((wanted, _)), Some(given)) if wanted != given => Err(Error::InvalidRequest(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.name().to_lowercase(),
            given.name().to_lowercase()
        ))),
        (Some(_), Some(_)) => Ok(value),
        _ => Ok(None),
    }
}

/// Clients state a composite checksum with or without `-{parts}`.
fn same_checksum(stated: &str, computed: &str) -> bool {
    stated == computed || computed.split_once('-').is_some_and(|(value, _)| value == stated)
}

/// MD5 of the parts' MD5s, `-`, number of parts.
fn etag_of_parts<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0_usize;
    for part in parts {
        md5.update(&hex::decode(part).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_of_parts_is_the_md5_of_their_md5s() {
        // md5(md5("a") + md5("b")), computed with Python's hashlib.
        let parts = ["0cc175b9c0f1b6a831c399e269772661", "92eb5ffee6ae2fec3ad71c777531578f"];
        assert_eq!(etag_of_parts(parts.into_iter()), "96e024ba2074fe77e8e965ba43a704be-2");
    }
}
