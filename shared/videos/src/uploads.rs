//! How a file gets in: the client sends it to S3 itself, over URLs that are signed here.

use kernel::ids::{UploadId, VideoId};
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result, Time};
use messaging::queues;
use objects::{Bucket, Completed, Part};
use storage::{Delete, Put, Send, Update};

use crate::catalog::{tidy_category, tidy_tags};
use crate::container::Container;
use crate::error::VideoError;
use crate::listing;
use crate::model::{
    Due, Method, Plan, Publication, Upload, UploadStatus, Video, Visibility, due_key, source_key, upload_key,
    video_key,
};
use crate::status::{Status, moving};
use crate::store::{Store, due_row};
use crate::sweep::Sweep;
use crate::upload_view::{
    Accepted, Complete, Initiate, Initiated, PartUrl, PutHeaders, ReceivedPart, SentPart, SignParts,
    SignedParts, UploadView,
};

/// Takes files in.
#[derive(Clone)]
pub struct Uploads {
    store: Store,
    bucket: Bucket,
}

/// 20 GB.
pub const SIZE_MAX: u64 = 20 * 1024 * 1024 * 1024;
/// 100 MB: the largest file that one PUT takes.
pub const PUT_MAX: u64 = 100 * 1024 * 1024;
/// 16 MB a part: 20 GB are 1,280 parts, far below S3's 10,000.
const PART_SIZE: u64 = 16 * 1024 * 1024;
/// URLs given at once.
pub(crate) const URLS_MAX: u32 = 100;
/// An hour.
const URL_LIVES_S: u64 = 3600;
/// A day.
const UPLOAD_LIVES_S: i64 = 86_400;
/// Ended uploads can be looked at for a week.
const KEPT_S: i64 = 7 * 86_400;

impl Domain for Uploads {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let uploads = Self {
            store: Store::open(env, &mut settings),
            bucket: Bucket::open(env, &mut settings, "uploads"),
        };
        settings.finish()?;
        Ok(uploads)
    }
}

/// `Err(UPLOAD_EXPIRED)` when its day is over, unless it is complete.
fn in_time(upload: &Upload, now: Time) -> Result<()> {
    let over = upload.status != UploadStatus::Completed && now >= upload.ends_at;
    if over { Err(VideoError::UploadExpired.into()) } else { Ok(()) }
}

fn parts_of(size_bytes: u64) -> u32 {
    u32::try_from(size_bytes.div_ceil(PART_SIZE)).unwrap_or(u32::MAX)
}

impl Uploads {
    /// Begins an upload: the video's record, and URLs for its file.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`.
    pub fn initiate<'a>(&'a self, context: &'a Context, body: Initiate) -> BoxFuture<'a, Result<Initiated>> {
        Box::pin(self.begin(context, body))
    }

