use dynoxide::DynoxideError;

/// What can go wrong in a call of the Rust API.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB refused, with the error it would write on the wire.
    #[error("{}: {_0}", _0.error_type())]
    Refused(#[from] DynoxideError),
    /// `SQLite` failed below DynamoDB.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The state's folder cannot be made.
    #[error("state folder: {0}")]
    Folder(#[from] std::io::Error),
    /// A table exists, but not as it is wanted, and cannot be changed into that.
    #[error("table {table}: {problem}")]
    OtherTable {
        /// The table.
        table: String,
        /// How it differs.
        problem: String,
    },
    /// The backup operations' own code for a table that does not exist.
    #[error("Table not found: {0}")]
    TableNotFound(String),
    /// The request is not JSON at all.
    #[error("the request is not JSON")]
    NotJson,
    /// Something stored cannot be read back.
    #[error("unreadable: {0}")]
    Unreadable(String),
}
