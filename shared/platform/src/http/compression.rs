use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Answers up to this size are sent as they are.
const PLAIN_MAX_BYTES: usize = 1024;

/// The body compressed, when the client takes gzip and it is worth it.
pub(super) fn gzip(accept_encoding: Option<&str>, body: &[u8]) -> Option<Vec<u8>> {
    if body.len() <= PLAIN_MAX_BYTES || !accept_encoding.is_some_and(accepts_gzip) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn accepts_gzip(header: &str) -> bool {
    header.split(',').any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        let name = pieces.next().unwrap_or_default();
        let refused = pieces.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        (name.eq_ignore_ascii_case("gzip") || name == "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::gzip;

    #[test]
    fn only_large_bodies_are_compressed_and_only_for_those_who_accept_it() {
        let large = vec![b'a'; 5000];
        assert!(gzip(Some("br, gzip;q=0.8"), &large).is_some_and(|z| z.len() < 200));
        assert!(gzip(Some("gzip;q=0"), &large).is_none());
        assert!(gzip(None, &large).is_none());
        assert!(gzip(Some("gzip"), &large[..1024]).is_none());
    }
}
