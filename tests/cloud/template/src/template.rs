//! One template's sections, unresolved.

use crate::error::Problem;
use crate::yaml::{Content, Node, parse};

/// The API that SAM makes for `HttpApi` events which name none.
pub(crate) const IMPLICIT_HTTP_API: &str = "ServerlessHttpApi";

#[derive(Clone, Debug)]
pub(crate) struct Template {
    root: Node,
    pub(crate) resources: Vec<Resource>,
}

/// A declared resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) logical_id: String,
    /// Line of the logical id.
    pub(crate) line: usize,
    /// For example `AWS::SQS::Queue`.
    pub(crate) kind: String,
    pub(crate) condition: Option<String>,
    pub(crate) depends_on: Vec<String>,
    /// With the template's `Globals` merged in.
    pub(crate) properties: Node,
}

impl Template {
    pub(crate) fn read(text: &str) -> Result<Self, Problem> {
        let root = parse(text)?;
        let section =
            root.get("Resources").ok_or_else(|| Problem::new(root.line, "there are no Resources"))?;
        let mut resources = Vec::new();
        for entry in section.entries() {
            let kind = entry.value.text_of("Type");
            let kind = kind.ok_or_else(|| Problem::new(entry.line, format!("{} has no Type", entry.key)))?;
            let empty = Node { line: entry.line, content: Content::Map(Vec::new()) };
            let properties = entry.value.get("Properties").cloned().unwrap_or(empty);
            resources.push(Resource {
                logical_id: entry.key.clone(),
                line: entry.line,
                kind: kind.to_owned(),
                condition: entry.value.text_of("Condition").map(str::to_owned),
                depends_on: names(entry.value.get("DependsOn")),
                properties: match globals_for(&root, kind) {
                    Some(globals) => merged(globals, &properties),
                    None => properties,
                },
            });
        }
        if resources.iter().any(needs_implicit_api)
            && resources.iter().all(|r| r.logical_id != IMPLICIT_HTTP_API)
        {
            resources.push(implicit_api(&root));
        }
        Ok(Self { root, resources })
    }

    pub(crate) fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.resources.iter().find(|r| r.logical_id == logical_id)
    }

    /// A top-level section such as `Parameters`.
    pub(crate) fn section(&self, name: &str) -> Option<&Node> {
        self.root.get(name)
    }
}

fn needs_implicit_api(resource: &Resource) -> bool {
    let events = resource.properties.get("Events").map(Node::entries).unwrap_or_default();
    resource.kind == "AWS::Serverless::Function"
        && events.iter().any(|event| {
            event.value.text_of("Type") == Some("HttpApi")
                && event.value.get("Properties").is_none_or(|p| p.get("ApiId").is_none())
        })
}

fn implicit_api(root: &Node) -> Resource {
    const KIND: &str = "AWS::Serverless::HttpApi";
    let empty = Node { line: root.line, content: Content::Map(Vec::new()) };
    Resource {
        logical_id: IMPLICIT_HTTP_API.to_owned(),
        line: root.line,
        kind: KIND.to_owned(),
        condition: None,
        depends_on: Vec::new(),
        properties: globals_for(root, KIND).cloned().unwrap_or(empty),
    }
}

fn names(node: Option<&Node>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    let one = node.as_str().into_iter();
    one.chain(node.items().iter().filter_map(Node::as_str)).map(str::to_owned).collect()
}

/// `Globals: Function: …` applies to every `AWS::Serverless::Function`, and so on for the other SAM types.
fn globals_for<'a>(root: &'a Node, kind: &str) -> Option<&'a Node> {
    root.get("Globals")?.get(kind.strip_prefix("AWS::Serverless::")?)
}

/// As SAM merges: mappings are merged, lists are joined with the global ones first, anything else is replaced.
fn merged(global: &Node, local: &Node) -> Node {
    if global.intrinsic().is_some() || local.intrinsic().is_some() {
        return local.clone();
    }
    match (&global.content, &local.content) {
        (Content::Map(ours), Content::Map(theirs)) => {
            let mut entries = ours.clone();
            for entry in theirs {
                match entries.iter_mut().find(|e| e.key == entry.key) {
                    Some(existing) => existing.value = merged(&existing.value, &entry.value),
                    None => entries.push(entry.clone()),
                }
            }
            Node { line: local.line, content: Content::Map(entries) }
        }
        (Content::List(ours), Content::List(theirs)) => {
            let items = ours.iter().chain(theirs).cloned().collect();
            Node { line: local.line, content: Content::List(items) }
        }
        _ => local.clone(),
    }
}
