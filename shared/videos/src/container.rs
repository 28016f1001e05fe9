//! Container types: what may be announced, and how each looks at its beginning.

/// A container type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Mp4,
    QuickTime,
    WebM,
    Matroska,
    Avi,
    MpegTs,
}

/// How much of a file is read to know its container.
pub(crate) const BEGINNING: u64 = 4096;

const PACKET: usize = 188;
const SYNC: u8 = 0x47;

impl Container {
    /// Of a media type with its usual aliases; parameters do not count.
    pub(crate) fn of_media_type(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match essence.as_str() {
            "video/mp4" | "video/x-m4v" => Self::Mp4,
            "video/quicktime" => Self::QuickTime,
            "video/webm" => Self::WebM,
            "video/x-matroska" | "video/matroska" => Self::Matroska,
            "video/x-msvideo" | "video/avi" | "video/msvideo" | "video/vnd.avi" => Self::Avi,
            "video/mp2t" | "video/mpeg2-ts" | "video/vnd.dlna.mpeg-tts" => Self::MpegTs,
            _ => return None,
        })
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::WebM => "video/webm",
            Self::Matroska => "video/x-matroska",
            Self::Avi => "video/x-msvideo",
            Self::MpegTs => "video/mp2t",
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::QuickTime => "mov",
            Self::WebM => "webm",
            Self::Matroska => "mkv",
            Self::Avi => "avi",
            Self::MpegTs => "ts",
        }
    }

    /// What a file is, by its first bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let at = |from: usize, to: usize| bytes.get(from..to);
        // ISO/IEC 14496-12: size, `ftyp`, major brand; QuickTime files may begin with another atom.
        match at(4, 8) {
            Some(b"ftyp") => {
                return Some(if at(8, 12) == Some(b"qt  ") { Self::QuickTime } else { Self::Mp4 });
            }
            Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot") => return Some(Self::QuickTime),
            _ => {}
        }
        // RFC 8794: the EBML header names its document type.
        if at(0, 4) == Some(&[0x1a, 0x45, 0xdf, 0xa3]) {
            let head = bytes.get(..bytes.len().min(256)).unwrap_or_default();
            let has = |name: &[u8]| head.windows(name.len()).any(|w| w == name);
            return if has(b"webm") {
                Some(Self::WebM)
            } else if has(b"matroska") {
                Some(Self::Matroska)
            } else {
                None
            };
        }
        if at(0, 4) == Some(b"RIFF") && at(8, 12) == Some(b"AVI ") {
            return Some(Self::Avi);
        }
        // ISO/IEC 13818-1: a sync byte every 188 bytes; every 192 with time codes before the packets (M2TS).
        [(PACKET, 0), (PACKET + 4, 4)].into_iter().find_map(|(length, start)| {
            let packets = bytes.len().saturating_sub(start) / length;
            let synced = (0..packets).all(|n| bytes.get(start + n * length) == Some(&SYNC));
            (packets >= 2 && synced).then_some(Self::MpegTs)
        })
    }

    /// Whether a file found to be `self` is what was announced as `announced`. MP4 and QuickTime are one family: the
    /// same cameras write both, under either name.
    pub(crate) fn is(self, announced: Self) -> bool {
        let family = |c: Self| if c == Self::QuickTime { Self::Mp4 } else { c };
        // A WebM file is a Matroska file that keeps to fewer codecs.
        family(self) == family(announced) || (self, announced) == (Self::WebM, Self::Matroska)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ts(length: usize, start: usize) -> Vec<u8> {
        let mut bytes = vec![0; length * 5];
        for n in 0..5 {
            bytes[start + n * length] = SYNC;
        }
        bytes
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let table: [(&[u8], Option<Container>); 10] = [
            (b"\0\0\0\x20ftypisom\0\0\x02\0", Some(Container::Mp4)),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", Some(Container::QuickTime)),
            (b"\0\0\0\x08wide\0\0\0\0mdat", Some(Container::QuickTime)),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", Some(Container::WebM)),
            (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", Some(Container::Matroska)),
            (b"RIFF\x10\0\0\0AVI LIST", Some(Container::Avi)),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"this is a text that is named .mp4", None),
            (b"G", None),
            (b"", None),
        ];
        for (bytes, container) in table {
            assert_eq!(Container::of_bytes(bytes), container, "{bytes:?}");
        }
        assert_eq!(Container::of_bytes(&ts(188, 0)), Some(Container::MpegTs));
        assert_eq!(Container::of_bytes(&ts(192, 4)), Some(Container::MpegTs));
        assert_eq!(Container::of_bytes(&[SYNC; 100]), None);
    }

    #[test]
    fn only_one_family_may_stand_for_another() {
        assert!(Container::QuickTime.is(Container::Mp4) && Container::Mp4.is(Container::QuickTime));
        assert!(Container::WebM.is(Container::Matroska) && !Container::Matroska.is(Container::WebM));
        assert!(!Container::Avi.is(Container::Mp4));
    }
}
