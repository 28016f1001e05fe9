//! Answers of the query protocol.

use std::fmt::Write as _;

use axum::body::Body;
use cloud_core::Response;
use http::{HeaderValue, header};

use crate::ident;

/// Elements being written, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// An element with text.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(text));
        self
    }

    /// An element with elements.
    #[must_use]
    pub fn nest(mut self, name: &str, inner: Self) -> Self {
        let Self(inner) = inner;
        let _ = write!(self.0, "<{name}>{inner}</{name}>");
        self
    }

    /// A list of `member` elements.
    #[must_use]
    pub fn members(self, name: &str, members: impl IntoIterator<Item = Self>) -> Self {
        let inner = members.into_iter().fold(Self::default(), |list, member| list.nest("member", member));
        self.nest(name, inner)
    }

    /// A list of `member` elements that are texts.
    #[must_use]
    pub fn texts<'a>(self, name: &str, texts: impl IntoIterator<Item = &'a str>) -> Self {
        self.members(name, texts.into_iter().map(|text| Self(escape(text))))
    }

    /// A map of `entry` elements.
    #[must_use]
    pub fn map<'a>(self, name: &str, entries: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let entry = |list: Self, (key, value): (&str, String)| {
            list.nest("entry", Self::default().text("key", key).text("value", &value))
        };
        self.nest(name, entries.into_iter().fold(Self::default(), entry))
    }

    /// The whole answer to `action`.
    pub fn response(self, action: &str, namespace: &str) -> Response {
        let id = ident::uuid();
        let body = format!(
            "<?xml version=\"1.0\"?><{action}Response xmlns=\"{namespace}\"><{action}Result>{}</{action}Result>\
             <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>",
            self.0
        );
        let mut response = http::Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        response
    }
}

/// Text that stands for itself in XML 1.0; control characters that it does not allow at all are left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' => escaped.push(char),
            control if control.is_control() => {}
            _ => escaped.push(char),
        }
    }
    escaped
}
