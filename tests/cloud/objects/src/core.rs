use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use cloud_core::{Bus, Clock, Deliver, Place};
use futures::{Stream, StreamExt as _};
use http::HeaderMap;
use s3s::TrailingHeaders;
use tokio::sync::Notify;

use crate::blobs::{Blobs, Fresh, Written};
use crate::checksum::Algorithm;
use crate::error::Error;
use crate::index::{Committed, Index, NewVersion, Result};

/// One PUT, one POST and one part take at most this many bytes.
pub(crate) const MOST_BYTES_AT_ONCE: u64 = 5 << 30;

/// What all parts of this S3 work on.
pub(crate) struct Core {
    pub index: Index,
    pub blobs: Blobs,
    pub clock: Clock,
    pub place: Place,
    pub deliver: Arc<dyn Deliver>,
    pub bus: Arc<dyn Bus>,
    /// Told when there may be something to deliver.
    pub wake: Notify,
    /// The folder of an S3 that lives in memory.
    pub _temporary: Option<Temporary>,
}

/// A folder that goes away with its owner.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a temporary folder stays");
        }
    }
}

/// What a client says about the body it sends.
#[derive(Default)]
pub(crate) struct Expected {
    /// `Content-MD5`, base64.
    pub md5: Option<String>,
    /// `x-amz-checksum-*` in the headers.
    pub checksum: Option<(Algorithm, String)>,
    /// The algorithm to use when no value was stated.
    pub algorithm: Option<Algorithm>,
    /// Values that come behind the body.
    pub trailers: Option<TrailingHeaders>,
}

impl Expected {
    /// The algorithm that the request names: by its value, by its trailer, or by itself.
    pub(crate) fn algorithm(&self, headers: &HeaderMap) -> Option<Algorithm> {
        let trailer = headers.get("x-amz-trailer").and_then(|v| v.to_str().ok());
        self.checksum
            .as_ref()
            .map(|(algorithm, _)| *algorithm)
            .or_else(|| {
                trailer.and_then(|names| names.split(',').find_map(|n| Algorithm::of_header(n.trim())))
            })
            .or(self.algorithm)
    }
}

impl Core {
    /// Takes in a body and holds it against what the client said about it.
    pub(crate) async fn receive<S, E>(
        &self,
        body: Option<S>,
        expected: Expected,
        headers: &HeaderMap,
    ) -> Result<(Written, Option<Algorithm>)>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let algorithm = expected.algorithm(headers);
        // No body is an empty one.
        let body = futures::stream::iter(body).flatten();
        let written = self.blobs.write(body, algorithm, Some(MOST_BYTES_AT_ONCE)).await?;
        if let Some(md5) = &expected.md5 {
            check_md5(md5, &written)?;
        }
        if let (Some(algorithm), Some(computed)) = (algorithm, &written.checksum) {
            let trailing = || {
                let trailers = expected.trailers.as_ref()?.take()?;
                Some(trailers.get(algorithm.header())?.to_str().ok()?.to_owned())
            };
            let stated = match &expected.checksum {
                Some((_, value)) => Some(value.clone()),
                None => trailing(),
            };
            if stated.is_some_and(|stated| stated != *computed) {
                return Err(Error::BadDigest(format!(
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                )));
            }
        }
        Ok((written, algorithm))
    }

    /// Makes an object of a file, announces it, and drops what it replaced.
    pub(crate) fn commit(&self, blob: Fresh, new: &NewVersion<'_>) -> Result<Committed> {
        let committed = self.index.commit(new)?;
        blob.keep();
        self.blobs.remove(&committed.removed);
        self.wake.notify_one();
        Ok(committed)
    }
}

fn check_md5(stated: &str, written: &Written) -> Result<()> {
    use base64::Engine as _;
    let stated =
        base64::engine::general_purpose::STANDARD.decode(stated).map_err(|_| Error::InvalidDigest)?;
    if stated.len() != written.md5.len() {
        return Err(Error::InvalidDigest);
    }
    if stated != written.md5 {
        return Err(Error::BadDigest(
            "The Content-MD5 you specified did not match what we received.".to_owned(),
        ));
    }
    Ok(())
}
