use std::path::{Path, PathBuf};

use futures::future::BoxFuture;

/// The object store that jobs read from and write to; the composition puts the S3 service behind it.
pub trait Files: Send + Sync + 'static {
    /// A local file holding the object's bytes, or `None` when there is no such bucket or object. The file is only
    /// read.
    fn path<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<PathBuf>>;

    /// Makes the object from a local file. The file may be moved away. `Err` says why in a few words.
    fn store<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        path: &'a Path,
        content_type: &'a str,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Deletes the object; it is no error when there is none.
    fn remove<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), String>>;
}
