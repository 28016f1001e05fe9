use std::ops::RangeInclusive;

use crate::{Error, FieldError, Language, Result, Text};

/// A request body that knows its own limits. Called before the handler; every wrong field is told at once.
pub trait Validate {
    /// Reports each wrong field to `check`.
    fn validate(&self, check: &mut Check) {
        let _ = check;
    }
}

impl Validate for () {}

/// One wrong field, its sentence not yet chosen.
#[derive(Clone, Debug)]
pub struct WrongField {
    field: String,
    code: &'static str,
    limit: Option<String>,
}

impl WrongField {
    pub(crate) fn new(field: String, code: &'static str) -> Self {
        Self { field, code, limit: None }
    }

    pub(crate) fn told(&self, language: Language) -> FieldError {
        let text = sentence(self.code).of(language);
        let message = match &self.limit {
            Some(limit) => format!("{text} ({limit})").into(),
            None => text.into(),
        };
        FieldError { field: self.field.clone(), code: self.code, message }
    }
}

/// Collects wrong fields.
#[derive(Debug, Default)]
pub struct Check {
    wrong: Vec<WrongField>,
}

impl Check {
    /// A check that found nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports a wrong field under one of the codes of [`FieldError`].
    pub fn wrong(&mut self, field: impl Into<String>, code: &'static str) {
        self.wrong.push(WrongField::new(field.into(), code));
    }

    /// Reports the field unless the condition holds.
    pub fn that(&mut self, holds: bool, field: &str, code: &'static str) {
        if !holds {
            self.wrong(field, code);
        }
    }

    /// The text has so many characters (Unicode scalar values), white space around it not counted, and no control
    /// characters but line breaks and tabs.
    pub fn text(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) {
        let count = value.trim().chars().count();
        let limit = Some(format!("{}–{}", length.start(), length.end()));
        if count < *length.start() {
            let code = if count == 0 { "REQUIRED" } else { "TOO_SHORT" };
            self.wrong.push(WrongField { field: field.to_owned(), code, limit });
        } else if count > *length.end() {
            self.wrong.push(WrongField { field: field.to_owned(), code: "TOO_LONG", limit });
        } else if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.wrong(field, "INVALID_FORMAT");
        }
    }

    /// As [`Check::text`] when there is a value.
    pub fn optional_text(&mut self, field: &str, value: Option<&str>, length: RangeInclusive<usize>) {
        if let Some(value) = value {
            self.text(field, value, length);
        }
    }

    /// The number lies in the range.
    pub fn number(&mut self, field: &str, value: i64, range: RangeInclusive<i64>) {
        if !range.contains(&value) {
            let limit = Some(format!("{}–{}", range.start(), range.end()));
            self.wrong.push(WrongField { field: field.to_owned(), code: "OUT_OF_RANGE", limit });
        }
    }

    /// The text looks like an e-mail address (RFC 5321 lengths; one `@`; a dot in the domain; no white space).
    pub fn email(&mut self, field: &str, value: &str) {
        let value = value.trim();
        let fine = value.len() <= 254
            && value.split_once('@').is_some_and(|(local, domain)| {
                (1..=64).contains(&local.len())
                    && domain.contains('.')
                    && !domain.contains('@')
                    && domain.split('.').all(|label| {
                        !label.is_empty()
                            && label.len() <= 63
                            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                            && !label.starts_with('-')
                            && !label.ends_with('-')
                    })
                    && local
                        .chars()
                        .all(|c| !c.is_whitespace() && !c.is_control() && !"\"(),:;<>[\\]".contains(c))
                    && !local.starts_with('.')
                    && !local.ends_with('.')
                    && !local.contains("..")
            });
        self.that(fine, field, if value.is_empty() { "REQUIRED" } else { "INVALID_FORMAT" });
    }

    /// `Err` with every wrong field, or `Ok`.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when a field was reported.
    pub fn finish(self) -> Result<()> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Error::of_fields(self.wrong)) }
    }
}

fn sentence(code: &str) -> &'static Text {
    match code {
        "REQUIRED" => &Text {
            ja: "必須項目です。",
            en: "This field is required.",
            ko: "필수 항목입니다.",
            zh: "此项为必填项。",
            vi: "Trường này là bắt buộc.",
        },
        "INVALID_TYPE" => &Text {
            ja: "値の型が正しくありません。",
            en: "The value has the wrong type.",
            ko: "값의 형식이 올바르지 않습니다.",
            zh: "值的类型不正确。",
            vi: "Kiểu dữ liệu không đúng.",
        },
        "UNKNOWN_VALUE" => &Text {
            ja: "指定できない値です。",
            en: "This value is not one of those allowed.",
            ko: "허용되지 않는 값입니다.",
            zh: "不是允许的值。",
            vi: "Giá trị không được phép.",
        },
        "TOO_SHORT" => &Text {
            ja: "短すぎます。",
            en: "This value is too short.",
            ko: "값이 너무 짧습니다.",
            zh: "内容过短。",
            vi: "Giá trị quá ngắn.",
        },
        "TOO_LONG" => &Text {
            ja: "長すぎます。",
            en: "This value is too long.",
            ko: "값이 너무 깁니다.",
            zh: "内容过长。",
            vi: "Giá trị quá dài.",
        },
        "OUT_OF_RANGE" => &Text {
            ja: "範囲外の値です。",
            en: "This value is out of range.",
            ko: "허용 범위를 벗어났습니다.",
            zh: "值超出范围。",
            vi: "Giá trị nằm ngoài phạm vi.",
        },
        "NOT_ALLOWED" => &Text {
            ja: "この値は使用できません。",
            en: "This value may not be used.",
            ko: "사용할 수 없는 값입니다.",
            zh: "该值不可使用。",
            vi: "Không được dùng giá trị này.",
        },
        _ => &Text {
            ja: "形式が正しくありません。",
            en: "The format is not valid.",
            ko: "형식이 올바르지 않습니다.",
            zh: "格式不正确。",
            vi: "Định dạng không hợp lệ.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Check;
    use crate::Language;

    fn codes(check: Check) -> Vec<&'static str> {
        check.finish().map_or_else(|e| e.fields(Language::En).iter().map(|f| f.code).collect(), |()| vec![])
    }

    #[test]
    fn every_wrong_field_is_told_at_once_in_the_callers_language() {
        let mut check = Check::new();
        check.text("title", "  ", 1..=10);
        check.text("name", "ab", 3..=50);
        check.number("limit", 101, 1..=100);
        let error = check.finish().unwrap_err();
        let told = error.fields(Language::Ja);
        assert_eq!(
            told.iter().map(|f| f.code).collect::<Vec<_>>(),
            ["REQUIRED", "TOO_SHORT", "OUT_OF_RANGE"]
        );
        assert_eq!(told[0].message, "必須項目です。 (1–10)");
    }

    #[test]
    fn an_address_needs_one_at_and_a_dotted_domain() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "ü@exämple.de"] {
            let mut check = Check::new();
            check.email("email", good);
            assert!(codes(check).is_empty(), "{good}");
        }
        for bad in ["", "a", "a@b", "a@@b.co", "a b@c.de", "a@b..co", ".a@b.co", "a@-b.co", "a@b.co\n@c.de"] {
            let mut check = Check::new();
            check.email("email", bad);
            assert!(!codes(check).is_empty(), "{bad}");
        }
    }
}
