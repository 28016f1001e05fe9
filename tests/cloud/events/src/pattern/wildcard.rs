use super::PatternError;

/// A text with `*` for any characters; `\*` and `\\` stand for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    /// The texts between the asterisks.
    pieces: Vec<String>,
}

impl Wildcard {
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut pieces = vec![];
        let mut piece = String::new();
        let mut after_star = false;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c == '*' {
                if after_star {
                    return Err(PatternError("Consecutive wildcard characters".to_owned()));
                }
                pieces.push(std::mem::take(&mut piece));
                after_star = true;
                continue;
            }
            after_star = false;
            if c != '\\' {
                piece.push(c);
                continue;
            }
            match chars.next() {
                Some(escaped @ ('*' | '\\')) => piece.push(escaped),
                _ => return Err(PatternError("Invalid escape character".to_owned())),
            }
        }
        pieces.push(piece);
        Ok(Self { pieces })
    }

    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
        // The earliest place for each piece leaves the most room for the next.
        for piece in middle {
            match text.split_once(piece.as_str()) {
                Some((_, after)) => text = after,
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}
