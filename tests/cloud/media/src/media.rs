use std::sync::Arc;

use cloud_core::{Bus, Clock, Place, Request, Response, Service, State};
use futures::future::BoxFuture;
use tokio::sync::Notify;

use crate::files::Files;
use crate::jobs::Jobs;
use crate::work::Works;
use crate::worker::Running;

/// The `MediaConvert` service. Answers requests as soon as it is open; does jobs while [`Media::run`] is polled.
pub struct Media {
    pub(crate) jobs: Jobs,
    pub(crate) clock: Clock,
    pub(crate) place: Place,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) works: Works,
    pub(crate) running: Running,
    /// Rings when a job was submitted.
    pub(crate) submitted: Notify,
    /// Rings when an event was written.
    pub(crate) news: Notify,
}

/// Why the service could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error("the MediaConvert database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The folder for transcoding.
    #[error("the folder for transcoding: {0}")]
    Folder(#[from] std::io::Error),
}

impl Media {
    /// Opens the service with its state. Jobs that ran when the process died wait again, with all their events.
    ///
    /// # Errors
    /// When the database or the working folder cannot be opened.
    pub fn open(
        state: &State,
        place: Place,
        clock: Clock,
        files: Arc<dyn Files>,
        bus: Arc<dyn Bus>,
    ) -> Result<Arc<Self>, OpenError> {
        let jobs = Jobs::open(state, clock.clone(), place.clone())?;
        let works = Works::open(state)?;
        let restarted = jobs.requeue()?;
        if restarted > 0 {
            tracing::info!(restarted, "MediaConvert jobs start again");
        }
        let (running, submitted, news) = (Running::default(), Notify::new(), Notify::new());
        Ok(Arc::new(Self { jobs, clock, place, files, bus, works, running, submitted, news }))
    }

    /// Does the jobs, two at a time, and delivers their events, until it is dropped. Dropping it ends the ffmpeg
    /// processes; the jobs start again when the service is opened the next time.
    pub async fn run(self: Arc<Self>) {
        self.remove_outputs(None).await;
        tokio::join!(self.relay_events(), self.do_jobs(), self.do_jobs());
    }

    /// How much is not finished: jobs submitted or running, and events that the bus does not have yet.
    #[must_use]
    pub fn active(&self) -> usize {
        self.jobs.open_work().unwrap_or(0)
    }

    /// Forgets all jobs and events; running jobs are stopped, and their outputs so far removed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reset(&self) -> Result<(), OpenError> {
        self.running.stop_all().await;
        self.jobs.clear()?;
        // One may have started between the two: without its row it ends without a trace.
        self.running.stop_all().await;
        Ok(())
    }
}

impl Service for Media {
    fn call(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(request))
    }
}
