//! Requests of the query protocol: `Action=…&Destination.ToAddresses.member.1=…`.

use std::collections::BTreeMap;

use cloud_core::WireError;

/// The fields of one request.
#[derive(Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// From the body and, as old clients do, the query string.
    pub fn parse(body: &[u8], query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).chain(url::form_urlencoded::parse(body));
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// # Errors
    /// `ValidationError` when the field is not there.
    pub fn need(&self, name: &str) -> Result<&str, WireError> {
        self.get(name).ok_or_else(|| {
            WireError::bad_request(
                "ValidationError",
                format!("1 validation error detected: {name} must not be null"),
            )
        })
    }

    /// `{name}.member.1`, `{name}.member.2` and so on.
    pub fn list<'a>(&'a self, name: &str) -> Vec<&'a str> {
        (1..).map_while(|i| self.get(&format!("{name}.member.{i}"))).collect()
    }

    /// `{name}.entry.1.key` and `.value` and so on.
    pub fn map<'a>(&'a self, name: &str) -> BTreeMap<&'a str, &'a str> {
        let pairs = (1..).map_while(|i| {
            let key = self.get(&format!("{name}.entry.{i}.key"))?;
            Some((key, self.get(&format!("{name}.entry.{i}.value")).unwrap_or_default()))
        });
        pairs.collect()
    }
}
