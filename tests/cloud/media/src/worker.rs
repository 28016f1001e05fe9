//! Taking jobs from the queue, doing them, and handing their events to the bus.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloud_core::Millis;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use tokio::sync::Notify;

use crate::events::job_progress;
use crate::failure::Failure;
use crate::job::{Job, Phase, Status};
use crate::media::Media;
use crate::probe;
use crate::probe_answer::input_details;
use crate::settings;
use crate::transcode::{self, M3U8, Made, MadeFile, Progress};
use crate::work::Workshop;

/// Share of a job's progress that is transcoding, in per cent; the rest is looking into the input and storing.
const TRANSCODING_SHARE: u8 = 90;
/// The shortest time between two `STATUS_UPDATE` events of a job.
const UPDATE_INTERVAL: Millis = 1_000;
/// How many objects are stored at once.
const STORES: usize = 8;
/// Before another try when the database or the bus refuses.
const PAUSE: Duration = Duration::from_millis(500);

/// Jobs being done right now, each with the bell that stops it.
#[derive(Debug, Default)]
pub(crate) struct Running {
    bells: Mutex<HashMap<String, Arc<Notify>>>,
    ended: Notify,
}

impl Running {
    fn enter(&self, job: &str) -> Arc<Notify> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(job.to_owned()).or_default())
    }

    fn leave(&self, job: &str) {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
        self.ended.notify_waiters();
    }

    /// Stops one job, if it runs.
    pub fn stop(&self, job: &str) {
        if let Some(bell) = self.bells.lock().unwrap_or_else(PoisonError::into_inner).get(job) {
            bell.notify_one();
        }
    }

    /// Stops all jobs and returns when they have stopped.
    pub async fn stop_all(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            {
                let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
                if bells.is_empty() {
                    return;
                }
                bells.values().for_each(|bell| bell.notify_one());
            }
            ended.await;
        }
    }
}

/// Takes the job off the list also when the future that does it is dropped.
struct Entered<'a>(&'a Running, &'a str);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

