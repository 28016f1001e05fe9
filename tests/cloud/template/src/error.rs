use std::path::PathBuf;

/// A template that cannot be read or resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The template's file.
    pub file: PathBuf,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// The resource or output that it happened in.
    pub logical_id: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(id) = &self.logical_id {
            write!(f, ": {id}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for TemplateError {}

/// A problem at a line, before it is known which file and resource it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }
}
