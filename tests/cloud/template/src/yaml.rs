//! YAML as CloudFormation reads it: short-form intrinsics (`!Ref x`) become long ones (`{Ref: x}`), every node knows
//! its line, and a key that appears twice is an error.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use crate::error::Problem;

/// Deeper nesting than this is no template.
const DEEPEST: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Line where the node begins, from 1.
    pub(crate) line: usize,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Never an array or object.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Line of the key.
    pub(crate) line: usize,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|e| e.key == key).map(|e| &e.value)
    }

    /// The members of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The members of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// The intrinsic function that this node is, and its argument.
    pub(crate) fn intrinsic(&self) -> Option<(&str, &Self)> {
        match self.entries() {
            [only] if only.key == "Ref" || only.key.starts_with("Fn::") => Some((&only.key, &only.value)),
            _ => None,
        }
    }

    fn map(line: usize, key: &str, value: Self) -> Self {
        let entry = Entry { key: key.to_owned(), line, value };
        Self { line, content: Content::Map(vec![entry]) }
    }
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
    let mut builder = Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), line: 1 };
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Err(Problem::new(1, "the template is empty")),
            other => return builder.node(other, span, 0),
        }
    }
}

struct Builder<'input> {
    parser: Parser<'input, saphyr_parser::StrInput<'input>>,
    anchors: HashMap<usize, Node>,
    line: usize,
}

impl<'input> Builder<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok((event, span))
            }
            Some(Err(error)) => Err(Problem::new(error.marker().line(), format!("YAML: {}", error.info()))),
            None => Err(Problem::new(self.line, "YAML: the document ends too early")),
        }
    }

    fn node(&mut self, event: Event<'input>, span: Span, depth: usize) -> Result<Node, Problem> {
        let line = span.start.line();
        if depth > DEEPEST {
            return Err(Problem::new(line, "nested too deeply"));
        }
        let (anchor, tag, content) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, tag, scalar(&text, style)),
            Event::SequenceStart(anchor, tag) => (anchor, tag, self.list(depth)?),
            Event::MappingStart(anchor, tag) => (anchor, tag, self.mapping(depth)?),
            Event::Alias(anchor) => {
                return self.anchors.get(&anchor).cloned().ok_or_else(|| Problem::new(line, "unknown alias"));
            }
            _ => return Err(Problem::new(line, "YAML: a value is missing")),
        };
        let node = tagged(Node { line, content }, tag.as_deref())?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Content, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Content, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let key = match event {
                Event::MappingEnd => return Ok(Content::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Problem::new(line, "a key must be text")),
            };
            if let Some(first) = entries.iter().find(|e| e.key == key) {
                return Err(Problem::new(line, format!("{key} appears twice, first in line {}", first.line)));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            entries.push(Entry { key, line, value });
        }
    }
}

/// Numbers and booleans only where writing them back gives the same text: an account id such as `000000000000` must
/// stay text.
fn scalar(text: &str, style: ScalarStyle) -> Content {
    let value = match text {
        _ if style != ScalarStyle::Plain => Value::from(text),
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::from(true),
        "false" | "False" | "FALSE" => Value::from(false),
        _ => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<f64>().map(Value::from))
            .ok()
            .filter(|number| rewritten(number, text))
            .unwrap_or_else(|| Value::from(text)),
    };
    Content::Scalar(value)
}

fn rewritten(number: &Value, text: &str) -> bool {
    number.to_string().as_str() == text
}

fn tagged(node: Node, tag: Option<&Tag>) -> Result<Node, Problem> {
    let Some(tag) = tag.filter(|t| t.handle == "!") else { return Ok(node) };
    let key = match tag.suffix.as_str() {
        "" => return Ok(node),
        "Ref" | "Condition" => tag.suffix.clone(),
        "Sub" | "GetAtt" | "Join" | "Select" | "Split" | "If" | "FindInMap" | "ImportValue" | "Equals"
        | "And" | "Or" | "Not" | "Base64" | "Cidr" | "GetAZs" | "Length" | "ToJsonString" | "Transform" => {
            format!("Fn::{}", tag.suffix)
        }
        other => return Err(Problem::new(node.line, format!("unknown tag !{other}"))),
    };
    // `!Sub 5` and `!Ref 5` are text all the same.
    let line = node.line;
    Ok(Node::map(line, &key, node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_ones_and_nest() {
        let node = parse("a: !Join ['-', [!Ref X, !GetAtt Y.Arn]]").unwrap();
        let (name, argument) = node.get("a").unwrap().intrinsic().unwrap();
        assert_eq!(name, "Fn::Join");
        let parts = argument.items()[1].items();
        assert_eq!(parts[0].intrinsic().unwrap().0, "Ref");
        assert_eq!(parts[1].intrinsic().unwrap().1.as_str(), Some("Y.Arn"));
    }

    #[test]
    fn text_that_only_looks_like_a_number_stays_text() {
        let node = parse("[000000000000, 12, 1.10, 1.5, 2012-10-17, 'true', true, ~]").unwrap();
        let values: Vec<_> = node.items().iter().map(|n| format!("{:?}", n.content)).collect();
        let wanted = [
            "Scalar(String(\"000000000000\"))",
            "Scalar(Number(12))",
            "Scalar(String(\"1.10\"))",
            "Scalar(Number(1.5))",
            "Scalar(String(\"2012-10-17\"))",
            "Scalar(String(\"true\"))",
            "Scalar(Bool(true))",
            "Scalar(Null)",
        ];
        assert_eq!(values, wanted);
    }

    #[test]
    fn a_key_that_appears_twice_is_refused_with_both_lines() {
        let problem = parse("Resources:\n  A: 1\n  B: 2\n  A: 3\n").unwrap_err();
        assert_eq!((problem.line, problem.text.as_str()), (4, "A appears twice, first in line 2"));
    }

    #[test]
    fn an_anchor_is_repeated_by_its_alias() {
        let node = parse("a: &x [1, 2]\nb: *x\n").unwrap();
        assert_eq!(node.get("b").unwrap().items().len(), 2);
    }

    #[test]
    fn an_unknown_tag_and_broken_yaml_name_their_line() {
        assert_eq!(parse("a: 1\nb: !Frob x\n").unwrap_err().line, 2);
        assert_eq!(parse("a: 1\nb: [1\n").unwrap_err().line, 3);
    }
}
