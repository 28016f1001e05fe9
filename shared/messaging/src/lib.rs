//! What areas tell each other through queues: the queues' names and the messages on them. An area writes a message
//! into its outbox (`storage::Send::to(queues::EMAILS, &mail)`); the area that owns the queue acts on it.

mod mail;
mod notice;
pub mod queues;

pub use mail::{Mail, MailContent};
pub use notice::{Notice, NoticeKind};

use kernel::ids::UserId;
use serde::{Deserialize, Serialize};

/// Asks identity to gather everything that is held on a person (`data-exports`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportRequest {
    /// Whose data.
    pub user: UserId,
}

/// Asks identity to erase or anonymise everything personal of a closed account (`user-erasures`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErasureRequest {
    /// Whose data.
    pub user: UserId,
}
