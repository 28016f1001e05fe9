//! One invocation of a function, as the AWS calls it makes see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cloud_template::Statement;
use tokio::sync::Notify;

tokio::task_local! {
    /// The invocation that the running task belongs to.
    pub(crate) static CURRENT: Arc<Invocation>;
}

/// A running invocation.
pub(crate) struct Invocation {
    /// The function's name without the stage.
    pub(crate) function: String,
    /// What its role allows.
    pub(crate) statements: Arc<[Statement]>,
    calls: AtomicU32,
    killed: Notify,
}

impl Invocation {
    pub(crate) fn new(function: &str, statements: Arc<[Statement]>) -> Self {
        Self { function: function.to_owned(), statements, calls: AtomicU32::new(0), killed: Notify::new() }
    }

    /// Number of the next AWS call, from 1.
    pub(crate) fn next_call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Ends the invocation as the loss of its sandbox would.
    pub(crate) fn kill(&self) {
        self.killed.notify_one();
    }

    /// Returns when the invocation was killed.
    pub(crate) async fn until_killed(&self) {
        self.killed.notified().await;
    }
}
