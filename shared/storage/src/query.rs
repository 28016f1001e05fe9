use serde::Serialize;

use crate::item::{Attributes, Item};

/// One page of items of one partition, in key order.
pub struct Query {
    pub(crate) index: Option<&'static str>,
    pub(crate) partition: (&'static str, String),
    pub(crate) sort: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) names: std::collections::HashMap<String, String>,
    pub(crate) values: Attributes,
    pub(crate) forward: bool,
    pub(crate) limit: i32,
    pub(crate) cursor: Option<String>,
    pub(crate) consistent: bool,
}

impl Query {
    /// The items under this partition key, at most 100 a page.
    #[must_use]
    pub fn partition(pk: impl Into<String>) -> Self {
        Self {
            index: None,
            partition: ("pk", pk.into()),
            sort: None,
            filter: None,
            names: std::collections::HashMap::new(),
            values: Attributes::new(),
            forward: true,
            limit: 100,
            cursor: None,
            consistent: false,
        }
    }

    /// The same over an index with this partition attribute.
    #[must_use]
    pub fn index(name: &'static str, attribute: &'static str, value: impl Into<String>) -> Self {
        Self { index: Some(name), partition: (attribute, value.into()), ..Self::partition("") }
    }

    /// Narrows by the sort key: an expression such as `begins_with(sk, :s)` or `gsi1sk BETWEEN :a AND :b`.
    #[must_use]
    pub fn sort(mut self, expression: &str) -> Self {
        self.sort = Some(expression.to_owned());
        self
    }

    /// Drops items after they were read (and paid for).
    #[must_use]
    pub fn filter(mut self, expression: &str) -> Self {
        self.filter = Some(expression.to_owned());
        self
    }

    /// Gives `:name` a value.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_dynamo::to_attribute_value(value) {
            self.values.insert(name.to_owned(), value);
        }
        self
    }

    /// Lets `#name` stand for an attribute.
    #[must_use]
    pub fn name(mut self, name: &str, attribute: &str) -> Self {
        self.names.insert(name.to_owned(), attribute.to_owned());
        self
    }

    /// Newest (greatest key) first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.forward = false;
        self
    }

    /// Items a page.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = i32::try_from(limit.clamp(1, 1000)).unwrap_or(100);
        self
    }

    /// Goes on after a page.
    #[must_use]
    pub fn after(mut self, cursor: Option<&str>) -> Self {
        self.cursor = cursor.map(str::to_owned);
        self
    }

    /// Strongly consistent; not on an index.
    #[must_use]
    pub fn consistent(mut self) -> Self {
        self.consistent = true;
        self
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// Opaque; `None` on the last page.
    pub next_cursor: Option<String>,
}
