use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{ConfigError, Domain, Env};
use sha2::{Digest as _, Sha256};

/// The documents that the product serves about itself.
#[derive(Clone, Copy)]
pub struct Documents;

/// A page and the policy that lets exactly its own style and script run.
#[derive(Debug)]
pub struct Page {
    /// HTML.
    pub html: String,
    /// `Content-Security-Policy`.
    pub policy: String,
}

/// Written by the generator from what the functions declare.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

const HTML: &str = include_str!("../assets/docs.html");
const STYLE: &str = include_str!("../assets/docs.css");
const SCRIPT: &str = include_str!("../assets/docs.js");

static DOCS: LazyLock<Page> = LazyLock::new(|| Page {
    html: HTML
        .replace("<style></style>", &format!("<style>{STYLE}</style>"))
        .replace("<script></script>", &format!("<script>{SCRIPT}</script>")),
    policy: format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE),
    ),
});

/// A source expression by hash (CSP Level 3, 2.3.1).
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

impl Domain for Documents {
    fn from_env(_: &Env) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}

impl Documents {
    /// The OpenAPI 3.1 document of every endpoint, as JSON.
    #[must_use]
    pub fn openapi(&self) -> &'static str {
        OPENAPI
    }

    /// The documentation page, which reads the OpenAPI document.
    #[must_use]
    pub fn docs(&self) -> &'static Page {
        &DOCS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_in_itself_and_its_policy_allows_just_that() {
        let page = Documents.docs();
        assert_eq!(page.html.matches("<script").count(), 1);
        assert_eq!(page.html.matches("<style").count(), 1);
        for foreign in ["http://", "https://", " src=", " onclick=", " style=\"", "@import", "url("] {
            assert!(!page.html.contains(foreign), "{foreign}");
        }
        let script = page.html.split("<script>").nth(1).and_then(|s| s.split("</script>").next()).unwrap();
        assert!(page.policy.contains(&format!("script-src '{}'", source(script))));
        assert!(!page.policy.contains("unsafe"));
    }

    #[test]
    fn the_document_is_openapi() {
        let document: serde_json::Value = serde_json::from_str(Documents.openapi()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
    }
}
