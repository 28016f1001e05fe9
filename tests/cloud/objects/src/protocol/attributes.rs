//! Between the headers of S3's operations and what the index keeps.

use std::collections::{BTreeMap, HashMap};

use s3s::dto::{ChecksumType, ETag, Tag};

use crate::checksum::{Checksum, Coverage};
use crate::error::Error;
use crate::index::Result;
use crate::object::Version;

/// A tag set may not have more.
const MOST_TAGS: usize = 10;

/// The attributes that an operation's input carries; the inputs share names, not a type.
macro_rules! attributes_of {
    ($input:expr) => {
        $crate::object::Attributes {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input
                .content_encoding
                .take()
                .and_then(|e| $crate::protocol::attributes::stored_encoding(&e)),
            content_language: $input.content_language.take(),
            expires_ms: $input.expires.as_ref().map($crate::protocol::time::millis),
            storage_class: $input.storage_class.take().map(|class| class.as_str().to_owned()),
            website_redirect: $input.website_redirect_location.take(),
            metadata: $crate::protocol::attributes::metadata($input.metadata.take()),
            tags: $crate::protocol::attributes::tags_of_header(
                $input.tagging.as_deref().unwrap_or_default(),
            )?,
            checksum: None,
            parts: Vec::new(),
        }
    };
}

/// The checksum that an input states, and its algorithm.
macro_rules! stated_checksum {
    ($input:expr) => {{
        use $crate::checksum::Algorithm;
        [
            (Algorithm::Crc32, &$input.checksum_crc32),
            (Algorithm::Crc32c, &$input.checksum_crc32c),
            (Algorithm::Crc64Nvme, &$input.checksum_crc64nvme),
            (Algorithm::Sha1, &$input.checksum_sha1),
            (Algorithm::Sha256, &$input.checksum_sha256),
        ]
        .into_iter()
        .find_map(|(algorithm, value)| Some((algorithm, value.clone()?)))
    }};
}

/// Writes a checksum into the field of its algorithm.
macro_rules! show_checksum {
    ($output:expr, $algorithm:expr, $value:expr) => {{
        use $crate::checksum::Algorithm;
        let value = Some($value);
        match $algorithm {
            Algorithm::Crc32 => $output.checksum_crc32 = value,
            Algorithm::Crc32c => $output.checksum_crc32c = value,
            Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
            Algorithm::Sha1 => $output.checksum_sha1 = value,
            Algorithm::Sha256 => $output.checksum_sha256 = value,
        }
    }};
}

pub(crate) use {attributes_of, show_checksum, stated_checksum};

/// `aws-chunked` is how the bytes travel, not what they are.
pub(crate) fn stored_encoding(header: &str) -> Option<String> {
    let kept: Vec<&str> = header
        .split(',')
        .map(str::trim)
        .filter(|e| !e.is_empty() && !e.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub(crate) fn metadata(given: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    given.into_iter().flatten().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// `x-amz-tagging: a=b&c=d`
pub(crate) fn tags_of_header(header: &str) -> Result<BTreeMap<String, String>> {
    let pairs = url::form_urlencoded::parse(header.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned()));
    checked_tags(pairs)
}

pub(crate) fn tags_of_set(set: Vec<Tag>) -> Result<BTreeMap<String, String>> {
    checked_tags(set.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())))
}

fn checked_tags(pairs: impl Iterator<Item = (String, String)>) -> Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(Error::InvalidTag("The TagKey you have provided is invalid".to_owned()));
        }
        if value.chars().count() > 256 {
            return Err(Error::InvalidTag("The TagValue you have provided is invalid".to_owned()));
        }
        if tags.insert(key, value).is_some() {
            return Err(Error::InvalidTag("Cannot provide multiple Tags with the same key".to_owned()));
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(Error::InvalidTag("Object tags cannot be greater than 10".to_owned()));
    }
    Ok(tags)
}

pub(crate) fn tag_set(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

pub(crate) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

pub(crate) fn checksum_type(coverage: Coverage) -> ChecksumType {
    ChecksumType::from_static(coverage.name())
}

/// The checksum to show to a reader who asked for it (`x-amz-checksum-mode: ENABLED`).
pub(crate) fn shown_checksum(version: &Version, mode: Option<&s3s::dto::ChecksumMode>) -> Option<Checksum> {
    if mode.is_some_and(|mode| mode.as_str() == "ENABLED") {
        version.attributes.checksum.clone()
    } else {
        None
    }
}

/// The id to show: a version that never had one shows none.
pub(crate) fn shown_version(version: &Version) -> Option<String> {
    (version.version != crate::object::NULL_VERSION).then(|| version.version.clone())
}

/// Bytes, as S3's documents count them.
pub(crate) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transfer_encoding_of_the_sdk_is_not_stored() {
        assert_eq!(stored_encoding("aws-chunked"), None);
        assert_eq!(stored_encoding("gzip, aws-chunked").as_deref(), Some("gzip"));
    }

    #[test]
    fn more_than_ten_tags_or_one_twice_are_refused() {
        assert!(tags_of_header("a=1&b=2").is_ok());
        assert!(tags_of_header("a=1&a=2").is_err());
        let many: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
        assert!(tags_of_header(&many.join("&")).is_err());
    }
}
