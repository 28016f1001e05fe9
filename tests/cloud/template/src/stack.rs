//! A stack: a template with its parameters, and the stacks nested in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Problem, TemplateError};
use crate::template::{Resource, Template};
use crate::values::text_of;
use crate::world::{DynamicReference, World};
use crate::yaml::{Content, Node};

/// Stacks nested deeper than this are a template that includes itself.
const DEEPEST: usize = 8;

#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) template: Template,
    pub(crate) parameters: BTreeMap<String, Value>,
    /// What each condition came to.
    pub(crate) conditions: BTreeMap<String, bool>,
    pub(crate) outputs: BTreeMap<String, Value>,
    /// By logical id.
    pub(crate) nested: BTreeMap<String, Stack>,
}

/// Whether the resource is a stack whose template is a local file.
fn location(resource: &Resource) -> Option<&Node> {
    match resource.kind.as_str() {
        "AWS::CloudFormation::Stack" => resource.properties.get("TemplateURL"),
        "AWS::Serverless::Application" => resource.properties.get("Location"),
        _ => None,
    }
}

impl Stack {
    /// Reads a template and everything nested in it.
    pub(crate) fn load(
        world: &World<'_>,
        name: &str,
        file: &Path,
        given: &BTreeMap<String, Value>,
        depth: usize,
    ) -> Result<Self, TemplateError> {
        let whole =
            |problem: String| TemplateError { file: file.to_owned(), line: None, logical_id: None, problem };
        if depth > DEEPEST {
            return Err(whole("stacks are nested too deeply".to_owned()));
        }
        let text = std::fs::read_to_string(file).map_err(|e| whole(format!("cannot be read: {e}")))?;
        let template =
            Template::read(&text).map_err(|p| TemplateError { line: Some(p.line), ..whole(p.text) })?;
        let mut stack = Self {
            name: name.to_owned(),
            file: file.to_owned(),
            template,
            parameters: BTreeMap::new(),
            conditions: BTreeMap::new(),
            outputs: BTreeMap::new(),
            nested: BTreeMap::new(),
        };
        stack.read_parameters(world, given).map_err(|p| stack.locate(p, None))?;
        stack.read_conditions(world).map_err(|p| stack.locate(p, None))?;
        stack.note_websocket_apis(world);
        stack.load_nested(world, depth)?;
        stack.read_outputs(world)?;
        Ok(stack)
    }

    pub(crate) fn locate(&self, problem: Problem, logical_id: Option<&str>) -> TemplateError {
        TemplateError {
            file: self.file.clone(),
            line: Some(problem.line),
            logical_id: logical_id.map(str::to_owned),
            problem: problem.text,
        }
    }

    /// The resources that exist: those without a condition, or whose condition holds.
    pub(crate) fn existing(&self) -> impl Iterator<Item = &Resource> {
        self.template.resources.iter().filter(|r| self.exists(r))
    }

    pub(crate) fn exists(&self, resource: &Resource) -> bool {
        resource.condition.as_ref().is_none_or(|c| self.conditions.get(c) == Some(&true))
    }

    /// This stack and all below it.
    pub(crate) fn tree(&self) -> Vec<&Self> {
        let mut all = vec![self];
        for nested in self.nested.values() {
            all.extend(nested.tree());
        }
        all
    }

    fn read_parameters(&mut self, world: &World<'_>, given: &BTreeMap<String, Value>) -> Result<(), Problem> {
        let declared = self.template.section("Parameters").map(Node::entries).unwrap_or_default();
        for name in given.keys() {
            if !declared.iter().any(|e| e.key == *name) {
                return Err(Problem::new(1, format!("is given a parameter {name} that it does not declare")));
            }
        }
        let mut parameters = BTreeMap::new();
        for entry in declared {
            let default = match entry.value.get("Default").map(|n| &n.content) {
                Some(Content::Scalar(value)) => Some(value.clone()),
                _ => None,
            };
            let value = given.get(&entry.key).cloned().or(default).ok_or_else(|| {
                Problem::new(entry.line, format!("parameter {} has neither a value nor a default", entry.key))
            })?;
            let text = match &value {
                Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
                other => text_of(other),
            };
            check_allowed(&entry.key, &entry.value, &text)?;
            let kind = entry.value.text_of("Type").unwrap_or("String");
            let value = parameter_value(world, kind, text).ok_or_else(|| {
                Problem::new(
                    entry.line,
                    format!("parameter {}: there is no SSM parameter {}", entry.key, text_of(&value)),
                )
            })?;
            parameters.insert(entry.key.clone(), value);
        }
        self.parameters = parameters;
        Ok(())
    }

    fn read_conditions(&mut self, world: &World<'_>) -> Result<(), Problem> {
        let names: Vec<(String, usize)> = self
            .template
            .section("Conditions")
            .map(|s| s.entries().iter().map(|e| (e.key.clone(), e.line)).collect())
            .unwrap_or_default();
        for (name, line) in names {
            let holds = self.condition(world, &name, line)?;
            self.conditions.insert(name, holds);
        }
        for resource in &self.template.resources {
            if let Some(missing) = resource.condition.as_ref().filter(|c| !self.conditions.contains_key(*c)) {
                return Err(Problem::new(resource.line, format!("there is no condition {missing}")));
            }
        }
        Ok(())
    }

