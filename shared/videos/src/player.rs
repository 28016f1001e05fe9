//! Leave to watch: who may play gets an address that works with cookies and one that works without.

use kernel::ids::VideoId;
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Result, Time};
use objects::Bucket;
use playback::{Leave, Signer, TokenProblem};
use schemars::JsonSchema;
use serde::Serialize;
use social::Follows;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::{Viewer, asks_for_follow, play};
use crate::error::VideoError;
use crate::hls;
use crate::model::{MASTER, PREVIEW, Rendition, Video, media_folder};
use crate::store::Store;

/// Gives leave to watch.
#[derive(Clone)]
pub struct Player {
    store: Store,
    follows: Follows,
    signer: Signer,
    public_url: Arc<str>,
    cookie_domain: Option<Arc<str>>,
}

/// Serves playlists whose every URI is signed.
#[derive(Clone)]
pub struct Manifests {
    media: Bucket,
    signer: Signer,
    public_url: Arc<str>,
}

/// A day.
const LEAVE_S: i64 = 86_400;

/// Captions to be fetched.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CaptionUrl {
    /// Language.
    pub language: String,
    /// WebVTT, signed.
    pub url: String,
}

/// Leave to watch a video.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Stream {
    /// The main playlist for players that send the cookies.
    pub playback_url: String,
    /// The main playlist for players without cookies: every URI in it is signed.
    pub manifest_url: String,
    /// Until when all of this is good.
    pub expires_at: Time,
    /// The cookies, which also come as `Set-Cookie`: name → value.
    pub cookies: BTreeMap<String, String>,
    /// Sizes to play in, the largest first.
    pub renditions: Vec<Rendition>,
    /// Captions.
    pub captions: Vec<CaptionUrl>,
    /// Pictures from several times, signed.
    pub thumbnails: Vec<String>,
    /// A WebVTT track of preview pictures for the time bar.
    pub preview_url: Option<String>,
}

/// Leave to watch, and the cookies as headers.
pub struct Watching {
    /// The answer.
    pub stream: Stream,
    /// `Set-Cookie` values.
    pub cookies: Vec<String>,
}

/// What the query of a playlist holds.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
pub struct ManifestQuery {
    /// The playback token.
    #[schemars(length(max = 200))]
    pub token: Option<String>,
}

/// A playlist or track.
pub struct Manifest {
    /// Its media type.
    pub media_type: &'static str,
    /// Its text.
    pub text: String,
}

impl Domain for Player {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let player = Self {
            store: Store::open(env, &mut settings),
            follows: Follows::open(env, &mut settings),
            signer: Signer::open(env, &mut settings),
            public_url: settings.text("PUBLIC_URL").trim_end_matches('/').into(),
            cookie_domain: env.get("COOKIE_DOMAIN").map(Into::into),
        };
        settings.finish()?;
        Ok(player)
    }
}

impl Domain for Manifests {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let manifests = Self {
            media: Bucket::open(env, &mut settings, "media"),
            signer: Signer::open(env, &mut settings),
            public_url: settings.text("PUBLIC_URL").trim_end_matches('/').into(),
        };
        settings.finish()?;
        Ok(manifests)
    }
}

/// What a playback token of this video opens.
fn subject(video: VideoId) -> String {
    format!("video {video}")
}

fn manifest_url(public_url: &str, video: VideoId, file: &str, token: &str) -> String {
    format!("{public_url}/api/videos/{video}/manifest/{file}?token={token}")
}

impl Player {
    /// Leave to watch the video for a day.
    ///
    /// # Errors
    /// `VIDEO_NOT_FOUND`, `VIDEO_NOT_READY`, `FOLLOWERS_ONLY`, `SUBSCRIBERS_ONLY`, `PLAN_REQUIRED`,
    /// `AGE_VERIFICATION_REQUIRED`.
    pub fn watch<'a>(&'a self, context: &'a Context, id: VideoId) -> BoxFuture<'a, Result<Watching>> {
        Box::pin(async move {
            let video = self.store.find(context, id).await?;
            let viewer = Viewer::of(context);
            let follows = match viewer.user {
                Some(user) if asks_for_follow(&video, &viewer) => {
                    self.follows.is_following(context, user, video.owner_id).await?
                }
                _ => false,
            };
            play(&video, &viewer, follows)?;
            self.leave(context, video).await
        })
    }

