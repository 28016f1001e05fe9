use std::borrow::Cow;

use askama::Template;
use kernel::{Error, Language, Result};
use messaging::Mail;

use super::words::{FOOTER, GREETING, OR_LINK, PRODUCT, Words, values, words};
use crate::text::{fill, shortened};

/// A mail in its reader's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Subject.
    pub subject: String,
    /// For readers without HTML.
    pub text: String,
    /// The same in HTML, every value escaped.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a>(&'a Letter);

#[derive(Template)]
#[template(path = "mail.txt")]
struct Plain<'a>(&'a Letter);

/// What the two layouts lay out.
struct Letter {
    language: Language,
    product: &'static str,
    subject: String,
    greeting: String,
    paragraphs: Vec<String>,
    button: Option<Button>,
    code: Option<String>,
    notes: Vec<String>,
    footer: &'static str,
}

struct Button {
    label: &'static str,
    link: String,
    /// What stands above the bare link.
    or: &'static str,
}

/// Longest name or title that a mail quotes, in characters.
const QUOTED_MAX_CHARS: usize = 120;

/// Renders a mail in its reader's language.
///
/// # Errors
/// Only when a layout cannot be filled, which no value causes.
pub fn render(mail: &Mail) -> Result<Rendered> {
    let language = mail.language;
    let Words { subject, paragraphs, button, notes } = words(&mail.content);
    let values = values(&mail.content);
    let value = |name: &str| match name {
        "name" => Some(shortened(values.name.trim(), QUOTED_MAX_CHARS)),
        "title" => values.title.map(|t| shortened(t.trim(), QUOTED_MAX_CHARS)),
        "product" => Some(Cow::Borrowed(PRODUCT)),
        _ => None,
    };
    let told = |text: &kernel::Text| fill(text.of(language), value);
    let letter = Letter {
        language,
        product: PRODUCT,
        subject: told(subject),
        greeting: told(&GREETING),
        paragraphs: paragraphs.iter().map(told).collect(),
        // Anything but a web address is no link.
        button: button
            .zip(values.link.filter(|l| l.starts_with("https://") || l.starts_with("http://")))
            .map(|(label, link)| Button {
                label: label.of(language),
                link: link.to_owned(),
                or: OR_LINK.of(language),
            }),
        code: values.code.map(str::to_owned),
        notes: notes.iter().map(told).collect(),
        footer: FOOTER.of(language),
    };
    let wrong = |e: askama::Error| Error::internal(format!("mail layout: {e}"));
    Ok(Rendered {
        text: Plain(&letter).render().map_err(wrong)?,
        html: Html(&letter).render().map_err(wrong)?,
        subject: letter.subject,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use messaging::MailContent;

    fn every_content() -> Vec<MailContent> {
        let (name, link) = ("Mina".to_owned(), "https://example.com/x?token=abc&n=1".to_owned());
        let token = "tok-123".to_owned();
        vec![
            MailContent::VerifyEmail { name: name.clone(), link: link.clone(), token: token.clone() },
            MailContent::ResetPassword { name: name.clone(), link: link.clone(), token },
            MailContent::MfaCode { name: name.clone(), code: "482913".into() },
            MailContent::DataExport { name: name.clone(), link: link.clone() },
            MailContent::AccountErased { name: name.clone() },
            MailContent::VideoReady { name, title: "Sea".into(), link },
        ]
    }

    fn mail(language: Language, content: MailContent) -> Mail {
        Mail { to: "mina@example.com".into(), language, content }
    }

    #[test]
    fn every_mail_says_something_in_every_language_and_leaves_no_placeholder() {
        for language in Language::ALL {
            for content in every_content() {
                let rendered = render(&mail(language, content)).unwrap();
                for part in [&rendered.subject, &rendered.text, &rendered.html] {
                    assert!(!part.trim().is_empty());
                    assert!(!part.contains('{') && !part.contains('}'), "{part}");
                }
                assert!(rendered.html.contains(&format!("lang=\"{language}\"")));
                assert!(rendered.text.contains("Mina"));
            }
        }
    }

    #[test]
    fn a_link_comes_with_the_bare_token_in_both_forms() {
        let rendered = render(&mail(Language::En, every_content().remove(0))).unwrap();
        assert!(rendered.text.contains("https://example.com/x?token=abc&n=1"));
        assert!(rendered.text.contains("tok-123"));
        assert!(rendered.html.contains("tok-123"));
        assert!(rendered.html.contains("token=abc&#38;n=1") || rendered.html.contains("token=abc&amp;n=1"));
    }

    #[test]
    fn what_a_person_chose_is_text_and_never_markup_or_a_sentence() {
        let content = MailContent::VideoReady {
            name: "<script>x</script>{title}".into(),
            title: "\"><b>".into(),
            link: "javascript:alert(1)".into(),
        };
        let rendered = render(&mail(Language::En, content)).unwrap();
        assert!(!rendered.html.contains("<script>") && !rendered.html.contains("<b>"));
        assert!(!rendered.html.contains("javascript:") && !rendered.text.contains("javascript:"));
        assert!(rendered.text.contains("{title}"));
    }
}