    async fn begin(&self, context: &Context, body: Initiate) -> Result<Initiated> {
        let owner_id = context.caller()?.user;
        let container = Container::of_media_type(&body.content_type)
            .ok_or_else(|| Error::field("content_type", "NOT_ALLOWED"))?;
        let (video_id, upload_id): (VideoId, UploadId) = (context.id(), context.id());
        let now = context.now();
        let key = source_key(upload_id, video_id, container.extension());
        let content_type = container.media_type().to_owned();
        let is_multipart = body.size_bytes > PUT_MAX;
        // S3 first: a death here leaves an upload without parts, which the bucket's lifecycle ends after a day.
        let multipart_id = if is_multipart {
            Some(self.bucket.begin_multipart(context, &key, &content_type).await?)
        } else {
            None
        };
        let upload = Upload {
            upload_id,
            video_id,
            owner_id,
            method: if is_multipart { Method::Multipart } else { Method::Put },
            status: UploadStatus::Uploading,
            source_key: key.clone(),
            content_type: content_type.clone(),
            size_bytes: body.size_bytes,
            multipart_id: multipart_id.clone(),
            part_size: is_multipart.then_some(PART_SIZE),
            part_count: is_multipart.then(|| parts_of(body.size_bytes)),
            created_at: now,
            ends_at: now.plus_s(UPLOAD_LIVES_S),
        };
        let video = Video {
            id: video_id,
            owner_id,
            kind: body.kind,
            title: body.title.trim().to_owned(),
            description: body.description.as_deref().unwrap_or_default().trim().to_owned(),
            tags: tidy_tags(&body.tags),
            category: body.category.as_deref().and_then(tidy_category),
            status: Status::Uploading,
            progress_percent: 0,
            failure: None,
            publication: Publication::Draft,
            visibility: Visibility::Public,
            min_plan: Plan::Free,
            is_adult: false,
            publish_at: None,
            published_at: None,
            created_at: now,
            updated_at: now,
            revision: 1,
            upload_id,
            source_key: key,
            source_bytes: body.size_bytes,
            content_type: content_type.clone(),
            multipart_id,
            job_id: None,
            duration_seconds: None,
            width: None,
            height: None,
            renditions: Vec::new(),
            thumbnails: Vec::new(),
            has_preview: false,
            captions: std::collections::BTreeMap::new(),
            view_count: 0,
            like_count: 0,
            comment_count: 0,
            listed_views: 0,
        };
        let first: Vec<u32> = (1..=upload.part_count.unwrap_or(1).min(URLS_MAX)).collect();
        let mut parts = self.urls(context, &upload, &first).await?;
        let answer = Initiated {
            video_id,
            upload_id,
            method: upload.method,
            url: if is_multipart { None } else { parts.pop().map(|p| p.url) },
            headers: (!is_multipart).then_some(PutHeaders { content_type }),
            part_size: upload.part_size,
            part_count: upload.part_count,
            parts: is_multipart.then_some(parts),
            expires_at: upload.ends_at,
        };
        self.store
            .table
            .transaction()
            .put(Put::row(&video_key(video_id), &video).unless_exists().or(CommonError::Conflict))
            .put(listing::owner_row(&video))
            .put(
                Put::row(&upload_key(upload_id), &upload)
                    .expires_at(upload.ends_at.plus_s(KEPT_S).s())
                    .unless_exists()
                    .or(CommonError::Conflict),
            )
            .put(due_row(video_id, Due::Upload, upload.ends_at))
            .result(&answer)
            .commit(context)
            .await?;
        Ok(answer)
    }

    /// The caller's upload. Another's is not there.
    async fn own(&self, context: &Context, id: UploadId) -> Result<Upload> {
        let caller = context.caller()?.user;
        let item = self.store.table.get_consistent(context, upload_key(id)).await?;
        let upload: Upload = item.ok_or(VideoError::UploadNotFound)?.read()?;
        if upload.owner_id != caller {
            return Err(VideoError::UploadNotFound.into());
        }
        in_time(&upload, context.now())?;
        Ok(upload)
    }

    async fn urls(&self, context: &Context, upload: &Upload, numbers: &[u32]) -> Result<Vec<PartUrl>> {
        let mut parts = Vec::with_capacity(numbers.len());
        for &part_number in numbers {
            let url = match &upload.multipart_id {
                Some(id) => {
                    self.bucket
                        .presign_part(context, &upload.source_key, id, part_number, URL_LIVES_S)
                        .await?
                }
                None => {
                    self.bucket
                        .presign_put(
                            context,
                            &upload.source_key,
                            &upload.content_type,
                            upload.size_bytes,
                            URL_LIVES_S,
                        )
                        .await?
                }
            };
            parts.push(PartUrl { part_number, url });
        }
        Ok(parts)
    }

