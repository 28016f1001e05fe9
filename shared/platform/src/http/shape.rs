//! Every wrong field of a body at once. Serde stops at the first field that does not become its type; a body that
//! failed is held against its schema, which knows them all.

use kernel::Check;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use super::endpoint::SchemaOf;

/// Fields told of one body at most.
const TOLD_MAX: usize = 100;

/// What in `body` is not as its schema says: missing members, wrong types, unknown values, lengths and ranges.
pub(super) fn wrong_fields(schema: SchemaOf, body: &Value) -> Vec<(String, &'static str)> {
    let mut generator = SchemaGenerator::default();
    let schema = schema(&mut generator).to_value();
    let mut shape = Shape { definitions: generator.take_definitions(true), wrong: Vec::new() };
    shape.look(&schema, body, String::new());
    shape.wrong
}

/// Reports what was found to a check.
pub(super) fn report(check: &mut Check, wrong: &[(String, &'static str)]) {
    for (field, code) in wrong {
        check.wrong(field.as_str(), code);
    }
}

struct Shape {
    definitions: Map<String, Value>,
    wrong: Vec<(String, &'static str)>,
}

impl Shape {
    fn tell(&mut self, path: String, code: &'static str) {
        if self.wrong.len() < TOLD_MAX {
            self.wrong.push((if path.is_empty() { "body".to_owned() } else { path }, code));
        }
    }

    fn look(&mut self, schema: &Value, value: &Value, path: String) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
            if let Some(definition) = self.definitions.get(name).cloned() {
                self.look(&definition, value, path);
            }
            return;
        }
        if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
            let is_null = |s: &&Value| s.get("type").and_then(Value::as_str) == Some("null");
            if value.is_null() && options.iter().any(|s| is_null(&s)) {
                return;
            }
            let mut others = options.iter().filter(|s| !is_null(s));
            // Of several shapes nobody knows which was meant.
            if let (Some(only), None) = (others.next(), others.next()) {
                self.look(only, value, path);
            }
            return;
        }
        if let Some(known) = known_values(schema) {
            if !known.contains(&value) {
                let same_type =
                    known.iter().any(|k| std::mem::discriminant(*k) == std::mem::discriminant(value));
                self.tell(path, if same_type { "UNKNOWN_VALUE" } else { "INVALID_TYPE" });
            }
            return;
        }
        if !is_of_type(schema, value) {
            return self.tell(path, "INVALID_TYPE");
        }
        match value {
            Value::Object(object) => self.members(schema, object, &path),
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    for (n, item) in items.iter().enumerate() {
                        self.look(schema, item, format!("{path}[{n}]"));
                    }
                }
            }
            Value::String(text) => {
                let (count, limit) = (text.trim().chars().count(), |name| limit(schema, name));
                if limit("minLength").is_some_and(|min| count < min) {
                    self.tell(path, if count == 0 { "REQUIRED" } else { "TOO_SHORT" });
                } else if limit("maxLength").is_some_and(|max| count > max) {
                    self.tell(path, "TOO_LONG");
                }
            }
            Value::Number(number) => {
                let (number, limit) = (number.as_f64(), |name| schema.get(name).and_then(Value::as_f64));
                let below = limit("minimum").zip(number).is_some_and(|(min, n)| n < min);
                if below || limit("maximum").zip(number).is_some_and(|(max, n)| n > max) {
                    self.tell(path, "OUT_OF_RANGE");
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn members(&mut self, schema: &Value, object: &Map<String, Value>, path: &str) {
        let named = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !object.contains_key(*name)) {
            self.tell(named(name), "REQUIRED");
        }
        for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = object.get(name) {
                self.look(schema, value, named(name));
            }
        }
    }
}

fn limit(schema: &Value, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

/// The values of an enumeration; `None` when the schema is none.
fn known_values(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(values.iter().collect());
    }
    if let Some(value) = schema.get("const") {
        return Some(vec![value]);
    }
    schema
        .get("oneOf")
        .and_then(Value::as_array)?
        .iter()
        .map(known_values)
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat())
}

fn is_of_type(schema: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde_json::json;

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Body {
        #[schemars(length(min = 3, max = 5))]
        title: String,
        kind: Kind,
        other: Option<Kind>,
        #[schemars(range(min = 1, max = 9))]
        count: u32,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[allow(dead_code)]
    enum Kind {
        /// Long.
        Video,
        /// Short.
        Short,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code)]
    struct Part {
        number: u32,
    }

    fn told(body: &Value) -> Vec<(String, &'static str)> {
        wrong_fields(SchemaGenerator::subschema_for::<Body>, body)
    }

    fn fields(wanted: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        wanted.iter().map(|(f, c)| ((*f).to_owned(), *c)).collect()
    }

    #[test]
    fn every_wrong_field_is_found_wherever_it_stands() {
        let missing = [("title", "REQUIRED"), ("kind", "REQUIRED"), ("count", "REQUIRED")];
        assert_eq!(told(&json!({})), fields(&missing));
        let body = json!({"title": "ab", "kind": "film", "other": 5, "count": 10, "parts": [{"number": 1}, {}, {"number": "x"}, 7]});
        assert_eq!(
            told(&body),
            fields(&[
                ("title", "TOO_SHORT"),
                ("kind", "UNKNOWN_VALUE"),
                ("other", "INVALID_TYPE"),
                ("count", "OUT_OF_RANGE"),
                ("parts[1].number", "REQUIRED"),
                ("parts[2].number", "INVALID_TYPE"),
                ("parts[3]", "INVALID_TYPE"),
            ])
        );
        assert_eq!(told(&json!([])), fields(&[("body", "INVALID_TYPE")]));
    }

    #[test]
    fn a_right_body_has_no_wrong_field() {
        let body =
            json!({"title": "abc", "kind": "short", "other": null, "count": 9, "unknown": {}, "parts": []});
        assert!(told(&body).is_empty(), "{:?}", told(&body));
    }

    #[test]
    fn no_more_is_told_than_somebody_reads() {
        let body = json!({"title": "abc", "kind": "short", "count": 1, "parts": vec![json!({}); 5000]});
        assert_eq!(told(&body).len(), TOLD_MAX);
    }
}
