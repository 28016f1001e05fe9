use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The five languages of the product. Japanese is the default and what an unsupported language falls back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
    /// Korean.
    Ko,
    /// Chinese.
    Zh,
    /// Vietnamese.
    Vi,
}

impl Language {
    /// All, in the order of [`crate::Text`].
    pub const ALL: [Self; 5] = [Self::Ja, Self::En, Self::Ko, Self::Zh, Self::Vi];

    /// The ISO 639-1 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
            Self::Ko => "ko",
            Self::Zh => "zh",
            Self::Vi => "vi",
        }
    }

    /// The supported language of a tag such as `en`, `en-GB` or `zh-Hant-TW`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }

    /// The best supported language of an `Accept-Language` header (RFC 9110, 12.5.4): highest `q` first, the
    /// earlier of equals, `q=0` never.
    #[must_use]
    pub fn of_header(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in header.split(',').take(20) {
            let mut pieces = part.split(';');
            let Some(language) = pieces.next().and_then(Self::of_tag) else { continue };
            let q = pieces
                .find_map(|p| p.trim().strip_prefix("q=").and_then(|v| v.trim().parse::<f32>().ok()))
                .unwrap_or(1.0);
            if q > 0.0 && best.is_none_or(|(top, _)| q > top) {
                best = Some((q, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_highest_supported_quality_wins_and_zero_never_does() {
        assert_eq!(Language::of_header("fr, ko;q=0.5, en-GB;q=0.8"), Some(Language::En));
        assert_eq!(Language::of_header("en;q=0, vi;q=0.1"), Some(Language::Vi));
        assert_eq!(Language::of_header("zh-Hant-TW"), Some(Language::Zh));
        assert_eq!(Language::of_header("fr, de"), None);
    }
}