    /// More URLs. A single PUT's URL is renewed as part 1.
    ///
    /// # Errors
    /// `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`, `UPLOAD_CLOSED`, `VALIDATION_FAILED`.
    pub fn sign_parts<'a>(
        &'a self,
        context: &'a Context,
        id: UploadId,
        body: &'a SignParts,
    ) -> BoxFuture<'a, Result<SignedParts>> {
        Box::pin(async move {
            let upload = self.own(context, id).await?;
            if upload.status != UploadStatus::Uploading {
                return Err(VideoError::UploadClosed.into());
            }
            let last = upload.part_count.unwrap_or(1);
            if let Some(at) = body.part_numbers.iter().position(|n| !(1..=last).contains(n)) {
                return Err(Error::field(format!("part_numbers[{at}]"), "OUT_OF_RANGE"));
            }
            Ok(SignedParts { parts: self.urls(context, &upload, &body.part_numbers).await? })
        })
    }

    /// What has arrived.
    ///
    /// # Errors
    /// `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`.
    pub fn get<'a>(&'a self, context: &'a Context, id: UploadId) -> BoxFuture<'a, Result<UploadView>> {
        Box::pin(async move {
            let upload = self.own(context, id).await?;
            let received = match (upload.status, &upload.multipart_id) {
                (UploadStatus::Aborted, _) => Vec::new(),
                (UploadStatus::Uploading, Some(multipart)) => {
                    self.bucket.parts(context, &upload.source_key, multipart).await?.unwrap_or_default()
                }
                _ => self.whole(context, &upload).await?.into_iter().collect(),
            };
            let received_parts = received
                .into_iter()
                .map(|p| ReceivedPart { part_number: p.number, etag: p.etag, size_bytes: p.size_bytes })
                .collect();
            Ok(UploadView {
                upload_id: upload.upload_id,
                video_id: upload.video_id,
                status: upload.status,
                method: upload.method,
                size_bytes: upload.size_bytes,
                part_size: upload.part_size,
                part_count: upload.part_count,
                received_parts,
                expires_at: upload.ends_at,
            })
        })
    }

    /// The whole file as one part, if it is there.
    async fn whole(&self, context: &Context, upload: &Upload) -> Result<Option<Part>> {
        let head = self.bucket.head(context, &upload.source_key).await?;
        Ok(head.map(|h| Part { number: 1, etag: h.etag, size_bytes: h.size_bytes }))
    }

    /// Makes one file of the parts; its arrival starts everything else. A completion that is repeated answers the
    /// same; after a single PUT it only says that the file is there.
    ///
    /// # Errors
    /// `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`, `UPLOAD_CLOSED`, `UPLOAD_INCOMPLETE`.
    pub fn complete<'a>(
        &'a self,
        context: &'a Context,
        id: UploadId,
        body: &'a Complete,
    ) -> BoxFuture<'a, Result<Accepted>> {
        Box::pin(async move {
            let upload = self.own(context, id).await?;
            let answer = Accepted { video_id: upload.video_id, status: Status::Queued };
            match upload.status {
                UploadStatus::Completed => return Ok(answer),
                UploadStatus::Aborted => return Err(VideoError::UploadClosed.into()),
                UploadStatus::Uploading => {}
            }
            let arrived = match &upload.multipart_id {
                Some(multipart) => self.join(context, &upload, multipart, body.parts.as_deref()).await?,
                None => self.whole(context, &upload).await?.is_some(),
            };
            if !arrived {
                return Err(incomplete(&[1]));
            }
            self.close(context, &upload).await?;
            Ok(answer)
        })
    }

    async fn join(
        &self,
        context: &Context,
        upload: &Upload,
        multipart: &str,
        sent: Option<&[SentPart]>,
    ) -> Result<bool> {
        let Some(arrived) = self.bucket.parts(context, &upload.source_key, multipart).await? else {
            // Completed before, by a call that died before it could say so; or given up.
            return Ok(self.whole(context, upload).await?.is_some());
        };
        let parts = chosen(&arrived, upload.part_count.unwrap_or(1), sent)?;
        match self.bucket.complete_multipart(context, &upload.source_key, multipart, &parts).await? {
            Completed::Done => Ok(true),
            Completed::Unknown => Ok(self.whole(context, upload).await?.is_some()),
            Completed::Refused => Err(incomplete(&[])),
        }
    }

    /// The file is there. The event of its arrival may have moved the video on already.
    async fn close(&self, context: &Context, upload: &Upload) -> Result<()> {
        let closing = || {
            Update::key(upload_key(upload.upload_id), "SET #status = :completed")
                .name("#status", "status")
                .value(":completed", UploadStatus::Completed)
                // Nobody cancelled it meanwhile.
                .when("#status <> :aborted")
                .value(":aborted", UploadStatus::Aborted)
                .or(VideoError::UploadClosed)
        };
        let queue = Update::key(video_key(upload.video_id), "SET #status = :next");
        let done = self
            .store
            .table
            .transaction()
            .update(closing())
            .update(moving(queue, Status::Queued).or(CommonError::Conflict))
            .commit(context)
            .await;
        match done {
            Err(e) if e.is(CommonError::Conflict) => {
                self.store.table.update(context, closing().if_exists()).await.map(drop)
            }
            other => other,
        }
    }

    /// Gives an upload up: its video's record ends, parts and file go.
    ///
    /// # Errors
    /// `UPLOAD_NOT_FOUND`, `UPLOAD_EXPIRED`, `UPLOAD_CLOSED`.
    pub fn abort<'a>(&'a self, context: &'a Context, id: UploadId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let upload = self.own(context, id).await?;
            match upload.status {
                UploadStatus::Aborted => return Ok(()),
                UploadStatus::Completed => return Err(VideoError::UploadClosed.into()),
                UploadStatus::Uploading => {}
            }
            let sweep = Sweep::of_upload(&upload);
            let mut transaction = self
                .store
                .table
                .transaction()
                .update(
                    Update::key(upload_key(id), "SET #status = :aborted")
                        .name("#status", "status")
                        .value(":aborted", UploadStatus::Aborted)
                        // Nobody completed it meanwhile.
                        .when("#status = :uploading")
                        .value(":uploading", UploadStatus::Uploading)
                        .or(VideoError::UploadClosed),
                )
                .delete(
                    Delete::key(video_key(upload.video_id))
                        .name("#status", "status")
                        // No job has begun on it.
                        .when("attribute_not_exists(pk) OR #status = :uploading")
                        .value(":uploading", Status::Uploading)
                        .or(VideoError::UploadClosed),
                );
            for key in [crate::model::owner_key(upload.video_id), due_key(upload.video_id, Due::Upload)] {
                transaction = transaction.delete(Delete::key(key));
            }
            transaction.send(Send::to(queues::TRANSCODE_EVENTS, &sweep)).commit(context).await?;
            // At once for the person who waits; the sweep does it when this call dies here.
            let _ = match &upload.multipart_id {
                Some(multipart) => self.bucket.abort_multipart(context, &upload.source_key, multipart).await,
                None => self.bucket.remove(context, &upload.source_key).await,
            };
            Ok(())
        })
    }
}