impl Media {
    /// Hands events to the bus, in their order, each until the bus has taken it.
    pub(crate) async fn relay_events(&self) {
        loop {
            match self.jobs.oldest_event() {
                Ok(Some((seq, event))) => {
                    let put = self.bus.put(event).await;
                    if let Err(why) = put.and_then(|()| self.jobs.event_sent(seq).map_err(|e| e.to_string()))
                    {
                        tracing::warn!(why, "a MediaConvert event has to wait");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Ok(None) => self.news.notified().await,
                Err(error) => {
                    tracing::error!(%error, "reading MediaConvert events");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Does one job after the other.
    pub(crate) async fn do_jobs(&self) {
        loop {
            match self.jobs.start_next() {
                Ok(Some(job)) => {
                    // There may be work for the colleague too.
                    self.submitted.notify_one();
                    self.news.notify_one();
                    self.do_job(&job).await;
                    self.news.notify_one();
                }
                Ok(None) => self.submitted.notified().await,
                Err(error) => {
                    tracing::error!(%error, "taking a MediaConvert job");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn do_job(&self, job: &Job) {
        let bell = self.running.enter(&job.id);
        let _entered = Entered(&self.running, &job.id);
        // From here on the bell is heard; before, a cancellation only changed the row.
        if !self.jobs.get(&job.id).is_ok_and(|now| now.is_some_and(|now| now.status == Status::Progressing)) {
            return;
        }
        let made = tokio::select! {
            made = self.make(job) => made.map(Some),
            () = bell.notified() => Ok(None),
        };
        let outcome = match made {
            // Storing is not broken off: an object that is half stored could turn up after it was removed.
            Ok(Some((_workshop, made))) => {
                self.store(job, &made.files).await.map(|()| Some(made.groups.into()))
            }
            Ok(None) => Ok(None),
            Err(failure) => Err(failure),
        };
        let outcome = if bell.notified().now_or_never().is_some() { Ok(None) } else { outcome };
        let ended = match outcome {
            Ok(Some(outputs)) => match self.jobs.complete(&job.id, &outputs) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    self.remove_outputs(Some(&job.id)).await;
                    Ok(())
                }
                Err(error) => Err(error),
            },
            // Cancelled, or forgotten by a reset.
            Ok(None) => {
                self.remove_outputs(Some(&job.id)).await;
                Ok(())
            }
            Err(failure) => {
                // First the outputs, then the news: whoever hears of the failure finds nothing half done.
                self.remove_outputs(Some(&job.id)).await;
                self.jobs.fail(&job.id, &failure)
            }
        };
        if let Err(error) = ended {
            // It stays PROGRESSING and starts again with the process.
            tracing::error!(%error, job = job.id, "ending a MediaConvert job");
        }
    }

    /// Everything from the input to the finished files in a workshop.
    async fn make(&self, job: &Job) -> Result<(Workshop, Made), Failure> {
        let plan = settings::read(job.settings()).map_err(Failure::internal)?;
        let missing = || Failure::input_missing(&plan.input);
        let input = self.files.path(&plan.input.bucket, &plan.input.key).await.ok_or_else(missing)?;
        // Absolute, because ffmpeg works in a folder of its own.
        let input = tokio::fs::canonicalize(&input).await.map_err(|_| missing())?;
        let info = probe::probe(&input, &plan.input).await?;
        let details = json!({"inputDetails": [input_details(&info, &plan.input)]});
        self.tell(job, "INPUT_INFORMATION", Phase::Probing, Some(1), details);

        let workshop = self.works.workshop(&job.id, job.attempts).map_err(Failure::internal)?;
        let mut last_told = self.clock.now_ms();
        let mut frames = 0;
        let progress = |now: Progress| {
            let percent = now.percent.map(|p| share(p).clamp(1, 99));
            frames = now.frames;
            if self.clock.now_ms() - last_told >= UPDATE_INTERVAL {
                last_told = self.clock.now_ms();
                self.tell_progress(job, Phase::Transcoding, now.percent.unwrap_or(0), percent, now.frames);
            }
        };
        let made = transcode::run(&plan, &info, &input, &workshop, progress).await?;
        self.tell_progress(job, Phase::Uploading, 0, Some(TRANSCODING_SHARE), frames);
        Ok((workshop, made))
    }

    /// Stores the outputs: segments and pictures side by side, playlists after everything that they list.
    async fn store(&self, job: &Job, files: &[MadeFile]) -> Result<(), Failure> {
        let is_playlist = |file: &&MadeFile| file.content_type == M3U8;
        let (playlists, media): (Vec<_>, Vec<_>) = files.iter().partition(is_playlist);
        let mut stores = Vec::new();
        for file in media {
            stores.push(self.store_one(job, file));
        }
        let mut stores = futures::stream::iter(stores).buffer_unordered(STORES);
        while stores.try_next().await?.is_some() {}
        for playlist in playlists {
            self.store_one(job, playlist).await?;
        }
        Ok(())
    }

    async fn store_one(&self, job: &Job, file: &MadeFile) -> Result<(), Failure> {
        self.jobs.will_write(&job.id, &file.url).map_err(Failure::internal)?;
        let stored = self.files.store(&file.url.bucket, &file.url.key, &file.path, file.content_type).await;
        stored.map_err(|why| Failure::write(&file.url, &why))
    }

    /// Deletes what unfinished jobs have stored.
    pub(crate) async fn remove_outputs(&self, job: Option<&str>) {
        let left = self.jobs.left_behind(job).unwrap_or_default();
        for (job, url) in left {
            match self.files.remove(&url.bucket, &url.key).await {
                Ok(()) => {
                    let _ = self.jobs.removed(&job, &url);
                }
                Err(why) => tracing::warn!(%url, why, "an output of a failed job could not be removed"),
            }
        }
    }

    fn tell_progress(&self, job: &Job, phase: Phase, phase_percent: u8, percent: Option<u8>, frames: u64) {
        let more = job_progress(phase, phase_percent, percent, frames, (job.attempts - 1).max(0));
        self.tell(job, "STATUS_UPDATE", phase, percent, more);
    }

    /// An event on the way; losing one of these harms nobody.
    fn tell(&self, job: &Job, status: &str, phase: Phase, percent: Option<u8>, more: serde_json::Value) {
        if let Err(error) = self.jobs.report(&job.id, status, phase, percent, more) {
            tracing::warn!(%error, job = job.id, status, "telling how far a MediaConvert job is");
        }
        self.news.notify_one();
    }
}

fn share(percent: u8) -> u8 {
    u8::try_from(u16::from(percent) * u16::from(TRANSCODING_SHARE) / 100).unwrap_or(TRANSCODING_SHARE)
}
