//! The last log lines of the functions, in memory and, with a state's folder, in `functions.log`.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Lines kept in memory.
const KEPT: usize = 5000;

/// The log of all functions.
#[derive(Default)]
pub struct Logs {
    lines: Mutex<VecDeque<String>>,
    file: Option<Mutex<std::fs::File>>,
}

impl Logs {
    /// A log that also goes to a file.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn to_file(path: &Path) -> std::io::Result<Self> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { lines: Mutex::default(), file: Some(Mutex::new(file)) })
    }

    pub(crate) fn push(&self, line: &str) {
        if let Some(file) = &self.file {
            let _ = writeln!(file.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The newest lines, newest last, of one function or of all.
    #[must_use]
    pub fn last(&self, function: Option<&str>, limit: usize) -> Vec<Value> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Value> = lines
            .iter()
            .rev()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|line| function.is_none_or(|f| line.get("service").and_then(Value::as_str) == Some(f)))
            .take(limit)
            .collect();
        found.reverse();
        found
    }
}
