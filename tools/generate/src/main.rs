//! `make generate`: writes the generated files where they are not up to date, and says which. With `--check` it only
//! says so.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().any(|a| a == "--check");
    let mut stale = Vec::new();
    for (path, text) in generate::files() {
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
