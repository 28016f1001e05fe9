//! Captions: WebVTT (W3C) and `SubRip` read, tidy WebVTT written. Styles, regions and comments are left out: they are
//! either not ours to show or nobody's to see.

use std::fmt::Write as _;

/// How captions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CaptionFormat {
    /// WebVTT.
    Vtt,
    /// `SubRip`.
    Srt,
}

/// Where reading stopped, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadLine(pub usize);

struct Cue {
    start_ms: u64,
    end_ms: u64,
    settings: String,
    lines: Vec<String>,
}

/// Cue settings that players know (WebVTT, 3.5); `region` went with the regions.
const SETTINGS: [&str; 5] = ["vertical", "line", "position", "size", "align"];
/// A day of film.
const HOURS_MAX: u64 = 99;

/// The captions as tidy WebVTT, cues by their times.
pub(crate) fn tidy(format: CaptionFormat, text: &str) -> Result<String, BadLine> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.split('\n').enumerate().map(|(n, line)| (n + 1, line)).peekable();
    if format == CaptionFormat::Vtt {
        let (_, first) = lines.next().unwrap_or((1, ""));
        let rest = first.strip_prefix("WEBVTT").ok_or(BadLine(1))?;
        if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
            return Err(BadLine(1));
        }
        // Headers end with the first empty line.
        while lines.next_if(|(_, line)| !line.trim().is_empty()).is_some() {}
    }
    let mut cues = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let mut block = vec![(number, line)];
        while let Some(next) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
            block.push(next);
        }
        let kind = line.split_whitespace().next().unwrap_or_default();
        if format == CaptionFormat::Vtt
            && matches!(kind, "NOTE" | "STYLE" | "REGION")
            && !line.contains("-->")
        {
            continue;
        }
        cues.push(cue(format, &block)?);
    }
    if cues.is_empty() {
        return Err(BadLine(1));
    }
    cues.sort_by_key(|c| (c.start_ms, c.end_ms));
    Ok(written(&cues))
}

fn cue(format: CaptionFormat, block: &[(usize, &str)]) -> Result<Cue, BadLine> {
    let first = block.first().map_or(1, |(n, _)| *n);
    // The times, or an identifier above them.
    let at = block.iter().take(2).position(|(_, line)| line.contains("-->")).ok_or(BadLine(first))?;
    let (number, timing) = block.get(at).copied().ok_or(BadLine(first))?;
    let bad = BadLine(number);
    let (start, rest) = timing.split_once("-->").ok_or(bad)?;
    let mut rest = rest.split_whitespace();
    let start_ms = time(start.trim()).ok_or(bad)?;
    let end_ms = time(rest.next().unwrap_or_default()).ok_or(bad)?;
    if end_ms <= start_ms {
        return Err(bad);
    }
    let settings: Vec<&str> = match format {
        CaptionFormat::Vtt => {
            rest.filter(|s| s.split_once(':').is_some_and(|(n, _)| SETTINGS.contains(&n))).collect()
        }
        // Its coordinates mean nothing here.
        CaptionFormat::Srt => Vec::new(),
    };
    let mut lines = Vec::new();
    for (number, line) in block.iter().skip(at + 1) {
        if line.contains("-->") {
            return Err(BadLine(*number));
        }
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(BadLine(*number));
        }
        let line = match format {
            CaptionFormat::Vtt => (*line).to_owned(),
            CaptionFormat::Srt => of_subrip(line),
        };
        // An empty line would end the cue.
        if !line.trim().is_empty() {
            lines.push(line);
        }
    }
    Ok(Cue { start_ms, end_ms, settings: settings.join(" "), lines })
}

/// `[HH:]MM:SS.mmm`; `SubRip` writes a comma.
fn time(text: &str) -> Option<u64> {
    let (clock, ms) = text.split_once(['.', ','])?;
    let digits = |s: &str, length: std::ops::RangeInclusive<usize>| {
        (length.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit()))
            .then(|| s.parse::<u64>().ok())
            .flatten()
    };
    let ms = digits(ms, 3..=3)?;
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [m, s] => (0, digits(m, 2..=2)?, digits(s, 2..=2)?),
        [h, m, s] => (digits(h, 1..=3)?, digits(m, 2..=2)?, digits(s, 2..=2)?),
        _ => return None,
    };
    (minutes < 60 && seconds < 60 && hours <= HOURS_MAX)
        .then_some(((hours * 60 + minutes) * 60 + seconds) * 1000 + ms)
}