    /// Resolving turns `https://{id}.execute-api…` into another address for WebSocket APIs than for HTTP APIs.
    fn note_websocket_apis(&self, world: &World<'_>) {
        for resource in self.existing() {
            let websocket = resource.properties.text_of("ProtocolType") == Some("WEBSOCKET");
            if resource.kind == "AWS::Serverless::WebSocketApi" || websocket {
                world.websocket_apis.borrow_mut().push(self.derived_id(&resource.logical_id));
            }
        }
    }

    /// Nested stacks may take each other's outputs as parameters, so they are read in the order that allows it.
    fn load_nested(&mut self, world: &World<'_>, depth: usize) -> Result<(), TemplateError> {
        let mut waiting: Vec<Resource> = self.existing().filter(|r| location(r).is_some()).cloned().collect();
        while !waiting.is_empty() {
            let names: BTreeSet<String> = waiting.iter().map(|r| r.logical_id.clone()).collect();
            let ready = waiting.iter().position(|r| needed(r, &names).is_empty());
            let Some(ready) = ready else {
                let all = names.into_iter().collect::<Vec<_>>().join(", ");
                let problem = format!("the nested stacks {all} need each other's outputs");
                return Err(TemplateError { file: self.file.clone(), line: None, logical_id: None, problem });
            };
            let resource = waiting.remove(ready);
            let nested = self.load_one(world, &resource, depth)?;
            self.nested.insert(resource.logical_id, nested);
        }
        Ok(())
    }

    fn load_one(&self, world: &World<'_>, resource: &Resource, depth: usize) -> Result<Self, TemplateError> {
        let at = |p: Problem| self.locate(p, Some(&resource.logical_id));
        let location =
            location(resource).ok_or_else(|| at(Problem::new(resource.line, "has no template")))?;
        let path = location
            .as_str()
            .filter(|path| !path.contains("://"))
            .ok_or_else(|| at(Problem::new(location.line, "only templates in local files can be read")))?;
        let mut given = BTreeMap::new();
        for entry in resource.properties.get("Parameters").map(Node::entries).unwrap_or_default() {
            if let Some(value) = self.resolve(world, &entry.value).map_err(at)? {
                given.insert(entry.key.clone(), value);
            }
        }
        let name = format!("{}-{}", self.name, resource.logical_id);
        let folder = self.file.parent().unwrap_or_else(|| Path::new("."));
        Self::load(world, &name, &folder.join(path), &given, depth + 1)
    }

    fn read_outputs(&mut self, world: &World<'_>) -> Result<(), TemplateError> {
        let mut outputs = BTreeMap::new();
        for entry in self.template.section("Outputs").map(Node::entries).unwrap_or_default() {
            let at = |p: Problem| self.locate(p, Some(&entry.key));
            if entry.value.text_of("Condition").is_some_and(|c| self.conditions.get(c) != Some(&true)) {
                continue;
            }
            let value = entry.value.get("Value");
            let value = value.ok_or_else(|| at(Problem::new(entry.line, "an output needs a Value")))?;
            let Some(value) = self.resolve(world, value).map_err(at)? else { continue };
            if let Some(export) = entry.value.get("Export").and_then(|e| e.get("Name")) {
                let name = self.resolve(world, export).map_err(at)?.unwrap_or_default();
                world.exports.borrow_mut().insert(text_of(&name), value.clone());
            }
            outputs.insert(entry.key.clone(), value);
        }
        self.outputs = outputs;
        Ok(())
    }
}

fn check_allowed(name: &str, declaration: &Node, text: &str) -> Result<(), Problem> {
    let Some(allowed) = declaration.get("AllowedValues") else { return Ok(()) };
    let known =
        allowed.items().iter().any(|n| matches!(&n.content, Content::Scalar(v) if text_of(v) == text));
    if known {
        Ok(())
    } else {
        Err(Problem::new(allowed.line, format!("parameter {name} cannot be {text:?}")))
    }
}

/// `None` when an SSM parameter is not there.
fn parameter_value(world: &World<'_>, kind: &str, text: String) -> Option<Value> {
    let (kind, text) = match kind.strip_prefix("AWS::SSM::Parameter::Value<") {
        Some(inner) => {
            let reference = DynamicReference { service: "ssm".to_owned(), key: text };
            (inner.strip_suffix('>').unwrap_or(inner), (world.options.dynamic)(&reference)?)
        }
        None => (kind, text),
    };
    let list = kind == "CommaDelimitedList" || kind.starts_with("List<");
    Some(if list {
        text.split(',').map(|part| Value::from(part.trim())).collect()
    } else {
        Value::from(text)
    })
}

/// Which of `names` the resource must wait for: stacks whose outputs it takes, and those it says it depends on.
fn needed(resource: &Resource, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    mentioned(&resource.properties, &mut found);
    found.extend(resource.depends_on.iter().cloned());
    found.retain(|name| names.contains(name));
    found
}

/// Logical ids in `Fn::GetAtt` and `Fn::Sub`.
fn mentioned(node: &Node, found: &mut BTreeSet<String>) {
    if let Some((name, argument)) = node.intrinsic() {
        let text = argument.as_str().or_else(|| argument.items().first().and_then(Node::as_str));
        match (name, text) {
            ("Fn::GetAtt", Some(text)) => {
                found.extend(text.split('.').next().map(str::to_owned));
            }
            ("Fn::Sub", Some(text)) => {
                let ids = text.split("${").skip(1).filter_map(|part| part.split(['.', '}']).next());
                found.extend(ids.map(str::to_owned));
            }
            _ => {}
        }
    }
    node.entries().iter().for_each(|e| mentioned(&e.value, found));
    node.items().iter().for_each(|n| mentioned(n, found));
}
