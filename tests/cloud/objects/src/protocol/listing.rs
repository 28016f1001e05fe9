use s3s::S3Request;
use s3s::dto::*;

use super::attributes::{checksum_type, etag, size};
use super::time::timestamp;
use crate::core::Core;
use crate::error::Error;
use crate::index::{Cursor, Paging, Result};
use crate::notify::url_encoded;
use crate::object::Version;

/// Keys as the client can read them: `encoding-type=url` exists because XML 1.0 cannot carry every character.
pub(super) struct Encoding(Option<EncodingType>);

impl Encoding {
    pub(super) fn new(asked: Option<EncodingType>) -> Self {
        Self(asked.filter(|e| e.as_str() == EncodingType::URL))
    }

    pub(super) fn text(&self, key: &str) -> String {
        if self.0.is_some() { url_encoded(key) } else { key.to_owned() }
    }

    pub(super) fn given(&self, text: Option<&str>) -> Option<String> {
        text.filter(|t| !t.is_empty()).map(|t| self.text(t))
    }

    pub(super) fn groups(&self, groups: &[String]) -> Option<Vec<CommonPrefix>> {
        let groups: Vec<_> = groups.iter().map(|g| CommonPrefix { prefix: Some(self.text(g)) }).collect();
        (!groups.is_empty()).then_some(groups)
    }

    pub(super) fn shown(self) -> Option<EncodingType> {
        self.0
    }
}

pub(super) fn paging(
    prefix: Option<&String>,
    delimiter: Option<&String>,
    most: Option<i32>,
) -> Result<Paging> {
    if most.is_some_and(|n| n < 0) {
        return Err(Error::InvalidArgument(
            "Argument maxKeys must be an integer between 0 and 2147483647".to_owned(),
        ));
    }
    Ok(Paging {
        prefix: prefix.cloned().unwrap_or_default(),
        delimiter: delimiter.cloned().unwrap_or_default(),
        most,
        after: None,
    })
}

pub(super) fn shown_limit(paging: &Paging) -> Option<i32> {
    i32::try_from(paging.limit()).ok()
}

impl Core {
    fn owner(&self) -> Owner {
        Owner { display_name: Some(self.place.account.clone()), id: Some(self.place.account.clone()) }
    }

