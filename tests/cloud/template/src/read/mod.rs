//! From resolved stacks to the typed model.

mod apis;
mod edge;
mod functions;
mod messaging;
mod policies;
mod rules;
mod sources;
mod stores;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Problem, TemplateError};
use crate::expand;
use crate::model::{Product, RawResource, StackView};
use crate::stack::Stack;
use crate::template::Resource;
use crate::values::text_of;
use crate::world::{Options, World};

/// Types that would have to do something, and nothing here does it.
const NOT_HERE: [&str; 7] = [
    "AWS::ApiGateway::RestApi",
    "AWS::Kinesis::Stream",
    "AWS::Lambda::Url",
    "AWS::Pipes::Pipe",
    "AWS::Serverless::Api",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::StateMachine",
];

/// Reads the root template in `file` and everything nested in it.
///
/// # Errors
/// When a file cannot be read, is no template, or holds something that does not resolve; the error names file, line and
/// logical id.
pub fn read(file: &Path, options: &Options<'_>) -> Result<Product, TemplateError> {
    let world = World::new(options);
    let given = options.parameters.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    let root = Stack::load(&world, &options.stack_name, file, &given, 0)?;
    let stacks = root.tree();
    let mut declared = Vec::new();
    for &stack in &stacks {
        for resource in stack.existing() {
            declared.push(Declared::resolve(&world, stack, resource)?);
        }
    }
    let all = All { world: &world, declared: &declared };
    if let Some(refused) = all.of(&NOT_HERE).next() {
        return Err(refused.error(format!("resources of type {} do not run on one machine", refused.kind())));
    }

    let mut product =
        Product { stacks: stacks.iter().map(|stack| view(stack, &declared)).collect(), ..Product::default() };
    product.tables = stores::tables(&all)?;
    product.buckets = stores::buckets(&all)?;
    product.parameters = stores::parameters(&all)?;
    product.queues = messaging::queues(&all)?;
    product.topics = messaging::topics(&all)?;
    product.buses = rules::buses(&all);
    product.apis = apis::apis(&all)?;
    product.distributions = edge::distributions(&all)?;
    product.public_keys = edge::public_keys(&all)?;
    product.key_groups = edge::key_groups(&all)?;
    product.alarms = edge::alarms(&all);
    product.functions = functions::functions(&all)?;
    product.permissions = functions::permissions(&all, &product.functions)?;
    product.rules = rules::rules(&all)?;
    product.schedules = rules::schedules(&all)?;
    product.routes = apis::routes(&all, &product)?;
    sources::attach(&all, &mut product)?;
    Ok(product)
}

fn view(stack: &Stack, declared: &[Declared<'_>]) -> StackView {
    let resources = declared.iter().filter(|d| std::ptr::eq(d.stack, stack)).map(|d| {
        let raw = RawResource {
            kind: d.resource.kind.clone(),
            line: d.resource.line,
            properties: d.properties.clone(),
        };
        (d.resource.logical_id.clone(), raw)
    });
    StackView {
        name: stack.name.clone(),
        file: stack.file.clone(),
        parameters: stack.parameters.clone(),
        outputs: stack.outputs.clone(),
        resources: resources.collect(),
        expanded_resources: expand::expanded_resources(&stack.template),
    }
}

/// All resources of all stacks that exist.
struct All<'a> {
    world: &'a World<'a>,
    declared: &'a [Declared<'a>],
}

impl<'a> All<'a> {
    fn of(&self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Declared<'a>> {
        self.declared.iter().filter(|d| kinds.contains(&d.resource.kind.as_str()))
    }
}

/// A resource with its properties resolved.
struct Declared<'a> {
    stack: &'a Stack,
    resource: &'a Resource,
    properties: Value,
    name: String,
    arn: String,
}

impl<'a> Declared<'a> {
    fn resolve(world: &World<'_>, stack: &'a Stack, resource: &'a Resource) -> Result<Self, TemplateError> {
        let at = |p: Problem| stack.locate(p, Some(&resource.logical_id));
        let properties = stack.resolve(world, &resource.properties).map_err(at)?.unwrap_or_default();
        let name = stack.physical_name(world, resource).map_err(at)?;
        let arn = stack.arn_of(world, resource).map_err(at)?;
        Ok(Self { stack, resource, properties, name, arn })
    }

    fn logical_id(&self) -> String {
        self.resource.logical_id.clone()
    }

    fn stack_name(&self) -> String {
        self.stack.name.clone()
    }

    fn kind(&self) -> &str {
        &self.resource.kind
    }

    fn error(&self, problem: impl Into<String>) -> TemplateError {
        self.stack.locate(Problem::new(self.resource.line, problem), Some(&self.resource.logical_id))
    }

    /// The properties as a typed structure.
    fn typed<T: DeserializeOwned>(&self) -> Result<T, TemplateError> {
        self.typed_part(&self.properties)
    }

    fn typed_part<T: DeserializeOwned>(&self, value: &Value) -> Result<T, TemplateError> {
        T::deserialize(value).map_err(|e| self.error(e.to_string()))
    }

    fn reference(&self, world: &World<'_>) -> Result<String, TemplateError> {
        let value = self.stack.ref_of(world, &self.resource.logical_id, self.resource.line);
        Ok(text_of(&value.map_err(|p| self.stack.locate(p, Some(&self.resource.logical_id)))?))
    }
}

/// Text members of a mapping.
fn texts_of(members: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    members.iter().map(|(key, value)| (key.clone(), text_of(value))).collect()
}
