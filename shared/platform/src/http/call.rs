use std::sync::Arc;

use bytes::Bytes;
use kernel::{CommonError, Context, Error, Result, Validate};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::endpoint::SchemaOf;
use super::event::HttpEvent;
use super::shape;

/// An endpoint without query parameters.
pub type NoQuery = ();

/// A request, typed: `B` is the JSON body, `Q` the query.
pub struct Call<B = (), Q = NoQuery> {
    /// The invocation.
    pub context: Context,
    /// The body, validated.
    pub body: B,
    /// The query, typed.
    pub query: Q,
    /// The request as it came.
    pub event: Arc<HttpEvent>,
}

impl<B, Q> Call<B, Q> {
    /// A path parameter as a typed id. Text that is no id cannot name a thing: `missing` says which is not there.
    ///
    /// # Errors
    /// `missing` when the text is not an id.
    pub fn id<I>(&self, name: &str, parse: fn(&str) -> Option<I>, missing: impl Into<Error>) -> Result<I> {
        self.path(name).and_then(parse).ok_or_else(|| missing.into())
    }

    /// A path parameter as text.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&str> {
        self.event.path_parameters.get(name).map(String::as_str)
    }
}

/// The query of every list: `limit` (1–100, 20 when not said) and `cursor`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Page {
    /// Items a page.
    #[serde(default = "Page::default_limit", deserialize_with = "number_of_text")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u32,
    /// Opaque; from the page before.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    pub cursor: Option<String>,
}

impl Page {
    fn default_limit() -> u32 {
        20
    }

    /// The limit, if it is one.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` outside 1–100.
    pub fn checked(&self) -> Result<u32> {
        if (1..=100).contains(&self.limit) {
            Ok(self.limit)
        } else {
            Err(Error::field("limit", "OUT_OF_RANGE"))
        }
    }
}

/// A number that may come as text: behind `flatten`, serde hands query values over untyped.
fn number_of_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Behind `flatten` the path is lost too: the sentence names the field.
    text.parse().map_err(|_| serde::de::Error::custom("invalid text for `limit`"))
}

/// A body that is not JSON, taken as it is (webhooks, uploads through a function).
#[derive(Clone, Debug, Default)]
pub struct Raw(pub Bytes);

/// A request before it is typed.
pub struct Files {
    pub(crate) context: Context,
    pub(crate) event: Arc<HttpEvent>,
    pub(crate) body: Bytes,
}

impl Files {
    /// `schema` is the body's; `None` when the endpoint takes none.
    pub(crate) fn call<B, Q>(self, schema: Option<SchemaOf>) -> Result<Call<B, Q>>
    where
        B: DeserializeOwned + Validate,
        Q: DeserializeOwned,
    {
        let query = query::<Q>(&self.event.raw_query_string)?;
        let body: B = match schema {
            Some(schema) => json(&self.body).map_err(|error| every_wrong_field(schema, &self.body, error))?,
            None => json(b"null")?,
        };
        let mut check = kernel::Check::new();
        body.validate(&mut check);
        check.finish()?;
        Ok(Call { context: self.context, body, query, event: self.event })
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // An empty body means an empty object where every field is optional.
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let path = e.path().to_string();
        let inner = e.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => wrong_field(&path, &inner.to_string()),
            _ => CommonError::MalformedJson.into(),
        }
    })?;
    reader.end().map_err(|_| Error::from(CommonError::MalformedJson))?;
    Ok(value)
}

/// Serde told one wrong field; the schema tells the others.
fn every_wrong_field(schema: SchemaOf, body: &[u8], first: Error) -> Error {
    let told = first.fields(kernel::Language::default());
    let Some(told) = told.first() else { return first };
    // What is no JSON behind the field that stopped serde is no JSON.
    let Ok(body) = serde_json::from_slice(if body.is_empty() { b"{}" } else { body }) else {
        return CommonError::MalformedJson.into();
    };
    let wrong = shape::wrong_fields(schema, &body);
    let mut check = kernel::Check::new();
    if !wrong.iter().any(|(field, _)| *field == told.field) {
        check.wrong(told.field.as_str(), told.code);
    }
    shape::report(&mut check, &wrong);
    check.finish().err().unwrap_or(first)
}

fn query<Q: DeserializeOwned>(raw: &str) -> Result<Q> {
    let pairs = url::form_urlencoded::parse(raw.as_bytes()).into_owned();
    serde_path_to_error::deserialize(query_values::Pairs::new(pairs)).map_err(|e| {
        let path = e.path().to_string();
        wrong_field(&path, &e.into_inner().to_string())
    })
}

