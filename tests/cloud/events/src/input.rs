//! What a target gets: the event, a part of it, a fixed text, or a text made from its parts.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>

use cloud_core::Millis;
use serde_json::Value;

use crate::envelope::instant;
use crate::json_path;
use crate::model::{InputTransformer, Target};

/// The rule that an event matched, for the predefined variables.
pub(crate) struct Matched<'a> {
    pub rule_arn: &'a str,
    pub rule_name: &'a str,
    pub ingested_ms: Millis,
}

/// The body that this target gets for this event.
pub(crate) fn body(target: &Target, event: &Value, matched: &Matched<'_>) -> String {
    if let Some(input) = &target.input {
        return input.clone();
    }
    if let Some(path) = &target.input_path {
        return json_path::get(path, event).unwrap_or(Value::Null).to_string();
    }
    match &target.input_transformer {
        Some(transformer) => transform(transformer, event, matched),
        None => event.to_string(),
    }
}

/// Fills in the template. Inside a quoted text a value stands without its own quotes, elsewhere as JSON.
fn transform(transformer: &InputTransformer, event: &Value, matched: &Matched<'_>) -> String {
    let template = transformer.input_template.as_str();
    let mut out = String::with_capacity(template.len());
    let mut quoted = false;
    let mut chars = template.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next().map(|(_, escaped)| escaped));
            }
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            '<' => {
                let rest = template.get(at + 1..).unwrap_or_default();
                let name = rest.split_once('>').map(|(name, _)| name);
                match name.and_then(|name| variable(name, transformer, event, matched)) {
                    Some(value) => {
                        out.push_str(&if quoted { within_quotes(&value) } else { value.to_string() });
                        // The name is done with.
                        while chars.next().is_some_and(|(_, c)| c != '>') {}
                    }
                    None => out.push(c),
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// The value of a variable; `None` when there is no variable of that name. One that leads nowhere is an empty text.
fn variable(
    name: &str,
    transformer: &InputTransformer,
    event: &Value,
    matched: &Matched<'_>,
) -> Option<Value> {
    match name {
        "aws.events.rule-arn" => Some(Value::from(matched.rule_arn)),
        "aws.events.rule-name" => Some(Value::from(matched.rule_name)),
        "aws.events.event.ingestion-time" => Some(Value::from(instant(matched.ingested_ms))),
        "aws.events.event.json" => Some(event.clone()),
        "aws.events.event" => {
            let mut event = event.clone();
            if let Some(fields) = event.as_object_mut() {
                fields.shift_remove("detail");
            }
            Some(event)
        }
        _ => {
            let path = transformer.input_paths_map.get(name)?;
            Some(json_path::get(path, event).unwrap_or_else(|| Value::from("")))
        }
    }
}

fn within_quotes(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let json = Value::from(text).to_string();
    json.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(&json).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn transformed(template: &str) -> String {
        let event = json!({
            "id": "e1", "source": "s", "detail": {"id": "q\"1", "n": 5, "o": {"k": "v"}, "list": ["a"]},
        });
        let paths = [("i", "$.detail.id"), ("n", "$.detail.n"), ("o", "$.detail.o"), ("no", "$.detail.no")];
        let transformer = InputTransformer {
            input_paths_map: paths.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            input_template: template.to_owned(),
        };
        let target = Target { input_transformer: Some(transformer), ..Target::default() };
        let matched = Matched { rule_arn: "arn:rule", rule_name: "r", ingested_ms: 0 };
        body(&target, &event, &matched)
    }

    #[test]
    fn outside_quotes_values_are_json_and_inside_they_are_text() {
        assert_eq!(transformed(r#"{"a":<i>,"b":<n>,"c":<o>}"#), r#"{"a":"q\"1","b":5,"c":{"k":"v"}}"#);
        assert_eq!(transformed(r#"{"a":"<i>/<n>"}"#), r#"{"a":"q\"1/5"}"#);
        assert_eq!(transformed(r#""id <i> of <n>""#), r#""id q\"1 of 5""#);
    }

    #[test]
    fn what_leads_nowhere_is_empty_and_what_is_no_variable_stays() {
        assert_eq!(
            transformed(r#"{"a":<no>,"b":"<no>","c":"a < b <x>"}"#),
            r#"{"a":"","b":"","c":"a < b <x>"}"#
        );
    }

    #[test]
    fn predefined_variables() {
        assert_eq!(
            transformed(r#"["<aws.events.rule-name>",<aws.events.event>]"#),
            r#"["r",{"id":"e1","source":"s"}]"#
        );
        assert!(transformed("<aws.events.event.json>").contains("detail"));
        assert_eq!(transformed("<aws.events.event.ingestion-time>"), r#""1970-01-01T00:00:00Z""#);
    }
}
