use std::borrow::Cow;

/// Fills `{name}` in a sentence, once from left to right: braces inside a filled-in value stay as they are.
pub(crate) fn fill<'v>(sentence: &str, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        if let Some(value) = value(name) {
            out.push_str(&value);
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// At most so many characters, the last of them an ellipsis when something was cut off.
pub(crate) fn shortened(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.chars().count() <= max_chars {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once_and_never_read_as_sentences() {
        let value = |name: &str| match name {
            "title" => Some(Cow::Borrowed("{actor_name}")),
            "actor_name" => Some(Cow::Borrowed("Mina")),
            _ => None,
        };
        assert_eq!(fill("{actor_name} liked {title}{nothing}.", value), "Mina liked {actor_name}.");
        assert_eq!(fill("an open { brace", value), "an open { brace");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("長い題名です", 4), "長い題…");
        assert_eq!(shortened("短い", 4), "短い");
    }
}
