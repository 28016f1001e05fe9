//! The bytes of objects and parts: one immutable file each.
//!
//! A file counts only once a row of the index names it. What no row names (the process died between writing the file
//! and the row, or between removing the row and the file) is swept away at the next start, so a reader never meets
//! half an object.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use s3s::crypto::{Checksum as _, Md5};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

use crate::checksum::Algorithm;
use crate::error::Error;

/// Read and write size: large enough that a call per chunk costs nothing, small enough for many at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A folder of files with made-up names.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    root: PathBuf,
}

/// A file that no row names yet; dropping it removes the file.
#[derive(Debug)]
pub(crate) struct Fresh {
    name: String,
    path: PathBuf,
    kept: bool,
}

impl Fresh {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A row names it now.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

/// What was learned while writing.
#[derive(Debug)]
pub(crate) struct Written {
    pub blob: Fresh,
    /// Bytes.
    pub size: u64,
    pub md5: [u8; 16],
    /// Base64, of the algorithm that was asked for.
    pub checksum: Option<String>,
}

impl Written {
    pub(crate) fn etag(&self) -> String {
        hex::encode(self.md5)
    }
}

impl Blobs {
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Two levels, because a transcoded video is hundreds of files.
        self.root.join(name.get(..2).unwrap_or("00")).join(name)
    }

    fn fresh(&self) -> io::Result<Fresh> {
        let name = fresh_name();
        let path = self.path(&name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Fresh { name, path, kept: false })
    }

    /// Writes a stream to a new file, hashing as it passes; never holds more than a chunk.
    /// With `limit`, more bytes than that are an [`Error::EntityTooLarge`].
    pub(crate) async fn write<S, E>(
        &self,
        stream: S,
        algorithm: Option<Algorithm>,
        limit: Option<u64>,
    ) -> Result<Written, Error>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let blob = self.fresh()?;
        let mut file = tokio::fs::File::create_new(&blob.path).await?;
        let mut md5 = Md5::new();
        let mut checksum = algorithm.map(Algorithm::hasher);
        let mut size = 0_u64;
        futures::pin_mut!(stream);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|cause| body_error(&cause))?;
            size += chunk.len() as u64;
            if limit.is_some_and(|limit| size > limit) {
                return Err(Error::EntityTooLarge);
            }
            md5.update(&chunk);
            if let Some(checksum) = &mut checksum {
                checksum.update(&chunk);
            }
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok(Written {
            blob,
            size,
            md5: md5.finalize(),
            checksum: checksum.map(crate::checksum::Hasher::finish),
        })
    }

    /// The bytes of a file outside this folder, copied in.
    pub(crate) async fn import(&self, path: &Path) -> Result<Written, Error> {
        let file = tokio::fs::File::open(path).await?;
        self.write(ReaderStream::with_capacity(file, CHUNK_BYTES), None, None).await
    }

    /// Several files one after the other, as one new file. The kernel copies (`copy_file_range`), where it can
    /// without moving bytes.
    pub(crate) async fn concat(&self, names: Vec<String>) -> Result<Fresh, Error> {
        let target = self.fresh()?;
        let from: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        tokio::task::spawn_blocking(move || {
            let mut file = std::fs::File::create_new(&target.path)?;
            for path in from {
                std::io::copy(&mut std::fs::File::open(path)?, &mut file)?;
            }
            Ok(target)
        })
        .await
        .map_err(io::Error::other)?
    }

    /// A second name for the same bytes, at no cost: files never change.
    pub(crate) fn link(&self, name: &str) -> Result<Fresh, Error> {
        let target = self.fresh()?;
        std::fs::hard_link(self.path(name), &target.path)?;
        Ok(target)
    }

    pub(crate) fn remove(&self, names: &[String]) {
        for name in names {
            remove(&self.path(name));
        }
    }

    /// Removes every file that `live` does not name.
    pub(crate) fn sweep(&self, live: &HashSet<String>) -> io::Result<()> {
        for folder in std::fs::read_dir(&self.root)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for file in std::fs::read_dir(folder.path())? {
                let file = file?;
                if !file.file_name().to_str().is_some_and(|name| live.contains(name)) {
                    remove(&file.path());
                }
            }
        }
        Ok(())
    }
}

/// The bytes `from .. from + length` of a file.
pub(crate) async fn read(
    mut file: tokio::fs::File,
    from: u64,
    length: u64,
) -> io::Result<ReaderStream<tokio::io::Take<tokio::fs::File>>> {
    if from > 0 {
        file.seek(io::SeekFrom::Start(from)).await?;
    }
    Ok(ReaderStream::with_capacity(file.take(length), CHUNK_BYTES))
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        // Left for the sweep at the next start.
        tracing::warn!(path = %path.display(), %error, "a file of no object stays");
    }
}

/// s3s checks the payload's hash and the chunk signatures while the body streams, and its error types for that are
/// private: their names are all there is to tell them apart.
fn body_error(cause: &impl std::fmt::Display) -> Error {
    let text = cause.to_string();
    if text.contains("Sha256Mismatch") {
        Error::ContentSha256Mismatch
    } else if text.contains("SignatureMismatch") {
        Error::SignatureDoesNotMatch
    } else {
        tracing::debug!(%text, "a request's body broke off");
        Error::IncompleteBody
    }
}

// Names of files and ids of versions and uploads need not be reproducible.
#[allow(clippy::disallowed_methods)]
pub(crate) fn fresh_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
