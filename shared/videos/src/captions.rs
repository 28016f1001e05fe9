//! Captions of a video: stored as WebVTT, and named in its main playlist.
//!
//! What captions there are is decided by the video's item. The main playlist is written from it: read the playlist,
//! read the item, write in place of the playlist that was read. Whoever writes last has read the item after the write
//! before, so of any number of people who add captions at once none is lost. A death between item and playlist is
//! mended by a message that was sent with the item.

use kernel::ids::VideoId;
use kernel::{BoxFuture, Check, CommonError, ConfigError, Context, Domain, Env, Error, Result, Validate};
use messaging::queues;
use objects::{Bucket, Written};
use playback::Signer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::{Send, Update};

use crate::access::{Viewer, owned};
use crate::error::VideoError;
use crate::hls;
use crate::model::{MASTER, media_folder, video_key};
use crate::status::Status;
use crate::store::Store;
use crate::webvtt::{CaptionFormat, tidy};

/// Adds captions.
#[derive(Clone)]
pub struct Captions {
    store: Store,
    media: Bucket,
    signer: Signer,
}

/// 2 MB.
pub const CAPTIONS_MAX: usize = 2 * 1024 * 1024;
/// Languages a video may have.
const LANGUAGES_MAX: usize = 50;
const ATTEMPTS: usize = 20;

/// Captions in one language.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct AddCaptions {
    /// BCP 47, for example `ja` or `zh-Hant`.
    #[schemars(length(min = 2, max = 35), regex(pattern = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"))]
    pub language: String,
    /// How it is written.
    pub format: CaptionFormat,
    /// The text.
    #[schemars(length(min = 1, max = 2_097_152))]
    pub content: String,
}

impl Validate for AddCaptions {
    fn validate(&self, check: &mut Check) {
        let mut parts = self.language.split('-');
        let primary = parts
            .next()
            .is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
        let rest = parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
        check.that(primary && rest && self.language.len() <= 35, "language", "INVALID_FORMAT");
        check.that(!self.content.trim().is_empty(), "content", "REQUIRED");
        check.that(self.content.len() <= CAPTIONS_MAX, "content", "TOO_LONG");
    }
}

/// Captions of a video in one language.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CaptionView {
    /// The video.
    pub video_id: VideoId,
    /// Language.
    pub language: String,
    /// The text, signed, good for half a day at least.
    pub url: String,
}

/// Asks for the main playlist to be written anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subtitles {
    pub(crate) task: SubtitlesTag,
    pub(crate) video_id: VideoId,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubtitlesTag {
    Subtitles,
}

impl Domain for Captions {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let captions = Self {
            store: Store::open(env, &mut settings),
            media: Bucket::open(env, &mut settings, "media"),
            signer: Signer::open(env, &mut settings),
        };
        settings.finish()?;
        Ok(captions)
    }
}

/// `ja`, `zh-Hant`, `pt-BR`: as BCP 47 recommends to write them.
fn canonical(language: &str) -> String {
    let mut parts = language.split('-');
    let mut out = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        out.push('-');
        match part.len() {
            2 => out.push_str(&part.to_ascii_uppercase()),
            4 => {
                let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
                out.push_str(&first.to_ascii_uppercase());
                out.push_str(&rest.to_ascii_lowercase());
            }
            _ => out.push_str(&part.to_ascii_lowercase()),
        }
    }
    out
}

