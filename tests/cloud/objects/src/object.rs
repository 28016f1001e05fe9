use std::collections::BTreeMap;
use std::path::PathBuf;

use cloud_core::Millis;
use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;

/// What is kept beside an object's bytes and given back with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attributes {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    /// HTTP `Expires`, milliseconds since the epoch.
    pub expires_ms: Option<Millis>,
    pub storage_class: Option<String>,
    pub website_redirect: Option<String>,
    /// `x-amz-meta-*`, without the prefix, in lower case.
    pub metadata: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub checksum: Option<Checksum>,
    /// Sizes of the parts in bytes, for an object that was uploaded in parts.
    pub parts: Vec<u64>,
}

/// The content type S3 gives an object that came without one.
pub(crate) const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// One row of the index: a version of an object, or a delete marker.
// Its id is called `version` wherever S3 writes it.
#[allow(clippy::struct_field_names)]
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Grows with every write to this S3; orders the versions of a key.
    pub seq: i64,
    pub key: String,
    /// `null` when the bucket had no versioning at the time.
    pub version: String,
    pub latest: bool,
    pub marker: bool,
    /// Name of the file with the bytes; empty for a marker.
    pub blob: String,
    /// Bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    pub modified_ms: Millis,
    pub attributes: Attributes,
}

/// The id of the only version in a bucket that never had versioning.
pub(crate) const NULL_VERSION: &str = "null";

/// An object as the rest of the one-machine product sees it.
#[derive(Clone, Debug)]
pub struct StoredObject {
    /// The file with the bytes. It never changes; it goes away when the object is replaced or deleted, and a file
    /// that was open then stays readable.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// As it was given at upload, or `binary/octet-stream`.
    pub content_type: String,
    /// Without quotes.
    pub etag: String,
    /// Milliseconds since the epoch.
    pub last_modified: Millis,
    /// `x-amz-meta-*`, without the prefix.
    pub metadata: BTreeMap<String, String>,
    /// `Cache-Control` given at upload.
    pub cache_control: Option<String>,
    /// `Content-Disposition` given at upload.
    pub content_disposition: Option<String>,
    /// `Content-Encoding` given at upload.
    pub content_encoding: Option<String>,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Full key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// Milliseconds since the epoch.
    pub last_modified: Millis,
}