/// Bold, italic and underlined stay; other mark-up goes, and what WebVTT would take for mark-up is written as text.
fn of_subrip(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some((tag, after)) = rest.split_once('>')
            && is_tag(tag)
        {
            let name = tag.trim_start_matches('<').to_ascii_lowercase();
            if matches!(name.as_str(), "b" | "i" | "u" | "/b" | "/i" | "/u") {
                let _ = write!(out, "<{name}>");
            }
            rest = after;
            continue;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

fn is_tag(text: &str) -> bool {
    let name = text.trim_start_matches('<').trim_start_matches('/');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains('<')
}

fn written(cues: &[Cue]) -> String {
    let mut out = "WEBVTT\n".to_owned();
    for cue in cues {
        let _ = write!(out, "\n{} --> {}", clock(cue.start_ms), clock(cue.end_ms));
        if !cue.settings.is_empty() {
            let _ = write!(out, " {}", cue.settings);
        }
        for line in &cue.lines {
            let _ = write!(out, "\n{line}");
        }
        out.push('\n');
    }
    out
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn subrip_becomes_webvtt() {
        let srt = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500 X1:1\r\n<i>Hello</i> <font color=\"red\">&</font> 1 < 2\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nこんにちは\r\nworld\r\n";
        assert_eq!(
            tidy(CaptionFormat::Srt, srt).unwrap(),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<i>Hello</i> &amp; 1 &lt; 2\n\n00:00:03.000 --> 00:00:04.000\nこんにちは\nworld\n"
        );
    }

    #[test]
    fn webvtt_keeps_its_cues_and_loses_comments_and_styles() {
        let vtt = "WEBVTT - title\nKind: captions\n\nNOTE\nnobody sees this\n\nSTYLE\n::cue { color: red }\n\nid 1\n00:05.000 --> 00:06.000 align:start region:r line:0\n<v Ann>Later\n\n00:01.000 --> 00:02.000\nSooner\n";
        assert_eq!(
            tidy(CaptionFormat::Vtt, vtt).unwrap(),
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nSooner\n\n00:00:05.000 --> 00:00:06.000 align:start line:0\n<v Ann>Later\n"
        );
    }

    #[test]
    fn a_wrong_text_names_its_line() {
        let vtt = |text: &str| tidy(CaptionFormat::Vtt, text).unwrap_err().0;
        assert_eq!(vtt(""), 1);
        assert_eq!(vtt("WEBVTTX\n\n00:01.000 --> 00:02.000\nx"), 1);
        assert_eq!(vtt("WEBVTT\n"), 1);
        assert_eq!(vtt("WEBVTT\n\nno times here\nat all\n"), 3);
        assert_eq!(vtt("WEBVTT\n\n00:02.000 --> 00:01.000\nbackwards"), 3);
        assert_eq!(vtt("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n00:03.000 --> 00:04.000"), 5);
        assert_eq!(vtt("WEBVTT\n\n00:61.000 --> 02:02.000\nx"), 3);
        assert_eq!(tidy(CaptionFormat::Srt, "{\"json\": true}").unwrap_err().0, 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_written_is_read_again(text in "\\PC{0,200}", srt in any::<bool>()) {
            let format = if srt { CaptionFormat::Srt } else { CaptionFormat::Vtt };
            if let Ok(tidied) = tidy(format, &text) {
                prop_assert_eq!(tidy(CaptionFormat::Vtt, &tidied).unwrap(), tidied);
            }
        }

        #[test]
        fn tidying_twice_changes_nothing(words in proptest::collection::vec("[a-z<>&/ ]{1,12}", 1..6), start in 0u64..100_000) {
            let mut srt = String::new();
            for (i, word) in words.iter().enumerate().filter(|(_, w)| !w.trim().is_empty() && !w.contains("-->")) {
                let at = start + i as u64 * 1000;
                let [from, to] = [at, at + 900].map(|ms| clock(ms).replace('.', ","));
                let _ = write!(srt, "{i}\n{from} --> {to}\n{word}\n\n");
            }
            if let Ok(tidied) = tidy(CaptionFormat::Srt, &srt) {
                prop_assert_eq!(tidy(CaptionFormat::Vtt, &tidied).unwrap(), tidied);
            }
        }
    }
}