    fn object(&self, version: Version, encoding: &Encoding, owner: bool) -> Object {
        let checksum = version.attributes.checksum.as_ref();
        Object {
            checksum_algorithm: checksum.map(|c| vec![ChecksumAlgorithm::from_static(c.algorithm.name())]),
            checksum_type: checksum.map(|c| checksum_type(c.coverage)),
            e_tag: Some(etag(&version.etag)),
            key: Some(encoding.text(&version.key)),
            last_modified: Some(timestamp(version.modified_ms)),
            owner: owner.then(|| self.owner()),
            restore_status: None,
            size: Some(size(version.size)),
            storage_class: Some(ObjectStorageClass::from(
                version.attributes.storage_class.unwrap_or_else(|| StorageClass::STANDARD.to_owned()),
            )),
        }
    }

    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Result<ListObjectsV2Output> {
        let input = request.input;
        let mut paging = paging(input.prefix.as_ref(), input.delimiter.as_ref(), input.max_keys)?;
        paging.after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => Some(Cursor::from_token(token).ok_or_else(|| {
                Error::InvalidArgument("The continuation token provided is incorrect".to_owned())
            })?),
            (None, Some(key)) => Some(paging.marker(key)),
            (None, None) => None,
        };
        let page = self.index.objects(&input.bucket, &paging)?;
        let encoding = Encoding::new(input.encoding_type);
        let owner = input.fetch_owner == Some(true);
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.text(&paging.prefix)),
            max_keys: shown_limit(&paging),
            key_count: i32::try_from(page.entries.len() + page.groups.len()).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_ref().map(Cursor::token),
            common_prefixes: encoding.groups(&page.groups),
            contents: Some(page.entries.into_iter().map(|v| self.object(v, &encoding, owner)).collect()),
            delimiter: encoding.given(input.delimiter.as_deref()),
            start_after: encoding.given(input.start_after.as_deref()),
            encoding_type: encoding.shown(),
            request_charged: None,
        })
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> Result<ListObjectsOutput> {
        let input = request.input;
        let mut paging = paging(input.prefix.as_ref(), input.delimiter.as_ref(), input.max_keys)?;
        paging.after = input.marker.as_deref().filter(|m| !m.is_empty()).map(|m| paging.marker(m));
        let page = self.index.objects(&input.bucket, &paging)?;
        let encoding = Encoding::new(input.encoding_type);
        // Without a delimiter clients continue behind the last key they saw.
        let next = page.last.as_deref().filter(|_| page.next.is_some() && !paging.delimiter.is_empty());
        Ok(ListObjectsOutput {
            next_marker: next.map(|key| encoding.text(key)),
            name: Some(input.bucket),
            prefix: Some(encoding.text(&paging.prefix)),
            marker: Some(encoding.text(input.marker.as_deref().unwrap_or_default())),
            max_keys: shown_limit(&paging),
            is_truncated: Some(page.next.is_some()),
            common_prefixes: encoding.groups(&page.groups),
            contents: Some(page.entries.into_iter().map(|v| self.object(v, &encoding, true)).collect()),
            delimiter: encoding.given(input.delimiter.as_deref()),
            encoding_type: encoding.shown(),
            request_charged: None,
        })
    }

    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> Result<ListObjectVersionsOutput> {
        let input = request.input;
        let mut paging = paging(input.prefix.as_ref(), input.delimiter.as_ref(), input.max_keys)?;
        let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        paging.after = match (given(&input.key_marker), given(&input.version_id_marker)) {
            (Some(key), Some(version)) => Some(self.index.behind_version(&input.bucket, &key, &version)?),
            (Some(key), None) => Some(paging.marker(&key)),
            (None, Some(_)) => {
                return Err(Error::InvalidArgument(
                    "A version-id marker cannot be specified without a key marker.".to_owned(),
                ));
            }
            (None, None) => None,
        };
        let page = self.index.versions(&input.bucket, &paging)?;
        let encoding = Encoding::new(input.encoding_type);
        let mut output = ListObjectVersionsOutput {
            is_truncated: Some(page.next.is_some()),
            key_marker: Some(encoding.text(input.key_marker.as_deref().unwrap_or_default())),
            version_id_marker: input.version_id_marker,
            max_keys: shown_limit(&paging),
            prefix: Some(encoding.text(&paging.prefix)),
            delimiter: encoding.given(input.delimiter.as_deref()),
            common_prefixes: encoding.groups(&page.groups),
            name: Some(input.bucket),
            ..ListObjectVersionsOutput::default()
        };
        if page.next.is_some() {
            output.next_key_marker = page.last.as_deref().map(|key| encoding.text(key));
            // A group has no versions: the marker is then the key alone.
            let last = page.entries.last().filter(|v| page.last.as_deref() == Some(&v.key));
            output.next_version_id_marker = last.map(|v| v.version.clone());
        }
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        for version in page.entries {
            if version.marker {
                markers.push(DeleteMarkerEntry {
                    is_latest: Some(version.latest),
                    key: Some(encoding.text(&version.key)),
                    last_modified: Some(timestamp(version.modified_ms)),
                    owner: Some(self.owner()),
                    version_id: Some(version.version),
                });
            } else {
                versions.push(ObjectVersion {
                    e_tag: Some(etag(&version.etag)),
                    is_latest: Some(version.latest),
                    key: Some(encoding.text(&version.key)),
                    last_modified: Some(timestamp(version.modified_ms)),
                    owner: Some(self.owner()),
                    size: Some(size(version.size)),
                    storage_class: Some(ObjectVersionStorageClass::from_static(
                        ObjectVersionStorageClass::STANDARD,
                    )),
                    version_id: Some(version.version),
                    ..ObjectVersion::default()
                });
            }
        }
        output.versions = Some(versions);
        output.delete_markers = Some(markers);
        output.encoding_type = encoding.shown();
        Ok(output)
    }
}
