//! What the gates read: the repository, its templates, its functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cloud_core::Place;
use cloud_template::{Endpoints, Options, Product};

/// Folder of the repository.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Names of the function folders, `AREA-FUNCTION`.
///
/// # Errors
/// When the folders cannot be read.
pub fn folders() -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for area in subfolders(&root().join("functions"))? {
        for function in subfolders(&root().join("functions").join(&area))? {
            names.insert(format!("{area}-{function}"));
        }
    }
    Ok(names)
}

/// Names of the folders in a folder.
///
/// # Errors
/// When it cannot be read.
pub fn subfolders(path: &Path) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(path)?.filter_map(Result::ok).filter(|e| e.path().is_dir());
    Ok(entries.filter_map(|e| e.file_name().into_string().ok()).collect())
}

/// The templates, resolved as for a deployment named `gate`.
///
/// # Errors
/// The template's own error.
pub fn templates() -> Result<Product, String> {
    let address = |name: &str| format!("https://{name}.example.com");
    let options = Options {
        stack_name: "gate".into(),
        place: Place { account: "123456789012".into(), region: "us-east-1".into(), endpoint: address("aws") },
        endpoints: Endpoints {
            http: address("api"),
            websocket: address("ws"),
            connections: address("connections"),
            cdn: address("cdn"),
        },
        parameters: BTreeMap::from([("Stage".to_owned(), "gate".to_owned())]),
        dynamic: &|_| None,
    };
    cloud_template::read(&root().join("template.yaml"), &options).map_err(|e| e.to_string())
}

/// Every file below a folder whose name ends so, build output left out.
#[must_use]
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|e| e.path()) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "target" | ".git" | ".venv" | ".local" | ".aws-sam" | "node_modules") {
                found.extend(files(&path, ending));
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}
