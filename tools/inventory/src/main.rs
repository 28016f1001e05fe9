//! Writes `tests/product`, the one crate that names every function, from the folders `functions/AREA/FUNCTION`.
//! It has no dependencies, so that it builds and runs whatever state the functions are in.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Path::new(".")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("inventory: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn run(root: &Path) -> std::io::Result<()> {
    let mut crates = Vec::new();
    for area in folders(&root.join("functions"))? {
        for function in folders(&root.join("functions").join(&area))? {
            if root.join("functions").join(&area).join(&function).join("Cargo.toml").exists() {
                crates.push((area.clone(), function));
            }
        }
    }
    let (mut manifest, mut library) = (MANIFEST.to_owned(), LIBRARY.to_owned());
    for (area, function) in &crates {
        let name = format!("{area}-{function}");
        let _ = writeln!(manifest, "{name} = {{ path = \"../../functions/{area}/{function}\" }}");
        let _ = writeln!(library, "        {}::function(),", name.replace('-', "_"));
    }
    manifest.push_str("platform.workspace = true\n\n[lints]\nworkspace = true\n");
    library.push_str("    ]\n}\n");
    std::fs::create_dir_all(root.join("tests/product/src"))?;
    write_if_changed(&root.join("tests/product/Cargo.toml"), &manifest)?;
    write_if_changed(&root.join("tests/product/src/lib.rs"), &library)
}

const MANIFEST: &str = r#"# Written by `make generate` from the folders of functions/.
[package]
name = "product"
description = "Every function of the product"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[dependencies]
"#;

const LIBRARY: &str = r"//! Every function of the product. Written by `make generate` from the folders of `functions/`.

use platform::Function;

/// All functions, by area and name.
#[must_use]
pub fn functions() -> Vec<Function> {
    vec![
";

fn folders(path: &Path) -> std::io::Result<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(path)?
        .filter_map(Result::ok)
        .filter(|e| e.path().is_dir())
        .filter_map(|e| e.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

fn write_if_changed(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        Ok(())
    } else {
        std::fs::write(path, text)
    }
}
