//! The part of JSON path that `EventBridge` takes: `$.detail.items[0].name`, `$['a b']`, `[*]` and `.*`.

use serde_json::Value;

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    All,
}

/// Reads a path; `None` when it is not one.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = after.split_once(']')?;
            let quoted = |quote| inside.strip_prefix(quote).and_then(|s: &str| s.strip_suffix(quote));
            steps.push(match (inside, quoted('\'').or_else(|| quoted('"'))) {
                ("*", _) => Step::All,
                (_, Some(name)) => Step::Name(name.to_owned()),
                (index, None) => Step::Index(index.parse().ok()?),
            });
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            steps.push(match name {
                "" => return None,
                "*" => Step::All,
                name => Step::Name(name.to_owned()),
            });
            rest = after;
        }
    }
    Some(steps)
}

/// Whether this text is a path.
pub(crate) fn valid(path: &str) -> bool {
    steps(path).is_some()
}

/// What the path leads to; a path with `*` leads to a list.
pub(crate) fn get(path: &str, root: &Value) -> Option<Value> {
    let steps = steps(path)?;
    let many = steps.contains(&Step::All);
    let mut found = vec![root];
    for step in &steps {
        found = found
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match (step, value) {
                    (Step::Name(name), value) => value.get(name).into_iter().collect(),
                    (Step::Index(index), value) => value.get(index).into_iter().collect(),
                    (Step::All, Value::Array(list)) => list.iter().collect(),
                    (Step::All, Value::Object(fields)) => fields.values().collect(),
                    (Step::All, _) => Vec::new(),
                }
            })
            .collect();
    }
    if many { Some(found.into_iter().cloned().collect()) } else { found.first().map(|v| (*v).clone()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_names_places_and_lists() {
        let event = json!({"detail": {"a-b": [{"n": 1}, {"n": 2}], "x y": "z"}});
        assert_eq!(get("$", &event), Some(event.clone()));
        assert_eq!(get("$.detail.a-b[1].n", &event), Some(json!(2)));
        assert_eq!(get("$.detail['x y']", &event), Some(json!("z")));
        assert_eq!(get("$.detail.a-b[*].n", &event), Some(json!([1, 2])));
        assert_eq!(get("$.detail.nothing", &event), None);
        assert!(!valid("detail") && !valid("$..a") && !valid("$[x]"));
    }
}
