//! The `CODECS` names of what was really encoded (RFC 6381), read out of the first transport stream segment.

/// Size of a transport stream packet in bytes.
const PACKET: usize = 188;

/// `mp4a.40.2`: AAC-LC, the only audio that is encoded here.
pub(crate) const AAC_LC: &str = "mp4a.40.2";

/// `avc1.PPCCLL` from the first sequence parameter set in `segment`: profile, constraint flags and level as they stand
/// in the stream (ITU-T H.264, 7.3.2.1.1), which is what RFC 6381 asks for.
pub(crate) fn avc_name(segment: &[u8]) -> Option<String> {
    let stream = video_bytes(segment);
    let sps = stream.windows(7).find_map(|window| match *window {
        // Start code, NAL unit type 7 in the low five bits, then the three bytes.
        [0, 0, 1, header, profile, constraints, level] if header & 0x1f == 7 => {
            Some((profile, constraints, level))
        }
        _ => None,
    });
    sps.map(|(profile, constraints, level)| format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
}

/// The payload of the first video PES packet, joined over transport packets (ISO/IEC 13818-1, 2.4.3).
fn video_bytes(segment: &[u8]) -> Vec<u8> {
    let mut video_pid = None;
    let mut bytes = Vec::new();
    for packet in segment.chunks_exact(PACKET) {
        let Some((pid, starts, payload)) = payload(packet) else { continue };
        match video_pid {
            None if starts && is_video_pes(payload) => video_pid = Some(pid),
            Some(video) if video == pid && starts => break,
            Some(video) if video == pid => {}
            _ => continue,
        }
        bytes.extend_from_slice(payload);
    }
    bytes
}

/// Packet identifier, whether a PES packet starts here, and the payload.
fn payload(packet: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (&[sync, high, low, control], rest) = packet.split_first_chunk::<4>()?;
    if sync != 0x47 || control & 0x10 == 0 {
        return None;
    }
    let pid = u16::from(high & 0x1f) << 8 | u16::from(low);
    let skip = if control & 0x20 == 0 { 0 } else { 1 + usize::from(*rest.first()?) };
    Some((pid, high & 0x40 != 0, rest.get(skip..)?))
}

fn is_video_pes(payload: &[u8]) -> bool {
    matches!(payload, [0, 0, 1, 0xe0..=0xef, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transport packet with `payload` at its end, stuffed by an adaptation field.
    fn packet(pid: u16, starts: bool, payload: &[u8]) -> Vec<u8> {
        let stuffing = PACKET - 4 - payload.len();
        let [high, low] = pid.to_be_bytes();
        let mut bytes = vec![0x47, high | if starts { 0x40 } else { 0 }, low, 0x30];
        bytes.push(u8::try_from(stuffing - 1).unwrap());
        bytes.extend(std::iter::repeat_n(0xff, stuffing - 1));
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn the_parameter_set_is_found_across_packets_and_after_audio() {
        let mut segment = packet(0x101, true, &[0, 0, 1, 0xc0, 0, 0, 0x67, 1, 2, 3]);
        segment.extend(packet(
            0x100,
            true,
            &[0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, 0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1],
        ));
        segment.extend(packet(0x101, false, &[9; 20]));
        segment.extend(packet(0x100, false, &[0x67, 0x4d, 0x40, 0x1f, 0xec]));
        assert_eq!(avc_name(&segment).as_deref(), Some("avc1.4d401f"));
        assert_eq!(avc_name(b"not a transport stream"), None);
    }
}
