//! Transcoding by AWS Elemental MediaConvert: look at a file ([`Transcoder::probe`]), make a streaming presentation
//! and pictures of it ([`Transcoder::create`]), stop ([`Transcoder::cancel`]).
//!
//! Its SDK crate is large: only functions that call MediaConvert link this crate.

mod settings;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_mediaconvert::Client;
use aws_sdk_mediaconvert::error::SdkError;
use aws_sdk_mediaconvert::types::{ProbeInputFile, StatusUpdateInterval, Track, TrackType};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use kernel::{BoxFuture, Context, Env, Error, Result, Settings};

/// Probing reads the index of a file wherever it lies, which takes a while for large ones.
const ATTEMPT: Duration = Duration::from_secs(20);

/// MediaConvert with the product's role and queue. Cheap to clone.
#[derive(Clone)]
pub struct Transcoder {
    client: Client,
    role: Arc<str>,
    queue: Arc<str>,
}

/// What a look at a file told.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// It can be read.
    Readable(Media),
    /// MediaConvert cannot make sense of it; why, for the log.
    Unreadable(String),
    /// There is no such object.
    Missing,
}

/// A media file.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// Length, if the file says.
    pub duration_seconds: Option<f64>,
    /// The first picture track.
    pub picture: Option<Picture>,
    /// Whether there is a sound track.
    pub sound: bool,
}

/// A picture track, as it is meant to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across, turned upright, with square pixels.
    pub width: u32,
    /// Pixels down, turned upright.
    pub height: u32,
}

/// A job: one source, a streaming presentation of several renditions, captured frames.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSpec {
    /// Two calls with one token make one job. At most 64 characters.
    pub token: String,
    /// `s3://bucket/key`.
    pub source: String,
    /// Comes back in every event.
    pub metadata: Vec<(&'static str, String)>,
    /// `s3://bucket/folder/name`: the main playlist is `name.m3u8`, a rendition's `name_{rendition}.m3u8`.
    pub destination: String,
    /// Length of a segment.
    pub segment_seconds: u32,
    /// From the largest to the smallest.
    pub renditions: Vec<Rendition>,
    /// Whether the source has sound.
    pub sound: bool,
    /// Captured frames.
    pub frames: Vec<Frames>,
}

/// One rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// For example `720p`.
    pub name: String,
    /// Pixels across; even.
    pub width: u32,
    /// Pixels down; even.
    pub height: u32,
    /// The picture's highest bit rate, in bits per second.
    pub bit_rate_max: u32,
    /// The sound's bit rate, in bits per second.
    pub sound_bit_rate: u32,
}

/// Frames captured at regular times, the first at 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// `s3://bucket/folder/name`: frames are `name.0000000.jpg` and so on.
    pub destination: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// So many frames …
    pub count: u32,
    /// … in so many seconds.
    pub in_seconds: u32,
    /// At most so many.
    pub count_max: u32,
}

impl Transcoder {
    /// Reads `TRANSCODE_ROLE_ARN` and `TRANSCODE_QUEUE_ARN`.
    #[must_use]
    pub fn open(env: &Env, settings: &mut Settings<'_>) -> Self {
        let config = aws_sdk_mediaconvert::config::Builder::from(env.sdk())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(ATTEMPT)
                    .build(),
            )
            .build();
        Self {
            client: Client::from_conf(config),
            role: settings.text("TRANSCODE_ROLE_ARN").into(),
            queue: settings.text("TRANSCODE_QUEUE_ARN").into(),
        }
    }

    /// Looks at a file in S3.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when MediaConvert may answer later.
    pub fn probe<'a>(&'a self, context: &'a Context, url: &'a str) -> BoxFuture<'a, Result<Look>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let file = ProbeInputFile::builder().file_url(url).build();
            let answer = match self.client.probe().input_files(file).send().await {
                Ok(answer) => answer,
                Err(SdkError::ServiceError(e)) if e.err().is_not_found_exception() => {
                    return Ok(Look::Missing);
                }
                Err(SdkError::ServiceError(e))
                    if e.err().is_unprocessable_entity_exception() || e.err().is_bad_request_exception() =>
                {
                    return Ok(Look::Unreadable(e.err().message().unwrap_or_default().to_owned()));
                }
                Err(e) => return Err(failed("Probe", &e)),
            };
            let container = answer.probe_results().first().and_then(|r| r.container());
            let Some(container) = container else {
                return Ok(Look::Unreadable("no container".to_owned()));
            };
            let of_kind = |kind: &TrackType| {
                let kind = kind.clone();
                container.tracks().iter().filter(move |t| t.track_type() == Some(&kind))
            };
            let picture = of_kind(&TrackType::Video).find_map(|t| t.video_properties()).and_then(picture);
            let longest = of_kind(&TrackType::Video).filter_map(Track::duration).fold(0.0, f64::max);
            let duration_seconds = container.duration().or((longest > 0.0).then_some(longest));
            let sound = of_kind(&TrackType::Audio).next().is_some();
            Ok(Look::Readable(Media { duration_seconds, picture, sound }))
        })
    }

    /// Creates the job, or answers the one that this token made before; its id.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when MediaConvert may take it later.
    pub fn create<'a>(&'a self, context: &'a Context, spec: &'a JobSpec) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            let metadata: HashMap<String, String> =
                spec.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let answer = self
                .client
                .create_job()
                .client_request_token(&spec.token)
                .role(&*self.role)
                .queue(&*self.queue)
                .status_update_interval(StatusUpdateInterval::Seconds10)
                .set_user_metadata(Some(metadata))
                .settings(settings::of(spec))
                .send()
                .await
                .map_err(|e| failed("CreateJob", &e))?;
            answer.job.and_then(|j| j.id).ok_or_else(|| Error::internal("CreateJob: no id"))
        })
    }

    /// Stops a job; one that ended, or is not known, is fine.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when MediaConvert may take it later.
    pub fn cancel<'a>(&'a self, context: &'a Context, job: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            context.meter.count(0.0, 0.0);
            match self.client.cancel_job().id(job).send().await {
                Ok(_) => Ok(()),
                Err(SdkError::ServiceError(e))
                    if e.err().is_not_found_exception() || e.err().is_conflict_exception() =>
                {
                    Ok(())
                }
                Err(e) => Err(failed("CancelJob", &e)),
            }
        })
    }
}

fn picture(track: &aws_sdk_mediaconvert::types::VideoProperties) -> Option<Picture> {
    let side = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let (width, height) = (side(track.width())?, side(track.height())?);
    let ratio = |r: &aws_sdk_mediaconvert::types::AspectRatio| side(r.numerator()).zip(side(r.denominator()));
    let (across, down) = track.sample_aspect_ratio().and_then(ratio).unwrap_or((1, 1));
    let width = u64::from(width) * u64::from(across) / u64::from(down);
    let width = u32::try_from(width).unwrap_or(u32::MAX).max(1);
    let lying = track.rotation().is_some_and(|degrees| degrees.rem_euclid(180) == 90);
    Some(if lying { Picture { width: height, height: width } } else { Picture { width, height } })
}

fn failed<E>(operation: &'static str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("?");
            let cause = format!("{operation}: {code} {}", service.err().message().unwrap_or(""));
            let passing = service.raw().status().as_u16() >= 500 || code == "TooManyRequestsException";
            if passing { Error::unavailable(cause) } else { Error::internal(cause) }
        }
        SdkError::ConstructionFailure(_) => Error::internal(format!("{operation}: {error:?}")),
        other => Error::unavailable(format!("{operation}: {other:?}")),
    }
}
