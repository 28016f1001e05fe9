//! From a stored file to a job: what arrived is held against what was announced, then MediaConvert gets to work.

use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Result};
use objects::Bucket;
use storage::{Delete, Update};
use transcoder::{Look, Media, Picture, Transcoder};

use crate::container::{BEGINNING, Container};
use crate::error::VideoError;
use crate::ladder;
use crate::model::{Due, UploadStatus, Video, due_key, ids_of_source, upload_key, video_key};
use crate::status::{Status, moving};
use crate::store::Store;

/// Turns stored files into videos.
#[derive(Clone)]
pub struct Ingest {
    pub(crate) store: Store,
    pub(crate) uploads: Bucket,
    pub(crate) media: Bucket,
    pub(crate) transcoder: Transcoder,
}

impl Domain for Ingest {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let ingest = Self {
            store: Store::open(env, &mut settings),
            uploads: Bucket::open(env, &mut settings, "uploads"),
            media: Bucket::open(env, &mut settings, "media"),
            transcoder: Transcoder::open(env, &mut settings),
        };
        settings.finish()?;
        Ok(ingest)
    }
}

/// What a source turned out to be.
enum Found {
    Fine(Media, Picture),
    Wrong(VideoError),
    Gone,
}

impl Ingest {
    /// Files arrived in the bucket `uploads`. Each is taken once, however often it is told of.
    pub fn arrived<'a>(&'a self, context: &'a Context, keys: Vec<String>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for key in keys {
                self.start(context, &key).await?;
            }
            Ok(())
        })
    }

    async fn start(&self, context: &Context, key: &str) -> Result<()> {
        let video = match ids_of_source(key) {
            Some((upload, video)) => self
                .store
                .current(context, video)
                .await?
                .filter(|v| v.upload_id == upload && v.source_key == key),
            None => None,
        };
        let Some(video) = video else {
            // Nobody announced it, or its upload was cancelled, or its video deleted.
            return self.uploads.remove(context, key).await;
        };
        match video.status {
            Status::Uploading | Status::Queued => {}
            // Told of again.
            Status::Transcoding | Status::Ready => return Ok(()),
            // It came after its video's end.
            Status::Failed => return self.uploads.remove(context, key).await,
        }
        match self.look(context, &video).await? {
            Found::Gone => Ok(()),
            Found::Wrong(why) => self.store.fail(context, &video, why).await,
            Found::Fine(media, picture) => self.transcode(context, &video, &media, picture).await,
        }
    }

    async fn look(&self, context: &Context, video: &Video) -> Result<Found> {
        let key = &video.source_key;
        let Some(head) = self.uploads.head(context, key).await? else { return Ok(Found::Gone) };
        if head.size_bytes != video.source_bytes {
            return Ok(Found::Wrong(VideoError::ContentMismatch));
        }
        let Some(bytes) = self.uploads.beginning(context, key, BEGINNING).await? else {
            return Ok(Found::Gone);
        };
        let announced = Container::of_media_type(&video.content_type);
        let fits = Container::of_bytes(&bytes).zip(announced).is_some_and(|(found, said)| found.is(said));
        if !fits {
            return Ok(Found::Wrong(VideoError::ContentMismatch));
        }
        Ok(match self.transcoder.probe(context, &self.uploads.url(key)).await? {
            Look::Missing => Found::Gone,
            Look::Unreadable(_) => Found::Wrong(VideoError::UnreadableMedia),
            Look::Readable(media) => match media.picture {
                Some(picture) => Found::Fine(media, picture),
                None => Found::Wrong(VideoError::NoVideoStream),
            },
        })
    }

    /// Creates the job and says so. A death in between is mended by the redelivery, whose token gets the same job; and
    /// should that be so late that MediaConvert forgot the token, the job's first event has told of it by then.
    async fn transcode(
        &self,
        context: &Context,
        video: &Video,
        media: &Media,
        picture: Picture,
    ) -> Result<()> {
        let spec = ladder::job(video, media, picture, &self.uploads, &self.media);
        let job = self.transcoder.create(context, &spec).await?;
        let update = Update::key(
            video_key(video.id),
            "SET #status = :next, job_id = :job, duration_seconds = :duration, updated_at = :now",
        )
        .value(":job", &job)
        .value(":duration", media.duration_seconds)
        .value(":now", context.now());
        let done = self
            .store
            .table
            .transaction()
            .update(moving(update, Status::Transcoding).or(CommonError::Conflict))
            .update(
                Update::key(upload_key(video.upload_id), "SET #status = :completed")
                    .name("#status", "status")
                    .value(":completed", UploadStatus::Completed)
                    // Nobody cancelled it meanwhile.
                    .when("#status IN (:uploading, :completed)")
                    .value(":uploading", UploadStatus::Uploading)
                    .or(CommonError::Conflict),
            )
            .delete(Delete::key(due_key(video.id, Due::Upload)))
            .commit(context)
            .await;
        match done {
            Err(e) if e.is(CommonError::Conflict) => self.overtaken(context, video, &job).await,
            other => other,
        }
    }

    /// The job exists, but the video did not wait for it: it was deleted, or the job's own events were faster.
    async fn overtaken(&self, context: &Context, video: &Video, job: &str) -> Result<()> {
        match self.store.current(context, video.id).await? {
            Some(now) if now.status != Status::Failed => Ok(()),
            _ => {
                self.transcoder.cancel(context, job).await?;
                self.uploads.remove(context, &video.source_key).await
            }
        }
    }
}
