//! What every crate and function keeps to.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use gates::{files, root};
use serde_json::Value;

fn manifests() -> Vec<std::path::PathBuf> {
    files(&root(), "Cargo.toml").into_iter().filter(|p| *p != root().join("Cargo.toml")).collect()
}

#[test]
fn every_crate_inherits_the_lints_and_takes_versions_from_the_workspace() {
    assert!(!manifests().is_empty());
    for path in manifests() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        assert!(text.contains("[lints]\nworkspace = true"), "{name} does not inherit the lints");
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
            } else if section.contains("dependencies") && line.contains('=') && !line.starts_with('#') {
                assert!(
                    line.contains("workspace = true") || line.contains("path = \"../../functions/"),
                    "{name}: `{line}` sets a version or feature of its own"
                );
            }
        }
    }
}

#[test]
fn a_function_fits_on_a_screen_and_says_what_who_and_which_errors() {
    for path in files(&root().join("functions"), "lib.rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        assert!(text.lines().count() <= 70, "{name} has {} lines", text.lines().count());
        assert!(text.starts_with("//! "), "{name} has no doc comment");
        for forbidden in ["std::env", "aws_sdk", ".unwrap()", ".expect(", "tokio::spawn"] {
            assert!(!text.contains(forbidden), "{name} uses {forbidden}");
        }
    }
    for path in files(&root().join("functions"), "main.rs") {
        let lines = std::fs::read_to_string(&path).unwrap().lines().filter(|l| !l.starts_with("//")).count();
        assert_eq!(lines, 3, "{}", path.display());
    }
}

#[test]
fn no_module_is_a_drawer_and_nothing_is_left_to_do() {
    for folder in ["shared", "functions", "tests", "tools"] {
        for path in files(&root().join(folder), ".rs") {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert!(!matches!(stem, "utils" | "util" | "helpers" | "common" | "misc"), "{}", path.display());
            if path.ends_with("tests/gates/tests/workspace.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for forbidden in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("] {
                assert!(!text.contains(forbidden), "{} has {forbidden}", path.display());
            }
        }
    }
}

#[test]
fn a_code_means_one_thing_in_the_whole_product_and_is_said_in_five_languages() {
    let mut seen: BTreeMap<&str, (u16, &str)> = BTreeMap::new();
    for function in product::functions() {
        let platform::Trigger::Http(endpoint) = &function.trigger else { continue };
        for code in endpoint.all_errors() {
            let said = (code.status, code.text.en);
            let first = seen.entry(code.name).or_insert(said);
            assert_eq!(*first, said, "{} means two things", code.name);
            assert!(
                code.name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'),
                "{}",
                code.name
            );
            let texts: BTreeSet<&str> = platform::Language::ALL.map(|l| code.text.of(l)).into();
            assert_eq!(texts.len(), 5, "{} is not said in five languages", code.name);
        }
    }
}

/// Licences that may come in; each is permissive or allows linking.
const LICENCES: [&str; 15] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unlicense",
    "CC0-1.0",
    "MPL-2.0",
    "OpenSSL",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

#[test]
fn every_dependency_has_a_licence_that_may_come_in() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or("none"));
        // Of alternatives one is enough; of a conjunction each must be allowed.
        let allowed = |expression: &str| {
            expression.replace('/', " OR ").split(" OR ").any(|option| {
                option
                    .split(" AND ")
                    .map(|l| l.trim_matches(|c| c == '(' || c == ')' || c == ' '))
                    .all(|l| LICENCES.contains(&l.split(" WITH ").next().unwrap_or_default()))
            })
        };
        assert!(allowed(licence), "{name}: {licence}");
    }
}

#[test]
fn every_direct_dependency_has_its_reason_written_down() {
    let reasons = std::fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = "";
    for line in workspace.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section == "[workspace.dependencies]" && line.contains('=') && !line.contains("path =") {
            let name = line.split('=').next().unwrap_or_default().trim();
            if !name.starts_with('#') {
                assert!(
                    reasons.contains(&format!("`{name}`")) || reasons.contains(&format!("| {name} |")),
                    "{name} has no line in docs/dependencies.md"
                );
            }
        }
    }
}
