//! MediaConvert's events, whatever their order and however often they come; and the sweeps on the same queue.

use std::collections::BTreeMap;

use kernel::ids::VideoId;
use kernel::{BoxFuture, CommonError, Context, Error, Result};
use messaging::{NoticeKind, queues};
use serde::Deserialize;
use storage::{Delete, Key, Query, Send, Update};

use crate::error::VideoError;
use crate::hls;
use crate::ingest::Ingest;
use crate::ladder::preview_interval;
use crate::model::{Due, MASTER, PREVIEW, Video, due_key, media_folder, partition, video_key};
use crate::status::{Status, moving};
use crate::store::{about, notice, unless_overtaken};
use crate::sweep::Sweep;
use crate::view::pictures;

/// A message of the queue `transcode-events`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum MediaMessage {
    /// Ours: take away what is left.
    Sweep(Sweep),
    /// Ours: write the main playlist anew.
    Subtitles(crate::captions::Subtitles),
    /// `MediaConvert Job State Change` in EventBridge's envelope.
    Event {
        /// The event.
        detail: JobEvent,
    },
}

/// What an event says; members as MediaConvert names them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobEvent {
    status: String,
    job_id: String,
    #[serde(default)]
    user_metadata: BTreeMap<String, String>,
    job_progress: Option<JobProgress>,
    error_code: Option<i64>,
    #[serde(default)]
    output_group_details: Vec<OutputGroup>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobProgress {
    job_percent_complete: Option<u8>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputGroup {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    output_details: Vec<OutputDetail>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputDetail {
    duration_in_ms: Option<i64>,
}

impl JobEvent {
    /// Length of the longest rendition.
    #[allow(clippy::cast_precision_loss)]
    fn duration_seconds(&self) -> Option<f64> {
        let groups = self.output_group_details.iter().filter(|g| g.kind == "HLS_GROUP");
        let longest = groups.flat_map(|g| &g.output_details).filter_map(|d| d.duration_in_ms).max()?;
        Some(longest as f64 / 1000.0)
    }

    /// Why it failed, by MediaConvert's error codes (user guide, `mediaconvert_error_codes`).
    fn failure(&self) -> VideoError {
        match self.error_code {
            Some(1010 | 1075 | 1076) => VideoError::UnreadableMedia,
            Some(1020) => VideoError::NoVideoStream,
            Some(1030) => VideoError::UnsupportedCodec,
            _ => VideoError::TranscodeFailed,
        }
    }
}

impl Ingest {
    /// Takes one message of the queue `transcode-events`.
    pub fn media_message<'a>(
        &'a self,
        context: &'a Context,
        message: MediaMessage,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match message {
                MediaMessage::Sweep(sweep) => self.sweep(context, &sweep).await,
                MediaMessage::Subtitles(task) => {
                    crate::captions::write_subtitles(&self.store, &self.media, context, task.video_id).await
                }
                MediaMessage::Event { detail } => self.event(context, &detail).await,
            }
        })
    }

    async fn event(&self, context: &Context, event: &JobEvent) -> Result<()> {
        // Jobs of others use the same account.
        let Some(id) = event.user_metadata.get("video_id").and_then(|id| VideoId::parse(id)) else {
            return Ok(());
        };
        let Some(video) = self.store.current(context, id).await? else {
            return self.orphan(context, id, event).await;
        };
        if video.job_id.as_ref().is_some_and(|job| *job != event.job_id) {
            return Ok(());
        }
        if video.status.is_final() {
            return Ok(());
        }
        match event.status.as_str() {
            "PROGRESSING" | "INPUT_INFORMATION" | "STATUS_UPDATE" => {
                self.progress(context, &video, event).await
            }
            "COMPLETE" => self.complete(context, &video, event).await,
            "ERROR" => self.store.fail(context, &with_job(&video, event), event.failure()).await,
            "CANCELED" => {
                self.store.fail(context, &with_job(&video, event), VideoError::TranscodeCancelled).await
            }
            _ => Ok(()),
        }
    }

    /// The video was deleted while its job ran.
    async fn orphan(&self, context: &Context, id: VideoId, event: &JobEvent) -> Result<()> {
        match event.status.as_str() {
            "COMPLETE" | "ERROR" | "CANCELED" => self.sweep(context, &Sweep::of_orphan(id)).await,
            "PROGRESSING" | "INPUT_INFORMATION" | "STATUS_UPDATE" => {
                self.transcoder.cancel(context, &event.job_id).await
            }
            _ => Ok(()),
        }
    }

    async fn progress(&self, context: &Context, video: &Video, event: &JobEvent) -> Result<()> {
        let percent = event.job_progress.as_ref().and_then(|p| p.job_percent_complete).unwrap_or(0).min(99);
        if video.status == Status::Transcoding && percent <= video.progress_percent {
            return Ok(());
        }
        let update = Update::key(
            video_key(video.id),
            "SET #status = :transcoding, job_id = :job, progress_percent = :percent",
        )
        .name("#status", "status")
        .value(":transcoding", Status::Transcoding)
        .value(":uploading", Status::Uploading)
        .value(":queued", Status::Queued)
        .value(":job", &event.job_id)
        .value(":percent", percent)
        // Forward only: neither after the end nor to a smaller number.
        .when("#status IN (:uploading, :queued) OR (#status = :transcoding AND progress_percent < :percent)")
        .or(CommonError::Conflict);
        unless_overtaken(self.store.table.update(context, update).await.map(drop))
    }

    async fn complete(&self, context: &Context, video: &Video, event: &JobEvent) -> Result<()> {
        let folder = media_folder(video.id);
        let master = self.media.read(context, &format!("{folder}{MASTER}")).await?;
        let master = master.ok_or_else(|| Error::unavailable("COMPLETE, but no main playlist"))?;
        let renditions = hls::renditions(&String::from_utf8_lossy(&master.bytes));
        let names = |keys: Vec<String>| -> Vec<String> {
            keys.iter().filter_map(|k| k.strip_prefix(&folder)).map(str::to_owned).collect()
        };
        let thumbnails = names(self.media.keys(context, &pictures(video.id)).await?);
        let previews = names(self.media.keys(context, &format!("{folder}preview/")).await?);
        let duration = event.duration_seconds().or(video.duration_seconds);
        if !previews.is_empty() {
            // The interval is the job's, which was made for the length that the source told.
            let interval = preview_interval(video.duration_seconds.or(duration).unwrap_or(0.0));
            let track = hls::preview_track(&previews, interval, duration.unwrap_or(0.0));
            let key = format!("{folder}{PREVIEW}");
            self.media.write(context, &key, "text/vtt; charset=utf-8", track.into_bytes(), None).await?;
        }
        let largest = renditions.iter().max_by_key(|r| u64::from(r.width) * u64::from(r.height));
        let update = Update::key(
            video_key(video.id),
            "SET #status = :next, job_id = :job, progress_percent = :all, duration_seconds = :duration, \
             renditions = :renditions, thumbnails = :thumbnails, has_preview = :previews, width = :width, \
             height = :height, updated_at = :now",
        )
        .value(":job", &event.job_id)
        .value(":all", 100)
        .value(":duration", duration)
        .value(":renditions", &renditions)
        .value(":thumbnails", &thumbnails)
        .value(":previews", !previews.is_empty())
        .value(":width", largest.map(|r| r.width))
        .value(":height", largest.map(|r| r.height))
        .value(":now", context.now());
        let done = self
            .store
            .table
            .transaction()
            .update(moving(update, Status::Ready).or(CommonError::Conflict))
            .delete(Delete::key(due_key(video.id, Due::Upload)))
            .send(Send::to(queues::NOTIFICATIONS, &notice(video, NoticeKind::VideoReady, about(video))))
            .commit(context)
            .await;
        // Deleted, or told of, in between: whoever did that has what must follow in hand.
        match done {
            Err(e) if e.is(CommonError::Conflict) => match self.store.current(context, video.id).await? {
                Some(_) => Ok(()),
                None => self.orphan(context, video.id, event).await,
            },
            other => other,
        }
    }

    /// Takes away what is left of a video. Each step may have been done before.
    async fn sweep(&self, context: &Context, sweep: &Sweep) -> Result<()> {
        // A sweep follows an end: of a video that is alive nothing is taken.
        let alive = self.store.current(context, sweep.video_id).await?;
        if alive.is_some_and(|v| v.status != Status::Failed) {
            return Ok(());
        }
        if let Some(job) = &sweep.job_id {
            self.transcoder.cancel(context, job).await?;
        }
        if let Some(key) = &sweep.source_key {
            if let Some(multipart) = &sweep.multipart_id {
                self.uploads.abort_multipart(context, key, multipart).await?;
            }
            self.uploads.remove(context, key).await?;
        }
        if sweep.outputs {
            self.media.remove_below(context, &media_folder(sweep.video_id)).await?;
        }
        if sweep.rows {
            self.remove_rows(context, sweep.video_id).await?;
        }
        Ok(())
    }

    /// Likes and comments. None can be added any more: each is added on condition that the video is there.
    async fn remove_rows(&self, context: &Context, video: VideoId) -> Result<()> {
        loop {
            let page =
                self.store.table.query(context, Query::partition(partition(video)).consistent()).await?;
            let keys: Vec<Key> = page.items.iter().filter_map(storage::Item::key).collect();
            if keys.is_empty() {
                return Ok(());
            }
            self.store.delete_all(context, &keys).await?;
            if context.left_ms() < 3_000 {
                return Err(Error::unavailable("rows left of a deleted video"));
            }
        }
    }
}

