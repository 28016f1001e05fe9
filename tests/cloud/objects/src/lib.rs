//! S3 of the one-machine cloud, and [`cdn`], the CloudFront in front of it.
//!
//! [`Objects`] speaks the protocol of S3 (through s3s) and keeps objects as files with an index in SQLite.
//! A write is one transaction that makes the object exist and records what is announced about it; the announcement is
//! tried until it is accepted. Time is the product's clock: presigned URLs expire and lifecycle rules apply by it.

// Names of products (CloudFront, EventBridge) are not code.
#![allow(clippy::doc_markdown)]

mod admission;
mod blobs;
mod bucket_spec;
pub mod cdn;
mod checksum;
mod core;
mod cors;
mod delivery;
mod error;
mod form;
mod index;
mod notify;
mod object;
mod objects;
mod protocol;

pub use bucket_spec::{BucketSpec, CorsRule, Expiry, QueueNotification};
pub use error::{Configuration, Error};
pub use object::{ListedObject, StoredObject};
pub use objects::Objects;
