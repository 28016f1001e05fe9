//! Schemas of requests and answers. A type can read and write differently (a default makes a field optional in a
//! request and always there in an answer), so there is a generator for each; a type that differs gets the name
//! `{Name}Input` where it is read.

use std::collections::{BTreeSet, VecDeque};

use kernel::FieldError;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

const PREFIX: &str = "#/components/schemas/";
/// Marks references of requests until it is known which types differ.
const INPUT: &str = "#/components/inputs/";

pub(crate) struct Schemas {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

impl Schemas {
    pub(crate) fn new() -> Self {
        let inputs = SchemaSettings::draft2020_12().for_deserialize().with(|s| {
            s.definitions_path = "/components/inputs".into();
        });
        let outputs = SchemaSettings::draft2020_12().for_serialize().with(|s| {
            s.definitions_path = "/components/schemas".into();
        });
        Self { inputs: inputs.into_generator(), outputs: outputs.into_generator() }
    }

    /// The schema of something that clients send.
    pub(crate) fn input(&mut self, schema_of: SchemaOf) -> Value {
        schema_of(&mut self.inputs).to_value()
    }

    /// The schema of something that clients get.
    pub(crate) fn output(&mut self, schema_of: SchemaOf) -> Value {
        schema_of(&mut self.outputs).to_value()
    }

    /// What an input schema says, references at its root followed.
    pub(crate) fn resolved(&self, schema: &Value) -> Value {
        let mut schema = schema;
        while let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(INPUT))
        {
            match self.inputs.definitions().get(name) {
                Some(definition) => schema = definition,
                None => break,
            }
        }
        schema.clone()
    }

    /// Puts the definitions into the document, each that something refers to, and points all references at them.
    pub(crate) fn finish(mut self, document: &mut Value) {
        let errors = self.outputs.subschema_for::<Vec<FieldError>>().to_value();
        let mut outputs = self.outputs.take_definitions(true);
        let inputs = self.inputs.take_definitions(true);
        let renamed = differing(&inputs, &outputs);
        outputs.insert("Problem".into(), problem(&errors));
        let input_name = |name: &str| {
            if renamed.contains(name) { format!("{name}Input") } else { name.to_owned() }
        };
        for (name, mut definition) in inputs {
            point(&mut definition, &input_name);
            outputs.entry(input_name(&name)).or_insert(definition);
        }
        point(document, &input_name);
        let used = reachable(document, &outputs);
        let mut kept: Vec<(String, Value)> =
            outputs.into_iter().filter(|(name, _)| used.contains(name)).collect();
        kept.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
            components.insert("schemas".into(), Value::Object(kept.into_iter().collect()));
        }
    }
}

fn problem(errors: &Value) -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457. `code` is what programs branch on; some codes carry members of their own.",
        "required": ["type", "title", "status", "detail", "code", "instance"],
        "properties": {
            "type": {"type": "string", "description": "Where the code is documented."},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, in the caller's language."},
            "code": {"type": "string", "description": "The cause."},
            "instance": {"type": "string", "description": "The path that was called."},
            "errors": errors,
        },
    })
}

/// Names whose definitions differ between requests and answers, by themselves or by what they refer to.
fn differing(inputs: &Map<String, Value>, outputs: &Map<String, Value>) -> BTreeSet<String> {
    let same_name = |name: &str| name.to_owned();
    let mut differ: BTreeSet<String> = inputs
        .iter()
        .filter(|(name, input)| {
            let mut input = (*input).clone();
            point(&mut input, &same_name);
            outputs.get(*name).is_some_and(|output| *output != input)
        })
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let before = differ.len();
        for (name, input) in inputs {
            let refers =
                references(input).iter().any(|r| r.strip_prefix(INPUT).is_some_and(|n| differ.contains(n)));
            if refers && outputs.contains_key(name) {
                differ.insert(name.clone());
            }
        }
        if differ.len() == before {
            return differ;
        }
    }
}

/// Points references of requests at the final names.
fn point(value: &mut Value, input_name: &impl Fn(&str) -> String) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter_mut() {
                match member {
                    Value::String(text) if key == "$ref" => {
                        if let Some(name) = text.strip_prefix(INPUT) {
                            *text = format!("{PREFIX}{}", input_name(name));
                        }
                    }
                    other => point(other, input_name),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|member| point(member, input_name)),
        _ => {}
    }
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, member)| match member {
                Value::String(text) if key == "$ref" => vec![text.as_str()],
                other => references(other),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Names of definitions that the document needs.
fn reachable(document: &Value, definitions: &Map<String, Value>) -> BTreeSet<String> {
    let names = |value| -> Vec<String> {
        references(value).iter().filter_map(|r| r.strip_prefix(PREFIX)).map(str::to_owned).collect()
    };
    let mut found = BTreeSet::new();
    let mut waiting: VecDeque<String> = names(document).into();
    while let Some(name) = waiting.pop_front() {
        if let Some(definition) = definitions.get(&name)
            && found.insert(name)
        {
            waiting.extend(names(definition));
        }
    }
    found
}