/// The video with the job that the event names, so that the sweep knows of it.
fn with_job(video: &Video, event: &JobEvent) -> Video {
    Video { job_id: Some(event.job_id.clone()), ..video.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> JobEvent {
        match serde_json::from_str(text).unwrap() {
            MediaMessage::Event { detail } => detail,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_is_read_out_of_its_envelope() {
        let complete = event(
            r#"{"version":"0","id":"i","detail-type":"MediaConvert Job State Change","source":"aws.mediaconvert",
                "detail":{"timestamp":1,"accountId":"1","queue":"q","jobId":"1-a","status":"COMPLETE",
                "userMetadata":{"video_id":"v"},"outputGroupDetails":[
                {"type":"HLS_GROUP","outputDetails":[{"durationInMs":10010},{"durationInMs":10000}]},
                {"type":"FILE_GROUP","outputDetails":[{"durationInMs":99000}]}]}}"#,
        );
        assert_eq!(complete.duration_seconds(), Some(10.01));
        let error =
            event(r#"{"detail":{"jobId":"1-a","status":"ERROR","errorCode":1076,"errorMessage":"cut"}}"#);
        assert_eq!(error.failure(), VideoError::UnreadableMedia);
        let other = event(r#"{"detail":{"jobId":"1-a","status":"ERROR","errorCode":1401}}"#);
        assert_eq!(other.failure(), VideoError::TranscodeFailed);
    }

    #[test]
    fn our_own_messages_on_the_queue_are_known_by_their_tag() {
        let sweep = Sweep::of_deleted(&crate::samples::video());
        let text = serde_json::to_string(&sweep).unwrap();
        assert!(matches!(serde_json::from_str(&text).unwrap(), MediaMessage::Sweep(s) if s == sweep));
        assert!(serde_json::from_str::<MediaMessage>("{}").is_err());
        assert!(serde_json::from_str::<MediaMessage>(r#"{"task":"other","video_id":"x"}"#).is_err());
    }
}
