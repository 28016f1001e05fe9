use std::fmt;

/// `s3://bucket/key`; the key may be empty for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Url {
    pub bucket: String,
    pub key: String,
}

impl S3Url {
    /// Keys are taken as they stand: `MediaConvert` does not percent-decode them.
    pub fn parse(text: &str) -> Option<Self> {
        let (bucket, key) = text.strip_prefix("s3://")?.split_once('/')?;
        (!bucket.is_empty()).then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The file name without its last extension: what outputs are called when the destination names nothing.
    pub fn stem(&self) -> &str {
        let name = self.key.rsplit('/').next().unwrap_or_default();
        match name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => name,
        }
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_without_a_name_is_called_after_the_input_file() {
        let stem = |text| S3Url::parse(text).unwrap().stem().to_owned();
        assert_eq!(stem("s3://b/dir.d/clip.final.mp4"), "clip.final");
        assert_eq!(stem("s3://b/uploads/0198a"), "0198a");
        assert_eq!(stem("s3://b/.hidden"), ".hidden");
        assert_eq!(S3Url::parse("https://example.com/a.mp4"), None);
        assert_eq!(S3Url::parse("s3:///key"), None);
    }
}