/// The parts to make the file of: those announced, as they arrived. Parts beyond the last are left behind.
fn chosen(arrived: &[Part], count: u32, sent: Option<&[SentPart]>) -> Result<Vec<Part>> {
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    for number in 1..=count {
        let part = arrived.iter().find(|p| p.number == number);
        let told = sent.map(|s| s.iter().find(|p| p.part_number == number));
        match (part, told) {
            (Some(part), None) => parts.push(part.clone()),
            (Some(part), Some(Some(told))) if told.etag.trim_matches('"') == part.etag => {
                parts.push(part.clone());
            }
            _ => missing.push(number),
        }
    }
    if missing.is_empty() { Ok(parts) } else { Err(incomplete(&missing)) }
}

fn incomplete(missing: &[u32]) -> Error {
    let some: Vec<u32> = missing.iter().copied().take(URLS_MAX as usize).collect();
    VideoError::UploadIncomplete.with("missing_parts", some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32) -> Part {
        Part { number, etag: format!("e{number}"), size_bytes: PART_SIZE }
    }

    fn sent(number: u32, etag: &str) -> SentPart {
        SentPart { part_number: number, etag: etag.to_owned() }
    }

    #[test]
    fn the_largest_file_has_few_enough_parts() {
        assert!(parts_of(SIZE_MAX) <= 10_000);
        assert_eq!(parts_of(PUT_MAX + 1), 7);
    }

    #[test]
    fn missing_and_changed_parts_are_named() {
        let arrived = [part(1), part(3), part(4)];
        assert_eq!(chosen(&arrived, 1, None).unwrap(), [part(1)]);
        let missing = |e: Error| e.members().get("missing_parts").unwrap().to_string();
        assert_eq!(missing(chosen(&arrived, 4, None).unwrap_err()), "[2]");
        let told = [sent(1, "\"e1\""), sent(2, "e2"), sent(3, "other")];
        assert_eq!(missing(chosen(&arrived, 4, Some(&told)).unwrap_err()), "[2,3,4]");
        let whole = [sent(1, "e1")];
        assert_eq!(chosen(&arrived, 1, Some(&whole)).unwrap().len(), 1);
    }
}