/// Serde's own words, turned into a field and a code.
fn wrong_field(path: &str, message: &str) -> Error {
    let quoted = |prefix: &str| {
        message.strip_prefix(prefix).and_then(|rest| rest.split('`').next()).map(str::to_owned)
    };
    let join = |name: String| if path == "." { name } else { format!("{path}.{name}") };
    if let Some(name) = quoted("invalid text for `") {
        return Error::field(name, "INVALID_TYPE");
    }
    if let Some(name) = quoted("missing field `") {
        return Error::field(join(name), "REQUIRED");
    }
    let code = if message.starts_with("unknown variant") {
        "UNKNOWN_VALUE"
    } else if message.starts_with("invalid type") {
        "INVALID_TYPE"
    } else {
        "INVALID_FORMAT"
    };
    Error::field(if path == "." { "body" } else { path }, code)
}

/// Query parameters as serde values: every value is text until its field asks for a number, a flag or a list.
mod query_values {
    use std::collections::BTreeMap;

    use serde::de::value::{Error, MapDeserializer, StringDeserializer};
    use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
    use serde::forward_to_deserialize_any;

    pub(super) struct Pairs(BTreeMap<String, Text>);

    impl Pairs {
        /// The first of repeated names counts.
        pub(super) fn new(pairs: impl Iterator<Item = (String, String)>) -> Self {
            let mut map = BTreeMap::new();
            for (name, value) in pairs {
                map.entry(name).or_insert(Text(value));
            }
            Self(map)
        }
    }

    impl<'de> Deserializer<'de> for Pairs {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_map(MapDeserializer::new(self.0.into_iter()))
        }

        fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_unit()
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
            unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }

    pub(super) struct Text(String);

    impl IntoDeserializer<'_, Error> for Text {
        type Deserializer = Self;
        fn into_deserializer(self) -> Self {
            self
        }
    }

    macro_rules! parsed {
        ($($method:ident $visit:ident)+) => {$(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                let value = self.0.parse().map_err(|_| Error::custom("invalid type: text"))?;
                visitor.$visit(value)
            }
        )+};
    }

    impl<'de> Deserializer<'de> for Text {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_string(self.0)
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
        }

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            name: &'static str,
            variants: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            StringDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Error> {
            visitor.visit_newtype_struct(self)
        }

        parsed! {
            deserialize_bool visit_bool deserialize_i32 visit_i32 deserialize_i64 visit_i64
            deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
            deserialize_f64 visit_f64
        }

        forward_to_deserialize_any! {
            i8 i16 i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
            struct identifier ignored_any
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Language;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Body {
        title: String,
        kind: Kind,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Video,
        Short,
    }

    fn told(error: &Error) -> (String, &'static str) {
        let field = error.fields(Language::En).remove(0);
        (field.field, field.code)
    }

    #[test]
    fn a_wrong_body_names_the_field_and_the_cause() {
        let bad = |text: &str| json::<Body>(text.as_bytes()).unwrap_err();
        assert_eq!(told(&bad(r#"{"kind":"video"}"#)), ("title".into(), "REQUIRED"));
        assert_eq!(told(&bad(r#"{"title":5,"kind":"video"}"#)), ("title".into(), "INVALID_TYPE"));
        assert_eq!(told(&bad(r#"{"title":"a","kind":"film"}"#)), ("kind".into(), "UNKNOWN_VALUE"));
        assert_eq!(
            told(&bad(r#"{"title":"a","kind":"short","tags":["x",7]}"#)),
            ("tags[1]".into(), "INVALID_TYPE")
        );
        assert_eq!(bad("{\"title\":").code().name, "MALFORMED_JSON");
        assert_eq!(bad("{} x").code().name, "VALIDATION_FAILED");
        assert_eq!(bad(r#"{"title":"a","kind":"short"} x"#).code().name, "MALFORMED_JSON");
    }

    #[test]
    fn a_query_is_typed_and_its_numbers_are_checked() {
        #[derive(Deserialize)]
        struct List {
            #[serde(flatten)]
            page: Page,
            kind: Option<Kind>,
        }
        #[derive(Deserialize)]
        struct Plain {
            limit: Option<u32>,
            kind: Option<Kind>,
        }
        let plain = query::<Plain>("limit=5&kind=short&unknown=1").unwrap();
        assert_eq!((plain.limit, plain.kind), (Some(5), Some(Kind::Short)));
        assert_eq!(told(&query::<Plain>("limit=x").err().unwrap()), ("limit".into(), "INVALID_TYPE"));
        assert_eq!(told(&query::<Plain>("kind=film").err().unwrap()), ("kind".into(), "UNKNOWN_VALUE"));
        assert_eq!(
            query::<Page>("limit=101").unwrap().checked().unwrap_err().code().name,
            "VALIDATION_FAILED"
        );
        assert_eq!(query::<Page>("").unwrap().checked().unwrap(), 20);
        query::<NoQuery>("a=b").unwrap();
        let list = query::<List>("limit=7&kind=video").unwrap();
        assert_eq!((list.page.limit, list.kind), (7, Some(Kind::Video)));
        assert_eq!(told(&query::<List>("limit=-1").err().unwrap()), ("limit".into(), "INVALID_TYPE"));
        assert_eq!(told(&query::<Page>("limit=-1").unwrap_err()), ("limit".into(), "INVALID_TYPE"));
    }
}
