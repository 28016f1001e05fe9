//! `make generate`: writes `template.yaml`, `functions/AREA/template.yaml` and `docs/openapi.json` from what the
//! functions declare of themselves (route or source, guard, grants, limits). With `--check` it only says what is not
//! up to date. A function is declared once, in its crate; everything else follows.

mod area;
mod grants;
mod names;
mod root;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::ExitCode;

use platform::{Function, Grant};

fn main() -> ExitCode {
    let check = std::env::args().any(|a| a == "--check");
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
    let mut stale = Vec::new();
    for (path, text) in files {
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if !check && let Err(error) = std::fs::write(&path, text) {
            say(&format!("{path}: {error}"));
            return ExitCode::FAILURE;
        }
        stale.push(path);
    }
    for path in &stale {
        say(&format!("{} {path}", if check { "not up to date:" } else { "wrote" }));
    }
    if check && !stale.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
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
