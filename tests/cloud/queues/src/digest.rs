//! The checksums that SDKs verify.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation>

use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::message::{AttributeData, MessageAttribute};

/// MD5 of a body, in hexadecimal.
pub(crate) fn body(text: &str) -> String {
    hex::encode(Md5::digest(text.as_bytes()))
}

/// The deduplication id of content-based deduplication: SHA-256 of the body, attributes not counted.
pub(crate) fn content(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// MD5 of attributes in the order of their names; `None` without attributes.
///
/// Per attribute: name, type, transport (1 text, 2 binary), value; each text with its length in four bytes before it.
pub(crate) fn attributes<'a>(
    sorted: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    let mut digest = Md5::new();
    let mut any = false;
    for (name, attribute) in sorted {
        any = true;
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        match &attribute.value {
            AttributeData::Text(text) => {
                digest.update([1]);
                part(&mut digest, text.as_bytes());
            }
            AttributeData::Binary(bytes) => {
                digest.update([2]);
                part(&mut digest, bytes);
            }
        }
    }
    any.then(|| hex::encode(digest.finalize()))
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    // A message is at most 1 MiB, so the length always fits.
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn attributes_hash_as_sqs_hashes_them() {
        // What SQS itself answered for this attribute.
        let timestamp = MessageAttribute {
            data_type: "Number".to_owned(),
            value: AttributeData::Text("1493147359900".to_owned()),
        };
        let sent = BTreeMap::from([("timestamp".to_owned(), timestamp)]);
        assert_eq!(attributes(&sent).as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(attributes(&BTreeMap::new()), None);
    }
}
