use s3s::S3Request;
use s3s::dto::*;

use super::attributes::{checksum_type, etag, show_checksum, shown_checksum, shown_version, size};
use super::conditions::ReadConditions;
use super::time::timestamp;
use crate::core::Core;
use crate::error::Error;
use crate::index::Result;
use crate::object::{DEFAULT_CONTENT_TYPE, Version};

/// Which bytes of an object are asked for.
struct Slice {
    from: u64,
    length: u64,
    /// `Content-Range`, when it is not all of them.
    range: Option<String>,
    parts: Option<i32>,
}

impl Slice {
    fn of(version: &Version, range: Option<Range>, part: Option<i32>) -> Result<Self> {
        let parts = &version.attributes.parts;
        if let Some(number) = part {
            if range.is_some() {
                return Err(Error::InvalidRequest(
                    "Cannot specify both Range header and partNumber query parameter".to_owned(),
                ));
            }
            let unknown = || Error::InvalidRange { size: version.size };
            let index = usize::try_from(number - 1).map_err(|_| unknown())?;
            if parts.is_empty() {
                return if index == 0 { Ok(Self::whole(version)) } else { Err(unknown()) };
            }
            let length = *parts.get(index).ok_or_else(unknown)?;
            let from = parts.iter().take(index).sum();
            return Ok(Self {
                parts: i32::try_from(parts.len()).ok(),
                ..Self::part_of(version, from, length)
            });
        }
        match range {
            None => Ok(Self::whole(version)),
            Some(range) => {
                let range =
                    range.check(version.size).map_err(|_| Error::InvalidRange { size: version.size })?;
                Ok(Self::part_of(version, range.start, range.end - range.start))
            }
        }
    }

    fn whole(version: &Version) -> Self {
        Self { from: 0, length: version.size, range: None, parts: None }
    }

    fn part_of(version: &Version, from: u64, length: u64) -> Self {
        let last = (from + length).saturating_sub(1);
        Self { from, length, range: Some(format!("bytes {from}-{last}/{}", version.size)), parts: None }
    }
}

/// What GetObject and HeadObject say alike.
macro_rules! describe {
    ($output:ident, $version:expr, $slice:expr, $checksum:expr) => {{
        let (version, slice) = ($version, $slice);
        let attributes = &version.attributes;
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: attributes.cache_control.clone(),
            content_disposition: attributes.content_disposition.clone(),
            content_encoding: attributes.content_encoding.clone(),
            content_language: attributes.content_language.clone(),
            content_length: Some(size(slice.length)),
            content_range: slice.range.clone(),
            content_type: Some(
                attributes.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned()),
            ),
            e_tag: Some(etag(&version.etag)),
            expires: attributes.expires_ms.map(timestamp),
            last_modified: Some(timestamp(version.modified_ms)),
            metadata: Some(attributes.metadata.clone().into_iter().collect()),
            parts_count: slice.parts,
            // As S3 does: the header is there only for other classes.
            storage_class: attributes
                .storage_class
                .clone()
                .filter(|class| class != StorageClass::STANDARD)
                .map(StorageClass::from),
            version_id: shown_version(version),
            website_redirect_location: attributes.website_redirect.clone(),
            ..$output::default()
        };
        if let Some(checksum) = $checksum.filter(|_| slice.range.is_none()) {
            show_checksum!(output, checksum.algorithm, checksum.value);
            output.checksum_type = Some(checksum_type(checksum.coverage));
        }
        output
    }};
}

impl Core {
    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> Result<GetObjectOutput> {
        let input = request.input;
        let (version, file) =
            self.open_version(&input.bucket, &input.key, input.version_id.as_deref()).await?;
        ReadConditions {
            matches: input.if_match.as_ref(),
            matches_none: input.if_none_match.as_ref(),
            modified_since: input.if_modified_since.as_ref(),
            unmodified_since: input.if_unmodified_since.as_ref(),
        }
        .check(&version)?;
        let slice = Slice::of(&version, input.range, input.part_number)?;
        let mut output = describe!(
            GetObjectOutput,
            &version,
            &slice,
            shown_checksum(&version, input.checksum_mode.as_ref())
        );
        output.tag_count = i32::try_from(version.attributes.tags.len()).ok().filter(|n| *n > 0);
        // `response-content-type` and its like are s3s's: it sets those headers over these.
        output.body = Some(StreamingBlob::wrap(crate::blobs::read(file, slice.from, slice.length).await?));
        Ok(output)
    }

    pub(super) async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Result<HeadObjectOutput> {
        let input = request.input;
        let version = self.index.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        ReadConditions {
            matches: input.if_match.as_ref(),
            matches_none: input.if_none_match.as_ref(),
            modified_since: input.if_modified_since.as_ref(),
            unmodified_since: input.if_unmodified_since.as_ref(),
        }
        .check(&version)?;
        let slice = Slice::of(&version, input.range, input.part_number)?;
        Ok(describe!(
            HeadObjectOutput,
            &version,
            &slice,
            shown_checksum(&version, input.checksum_mode.as_ref())
        ))
    }

    pub(super) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> Result<GetObjectAttributesOutput> {
        let input = request.input;
        let found = self.index.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        let asked = |name: &str| input.object_attributes.iter().any(|a| a.as_str() == name);
        let checksum = found.attributes.checksum.as_ref().filter(|_| asked("Checksum")).map(|checksum| {
            let mut shown = s3s::dto::Checksum {
                checksum_type: Some(checksum_type(checksum.coverage)),
                ..s3s::dto::Checksum::default()
            };
            show_checksum!(shown, checksum.algorithm, checksum.value.clone());
            shown
        });
        let parts =
            (asked("ObjectParts") && !found.attributes.parts.is_empty()).then(|| GetObjectAttributesParts {
                total_parts_count: i32::try_from(found.attributes.parts.len()).ok(),
                ..GetObjectAttributesParts::default()
            });
        Ok(GetObjectAttributesOutput {
            checksum,
            e_tag: asked("ETag").then(|| etag(&found.etag)),
            last_modified: Some(timestamp(found.modified_ms)),
            object_parts: parts,
            object_size: asked("ObjectSize").then(|| size(found.size)),
            storage_class: asked("StorageClass").then(|| {
                let class = found.attributes.storage_class.clone();
                class.map_or_else(|| StorageClass::from_static(StorageClass::STANDARD), StorageClass::from)
            }),
            version_id: shown_version(&found),
            ..GetObjectAttributesOutput::default()
        })
    }

    /// The version and its bytes. A file that goes away in between was replaced or deleted: the index is asked again.
    pub(crate) async fn open_version(
        &self,
        bucket: &str,
        key: &str,
        id: Option<&str>,
    ) -> Result<(Version, tokio::fs::File)> {
        let mut before = None;
        loop {
            let version = self.index.find(bucket, key, id)?;
            match tokio::fs::File::open(self.blobs.path(&version.blob)).await {
                Ok(file) => return Ok((version, file)),
                Err(gone) if gone.kind() == std::io::ErrorKind::NotFound && before != Some(version.seq) => {
                    before = Some(version.seq);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
