use std::collections::BTreeMap;

use serde_json::Value;

/// `fields=a,b.c`: which members of an answer the caller wants.
#[derive(Default)]
struct Tree(BTreeMap<String, Tree>);

/// Keeps only the named members. Lists are gone through; `next_cursor` stays, or no list could be paged.
pub(super) fn project(answer: &mut Value, fields: &str) {
    let mut tree = Tree::default();
    for path in fields.split(',').map(str::trim).filter(|p| !p.is_empty()).take(100) {
        let mut node = &mut tree;
        for name in path.split('.') {
            node = node.0.entry(name.to_owned()).or_default();
        }
    }
    if tree.0.is_empty() {
        return;
    }
    // `fields=id` on a list means the fields of its items.
    match answer.get_mut("items") {
        Some(items) if !tree.0.contains_key("items") => keep(items, &tree),
        _ => {
            tree.0.entry("next_cursor".to_owned()).or_default();
            keep(answer, &tree);
        }
    }
}

fn keep(value: &mut Value, tree: &Tree) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|v| keep(v, tree)),
        Value::Object(object) => {
            object.retain(|name, _| tree.0.contains_key(name));
            for (name, below) in &tree.0 {
                if let (false, Some(value)) = (below.0.is_empty(), object.get_mut(name)) {
                    keep(value, below);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::project;
    use serde_json::json;

    #[test]
    fn only_the_named_fields_stay_and_a_list_can_still_be_paged() {
        let mut list =
            json!({"items": [{"id": 1, "owner": {"id": 2, "name": "a"}, "x": 3}], "next_cursor": "c"});
        project(&mut list, "id,owner.name");
        assert_eq!(list, json!({"items": [{"id": 1, "owner": {"name": "a"}}], "next_cursor": "c"}));
        let mut one = json!({"id": 1, "a": {"b": 1, "c": 2}});
        project(&mut one, "a.c,nothing");
        assert_eq!(one, json!({"a": {"c": 2}}));
    }
}
