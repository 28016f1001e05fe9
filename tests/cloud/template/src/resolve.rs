//! Intrinsic functions.

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::error::Problem;
use crate::stack::Stack;
use crate::values::text_of;
use crate::world::World;
use crate::yaml::{Content, Node};

/// What a node came to; `None` is `AWS::NoValue`.
type Resolved = Result<Option<Value>, Problem>;

impl Stack {
    pub(crate) fn resolve(&self, world: &World<'_>, node: &Node) -> Resolved {
        if let Some((name, argument)) = node.intrinsic() {
            let value = world.deeper(node.line, || self.intrinsic(world, name, argument))?;
            return Ok(value.map(|value| match value {
                Value::String(text) => Value::String(world.localized(text)),
                other => other,
            }));
        }
        Ok(Some(match &node.content {
            Content::Scalar(Value::String(text)) => Value::String(world.localized(text.clone())),
            Content::Scalar(value) => value.clone(),
            Content::List(items) => {
                let mut values = Vec::new();
                for item in items {
                    values.extend(self.resolve(world, item)?);
                }
                Value::Array(values)
            }
            Content::Map(entries) => {
                let mut members = Map::new();
                for entry in entries {
                    if let Some(value) = self.resolve(world, &entry.value)? {
                        members.insert(entry.key.clone(), value);
                    }
                }
                Value::Object(members)
            }
        }))
    }

    /// Resolves to text; `AWS::NoValue` is no text.
    pub(crate) fn resolve_text(&self, world: &World<'_>, node: &Node) -> Result<String, Problem> {
        match self.resolve(world, node)? {
            Some(Value::Array(_) | Value::Object(_)) | None => {
                Err(Problem::new(node.line, "text is needed here"))
            }
            Some(scalar) => Ok(text_of(&scalar)),
        }
    }

    fn intrinsic(&self, world: &World<'_>, name: &str, argument: &Node) -> Resolved {
        let value = match name {
            "Ref" => return self.reference(world, text(argument)?, argument.line),
            "Fn::GetAtt" => self.get_att(world, argument)?,
            "Fn::Sub" => self.sub(world, argument)?,
            "Fn::Join" => self.join(world, argument)?,
            "Fn::Select" => self.select(world, argument)?,
            "Fn::Split" => self.split(world, argument)?,
            "Fn::If" => return self.if_(world, argument),
            "Fn::FindInMap" => self.find_in_map(world, argument)?,
            "Fn::ImportValue" => self.import(world, argument)?,
            "Fn::Base64" => {
                let text = self.resolve_text(world, argument)?;
                Value::from(base64::engine::general_purpose::STANDARD.encode(text))
            }
            "Fn::Cidr" => self.cidr(world, argument)?,
            "Fn::GetAZs" => {
                let region = &world.options.place.region;
                ["a", "b", "c"].iter().map(|zone| Value::from(format!("{region}{zone}"))).collect()
            }
            "Fn::Length" => Value::from(self.list(world, argument)?.len()),
            "Fn::ToJsonString" => Value::from(self.resolve(world, argument)?.unwrap_or_default().to_string()),
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => {
                Value::from(self.boolean(world, name, argument)?)
            }
            other => return Err(Problem::new(argument.line, format!("{other} is not supported"))),
        };
        Ok(Some(value))
    }

