//! The additional checksums of S3 (`x-amz-checksum-*`), whole and over parts.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

/// An algorithm a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// `CRC32`
    Crc32,
    /// `CRC32C`
    Crc32c,
    /// `CRC64NVME`
    Crc64Nvme,
    /// `SHA1`
    Sha1,
    /// `SHA256`
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As it is written in `x-amz-checksum-algorithm` and in XML.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// The header or trailer that carries a value of this algorithm.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.header().eq_ignore_ascii_case(name))
    }

    pub(crate) fn hasher(self) -> Hasher {
        match self {
            Self::Crc32 => Hasher::Crc32(Crc32::new()),
            Self::Crc32c => Hasher::Crc32c(Crc32c::new()),
            Self::Crc64Nvme => Hasher::Crc64Nvme(Crc64Nvme::new()),
            Self::Sha1 => Hasher::Sha1(Sha1::new()),
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
        }
    }

    fn combinable(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// A running checksum.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(h) => h.update(data),
            Self::Crc32c(h) => h.update(data),
            Self::Crc64Nvme(h) => h.update(data),
            Self::Sha1(h) => h.update(data),
            Self::Sha256(h) => h.update(data),
        }
    }

    /// The value, base64 as on the wire.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Crc32(h) => STANDARD.encode(h.finalize()),
            Self::Crc32c(h) => STANDARD.encode(h.finalize()),
            Self::Crc64Nvme(h) => STANDARD.encode(h.finalize()),
            Self::Sha1(h) => STANDARD.encode(h.finalize()),
            Self::Sha256(h) => STANDARD.encode(h.finalize()),
        }
    }
}

/// Whether a multipart object's checksum covers its bytes or its parts' checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coverage {
    /// `FULL_OBJECT`
    Whole,
    /// `COMPOSITE`: the checksum of the parts' checksums, with `-{parts}` behind it.
    Parts,
}

impl Coverage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "FULL_OBJECT",
            Self::Parts => "COMPOSITE",
        }
    }

    /// What S3 chooses when the client names only an algorithm: CRC64NVME knows only whole objects, the others
    /// are composite unless asked otherwise.
    pub(crate) fn choose(algorithm: Algorithm, asked: Option<&str>) -> Self {
        match (algorithm, asked) {
            (Algorithm::Crc64Nvme, _) | (Algorithm::Crc32 | Algorithm::Crc32c, Some("FULL_OBJECT")) => {
                Self::Whole
            }
            _ => Self::Parts,
        }
    }
}

/// A checksum as it is kept beside an object or a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Which one.
    pub algorithm: Algorithm,
    /// What it covers.
    pub coverage: Coverage,
    /// Base64, with `-{parts}` when composite.
    pub value: String,
}

/// The checksum of an object made of parts, each with its own checksum and size. `None` when a part has none.
pub(crate) fn of_parts(
    algorithm: Algorithm,
    coverage: Coverage,
    parts: &[(Option<String>, u64)],
) -> Option<Checksum> {
    let parts: Vec<(Vec<u8>, u64)> = parts
        .iter()
        .map(|(value, size)| Some((STANDARD.decode(value.as_deref()?).ok()?, *size)))
        .collect::<Option<_>>()?;
    let value = if let (Coverage::Whole, Some(crc)) = (coverage, algorithm.combinable()) {
        let width = if crc == CrcAlgorithm::Crc64Nvme { 8 } else { 4 };
        let mut total: Option<u64> = None;
        for (bytes, size) in &parts {
            let value = bytes.iter().fold(0_u64, |n, b| (n << 8) | u64::from(*b));
            total = Some(match total {
                None => value,
                Some(before) => crc_fast::checksum_combine(crc, before, value, *size),
            });
        }
        let bytes = total?.to_be_bytes();
        STANDARD.encode(bytes.get(bytes.len() - width..)?)
    } else {
        let mut hasher = algorithm.hasher();
        for (bytes, _) in &parts {
            hasher.update(bytes);
        }
        format!("{}-{}", hasher.finish(), parts.len())
    };
    Some(Checksum { algorithm, coverage, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(algorithm: Algorithm, data: &[u8]) -> String {
        let mut hasher = algorithm.hasher();
        hasher.update(data);
        hasher.finish()
    }

    #[test]
    fn crcs_of_parts_combine_to_the_crc_of_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts = [(Some(whole(algorithm, b"hello ")), 6), (Some(whole(algorithm, b"world")), 5)];
            let combined = of_parts(algorithm, Coverage::Whole, &parts).unwrap();
            assert_eq!(combined.value, whole(algorithm, b"hello world"), "{}", algorithm.name());
        }
    }

    #[test]
    fn a_composite_checksum_names_its_number_of_parts() {
        let parts = [(Some(whole(Algorithm::Sha256, b"a")), 1), (Some(whole(Algorithm::Sha256, b"b")), 1)];
        let value = of_parts(Algorithm::Sha256, Coverage::Parts, &parts).unwrap().value;
        assert!(value.ends_with("-2"), "{value}");
        assert_eq!(of_parts(Algorithm::Sha256, Coverage::Parts, &[(None, 1)]), None);
    }
}