    async fn leave(&self, context: &Context, video: Video) -> Result<Watching> {
        let (id, folder) = (video.id, media_folder(video.id));
        let expires_at = Time::from_ms(context.now().s() * 1000).plus_s(LEAVE_S);
        let leave = self.signer.sign(context, &format!("{folder}*"), expires_at).await?;
        let token = self.signer.token(context, &subject(id), expires_at).await?;
        let (cdn, query) = (self.signer.cdn_url(), leave.query());
        let signed = |name: &str| format!("{cdn}/{folder}{name}?{query}");
        let captions = video
            .captions
            .iter()
            .map(|(language, name)| CaptionUrl {
                language: language.clone(),
                url: signed(&format!("{name}.vtt")),
            })
            .collect();
        let stream = Stream {
            playback_url: format!("{cdn}/{folder}{MASTER}"),
            manifest_url: manifest_url(&self.public_url, id, MASTER, &token),
            expires_at,
            cookies: leave.cookies().map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            captions,
            thumbnails: video.thumbnails.iter().map(|name| signed(name)).collect(),
            preview_url: video.has_preview.then(|| manifest_url(&self.public_url, id, PREVIEW, &token)),
            renditions: video.renditions,
        };
        let cookies = self.set_cookies(&leave, &folder);
        Ok(Watching { stream, cookies })
    }

    /// The cookies as headers, for this video's folder alone, so that those of another video live beside them.
    fn set_cookies(&self, leave: &Leave, folder: &str) -> Vec<String> {
        // Browsers keep `Secure` cookies from plain HTTP, which only the one-machine product speaks.
        let secure = if self.signer.cdn_url().starts_with("https:") {
            "; Secure; SameSite=None"
        } else {
            "; SameSite=Lax"
        };
        let domain = self.cookie_domain.as_deref().map(|d| format!("; Domain={d}")).unwrap_or_default();
        leave
            .cookies()
            .map(|(name, value)| {
                format!("{name}={value}; Path=/{folder}; Max-Age={LEAVE_S}; HttpOnly{secure}{domain}")
            })
            .into()
    }
}

impl Manifests {
    /// A playlist of the video, or its preview track, for the holder of a playback token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `TOKEN_EXPIRED`, `MANIFEST_NOT_FOUND`.
    pub fn get<'a>(
        &'a self,
        context: &'a Context,
        id: VideoId,
        file: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Manifest>> {
        Box::pin(async move {
            let token = token.ok_or(CommonError::Unauthenticated)?;
            let until = match self.signer.verify(context, &subject(id), token).await? {
                Ok(until) => until,
                Err(TokenProblem::Forged) => return Err(CommonError::Unauthenticated.into()),
                Err(TokenProblem::Expired) => return Err(CommonError::TokenExpired.into()),
            };
            if !is_manifest(file) {
                return Err(VideoError::ManifestNotFound.into());
            }
            let folder = media_folder(id);
            let stored = self.media.read(context, &format!("{folder}{file}")).await?;
            let stored = stored.ok_or(VideoError::ManifestNotFound)?;
            let leave = self.signer.sign(context, &format!("{folder}*"), until).await?;
            let (cdn, query) = (self.signer.cdn_url(), leave.query());
            let resolve = |uri: &str| {
                if is_manifest(uri) {
                    manifest_url(&self.public_url, id, uri, token)
                } else {
                    format!("{cdn}/{folder}{uri}?{query}")
                }
            };
            let text = String::from_utf8_lossy(&stored.bytes);
            Ok(if file == PREVIEW {
                Manifest { media_type: "text/vtt; charset=utf-8", text: hls::rewrite_track(&text, &resolve) }
            } else {
                Manifest { media_type: crate::captions::PLAYLIST, text: hls::rewrite(&text, &resolve) }
            })
        })
    }
}

/// Whether this names a playlist in the video's own folder.
fn is_manifest(file: &str) -> bool {
    let plain = file.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let playlist = file.strip_suffix(".m3u8").is_some_and(|stem| !stem.is_empty());
    plain && file.len() <= 200 && (file == PREVIEW || playlist)
}

#[cfg(test)]
mod tests {
    use super::is_manifest;

    #[test]
    fn only_playlists_of_the_folder_itself_are_served() {
        for good in ["master.m3u8", "master_720p.m3u8", "captions_zh-Hant_0a1b.m3u8", "preview.vtt"] {
            assert!(is_manifest(good), "{good}");
        }
        for bad in
            ["", ".m3u8", "../x.m3u8", "a/b.m3u8", "master_720p_00001.ts", "captions_ja.vtt", "a%2f.m3u8"]
        {
            assert!(!is_manifest(bad), "{bad}");
        }
    }
}
