use serde::Serialize;
use storage::{Key, Update};

/// An update expression, attribute by attribute. Every name goes through a placeholder, so that none can be one of
/// DynamoDB's reserved words.
#[derive(Default)]
pub(crate) struct Changes {
    sets: Vec<String>,
    removes: Vec<String>,
    names: Vec<(String, String)>,
    values: Vec<(String, Result<serde_json::Value, String>)>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn path(&mut self, path: &str) -> String {
        let number = self.names.len();
        let mut parts = Vec::new();
        for (i, name) in path.split('.').enumerate() {
            let placeholder = format!("#n{}", number + i);
            self.names.push((placeholder.clone(), name.to_owned()));
            parts.push(placeholder);
        }
        parts.join(".")
    }

    fn value(&mut self, value: impl Serialize) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.push((placeholder.clone(), serde_json::to_value(value).map_err(|e| e.to_string())));
        placeholder
    }

    /// `SET path = value`; `a.b` is a member of a map.
    pub(crate) fn set(mut self, path: &str, value: impl Serialize) -> Self {
        let (path, value) = (self.path(path), self.value(value));
        self.sets.push(format!("{path} = {value}"));
        self
    }

    /// As [`Changes::set`], unless the attribute has a value.
    pub(crate) fn set_once(mut self, path: &str, value: impl Serialize) -> Self {
        let (path, value) = (self.path(path), self.value(value));
        self.sets.push(format!("{path} = if_not_exists({path}, {value})"));
        self
    }

    /// Sets the attribute, or removes it when there is no value.
    pub(crate) fn put(self, path: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.set(path, value),
            None => self.remove(path),
        }
    }

    /// Counts a number up or down.
    pub(crate) fn add(mut self, path: &str, step: i64) -> Self {
        let (path, step, zero) = (self.path(path), self.value(step), self.value(0));
        self.sets.push(format!("{path} = if_not_exists({path}, {zero}) + {step}"));
        self
    }

    /// `REMOVE path`.
    pub(crate) fn remove(mut self, path: &str) -> Self {
        let path = self.path(path);
        self.removes.push(path);
        self
    }

    /// The update of the item under this key.
    pub(crate) fn of(self, key: Key) -> Update {
        let mut expression = String::new();
        if !self.sets.is_empty() {
            expression = format!("SET {}", self.sets.join(", "));
        }
        if !self.removes.is_empty() {
            expression = format!("{expression} REMOVE {}", self.removes.join(", "));
        }
        let mut update = Update::key(key, expression.trim());
        for (placeholder, name) in self.names {
            update = update.name(&placeholder, &name);
        }
        for (placeholder, value) in self.values {
            // A value that is no JSON is one the update lacks, which DynamoDB refuses.
            if let Ok(value) = value {
                update = update.value(&placeholder, value);
            }
        }
        update
    }
}
