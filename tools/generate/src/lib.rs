//! Templates and the OpenAPI document, written from what the functions declare of themselves (route or source, guard,
//! grants, limits). A function is declared once, in its crate; everything else follows.

mod area;
mod grants;
mod names;
mod root;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use platform::{Function, Grant};

/// Every generated file: path from the repository's root, and text.
#[must_use]
pub fn files() -> BTreeMap<String, String> {
    let functions = product::functions();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let areas: BTreeSet<&str> = functions.iter().map(Function::area).collect();
    for area in &areas {
        let members: Vec<&Function> = functions.iter().filter(|f| f.area() == *area).collect();
        files.insert(format!("functions/{area}/template.yaml"), area::template(area, &members, &functions));
    }
    files.insert("template.yaml".into(), root::template(&areas, &functions));
    let info = openapi::Info {
        title: "Creator and content commerce",
        version: env!("CARGO_PKG_VERSION"),
        description: include_str!("../root/openapi.md"),
    };
    let document = openapi::document(&functions, &info);
    files.insert("docs/openapi.json".into(), format!("{document:#}\n"));
    files
}

/// Every table that a function is granted.
fn tables(functions: &[Function]) -> BTreeSet<&'static str> {
    functions
        .iter()
        .flat_map(|f| &f.grants)
        .filter_map(|g| match g {
            Grant::Table(name, _) => Some(*name),
            _ => None,
        })
        .collect()
}
