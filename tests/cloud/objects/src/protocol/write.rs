use s3s::S3Request;
use s3s::dto::*;

use super::attributes::{attributes_of, checksum_type, etag, show_checksum, stated_checksum};
use super::conditions::{ReadConditions, of_write};
use super::time::timestamp;
use crate::checksum::{Algorithm, Checksum, Coverage};
use crate::core::{Core, Expected, MOST_BYTES_AT_ONCE};
use crate::error::Error;
use crate::index::{Deleted, NewVersion, Result, WriteConditions};
use crate::notify::Change;
use crate::object::{Attributes, Version};

/// A DeleteObjects request may not name more.
const MOST_DELETIONS: usize = 1000;

impl Core {
    pub(super) async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> Result<PutObjectOutput> {
        let input = &mut request.input;
        // Before the bytes, so that a 5 GB upload to nowhere fails at once.
        self.index.bucket(&input.bucket)?;
        let expected = Expected {
            md5: input.content_md5.take(),
            checksum: stated_checksum!(input),
            algorithm: input.checksum_algorithm.as_ref().and_then(|a| Algorithm::parse(a.as_str())),
            trailers: request.trailing_headers.take(),
        };
        let mut attributes = attributes_of!(input);
        let (written, algorithm) = self.receive(input.body.take(), expected, &request.headers).await?;
        attributes.checksum = written.checksum.clone().zip(algorithm).map(|(value, algorithm)| Checksum {
            algorithm,
            coverage: Coverage::Whole,
            value,
        });

        let tag = written.etag();
        let conditions = of_write(input.if_match.take(), input.if_none_match.take());
        let blob = written.blob.name().to_owned();
        let committed = self.commit(
            written.blob,
            &NewVersion {
                bucket: &input.bucket,
                key: &input.key,
                blob: &blob,
                size: written.size,
                etag: &tag,
                attributes: &attributes,
                change: Change::Put,
                conditions: &conditions,
                completes: None,
            },
        )?;

        let mut output = PutObjectOutput {
            e_tag: Some(etag(&tag)),
            version_id: committed.version,
            ..PutObjectOutput::default()
        };
        if let Some(checksum) = attributes.checksum {
            show_checksum!(output, checksum.algorithm, checksum.value);
            output.checksum_type = Some(checksum_type(checksum.coverage));
        }
        Ok(output)
    }

    pub(super) async fn copy_object(
        &self,
        mut request: S3Request<CopyObjectInput>,
    ) -> Result<CopyObjectOutput> {
        let input = &mut request.input;
        let source = self.copy_source(&input.copy_source)?;
        ReadConditions {
            matches: input.copy_source_if_match.as_ref(),
            matches_none: input.copy_source_if_none_match.as_ref(),
            modified_since: input.copy_source_if_modified_since.as_ref(),
            unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        }
        .check_copy(&source)?;
        if source.size > MOST_BYTES_AT_ONCE {
            return Err(Error::InvalidRequest(
                "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
                    .to_owned(),
            ));
        }

        let replaces = |directive: Option<&str>| directive.is_some_and(|d| d.eq_ignore_ascii_case("REPLACE"));
        let given = attributes_of!(input);
        let mut attributes = if replaces(input.metadata_directive.as_ref().map(MetadataDirective::as_str)) {
            Attributes {
                tags: source.attributes.tags.clone(),
                checksum: source.attributes.checksum.clone(),
                ..given.clone()
            }
        } else {
            Attributes { storage_class: given.storage_class.clone(), ..source.attributes.clone() }
        };
        if replaces(input.tagging_directive.as_ref().map(TaggingDirective::as_str)) {
            attributes.tags = given.tags;
        }

        let link = self.blobs.link(&source.blob)?;
        let blob = link.name().to_owned();
        let committed = self.commit(
            link,
            &NewVersion {
                bucket: &input.bucket,
                key: &input.key,
                blob: &blob,
                size: source.size,
                etag: &source.etag,
                attributes: &attributes,
                change: Change::Copy,
                conditions: &WriteConditions::default(),
                completes: None,
            },
        )?;
        let mut result = CopyObjectResult {
            e_tag: Some(etag(&source.etag)),
            last_modified: Some(timestamp(committed.modified_ms)),
            ..CopyObjectResult::default()
        };
        if let Some(checksum) = attributes.checksum {
            show_checksum!(result, checksum.algorithm, checksum.value);
        }
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: super::attributes::shown_version(&source),
            version_id: committed.version,
            ..CopyObjectOutput::default()
        })
    }

    /// The version that `x-amz-copy-source` names.
    pub(super) fn copy_source(&self, source: &CopySource) -> Result<Version> {
        match source {
            CopySource::Bucket { bucket, key, version_id } => {
                self.index.find(bucket, key, version_id.as_deref())
            }
            CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
                Err(Error::InvalidRequest("This S3 has no access points and no outposts.".to_owned()))
            }
        }
    }

    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> Result<DeleteObjectOutput> {
        let input = request.input;
        let conditions = of_write(input.if_match, None);
        let deleted = self.remove(&input.bucket, &input.key, input.version_id.as_deref(), &conditions)?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version,
            ..DeleteObjectOutput::default()
        })
    }

    /// Deletes and announces; also what the Rust API calls.
    pub(crate) fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        conditions: &WriteConditions,
    ) -> Result<Deleted> {
        let deleted = self.index.delete(bucket, key, version, conditions)?;
        self.blobs.remove(&deleted.removed);
        self.wake.notify_one();
        Ok(deleted)
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> Result<DeleteObjectsOutput> {
        let input = request.input;
        self.index.bucket(&input.bucket)?;
        if input.delete.objects.len() > MOST_DELETIONS {
            return Err(Error::InvalidRequest("A request may delete at most 1000 objects.".to_owned()));
        }
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in input.delete.objects {
            let conditions = of_write(object.e_tag.map(ETagCondition::ETag), None);
            match self.remove(&input.bucket, &object.key, object.version_id.as_deref(), &conditions) {
                Ok(done) => deleted.push(DeletedObject {
                    delete_marker: done.marker.then_some(true),
                    delete_marker_version_id: if done.marker { done.version } else { None },
                    key: Some(object.key),
                    version_id: object.version_id,
                }),
                Err(error) => {
                    let error = s3s::S3Error::from(error);
                    errors.push(s3s::dto::Error {
                        code: Some(error.code().as_str().to_owned()),
                        key: Some(object.key),
                        message: error.message().map(str::to_owned),
                        version_id: object.version_id,
                    });
                }
            }
        }
        let quiet = input.delete.quiet == Some(true);
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        })
    }
}