impl Captions {
    /// Adds captions, or replaces those of the same language.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `FORBIDDEN`, `VIDEO_NOT_READY`, `CAPTIONS_INVALID`.
    pub fn add<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        body: &'a AddCaptions,
    ) -> BoxFuture<'a, Result<CaptionView>> {
        Box::pin(self.write(context, id, body))
    }

    async fn write(&self, context: &Context, id: VideoId, body: &AddCaptions) -> Result<CaptionView> {
        let video = self.store.current(context, id).await?.ok_or(VideoError::VideoNotFound)?;
        owned(&video, &Viewer::of(context))?;
        if video.status != Status::Ready {
            return Err(VideoError::VideoNotReady.into());
        }
        let language = canonical(&body.language);
        if video.captions.len() >= LANGUAGES_MAX && !video.captions.contains_key(&language) {
            return Err(Error::field("language", "NOT_ALLOWED"));
        }
        let text = tidy(body.format, &body.content)
            .map_err(|bad| VideoError::CaptionsInvalid.with("line", bad.0))?;
        // Named by what it says: a text that is added again is the same object, another never meets an old copy in
        // a cache.
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let name = format!("captions_{language}_{}", digest.get(..16).unwrap_or(&digest));
        let folder = media_folder(id);
        let playlist = hls::captions_playlist(&name, video.duration_seconds.unwrap_or(0.0));
        // The text before what points to it.
        self.media
            .write(
                context,
                &format!("{folder}{name}.vtt"),
                "text/vtt; charset=utf-8",
                text.into_bytes(),
                None,
            )
            .await?;
        self.media
            .write(context, &format!("{folder}{name}.m3u8"), PLAYLIST, playlist.into_bytes(), None)
            .await?;
        let task = Subtitles { task: SubtitlesTag::Subtitles, video_id: id };
        let stored = self
            .store
            .table
            .transaction()
            .update(
                Update::key(video_key(id), "SET #captions.#language = :name, updated_at = :now")
                    .name("#captions", "captions")
                    .name("#language", &language)
                    .value(":name", &name)
                    .value(":now", context.now())
                    // Nobody deleted it meanwhile.
                    .if_exists()
                    .or(VideoError::VideoNotFound),
            )
            .send(Send::to(queues::TRANSCODE_EVENTS, &task))
            .commit(context)
            .await;
        if let Err(error) = stored {
            if error.is(VideoError::VideoNotFound) {
                self.forget(context, &format!("{folder}{name}")).await;
            }
            return Err(error);
        }
        write_subtitles(&self.store, &self.media, context, id).await?;
        if let Some(old) = video.captions.get(&language).filter(|old| **old != name) {
            // Players that are reading the old text now lose it; nobody else points to it.
            self.forget(context, &format!("{folder}{old}")).await;
        }
        let leave = self.signer.lasting(context, &format!("{folder}captions_*")).await?;
        let url = format!("{}/{folder}{name}.vtt?{}", self.signer.cdn_url(), leave.query());
        Ok(CaptionView { video_id: id, language, url })
    }
}

impl Captions {
    /// Removes a text that nothing points to. The sweep of its video takes what this leaves.
    async fn forget(&self, context: &Context, stem: &str) {
        for ending in ["m3u8", "vtt"] {
            let _ = self.media.remove(context, &format!("{stem}.{ending}")).await;
        }
    }
}

/// Media type of playlists.
pub(crate) const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// Writes the main playlist with the captions that the video's item names.
pub(crate) async fn write_subtitles(
    store: &Store,
    media: &Bucket,
    context: &Context,
    id: VideoId,
) -> Result<()> {
    let key = format!("{}{MASTER}", media_folder(id));
    for _ in 0..ATTEMPTS {
        // The order matters: the item is read after the playlist that is to be replaced.
        let Some(master) = media.read(context, &key).await? else { return Ok(()) };
        let Some(video) = store.current(context, id).await? else { return Ok(()) };
        let text = String::from_utf8_lossy(&master.bytes);
        let written = hls::with_subtitles(&text, &video.captions);
        if written == text {
            return Ok(());
        }
        let etag = Some(master.etag.as_str());
        if media.write(context, &key, PLAYLIST, written.into_bytes(), etag).await? == Written::Done {
            return Ok(());
        }
    }
    Err(CommonError::Conflict.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_written_in_one_way() {
        for (given, written) in
            [("JA", "ja"), ("zh-hant", "zh-Hant"), ("pt-br", "pt-BR"), ("sr-Latn-RS", "sr-Latn-RS")]
        {
            assert_eq!(canonical(given), written);
        }
    }

    #[test]
    fn a_language_that_is_none_is_refused() {
        let refused = |language: &str| {
            let body =
                AddCaptions { language: language.into(), format: CaptionFormat::Vtt, content: "x".into() };
            let mut check = Check::new();
            body.validate(&mut check);
            check.finish().is_err()
        };
        for bad in ["", "j", "japanese", "ja_JP", "ja-", "../x", "ja-\"", "日本"] {
            assert!(refused(bad), "{bad}");
        }
        assert!(!refused("ja") && !refused("zh-Hant-TW"));
    }
}
