//! A function is the same everywhere: folder, code, template, sample events, OpenAPI, access table.

use std::collections::{BTreeMap, BTreeSet};

use cloud_template::RouteKey;
use gates::{folders, root, templates};
use platform::{Access, Trigger};
use serde_json::Value;

fn code() -> BTreeMap<String, platform::Function> {
    product::functions().into_iter().map(|f| (f.name.to_owned(), f)).collect()
}

#[test]
fn folders_code_and_template_name_the_same_functions() {
    let names: BTreeSet<String> = code().into_keys().collect();
    assert_eq!(product::functions().len(), names.len(), "two functions share a name");
    assert_eq!(folders().unwrap(), names);
    let deployed: BTreeSet<String> = templates()
        .unwrap()
        .functions
        .iter()
        .map(|f| f.name.trim_start_matches("gate-").to_owned())
        .collect();
    assert_eq!(deployed, names);
}

#[test]
fn every_route_of_the_code_is_in_the_template_and_the_other_way_round() {
    let of_code: BTreeSet<(String, String, String)> = code()
        .into_iter()
        .filter_map(|(name, f)| match f.trigger {
            Trigger::Http(e) => Some((e.method.to_owned(), e.path.to_owned(), name)),
            Trigger::Job(_) => None,
        })
        .collect();
    let of_template: BTreeSet<(String, String, String)> = templates()
        .unwrap()
        .routes
        .into_iter()
        .filter_map(|r| match r.key {
            RouteKey::Http { method, path } => {
                assert!(r.permitted, "{method} {path} may not invoke its function");
                Some((method, path, r.function.trim_start_matches("gate-").to_owned()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(of_code, of_template);
}

#[test]
fn every_function_has_a_good_and_a_bad_sample_event() {
    for name in code().into_keys() {
        let (area, function) = name.split_once('-').unwrap();
        for kind in ["ok", "bad"] {
            let folder = root().join("events").join(area).join(function);
            let found = gates::files(&folder, ".json")
                .into_iter()
                .filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with(kind))
                .collect::<Vec<_>>();
            assert!(!found.is_empty(), "{name} has no {kind} event in {}", folder.display());
            for path in found {
                let text = std::fs::read_to_string(&path).unwrap();
                serde_json::from_str::<Value>(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            }
        }
    }
    let known: BTreeSet<String> = code().into_keys().collect();
    for area in gates::subfolders(&root().join("events")).unwrap() {
        for function in gates::subfolders(&root().join("events").join(&area)).unwrap() {
            assert!(
                known.contains(&format!("{area}-{function}")),
                "events of an unknown function {area}-{function}"
            );
        }
    }
}

#[test]
fn an_endpoints_good_event_is_a_request_for_its_own_route() {
    for (name, function) in code() {
        let Trigger::Http(endpoint) = &function.trigger else { continue };
        let (area, short) = name.split_once('-').unwrap();
        let path = root().join("events").join(area).join(short).join("ok.json");
        let event: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(event["routeKey"], format!("{} {}", endpoint.method, endpoint.path), "{name}");
        assert_eq!(event["version"], "2.0", "{name}");
    }
}

#[test]
fn openapi_describes_every_route_and_no_other_with_every_error_it_can_give() {
    let text = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if method != "parameters" {
                described.insert((method.to_uppercase(), path.clone()));
                assert!(
                    operation["summary"].as_str().is_some_and(|s| !s.is_empty()),
                    "{method} {path} has no summary"
                );
            }
        }
    }
    let mut routes = BTreeSet::new();
    for function in product::functions() {
        let Trigger::Http(endpoint) = &function.trigger else { continue };
        routes.insert((endpoint.method.to_owned(), endpoint.path.to_owned()));
        let operation = &document["paths"][endpoint.path][endpoint.method.to_lowercase()];
        let told = operation.to_string();
        for code in endpoint.all_errors() {
            assert!(told.contains(code.name), "{} does not document {}", function.name, code.name);
        }
    }
    assert_eq!(described, routes);
}

/// `tests/access.tsv`: function, who may call it.
#[test]
fn the_access_table_names_every_endpoint_and_says_what_the_code_says() {
    let table = std::fs::read_to_string(root().join("tests/access.tsv")).unwrap();
    let mut rows = BTreeMap::new();
    for line in table.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let (name, who) = line.split_once('\t').unwrap_or_else(|| panic!("no tab in {line:?}"));
        assert!(rows.insert(name.to_owned(), who.to_owned()).is_none(), "{name} twice");
    }
    let mut expected = BTreeMap::new();
    for (name, function) in code() {
        let Trigger::Http(endpoint) = &function.trigger else { continue };
        let kind = match endpoint.access {
            Access::Anyone => "anyone".to_owned(),
            Access::User => "user".to_owned(),
            Access::May(permission) => permission.name().to_owned(),
            Access::Holder(token) => format!("holder of {token}"),
        };
        expected.insert(name, kind);
    }
    let guards: BTreeMap<String, String> = rows
        .iter()
        .map(|(name, who)| (name.clone(), who.split('\t').next().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(guards, expected);
}
