//! Stored templates and their rendering (Handlebars, as SES documents it).

use cloud_core::WireError;
use handlebars::Handlebars;
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use crate::service::{Mail, internal};

/// A stored template.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    pub name: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Subject, text and HTML.
pub(super) struct Rendered {
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
}

impl Template {
    /// Fills the template in. An attribute that the data lacks is an error, as in SES; only HTML is escaped.
    pub fn render(&self, data: &str) -> Result<Rendered, WireError> {
        let failed = |why: String| WireError::bad_request("InvalidRenderingParameter", why);
        let data: Value = serde_json::from_str(data).map_err(|e| failed(e.to_string()))?;
        let mut engine = Handlebars::new();
        engine.set_strict_mode(true);
        let html = engine.render_template(&self.html, &data).map_err(|e| failed(e.to_string()))?;
        engine.register_escape_fn(handlebars::no_escape);
        let plain = |part: &str| engine.render_template(part, &data).map_err(|e| failed(e.to_string()));
        let part = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Rendered { subject: plain(&self.subject)?, text: part(plain(&self.text)?), html: part(html) })
    }
}

impl Mail {
    pub(super) fn put_template(&self, template: &Template, replace: bool) -> Result<(), WireError> {
        let exists = self.find_template(&template.name)?.is_some();
        if exists && !replace {
            let text = format!("Template {} already exists.", template.name);
            return Err(WireError::bad_request("AlreadyExists", text));
        }
        if !exists && replace {
            return Err(missing(&template.name));
        }
        let sql = "INSERT OR REPLACE INTO templates (name, subject, text, html) VALUES (?1, ?2, ?3, ?4)";
        let row = params![template.name, template.subject, template.text, template.html];
        self.store.lock().execute(sql, row).map(|_| ()).map_err(internal)
    }

    pub(super) fn template(&self, name: &str) -> Result<Template, WireError> {
        self.find_template(name)?.ok_or_else(|| missing(name))
    }

    fn find_template(&self, name: &str) -> Result<Option<Template>, WireError> {
        let sql = "SELECT name, subject, text, html FROM templates WHERE name = ?1";
        let row = self.store.lock().query_row(sql, [name], |row| {
            Ok(Template { name: row.get(0)?, subject: row.get(1)?, text: row.get(2)?, html: row.get(3)? })
        });
        row.optional().map_err(internal)
    }

    pub(super) fn remove_template(&self, name: &str) -> Result<(), WireError> {
        let sql = "DELETE FROM templates WHERE name = ?1";
        self.store.lock().execute(sql, [name]).map(|_| ()).map_err(internal)
    }

    pub(super) fn template_names(&self) -> Result<Vec<String>, WireError> {
        let connection = self.store.lock();
        let mut query = connection.prepare("SELECT name FROM templates ORDER BY name").map_err(internal)?;
        query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(internal)
    }
}

fn missing(name: &str) -> WireError {
    WireError::bad_request("TemplateDoesNotExist", format!("Template {name} does not exist."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_html_is_escaped_and_missing_data_is_an_error() {
        let template = Template {
            subject: "Hi {{n}}".into(),
            text: "{{#if vip}}Dear {{/if}}{{n}}".into(),
            html: "<b>{{n}}</b>".into(),
            ..Template::default()
        };
        let made = template.render(r#"{"n": "Bo & Co", "vip": true}"#).unwrap();
        assert_eq!(made.subject, "Hi Bo & Co");
        assert_eq!(made.text.as_deref(), Some("Dear Bo & Co"));
        assert_eq!(made.html.as_deref(), Some("<b>Bo &amp; Co</b>"));
        assert_eq!(template.render("{}").err().unwrap().code, "InvalidRenderingParameter");
    }
}
