use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use kernel::{CommonError, Error, Result};
use serde::Serialize;

use crate::item::{Attributes, Item, Key};

/// What a write that was refused is answered with.
pub(crate) type Refusal = Box<dyn FnOnce(Option<&Item>) -> Error + std::marker::Send + Sync>;

/// Expression, names and values that the writes share.
#[derive(Default)]
pub(crate) struct Terms {
    pub(crate) condition: Option<String>,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: Attributes,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) broken: Option<Error>,
}

impl Terms {
    fn value(&mut self, name: &str, value: impl Serialize) {
        match serde_dynamo::to_attribute_value(value) {
            Ok(value) => {
                self.values.insert(name.to_owned(), value);
            }
            Err(e) => self.broken = Some(Error::internal(format!("value {name}: {e}"))),
        }
    }

    fn when(&mut self, condition: &str) {
        self.condition = Some(match self.condition.take() {
            Some(earlier) => format!("({earlier}) AND ({condition})"),
            None => condition.to_owned(),
        });
    }

    /// The error of a refusal: the one that stands beside the condition, or a conflict.
    pub(crate) fn refused(self, old: Option<&Item>) -> Error {
        self.refusal.map_or_else(|| CommonError::Conflict.into(), |refusal| refusal(old))
    }

    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub(crate) fn values(&self) -> Option<Attributes> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

macro_rules! conditional {
    ($type:ident) => {
        impl $type {
            /// The write happens only if this condition expression holds. Several are joined with `AND`.
            #[must_use]
            pub fn when(mut self, condition: &str) -> Self {
                self.terms.when(condition);
                self
            }

            /// What the caller is told when the condition does not hold.
            #[must_use]
            pub fn or(mut self, error: impl Into<Error>) -> Self {
                let error = error.into();
                self.terms.refusal = Some(Box::new(move |_| error));
                self
            }

            /// As [`Self::or`], decided by the item that stood in the way (`None`: there is no item).
            #[must_use]
            pub fn or_else(
                mut self,
                f: impl FnOnce(Option<&Item>) -> Error + std::marker::Send + Sync + 'static,
            ) -> Self {
                self.terms.refusal = Some(Box::new(f));
                self
            }

            /// Gives `:name` in the expressions a value.
            #[must_use]
            pub fn value(mut self, name: &str, value: impl Serialize) -> Self {
                self.terms.value(name, value);
                self
            }

            /// Lets `#name` in the expressions stand for an attribute (a reserved word).
            #[must_use]
            pub fn name(mut self, name: &str, attribute: &str) -> Self {
                self.terms.names.insert(name.to_owned(), attribute.to_owned());
                self
            }
        }
    };
}

/// Writes a whole item.
pub struct Put {
    pub(crate) item: Attributes,
    pub(crate) terms: Terms,
}

conditional!(Put);

impl Put {
    /// A row of the domain under this key.
    #[must_use]
    pub fn row(key: &Key, row: impl Serialize) -> Self {
        let mut terms = Terms::default();
        let mut item: Attributes = match serde_dynamo::to_item(row) {
            Ok(item) => item,
            Err(e) => {
                terms.broken = Some(Error::internal(format!("row: {e}")));
                Attributes::new()
            }
        };
        item.retain(|_, v| !matches!(v, AttributeValue::Null(_)));
        item.extend(key.attributes());
        Self { item, terms }
    }

    /// Adds an attribute, for example an index key.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Serialize) -> Self {
        match serde_dynamo::to_attribute_value(value) {
            Ok(value) => {
                self.item.insert(name.to_owned(), value);
            }
            Err(e) => self.terms.broken = Some(Error::internal(format!("attribute {name}: {e}"))),
        }
        self
    }

    /// TTL: DynamoDB deletes the item after this second.
    #[must_use]
    pub fn expires_at(self, epoch_s: i64) -> Self {
        self.attribute("expires_at", epoch_s)
    }

    /// Only if there is no item under the key.
    #[must_use]
    pub fn unless_exists(self) -> Self {
        self.when("attribute_not_exists(pk)")
    }
}

/// Changes attributes of an item.
pub struct Update {
    pub(crate) key: Key,
    pub(crate) expression: String,
    pub(crate) terms: Terms,
}

conditional!(Update);

impl Update {
    /// An update of the item under this key by an update expression (`SET … REMOVE … ADD …`).
    #[must_use]
    pub fn key(key: Key, expression: impl Into<String>) -> Self {
        Self { key, expression: expression.into(), terms: Terms::default() }
    }

    /// Only if the item exists.
    #[must_use]
    pub fn if_exists(self) -> Self {
        self.when("attribute_exists(pk)")
    }
}

/// Deletes an item.
pub struct Delete {
    pub(crate) key: Key,
    pub(crate) terms: Terms,
}

conditional!(Delete);

impl Delete {
    /// Deletes the item under this key.
    #[must_use]
    pub fn key(key: Key) -> Self {
        Self { key, terms: Terms::default() }
    }

    /// Only if the item exists.
    #[must_use]
    pub fn if_exists(self) -> Self {
        self.when("attribute_exists(pk)")
    }
}

/// Asks a condition of an item that the transaction does not change.
pub struct Check {
    pub(crate) key: Key,
    pub(crate) terms: Terms,
}

conditional!(Check);

impl Check {
    /// Checks the item under this key.
    #[must_use]
    pub fn key(key: Key) -> Self {
        Self { key, terms: Terms::default() }
    }
}

pub(crate) fn broken(terms: &mut Terms) -> Result<()> {
    terms.broken.take().map_or(Ok(()), Err)
}