    /// `Ref` of a pseudo parameter, a parameter or a resource.
    fn reference(&self, world: &World<'_>, name: &str, line: usize) -> Resolved {
        let place = &world.options.place;
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => Some(Value::from(place.region.as_str())),
            "AWS::AccountId" => Some(Value::from(place.account.as_str())),
            "AWS::StackName" => Some(Value::from(self.name.as_str())),
            "AWS::StackId" => {
                Some(Value::from(world.arn("cloudformation", &format!("stack/{}/local", self.name))))
            }
            "AWS::Partition" => Some(Value::from("aws")),
            "AWS::URLSuffix" => Some(Value::from("amazonaws.com")),
            "AWS::NotificationARNs" => Some(Value::Array(Vec::new())),
            _ => None,
        };
        if let Some(value) = pseudo.or_else(|| self.parameters.get(name).cloned()) {
            return Ok(Some(value));
        }
        self.ref_of(world, name, line).map(Some)
    }

    fn get_att(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let (id, attribute) = match (argument.as_str(), argument.items()) {
            (Some(text), _) => match text.split_once('.') {
                Some((id, attribute)) => (id.to_owned(), attribute.to_owned()),
                None => return Err(Problem::new(argument.line, format!("{text}: which attribute?"))),
            },
            (None, [id, attribute]) => (text(id)?.to_owned(), self.resolve_text(world, attribute)?),
            _ => return Err(Problem::new(argument.line, "Fn::GetAtt needs a resource and an attribute")),
        };
        self.attribute(world, &id, &attribute, argument.line)
    }

    fn sub(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let (format, variables) = match argument.items() {
            [format, variables] => (text(format)?, Some(variables)),
            _ => (text(argument)?, None),
        };
        let mut answer = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once("${") {
            answer.push_str(before);
            let (name, following) =
                after.split_once('}').ok_or_else(|| Problem::new(argument.line, "a ${ without its }"))?;
            rest = following;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                answer.push_str("${");
                answer.push_str(literal);
                answer.push('}');
            } else if let Some(variable) = variables.and_then(|v| v.get(name)) {
                answer.push_str(&self.resolve_text(world, variable)?);
            } else {
                let value = match name.split_once('.') {
                    Some((id, attribute)) => Some(self.attribute(world, id, attribute, argument.line)?),
                    None => self.reference(world, name, argument.line)?,
                };
                answer.push_str(&text_of(&value.unwrap_or_default()));
            }
        }
        answer.push_str(rest);
        Ok(Value::from(answer))
    }

    fn join(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let [separator, list] = argument.items() else {
            return Err(Problem::new(argument.line, "Fn::Join needs a separator and a list"));
        };
        let separator = self.resolve_text(world, separator)?;
        let parts: Vec<String> = self.list(world, list)?.iter().map(text_of).collect();
        Ok(Value::from(parts.join(&separator)))
    }

    fn select(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let [index, list] = argument.items() else {
            return Err(Problem::new(argument.line, "Fn::Select needs an index and a list"));
        };
        let index = self.resolve_text(world, index)?;
        let items = self.list(world, list)?;
        let item = index.parse::<usize>().ok().and_then(|i| items.get(i).cloned());
        item.ok_or_else(|| {
            Problem::new(argument.line, format!("there is no item {index} in {} items", items.len()))
        })
    }

    fn split(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let [separator, source] = argument.items() else {
            return Err(Problem::new(argument.line, "Fn::Split needs a separator and a text"));
        };
        let separator = self.resolve_text(world, separator)?;
        let source = self.resolve_text(world, source)?;
        Ok(source.split(separator.as_str()).map(Value::from).collect())
    }

    fn if_(&self, world: &World<'_>, argument: &Node) -> Resolved {
        let [condition, yes, no] = argument.items() else {
            return Err(Problem::new(argument.line, "Fn::If needs a condition and two values"));
        };
        let holds = self.condition(world, text(condition)?, condition.line)?;
        self.resolve(world, if holds { yes } else { no })
    }

    fn find_in_map(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let [map, first, second, default @ ..] = argument.items() else {
            return Err(Problem::new(argument.line, "Fn::FindInMap needs a map and two keys"));
        };
        let (map, first, second) = (
            self.resolve_text(world, map)?,
            self.resolve_text(world, first)?,
            self.resolve_text(world, second)?,
        );
        let found = self.template.section("Mappings").and_then(|m| m.get(&map)?.get(&first)?.get(&second));
        let default = default.first().and_then(|d| d.get("DefaultValue"));
        let value = found.or(default).map(|node| self.resolve(world, node)).transpose()?.flatten();
        value.ok_or_else(|| {
            Problem::new(argument.line, format!("there is no {first}.{second} in mapping {map}"))
        })
    }

    fn import(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let name = self.resolve_text(world, argument)?;
        let found = world.exports.borrow().get(&name).cloned();
        found.ok_or_else(|| Problem::new(argument.line, format!("no stack before this one exports {name}")))
    }

    /// `Fn::Cidr [block, count, host bits]` for IPv4.
    fn cidr(&self, world: &World<'_>, argument: &Node) -> Result<Value, Problem> {
        let wrong =
            || Problem::new(argument.line, "Fn::Cidr needs an IPv4 block, a count and a number of host bits");
        let [block, count, bits] = argument.items() else { return Err(wrong()) };
        let block = self.resolve_text(world, block)?;
        let address =
            block.split('/').next().and_then(|a| a.parse::<std::net::Ipv4Addr>().ok()).ok_or_else(wrong)?;
        let count: u32 = self.resolve_text(world, count)?.parse().map_err(|_| wrong())?;
        let bits: u32 = self.resolve_text(world, bits)?.parse().map_err(|_| wrong())?;
        let size = 1_u32.checked_shl(bits).ok_or_else(wrong)?;
        (0..count.min(256))
            .map(|i| {
                let start = size.checked_mul(i).and_then(|offset| u32::from(address).checked_add(offset));
                let start = std::net::Ipv4Addr::from(start.ok_or_else(wrong)?);
                Ok(Value::from(format!("{start}/{}", 32 - bits)))
            })
            .collect()
    }

    fn list(&self, world: &World<'_>, node: &Node) -> Result<Vec<Value>, Problem> {
        match self.resolve(world, node)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Problem::new(node.line, "a list is needed here")),
        }
    }

    /// What a condition of the `Conditions` section comes to.
    pub(crate) fn condition(&self, world: &World<'_>, name: &str, line: usize) -> Result<bool, Problem> {
        if let Some(known) = self.conditions.get(name) {
            return Ok(*known);
        }
        let declared = self.template.section("Conditions").and_then(|s| s.get(name));
        let declared = declared.ok_or_else(|| Problem::new(line, format!("there is no condition {name}")))?;
        world.deeper(line, || self.truth(world, declared))
    }

    fn truth(&self, world: &World<'_>, node: &Node) -> Result<bool, Problem> {
        if let [only] = node.entries() {
            return match only.key.as_str() {
                "Condition" => self.condition(world, text(&only.value)?, only.line),
                name => self.boolean(world, name, &only.value),
            };
        }
        match self.resolve(world, node)? {
            Some(value) if text_of(&value).eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if text_of(&value).eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(Problem::new(node.line, "a condition is needed here")),
        }
    }

    fn boolean(&self, world: &World<'_>, name: &str, argument: &Node) -> Result<bool, Problem> {
        let each = |argument: &Node| {
            argument.items().iter().map(|n| self.truth(world, n)).collect::<Result<Vec<_>, _>>()
        };
        match (name, argument.items()) {
            ("Fn::Equals", [one, other]) => {
                let (one, other) = (self.resolve(world, one)?, self.resolve(world, other)?);
                Ok(one.as_ref().map(text_of) == other.as_ref().map(text_of))
            }
            ("Fn::Not", [_]) => Ok(!each(argument)?.contains(&true)),
            ("Fn::And", [_, ..]) => Ok(!each(argument)?.contains(&false)),
            ("Fn::Or", [_, ..]) => Ok(each(argument)?.contains(&true)),
            _ => Err(Problem::new(argument.line, format!("{name} with these arguments is no condition"))),
        }
    }
}

fn text(node: &Node) -> Result<&str, Problem> {
    node.as_str().ok_or_else(|| Problem::new(node.line, "plain text is needed here"))
}
